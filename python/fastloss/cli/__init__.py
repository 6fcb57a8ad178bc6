"""The command line: `fastloss` and `python -m fastloss`."""

from fastloss.cli.commands import main

__all__ = ["main"]
