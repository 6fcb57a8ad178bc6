"""Collection rules and the state that no test may leave behind."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

# Test modules share `cases` and `references`; pytest's importlib mode puts no folder on the path.
sys.path.insert(0, str(Path(__file__).parent))

# The references are computed in a type that is wider than float64.
assert np.finfo(np.longdouble).nmant >= 63, "these tests need an extended or quadruple longdouble"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """A part of the suite runs in this process: starting workers takes longer than most parts do."""
    one_file = len(config.args) == 1 and config.args[0].endswith(".py")
    part = one_file or config.option.keyword or any("::" in argument for argument in config.args)
    return 0 if part or config.option.collectonly else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Skips what needs a package that is missing; CI sees to it that every test runs somewhere."""
    needed = [package for mark in item.iter_markers("needs") for package in mark.args]
    missing = [package for package in needed if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}")


@pytest.fixture(autouse=True)
def restored_settings():
    """Gives the instruction set and the number of threads back after every test, which has the teams it asks for."""
    import fastloss as fl

    fl._core.set_adaptive_teams(False)
    isa, threads = fl._core.active_isa(), fl.get_num_threads()
    yield
    if fl._core.active_isa() != isa:
        fl._core.use_isa(isa)
    if fl.get_num_threads() != threads:
        fl.set_num_threads(threads)


@pytest.fixture
def use_isa():
    """Chooses an instruction set for the rest of the test."""
    import fastloss as fl

    return fl._core.use_isa
