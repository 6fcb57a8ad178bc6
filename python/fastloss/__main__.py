"""`python -m fastloss`: the command line, and the folder that CMake needs to find the C++ library."""

from fastloss.cli import main

raise SystemExit(main())
