"""Code in a Python process of its own: what is read when the package is loaded, and what could hang."""

from __future__ import annotations

import os
import subprocess
import sys

PREAMBLE = """
import os, sys, threading
import numpy as np
import fastloss as fl
fl._core.set_adaptive_teams(False)
x = np.linspace(-3, 3, 1 << 20)
y = np.cos(x)
def call():
    value, gradient = fl.huber_loss.value_and_grad(x, y)
    return value.tobytes() + gradient.tobytes()
"""


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FASTLOSS_", "OMP_"))}
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PREAMBLE + code],
        capture_output=True,
        text=True,
        timeout=600,  # for what hangs; a busy machine may take minutes
        env={**clean, **environment},
    )


def output(code: str, **environment: str) -> str:
    result = run_python(code, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()
