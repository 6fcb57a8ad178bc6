"""Every instruction set that this machine runs gives the same numbers to within the bound."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import cases
import fastloss as fl
from references import REFERENCES


@pytest.mark.parametrize("name", cases.NAMES)
def test_reduced_values_agree(name, use_isa):
    operands = cases.sample(REFERENCES[name], cases.seed(name, "isa"), 100003, np.float32)
    values, size = [], np.mean(np.abs(cases.loss(name)(**operands, reduction="none")))
    for isa in cases.ISAS:
        use_isa(isa)
        values.append(cases.loss(name)(**operands))
    np.testing.assert_allclose(values, values[:1] * len(values), rtol=0, atol=1e-6 * size)


def test_the_baseline_is_always_there():
    assert len(cases.ISAS) == len(set(cases.ISAS)) >= 1
    assert fl._core.active_isa() in cases.ISAS


def test_unknown_instruction_set(use_isa):
    with pytest.raises(ValueError, match="v9"):
        use_isa("v9")


def _run(isa):
    code = (
        "import numpy as np, fastloss as fl\n"
        "x = np.linspace(-9, 9, 5001, dtype=np.float32)\n"
        "value, gradient = fl.huber_loss.value_and_grad(x, np.zeros_like(x), delta=2.0)\n"
        "print(fl._core.active_isa(), float(value).hex(), float(gradient.sum(dtype=float)).hex())"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "FASTLOSS_ISA": isa},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("isa", cases.ISAS)
def test_environment_variable_chooses(isa, use_isa):
    done = _run(isa)
    assert done.returncode == 0, done.stderr
    name, value, _ = done.stdout.split()
    use_isa(isa)
    x = np.linspace(-9, 9, 5001, dtype=np.float32)
    assert name == isa
    assert float(fl.huber_loss(x, np.zeros_like(x), delta=2.0)).hex() == value


def test_environment_variable_with_a_wrong_name():
    done = _run("v9")
    assert done.returncode != 0
    assert "FASTLOSS_ISA" in done.stderr
    assert "v9" in done.stderr
