"""The benchmark of fastloss against its peers and the memory floor; `python -m bench --help` tells how to run it."""

import sys
from pathlib import Path

# Everybody has to agree with the tests' own references, which are importable from a clone only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
