"""The registry joined with the references: what is tested, with which data, and within which bound."""

from __future__ import annotations

import functools
import itertools
import zlib
from typing import NamedTuple

import numpy as np

import fastloss as fl
from domains import Domain
from exact import LONG, Exact, assert_stored, assert_within, ulp
from references import REFERENCES, Reference

# What the tests of these engines share; those of others have operands of other shapes, and tests of their own.
INFO = {name: info for name, info in fl.losses().items() if info.engine in ("pointwise", "rowwise")}
# The gate fails for a registered loss without a reference; every other test runs on those that have one.
NAMES = tuple(name for name in INFO if name in REFERENCES)
ISAS = tuple(fl._core.available_isas())
DTYPES = (np.float32, np.float64)
EXHAUSTIVE = 2000  # elements: more combinations than these are tried at random

__all__ = ["LONG", "Domain", "Exact", "assert_stored", "assert_within", "ulp"]  # with the definitions below


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


def derivatives() -> list[tuple[Check, type]]:
    """A check for each gradient and Hessian with each dtype, in an order in which neighbours share what is exact."""
    return [(Check(name, q), dtype) for name in NAMES for dtype in DTYPES for q in quantities(name) if q != "value"]


def product_of_dtypes() -> list[tuple]:
    """Each loss with float64, and those that stand for the others with float32 too."""
    return [(name, dtype) for name in NAMES for dtype in DTYPES if dtype == np.float64 or name in REPRESENTATIVES]


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


def domain(name, operand) -> Domain:
    """The domain of an operand under the default options."""
    return Domain.parse(next(o.domain for o in INFO[name].operands if o.name == operand))


def bare_number(name, operand):
    """A number that the operand may be: an integer if there is one."""
    return next(x for x in (1, 2, 0.5, 0, -1) if domain(name, operand).contains(x))


def settings(reference: Reference) -> list[tuple[dict, tuple[str, ...]]]:
    """Options with the operands that are given: each presence with the defaults, each option with every operand."""
    everything = presences(reference)[-1]
    return [({}, present) for present in presences(reference)] + [(o, everything) for o in option_sets(reference)[1:]]


def differentiable(name) -> list[str]:
    """The operands that the loss has a gradient in."""
    return [operand.name for operand in INFO[name].operands if operand.differentiable]


def arrays(reference: Reference, values, dtype) -> dict[str, np.ndarray]:
    """The given values of operands as contiguous arrays: of `dtype`, or of an integer one for integer operands."""
    return {k: np.array(v, reference.operand(k).dtype(dtype)) for k, v in values.items()}


def combinations(reference: Reference, choices, dtype) -> dict[str, np.ndarray]:
    """Operands of which each has several values: every combination of these, element by element, if not too many."""
    rows = list(itertools.product(*choices.values()))
    if len(rows) > EXHAUSTIVE:
        chosen = seed(reference.name, "combinations").choice(len(rows), EXHAUSTIVE, replace=False)
        rows = [rows[i] for i in chosen]
    columns = zip(*rows, strict=True)
    return arrays(reference, dict(zip(choices, columns, strict=True)), dtype)


def sample(reference: Reference, rng, count, dtype, mode="ordinary", present=None) -> dict[str, np.ndarray]:
    """Operands drawn for a loss, with their spread asserted: a generator that yields one value tests nothing."""
    drawn: dict[str, np.ndarray] = {}
    for operand in reference.operands:
        if present is not None and operand.name not in present:
            continue
        drawn[operand.name] = getattr(operand, mode)(rng, count, operand.dtype(dtype).type, drawn)
        _assert_spread(reference.name, operand, drawn[operand.name], mode)
    return drawn


def _assert_spread(name, operand, values, mode):
    assert values.dtype.kind in "iu" if operand.integer else values.dtype in DTYPES
    assert np.isfinite(values).all()
    if values.size < 64:
        return
    few = values[:4000]
    distinct = np.unique(few)
    if operand.integer:
        assert distinct.size > 3 or set(distinct) == set(operand.specials), f"{operand.name}: only {distinct}"
        return
    labels = [x for x in operand.specials if np.isfinite(x)]
    if set(distinct) <= set(labels):
        assert len(distinct) == len(labels), f"{operand.name}: only {distinct}"
        return
    assert distinct.size > few.size // 5, f"{operand.name}: {distinct.size} distinct values of {few.size}"
    if mode == "wide":
        magnitudes = np.abs(values[values != 0])
        info = np.finfo(values.dtype)
        assert magnitudes.min() < info.smallest_normal, f"{operand.name}: no subnormal value"
        assert (values == 0).any() or not domain(name, operand.name).contains(0), f"{operand.name}: no zero"
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


def hostile(name, options, present, dtype) -> tuple[dict[str, np.ndarray], Exact]:
    """Operands from the whole range of the dtype, and what is exact there: shared by the tests of all quantities."""
    return _hostile(name, tuple(options.items()), present, np.dtype(dtype))


@functools.lru_cache(maxsize=24)
def _hostile(name, options, present, dtype):
    reference = REFERENCES[name]
    rng = seed(name, dtype, options, present)
    operands = sample(reference, rng, 2000 if options else 5000, dtype.type, "wide", present)
    for x in operands.values():
        x.flags.writeable = False
    return operands, Exact(reference, operands, dict(options), dtype)


def _features(name) -> set:
    """What about a loss decides which parts of the library run, besides its formula."""
    reference, info = REFERENCES[name], INFO[name]
    found = {("operands", len(reference.operands)), ("elementwise", info.elementwise)}
    found |= {("denominator_term", reference.denominator_term == "count")}
    for operand in reference.operands:
        flags = ("optional", "multiplies", "integer", "differentiable", "checked_always")
        found |= {(flag, getattr(operand, flag)) for flag in flags}
        found |= {("kind", kind) for kind in operand.kinds} | {("default", type(operand.default))}
    return found


def _representatives() -> tuple[str, ...]:
    chosen, seen = [], set()
    for name in NAMES:
        if not _features(name) <= seen:
            chosen.append(name)
            seen |= _features(name)
    return tuple(chosen)


# Losses that have between them everything that a loss may have. What depends on the library alone, and not on a
# formula, is tried in every combination on these and in a few on the others.
REPRESENTATIVES = _representatives()
