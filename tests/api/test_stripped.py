"""The package under `python -OO`, which drops docstrings, and reloaded: all but the documentation works as ever."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fastloss as fl

PREAMBLE = """
import copy, dataclasses, functools, importlib, inspect, pickle, pydoc, sys
import numpy as np
import fastloss as fl
"""


def run_optimised(code, *options):
    done = subprocess.run([sys.executable, *options, "-c", PREAMBLE + code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


EVERY_LOSS = """
for name, info in fl.losses().items():
    loss = getattr(fl, name)
    assert (loss.__doc__, info.summary, info.formula) == (None, "", ""), name
    assert info.operands and info.family and info.reference
    for function in (loss, loss.grad, loss.value_and_grad):
        assert function.__doc__ is None
        assert "input" in inspect.signature(function).parameters
        assert functools.wraps(function)(lambda: None).__name__ == function.__name__
        assert repr(function).startswith("fastloss." + name)
    for copied in (copy.copy(loss), copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert copied == loss
    options = {option.name: option.default for option in info.options if option.default is not None}
    assert pickle.loads(pickle.dumps(loss.partial(**options))) == loss.partial(**options)
    if info.rowwise or info.elementwise:
        for made in (loss.ufunc, loss.grad_ufunc):
            assert isinstance(made, np.ufunc)
            assert pickle.loads(pickle.dumps(made)) is made
            assert isinstance(made.__doc__, str)
    assert name in pydoc.render_doc(loss, renderer=pydoc.plaintext)
print(len(fl.losses()))
"""


def test_every_loss_works_without_docstrings():
    assert run_optimised(EVERY_LOSS, "-OO") == f"{len(fl.losses())}\n"


def test_a_loss_computes_without_docstrings():
    code = "print(fl.huber_loss.value_and_grad([3.0], [0.0]), fl.ufuncs.huber_loss(3.0, 0.0, 1.0), fl.softmax([1.0]))"
    assert run_optimised(code, "-OO") == run_optimised(code)


@pytest.mark.parametrize("command", ["losses", "config"])
def test_the_command_line_works_without_docstrings(command):
    done = subprocess.run([sys.executable, "-OO", "-m", "fastloss", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "huber_loss" in done.stdout or command == "config"


RELOADED = """
before, info = fl.huber_loss, fl.losses()["huber_loss"]
for _ in range(2):
    assert importlib.reload(fl) is fl
assert fl.huber_loss is before
assert callable(fl.losses) and fl.losses()["huber_loss"] is info
assert fl.ufuncs.huber_loss is before.ufunc
assert pickle.loads(pickle.dumps(before)) is before
print(fl.huber_loss([3.0], [0.0]), sorted(fl.__all__) == sorted(set(fl.__all__)))
"""


def test_the_package_can_be_reloaded():
    assert run_optimised(RELOADED) == "2.5 True\n"
