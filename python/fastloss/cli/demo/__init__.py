"""`fastloss demo`: fastloss trains on real data and is timed beside NumPy. Every number that it prints is measured."""

from fastloss.cli.demo.report import run

__all__ = ["run"]
