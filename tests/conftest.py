"""Collection rules and the state that no test may leave behind."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

# Test modules share `cases` and `references`; pytest's importlib mode puts no folder on the path.
sys.path.insert(0, str(Path(__file__).parent))

# Oracles that not everybody has installed, and the tests that are nothing without them. CI runs everything.
ORACLES = {"torch": ["test_torch.py", "test_torch_linear.py", "test_torch_rows.py"], "jax": []}
STRICT = os.environ.get("CI", "").lower() in {"1", "true"}

_missing = [package for package in ORACLES if importlib.util.find_spec(package) is None]
if _missing and STRICT:
    raise pytest.UsageError(f"CI must install {' and '.join(_missing)}, or some tests would not run")
collect_ignore = [module for package in _missing for module in ORACLES[package]]

# The references are computed in a type that is wider than float64.
assert np.finfo(np.longdouble).nmant >= 63, "these tests need an extended or quadruple longdouble"


def _fail_if_skipped(report):
    if STRICT and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped or is expected to fail; CI runs everything"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """A part of the suite runs in this process: starting workers takes longer than most parts do."""
    one_file = len(config.args) == 1 and config.args[0].endswith(".py")
    part = one_file or config.option.keyword or any("::" in argument for argument in config.args)
    return 0 if part or config.option.collectonly else None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    _fail_if_skipped(outcome.get_result())


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    outcome = yield
    _fail_if_skipped(outcome.get_result())


@pytest.fixture(autouse=True)
def restored_settings():
    """Gives the instruction set and the number of threads back after every test."""
    import fastloss as fl

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
