"""The end of an interpreter, and other interpreters than the main one: in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fastloss import _core
from fresh_python import run_python

DAEMONS = """
x, y = x[:1 << 17].copy(), y[:1 << 17].copy()
z, labels = x.reshape(-1, 64), np.arange(1 << 11) % 64

class Slow:  # Python code beneath a call of the module
    def __init__(self, array):
        self.array = array
    def __array__(self, dtype=None, copy=None):
        for _ in range(1000):
            pass
        return self.array

calls = [
    lambda: fl.huber_loss.value_and_grad(x, y),
    lambda: fl.cross_entropy.grad(z, labels),
    lambda: fl.linear_cross_entropy(z[:64], z[64:128], labels[:64]),
    lambda: (fl._core.elementary("exp", x), fl._core.empty_cache()),
    lambda: fl.mse_loss(Slow(x), Slow(y)),
    lambda: fl.huber_loss.partial(delta=2.0).grad([Slow(x[:9]), y[:9]], Slow(y[:18].reshape(2, 9))),
]

def work(one):
    while True:
        one()

for one in calls:
    one()
    threading.Thread(target=work, args=(one,), daemon=True).start()
"""


@pytest.mark.parametrize("attempt", range(20))
def test_daemon_threads_compute_while_the_interpreter_ends(attempt):
    result = run_python(DAEMONS + f"import time; time.sleep({attempt} * 0.002)")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


SUBINTERPRETER = """
import sys
try:
    import _interpreters
    make = lambda: _interpreters.create("legacy")
    def run(interpreter, code):
        error = _interpreters.exec(interpreter, code)
        assert error is None, error
except ImportError:
    import _xxsubinterpreters
    make = lambda: _xxsubinterpreters.create(isolated=False)
    run = _xxsubinterpreters.run_string
CODE = '''
import importlib.machinery, importlib.util
loader = importlib.machinery.ExtensionFileLoader("fastloss._core", PATH)
spec = importlib.util.spec_from_loader("fastloss._core", loader)
for _ in range(2):
    try:
        importlib.util.module_from_spec(spec)
    except ImportError as error:
        assert "does not support loading in subinterpreters" in str(error), error
    else:
        raise AssertionError("it was imported")
try:
    import fastloss
except ImportError as error:
    pass
else:
    raise AssertionError("it was imported")
'''
CODE = CODE.replace("PATH", repr(sys.argv[1]))
"""

FIRST = (
    SUBINTERPRETER
    + """
run(make(), CODE)
run(make(), CODE)
"""
)
SECOND = (
    SUBINTERPRETER
    + """
import numpy as np
import fastloss as fl
run(make(), CODE)
assert fl.mse_loss(np.ones(3), 0.0) == 1.0
"""
)


@pytest.mark.parametrize("code", [FIRST, SECOND], ids=["first", "second"])
def test_a_subinterpreter_gets_an_import_error(code):
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, _core.__file__], capture_output=True, text=True, timeout=120
    )
    assert (result.returncode, result.stderr) == (0, "")
