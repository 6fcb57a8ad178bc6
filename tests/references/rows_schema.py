"""What a row-wise loss adds to the tests: the formula of one class, from its source, and what to feed it.

A row-wise loss is the sum over the classes c of a row

    l = sum_c w_c f(u_c, t_c)        u_c = s_c - r(s)        s_c = logit(z_c)

where z are the row's scores and r is a *reference* of the row. The derivatives of r (`row_statistics`), the chain rule
(`rows`), label smoothing, weights, ignored and masked rows and every reduction (`row_reductions`) are computed once for
all losses, in `numpy.longdouble`. What a loss adds is `f` and its derivatives: `value`, `slope` (df/du), `curve`
(d2f/du2), `in_target` (df/dt). A loss of softmax probabilities is therefore a few lines; Poly-1, -log p + epsilon
(1 - p), for example::

    POLY = RowReference(
        name="poly_loss",
        operands=(SCORES, TARGET, WEIGHT),
        reference="log_sum_exp",
        value=lambda u, t, epsilon: times(t, -u - epsilon * np.expm1(u)),
        slope=lambda u, t, epsilon: times(t, -1 - epsilon * np.exp(u)),
        curve=lambda u, t, epsilon: times(t, -epsilon * np.exp(u)),
        in_target=lambda u, t, epsilon: -u - epsilon * np.expm1(u),
        defaults={"epsilon": 2.0, "label_smoothing": 0.0},
        options={"epsilon": (0.5, -1.0), "label_smoothing": (0.1,)},
        golden=(RowCase(([0.0, 0.0], 0), {}, 1.6931471806),),
        torch=lambda torch, operands, options, reduction: ...,
    )

Rules of the formulas:

- They take arrays of shape (rows, classes) and the options that are not named in `GENERIC`, as keywords; u is exact to
  longdouble precision where it is tiny, so `expm1` and `log1p` keep what they are given.
- `times(t, x)` (of `references.units`) is the product that is 0 where t is 0, whatever x is.
- Under class indices the formula is evaluated with t = 1 at the target class and counts nowhere else, unless
  `counts="others"`: then it counts at every class but the target (and the weight is that of the target).
- `label_smoothing`, if the loss has it, makes class indices probabilities, (1 - eps) one-hot + eps / C, and moves
  given probabilities likewise.
- `logit` transforms the scores first: `Logit(value, slope, curve, in_operands)`, functions of z, of `is_target` (bool,
  of z's shape), of the operands of kind "per_class" and of the options, all but z as keywords.
- A loss that is not of this form gives `parts`: a function of `references.rows.RowInputs` that returns
  `references.rows.Parts`. So does one of lists of classes, which are the `t` of its inputs.

`distance_to_kink(u, t, **options)` keeps finite differences away from jumps of the derivative; `formed_first(u, t,
**options)` is what a dtype rounds before the formula begins, in units of u: an ulp of it is granted (|u| + |margin| of
a margin that is added to u). `draws` replaces the ordinary scores under an option.

To add a loss: a module with a tuple `ROW_REFERENCES`, and the module's name in `references/__init__.py`. SCORES,
TARGET, INDEX, DISTRIBUTION and WEIGHT are in `references.softmax`. In `tests/engines/rowwise`, `test_references.py`
then holds the derivatives against finite differences in longdouble, `test_torch.py` fastloss against torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Array = np.ndarray
Kind = Literal["scores", "target", "index", "list", "distribution", "logits", "weight", "per_class"]
Draw = Callable[[np.random.Generator, int, int, type], Array]  # (generator, rows, classes, dtype) -> array

# Options that `row_reductions` understands; formulas never see them.
GENERIC = frozenset({"label_smoothing"})


@dataclass(frozen=True)
class RowOperand:
    """An operand: its part in the loss, and how to draw it.

    Parts: "scores" (of each class of each row), "target" (class indices or probabilities, as the dtype says), "index"
    (class indices), "list" (of each row the class indices before the first -1), "distribution" (a number for each class
    of each row), "logits" (the same, with a softmax of its own), "weight" (torch's: one for each class, it multiplies
    from outside), "per_class" (one for each class, in the logit). Class indices beside logits are optional: with and
    without them are two kinds of calls.
    """

    name: str
    kind: Kind
    ordinary: Draw  # "target" draws probabilities; class indices are drawn by the tests
    wide: Draw  # hostile but finite
    optional: bool = False
    differentiable: bool = True
    outside: float | None = None  # a number outside its domain, if it has one


@dataclass(frozen=True)
class Logit:
    """A transformation of the scores before anything else: f(z, is_target, **per-class operands, **options)."""

    value: Callable[..., Array]
    slope: Callable[..., Array]  # in z
    curve: Callable[..., Array]
    in_operands: Mapping[str, Callable[..., Array]] = field(default_factory=dict)
    # Magnitudes in units of the logit that are rounded on the way to it.
    formed_first: Callable[..., Array] | None = None
    of_target: bool = False  # a class's logit depends on whether it is the target


@dataclass(frozen=True)
class RowCase:
    """Operands, keywords, and the value that is known for them, right to ten decimals."""

    operands: tuple[Any, ...]
    keywords: Mapping[str, Any]
    value: Any


@dataclass(frozen=True)
class RowKink:
    """One row at which a convention decides: scores, class index or target, and exactly what must come out."""

    label: str
    scores: tuple[float, ...]
    target: Any
    value: float
    gradient: tuple[float, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RowReference:
    """A row-wise loss as its literature defines it."""

    name: str
    operands: tuple[RowOperand, ...]
    reference: Literal["log_sum_exp", "zero", "runner_up", "picked", "sparsemax"] = "log_sum_exp"
    value: Callable[..., Array] | None = None
    slope: Callable[..., Array] | None = None
    curve: Callable[..., Array] | None = None
    in_target: Callable[..., Array] | None = None
    logit: Logit | None = None
    # A term of the row's reference, added once to its loss: (value, slope, curve) of (r, **options).
    of_reference: tuple[Callable[..., Array], Callable[..., Array], Callable[..., Array]] | None = None
    parts: Callable[..., Any] | None = None
    counts: Literal["target", "others"] = "target"
    mean_over_classes: bool = False
    # The denominator of the mean under class indices: the weights of the targets, or the number of rows.
    denominator_term: Literal["weight", "count"] = "weight"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    combined_options: tuple[Mapping[str, Any], ...] = ()
    golden: tuple[RowCase, ...] = ()
    kinks: tuple[RowKink, ...] = ()
    # torch.nn.functional's spelling: f(torch, operands, options, reduction) -> tensor, classes on axis 1.
    torch: Callable[..., Any] | None = None
    torch_options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    torch_ignores: bool = True  # torch's function takes ignore_index
    torch_without_gradient: tuple[str, ...] = ("weight",)
    distance_to_kink: Callable[..., Array] | None = None
    formed_first: Callable[..., Array] | None = None
    # The size of the terms of the slope, where they cancel.
    cancelled: Callable[..., Array] | None = None
    # "shift-invariant" (in the scores), "convex", "non-negative".
    properties: frozenset[str] = frozenset()
    # Per option set, what must be drawn instead of the ordinary scores: {option: {value: draw}}.
    draws: Mapping[str, Mapping[Any, Draw]] = field(default_factory=dict)
    # What subnormal numbers, which have few digits, are multiplied with on the way to a result.
    scale: float = 1.0
    ulps: float = 8.0  # a looser bound needs a reason
    reason: str = ""

    def operand(self, name: str) -> RowOperand:
        """The operand of that name."""
        return next(o for o in self.operands if o.name == name)

    @property
    def first(self) -> str:
        """The name of the scores."""
        return self.operands[0].name

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all operands, in order."""
        return tuple(o.name for o in self.operands)

    @property
    def target(self) -> RowOperand:
        """The operand that is class indices, lists of them, or probabilities."""
        return next(o for o in self.operands if o.kind in ("target", "index", "list", "distribution"))

    @property
    def kinds_of_target(self) -> tuple[str, ...]:
        """Which targets it takes: "index", "list", "distribution"; "logits" for a distribution of logits alone."""
        if self.logits is not None:
            return ("logits", self.target.kind)
        return ("index", "distribution") if self.target.kind == "target" else (self.target.kind,)

    @property
    def logits(self) -> str | None:
        """The name of the distribution that is given as logits, if there is one."""
        return next((o.name for o in self.operands if o.kind == "logits"), None)

    @property
    def weight(self) -> str | None:
        """The name of the weights of the classes, if there are any."""
        return next((o.name for o in self.operands if o.kind == "weight"), None)
