"""What a loss adds to the tests: its formula from the literature, what to feed it, and what is known about it.

A reference is written from the paper or from torch's documentation, never from the C++. Its functions take
`numpy.longdouble` arrays (64 bits of mantissa and 15 of exponent), so that neither overflow nor rounding of an
intermediate matters at the precision of float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray
Draw = Callable[..., Array]  # (generator, count, dtype, drawn so far) -> array


def held(terms):
    """Terms that the dtype has to hold."""
    return [(term, slope, True) for term, slope in terms]


def all_held(terms):
    """The function of terms, all of which the dtype has to hold."""
    return lambda **operands: held(terms(**operands))


@dataclass(frozen=True)
class Operand:
    """An operand: how to draw values for it, and which single values are worth trying."""

    name: str
    wide: Draw  # the whole range of the dtype, hostile values included
    ordinary: Draw  # well-scaled values of either sign, where the operand allows it
    specials: tuple[float, ...]  # combined with the specials of the other operands
    optional: bool = False
    multiplies: bool = False  # multiplies the loss from outside the formula, as torch's `weight` does
    kinds: tuple[str, ...] = ("full", "scalar", "column", "row")  # how it may be broadcast over an (N, C) input
    differentiable: bool = True
    integer: bool = False  # class indices or counts: only integer dtypes are accepted, so no NaN and no infinity
    # What the formula sees where the operand is left out: a number, or one for each element of the last axis.
    default: float | tuple[float, ...] | None = None
    checked_always: bool = False  # values outside its domain are an error in every call

    @property
    def may_be_left_out(self) -> bool:
        """A call need not give it."""
        return self.optional or self.default is not None

    def dtype(self, floating) -> np.dtype:
        """The dtype to draw it in where the others are of the dtype `floating`."""
        return np.dtype(f"i{np.dtype(floating).itemsize}") if self.integer else np.dtype(floating)


@dataclass(frozen=True)
class Kink:
    """A point at which a convention decides: what is fed in and exactly what must come out."""

    label: str
    operands: Mapping[str, float]
    value: float
    gradients: Mapping[str, float]
    hessian: float | None
    options: Mapping[str, Any] = field(default_factory=dict)
    in_torch: bool = True  # the torch formula has a number there


@dataclass(frozen=True)
class Reference:
    """A loss as its literature defines it."""

    name: str
    operands: tuple[Operand, ...]
    value: Callable[..., Array]
    gradients: Mapping[str, Callable[..., Array]]
    hessian: Callable[..., Array] | None
    kinks: tuple[Kink, ...]
    # Numbers worked out by hand, or printed in the literature: (operands, keywords, value), right to ten decimals.
    golden: tuple[tuple[tuple[Any, ...], Mapping[str, Any], Any], ...] = ()
    # Of each operand that has a domain, a number outside it.
    outside: Mapping[str, float] = field(default_factory=dict)
    # Each option with other values than its default to try; the operands draw from the default's range.
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    # Options worth trying together, such as those that matter only beside another one.
    combined_options: tuple[Mapping[str, Any], ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    # Pairs of operands of which the first is not larger than the second: other numbers have no meaning.
    ordered: tuple[tuple[str, str], ...] = ()
    # Terms formed first, which a correctly rounded primitive already rounds: {quantity: f -> [(term, slope)]}, where a
    # quantity is "value", an operand's name for its gradient, or "hessian". Those that the dtype has to hold, because
    # the result goes where they overflow or vanish, are marked by `held`. docs/numbers.md lists all in words.
    formed_first: Mapping[str, Callable[..., list[tuple[Array, Any]]]] = field(default_factory=dict)
    # What an element adds to the denominator of the mean: 1, the operand that multiplies, or another one by name.
    denominator_term: str = "count"
    # What reduction="mean" makes of sum / denominator, with the derivative in it; None: the quotient itself.
    head: Callable[..., tuple[Any, Any]] | None = None
    # What reduction="none" makes of the statistic; None: the statistic itself.
    elementwise: Reference | None = None
    # The distance in `operand` to the nearest point where the derivative jumps; differences stay away from it.
    distance_to_kink: Callable[..., Array] | None = None
    # Options with which the gradient in some operands is by definition not the slope of the value: {option: operands}.
    not_slopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # torch.nn.functional's spelling: f(torch, operands, options, reduction) -> tensor; None where torch lacks the loss.
    torch: Callable[..., Any] | None = None
    torch_without_gradient: tuple[str, ...] = ()  # operands that torch does not differentiate
    torch_options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    # What the property tests check: "symmetric", "convex", "non-negative", "homogeneous:<degree>"; "bounded" if no
    # input makes the loss infinite, "no optimum" if no input has a gradient of zero.
    properties: frozenset[str] = frozenset()
    # A point of zero loss gradient: the other operands -> the first operand at the optimum, which may be infinite.
    optimum: Callable[..., Array] | None = None
    ulps: float = 4.0  # a looser bound needs a reason
    reason: str = ""

    def operand(self, name: str) -> Operand:
        """The operand of that name."""
        return next(o for o in self.operands if o.name == name)

    @property
    def first(self) -> str:
        """The name of the prediction: the first operand, whose shape is that of the loss."""
        return self.operands[0].name

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all operands, in order."""
        return tuple(o.name for o in self.operands)

    @property
    def pointwise(self) -> Reference:
        """The reference of what reduction="none" gives."""
        return self.elementwise or self
