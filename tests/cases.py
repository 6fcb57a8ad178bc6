"""The registry joined with the references: what is tested, with which data, and within which bound."""

from __future__ import annotations

import itertools
import zlib
from typing import NamedTuple

import numpy as np

import fastloss as fl
from references import REFERENCES, Reference
from references.reductions import expand

INFO = dict(fl.losses())
# The gate fails for a registered loss without a reference; every other test runs on those that have one.
NAMES = tuple(name for name in INFO if name in REFERENCES)
ISAS = tuple(fl._core.available_isas())
DTYPES = (np.float32, np.float64)
LONG = np.longdouble


class Check(NamedTuple):
    """One thing that is tested about one loss. The gate demands a test parameterised with each."""

    loss: str
    what: str

    def __str__(self) -> str:
        return f"{self.loss}-{self.what}".replace(" ", "_")


def loss(name):
    """The loss object under test."""
    return getattr(fl, name)


def seed(*parts) -> np.random.Generator:
    """A generator that depends on the names of a test alone."""
    return np.random.default_rng(zlib.crc32("/".join(map(str, parts)).encode()))


def quantities(name) -> list[str]:
    """Everything that a loss computes: its value, the gradient in each operand, its Hessian."""
    info = INFO[name]
    gradients = [f"gradient:{operand}" for operand in differentiable(name)]
    return ["value", *gradients, *(["hessian"] if info.elementwise else [])]


def checks(kind=None) -> list[Check]:
    """A check for each quantity of each loss, or of one kind of quantity."""
    return [Check(name, q) for name in NAMES for q in quantities(name) if kind is None or q.startswith(kind)]


def option_sets(reference: Reference) -> list[dict]:
    """The defaults, then each option with each of its other values, then the combinations worth trying."""
    alone = ({name: value} for name, values in reference.options.items() for value in values)
    return [{}, *alone, *map(dict, reference.combined_options)]


def presences(reference: Reference) -> list[tuple[str, ...]]:
    """Which operands are given: every subset of the optional ones, and all that have a default."""
    required = [o.name for o in reference.operands if not o.optional]
    optional = [o.name for o in reference.operands if o.optional]
    subsets = itertools.chain.from_iterable(itertools.combinations(optional, n) for n in range(len(optional) + 1))
    return [tuple(n for n in reference.names if n in required or n in chosen) for chosen in subsets]


def required(name) -> list[str]:
    """The operands that a call must give."""
    return [operand.name for operand in REFERENCES[name].operands if not operand.may_be_left_out]


class Domain(NamedTuple):
    """The numbers that an operand may be, read from the registry's text: "", "{-1, 1}", "[0, inf)", "(0, 1)"."""

    lower: float
    upper: float
    lower_open: bool
    upper_open: bool
    ends_only: bool

    @classmethod
    def parse(cls, text: str) -> Domain:
        """The domain in the registry's words."""
        if not text:
            return cls(-np.inf, np.inf, False, False, False)
        lower, upper = map(float, text[1:-1].split(","))
        return cls(lower, upper, text[0] == "(", text[-1] == ")", text[0] == "{")

    def contains(self, x) -> np.ndarray:
        """Which of the numbers lie in it."""
        x = np.asarray(x)
        if self.ends_only:
            return (x == self.lower) | (x == self.upper)
        above = x > self.lower if self.lower_open else x >= self.lower
        return above & (x < self.upper if self.upper_open else x <= self.upper)

    def room(self, x) -> np.ndarray:
        """How far the numbers lie from where it ends; labels are seen as points of the real line."""
        return np.full(np.shape(x), np.inf) if self.ends_only else np.minimum(x - self.lower, self.upper - x)


def domain(name, operand) -> Domain:
    """The domain of an operand under the default options."""
    return Domain.parse(next(o.domain for o in INFO[name].operands if o.name == operand))


def bare_number(name, operand):
    """A number that the operand may be: an integer if there is one."""
    return next(x for x in (1, 2, 0.5, 0, -1) if domain(name, operand).contains(x))


def left_out(operand, count):
    """What the formula sees where the operand is left out of a call with `count` elements on the last axis."""
    default = np.asarray(1.0 if operand.default is None else operand.default)
    assert default.ndim == 0 or default.size == count, f"{operand.name} has {default.size} defaults"
    return default


def differentiable(name) -> list[str]:
    """The operands that the loss has a gradient in."""
    return [operand.name for operand in INFO[name].operands if operand.differentiable]


def arrays(reference: Reference, values, dtype) -> dict[str, np.ndarray]:
    """The given values of operands as contiguous arrays: of `dtype`, or of an integer one for integer operands."""
    return {k: np.array(v, reference.operand(k).dtype(dtype)) for k, v in values.items()}


def combinations(reference: Reference, choices, dtype) -> dict[str, np.ndarray]:
    """Operands of which each has several values: every combination of these, element by element."""
    columns = zip(*itertools.product(*choices.values()), strict=True)
    return arrays(reference, dict(zip(choices, columns, strict=True)), dtype)


def sample(reference: Reference, rng, count, dtype, mode="ordinary", present=None) -> dict[str, np.ndarray]:
    """Operands drawn for a loss, with their spread asserted: a generator that yields one value tests nothing."""
    drawn: dict[str, np.ndarray] = {}
    for operand in reference.operands:
        if present is not None and operand.name not in present:
            continue
        drawn[operand.name] = getattr(operand, mode)(rng, count, operand.dtype(dtype).type, drawn)
        _assert_spread(operand, drawn[operand.name], mode)
    return drawn


def _assert_spread(operand, values, mode):
    assert values.dtype.kind in "iu" if operand.integer else values.dtype in DTYPES
    assert np.isfinite(values).all()
    if values.size < 64:
        return
    distinct = np.unique(values)
    if operand.integer:
        assert distinct.size > 3 or set(distinct) == set(operand.specials), f"{operand.name}: only {distinct}"
        return
    labels = [x for x in operand.specials if np.isfinite(x)]
    if set(distinct) <= set(labels):
        assert len(distinct) == len(labels), f"{operand.name}: only {distinct}"
        return
    assert distinct.size > values.size // 5, f"{operand.name}: {distinct.size} distinct values of {values.size}"
    if mode == "wide":
        magnitudes = np.abs(values[values != 0])
        info = np.finfo(values.dtype)
        assert magnitudes.min() < info.smallest_normal, f"{operand.name}: no subnormal value"
        assert (values == 0).any(), f"{operand.name}: no zero"
        assert magnitudes.max() > info.max**0.9 or values.max() <= 1, f"{operand.name}: nothing near the largest number"


def most_extreme(name) -> dict[str, float]:
    """The special values at which the loss is largest, infinite unless it is bounded."""
    reference = REFERENCES[name]
    present = presences(reference)[0]
    operands = combinations(reference, {n: reference.operand(n).specials for n in present}, np.float64)
    value = Exact(reference, operands, {}, np.float64)("value")
    worst = np.argmax(np.where(np.isnan(value), -1, np.abs(value)))
    return {k: v[worst] for k, v in operands.items()}


def compute(name, quantity, operands, options, **call):
    """The quantity as fastloss computes it."""
    function, call = loss(name), {"reduction": "none", **call}
    if quantity == "value":
        return function(**operands, **options, **call)
    if quantity == "hessian":
        return function.hess(**operands, **options, **call)
    return function.grad(**operands, **options, wrt=quantity.removeprefix("gradient:"), **call)


class Exact:
    """Value, gradients and Hessian of the unreduced loss, by the reference, at the numbers that the dtype holds."""

    def __init__(self, reference: Reference, operands, options, dtype):
        self.reference = reference.pointwise
        self.dtype = np.dtype(dtype)
        self.options = {
            k: LONG(self.dtype.type(v)) if isinstance(v, float) else v
            for k, v in {**self.reference.defaults, **options}.items()
        }
        shape = np.shape(operands[reference.first])
        given = {
            k: np.broadcast_to(expand(self.reference.operand(k), np.asarray(v), shape), shape).astype(LONG)
            for k, v in operands.items()
        }
        self.weights = [given.pop(o.name) for o in self.reference.operands if o.multiplies and o.name in given]
        self.operands = given
        for operand in self.reference.operands:
            if operand.may_be_left_out and not operand.multiplies and operand.name not in given:
                default = left_out(operand, shape[-1] if shape else 1).astype(self.dtype).astype(LONG)
                self.operands[operand.name] = np.broadcast_to(default, shape)
        everything = [*self.operands.values(), *self.weights]
        self.missing = np.any([np.isnan(x) for x in everything], axis=0)

    def raw(self, quantity, **replaced):
        """The quantity without the factor from outside; NaN wherever the value is."""
        operands = {**self.operands, **replaced}
        with np.errstate(all="ignore"):
            value = self.reference.value(**operands, **self.options)
            if quantity == "value":
                return value + LONG(0)
            if quantity == "hessian":
                result = self.reference.hessian(**operands, **self.options)
            else:
                result = self.reference.gradients[quantity.removeprefix("gradient:")](**operands, **self.options)
            return np.where(np.isnan(value), value, result)

    def _multiplier(self, quantity):
        """The factor from outside, and the name of the quantity that it multiplies."""
        operand = quantity.removeprefix("gradient:")
        outside = operand in self.reference.names and self.reference.operand(operand).multiplies
        if outside:
            return [], "value"
        return self.weights, quantity

    def __call__(self, quantity):
        weights, quantity = self._multiplier(quantity)
        result = self.raw(quantity)
        with np.errstate(all="ignore"):
            for weight in weights:
                result = np.where(weight == 0, 0, weight * result)
        return np.where(self.missing, np.nan, result)

    def _kinks(self):
        """Which elements lie exactly at a kink, and which are only rounded to one by a difference in the dtype."""
        if self.reference.distance_to_kink is None:
            nowhere = np.zeros(self.missing.shape, bool)
            return nowhere, nowhere
        narrow = {k: v.astype(self.dtype) for k, v in self.operands.items()}
        options = {k: self.dtype.type(v) if isinstance(v, LONG) else v for k, v in self.options.items()}
        with np.errstate(all="ignore"):
            exact = self.reference.distance_to_kink(**self.operands, **self.options) == 0
            return exact, (self.reference.distance_to_kink(**narrow, **options) == 0) & ~exact

    def bound(self, quantity):
        """4 ulp of the result, one ulp of each operand and of each term formed first, as they move the result."""
        exact = self(quantity)
        weights, quantity = self._multiplier(quantity)
        raw = self.raw(quantity)
        moved = np.zeros(exact.shape, LONG)
        at_kink, onto_kink = self._kinks()
        with np.errstate(all="ignore"):
            for name, x in self.operands.items():
                step = ulp(x, self.dtype)
                if self.reference.operand(name).integer:
                    step = np.where(x.astype(self.dtype) == x, 0, step)
                moves = [self.raw(quantity, **{name: x + sign * step}) - raw for sign in (1, -1)]
                # The smaller of the two: beside a jump the result must be on the right side, unless the difference
                # that decides the side is rounded onto the jump itself.
                lesser, greater = np.minimum(*np.abs(moves)), np.maximum(*np.abs(moves))
                moved += np.nan_to_num(np.where(onto_kink, greater, lesser), nan=0.0, posinf=0.0)
            moved[at_kink & (quantity != "value")] = 0
            terms = self.reference.formed_first.get(quantity.removeprefix("gradient:"))
            if terms is not None:
                moved += sum(
                    _product(ulp(term, self.dtype), np.abs(slope))
                    for term, slope in terms(**self.operands, **self.options)
                )
            for weight in weights:
                moved = np.abs(weight) * (moved + ulp(raw, self.dtype)) + ulp(weight, self.dtype) * np.abs(
                    np.where(np.isfinite(raw), raw, 0)
                )
            bound = self.reference.ulps * ulp(exact, self.dtype) + moved
        return np.where(np.isnan(bound), 0, bound)


def _product(a, b):
    return np.where(b == 0, 0, a * b)


def ulp(x, dtype):
    """The distance between the numbers of `dtype` around x; infinite beyond the largest of them, 0 at infinity."""
    info = np.finfo(dtype)
    exponent = np.frexp(np.where(np.isfinite(x), x, 0))[1] - 1
    gap = np.ldexp(LONG(1), np.maximum(np.where(x == 0, info.minexp, exponent), info.minexp) - info.nmant)
    gap = np.where(exponent >= info.maxexp, np.inf, gap)
    return np.where(np.isfinite(x), gap, 0)


def assert_within(got, exact, bound, dtype, what=""):
    """Fails with the worst element unless |got - exact| <= bound everywhere, with equal infinities and NaNs."""
    got = np.asarray(got)
    assert got.dtype == dtype, f"{what}: dtype {got.dtype}"
    assert got.shape == exact.shape, f"{what}: shape {got.shape}, not {exact.shape}"
    largest = LONG(np.finfo(dtype).max)
    with np.errstate(all="ignore"):
        wide = got.astype(LONG)
        close = np.abs(wide - exact) <= bound
        # Beyond the largest number the right result is infinite, and within the bound of that either is.
        overflow = np.isinf(wide) & (np.sign(wide) == np.sign(exact)) & (np.abs(exact) + bound > largest)
        fine = np.where(np.isnan(exact), np.isnan(wide), close | overflow | (wide == exact))
        excess = np.where(fine, 0, np.nan_to_num(np.abs(wide - exact) / bound, nan=np.inf, posinf=np.inf))
    if not fine.all():
        worst = np.unravel_index(np.argmax(excess), excess.shape)
        raise AssertionError(
            f"{what}: {np.count_nonzero(~fine)} of {fine.size} elements out of bounds; worst at "
            f"{tuple(map(int, worst))}: got {got[worst]!r}, exact {exact[worst]!r}, {excess[worst]:.3g} times the bound"
        )
