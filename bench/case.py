"""What a benchmark case says: the sizes of its problem, what has to come out, and how each peer computes it."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

from bench.judge import Problem
from bench.sizes import Size, Sizes


def timed_of(case_name: str) -> str:
    """The loss or function that a case is of: what stands before "+" and the option that sets the case apart."""
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


@dataclass(frozen=True, kw_only=True)
class Case(ABC):
    """How each peer computes a value and its gradients; a subclass for each kind of problem says what they are of.

    A subclass has `sizes` and draws the problem of a size, with the reference that judges everybody, fastloss included.
    fastloss is called by the name of the case, with the operands of the problem, and asked for the gradients that the
    problem has.

    Parameters
    ----------
    numpy
        `f(mode, out, *operands) -> (value, gradient)`: the best plain NumPy, temporaries reused. The gradient goes to
        `out` where that is an array; what `mode` does not ask for may be anything. Gradients in several operands are
        tuples, and so is `out`. If the value is an array, the gradient that flows in follows the operands.
    jax
        `f(jax.numpy, *operands) -> value`; JAX differentiates it. NumPy must be able to compute it too, which tests it
        where JAX is missing: special functions come from `special`.
    torch
        `f(torch, *operands) -> value`; None: the function of this name in `torch.nn.functional`.
    torch_compiled
        The same for `torch.compile`, where it cannot compile what `torch` names; None: as `torch`.
    torch_chunked
        The same, of a function that never holds all class scores at once; None where torch has none.
    apart
        `f(fastloss, mode, out, *operands) -> (value, gradient)`: of a sum of losses, a call of fastloss for each; None
        where the loss is no such sum.
    scipy
        `f(scipy.special, *operands) -> value`; None where SciPy has no such function.
    sklearn
        The class in scikit-learn; None where it has none.
    operands
        The operands in use; None: those that may not be left out.
    fixed
        Operands and options with another value than their default, which the formulas of the peers have built in.
    """

    numpy: Callable[..., tuple[Any, Any]]
    jax: Callable[..., Any]
    torch: Callable[..., Any] | None = None
    torch_compiled: Callable[..., Any] | None = None
    torch_chunked: Callable[..., Any] | None = None
    apart: Callable[..., Any] | None = None
    scipy: Callable[..., Any] | None = None
    sklearn: Sklearn | None = None
    operands: tuple[str, ...] | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)

    sizes: ClassVar[Sizes]
    # Whether the memory that a call needs beside operands and results is a figure of these cases.
    measures_memory: ClassVar[bool] = False

    @abstractmethod
    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """The problem of a size, for the case of that name. Floating operands are of `dtype`."""
