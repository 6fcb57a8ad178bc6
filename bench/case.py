"""What a benchmark case says about a loss, and the three things that are timed of each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Mode:
    """What one call has to return."""

    name: str
    value: bool
    gradient: bool


MODES = {
    "value": Mode("value", value=True, gradient=False),
    "grad": Mode("grad", value=False, gradient=True),
    "both": Mode("both", value=True, gradient=True),
}


def loss_of(case_name: str) -> str:
    """The loss that a case is named after: what stands before "+" and the option that sets the case apart."""
    return case_name.partition("+")[0]


def special(xp: ModuleType) -> ModuleType:
    """Where the special functions for arrays of `xp` are: in SciPy for NumPy, beside `jax.numpy` for JAX."""
    return importlib.import_module(xp.__name__.replace("numpy", "scipy", 1) + ".special")


@dataclass(frozen=True)
class Sklearn:
    """A class of `sklearn._loss.loss`, and the factor that turns its loss into fastloss's."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    factor: float = 1.0


@dataclass(frozen=True)
class Case:
    """How each peer computes the mean of a loss over its operands and the gradient of that mean in the first.

    The operands, their data and the reference that judges everybody, fastloss included, come from `tests/references`.

    Parameters
    ----------
    numpy
        `f(mode, out, *operands) -> (value, gradient)`: the best plain NumPy, temporaries reused. The gradient goes to
        `out` where that is an array; what `mode` does not ask for may be anything.
    jax
        `f(jax.numpy, *operands) -> value`; JAX differentiates it. NumPy must be able to compute it too, which tests it
        where JAX is missing: special functions come from `special`.
    torch
        `f(torch, *operands) -> value`; None: the function of this name in `torch.nn.functional`.
    torch_compiled
        The same for `torch.compile`, where it cannot compile what `torch` names; None: as `torch`.
    sklearn
        The class in scikit-learn; None where it has none.
    operands
        The operands in use; None: those that may not be left out.
    fixed
        Operands and options with another value than their default, which the formulas of the peers have built in.
    columns
        The extent of the last axis: above 1, the first operand is a matrix and an operand that aligns to its leading
        axes has one number for each row.
    """

    numpy: Callable[..., tuple[Any, Any]]
    jax: Callable[..., Any]
    torch: Callable[..., Any] | None = None
    torch_compiled: Callable[..., Any] | None = None
    sklearn: Sklearn | None = None
    operands: tuple[str, ...] | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    columns: int = 1
