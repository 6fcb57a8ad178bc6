"""Numbers of random bit patterns, and what a loss makes of them held against mpmath."""

from __future__ import annotations

import numpy as np
from mpmath import mp

import cases
from exact import Exact
from precise import Precise
from references import REFERENCES

SUSPECTS = 8  # of a setting and a quantity, for each element that mpmath looks at anyway
DIGITS = 200  # binary; what fails is computed again with many more
MANY_DIGITS = 2500


class PreciseExact(Exact):
    """What is exact by mpmath."""

    numbers = Precise


def bits(rng, count, dtype):
    """Finite numbers of random bits: every sign, exponent and mantissa is as likely as any other."""
    info = np.finfo(dtype)
    exponents = rng.integers(0, 2 * info.maxexp - 1, count, dtype=np.uint64)
    return _assembled(rng, exponents, dtype)


def _assembled(rng, exponents, dtype):
    info = np.finfo(dtype)
    word = np.dtype(f"u{np.dtype(dtype).itemsize}")
    mantissas = rng.integers(0, 2**info.nmant, exponents.size, dtype=np.uint64)
    signs = rng.integers(0, 2, exponents.size, dtype=np.uint64) << np.uint64(info.bits - 1)
    return (signs | exponents << np.uint64(info.nmant) | mantissas).astype(word).view(dtype)


def moderate(rng, count, dtype):
    """Random bits, with an exponent of a number that people use."""
    exponents = np.finfo(dtype).maxexp - 1 + rng.integers(-20, 12, count)
    return _assembled(rng, exponents.astype(np.uint64), dtype)


def beside(rng, other):
    """The neighbours of other numbers, from the nearest to those that share the exponent alone."""
    word = np.dtype(f"i{other.dtype.itemsize}")
    reach = np.exp2(rng.uniform(0, np.finfo(other.dtype).nmant, other.size))
    steps = np.rint(rng.uniform(-1, 1, other.size) * reach).astype(word)
    largest = np.array(np.finfo(other.dtype).max).view(word)
    magnitude = np.clip(np.abs(other).view(word) + steps, 0, largest).view(other.dtype)
    return np.copysign(magnitude, other)


def inside(domain, x, rng):
    """The numbers moved into the domain, by changes that keep their bits random."""
    dtype = x.dtype.type
    if domain.ends_only:
        return rng.choice(np.array([domain.lower, domain.upper], dtype), x.size)
    if domain.upper == 1:
        x = np.abs(x)
        x = np.where(x > 1, 1 / np.maximum(x, 1), x)
        x = np.where(rng.random(x.size) < 0.2, 1 - x, x)
        return np.clip(x, np.nextafter(dtype(0), dtype(1)), np.nextafter(dtype(1), dtype(0)))
    if domain.upper == 0:
        return -np.abs(x)
    return np.where(x < domain.lower, np.abs(x), x)


def draw(reference, rng, count, dtype, present, options):
    """Operands of random bits, inside their domains."""
    drawn = {}
    for operand in reference.operands:
        if operand.name not in present:
            continue
        kinds = [bits(rng, count, dtype), bits(rng, count, dtype), moderate(rng, count, dtype)]
        if drawn:
            kinds.append(beside(rng, drawn[rng.choice(list(drawn))]))
        x = np.choose(rng.integers(0, len(kinds), count), kinds).astype(dtype)
        if operand.integer:
            x = np.abs(moderate(rng, count, dtype))
        domain = cases.domain(reference.name, operand.name)
        if domain.ends_only and options.get("labels") == "01":
            domain = domain._replace(lower=0.0)
        drawn[operand.name] = inside(domain, x, rng).astype(operand.dtype(dtype))
    for smaller, larger in reference.ordered:
        x, y = drawn[smaller], drawn.get(larger, np.ones(count, dtype))
        if larger in drawn:
            drawn[smaller], drawn[larger] = np.minimum(x, y), np.maximum(x, y)
        else:
            drawn[smaller] = np.where(x > y, 1 / np.maximum(x, 1), x)
    return drawn


def outside(got, exact, quantity, dtype):
    """How many times the bound each result is off; infinite where a number stands in place of NaN or the reverse."""
    want, bound = exact(quantity), exact.bound(quantity)
    numbers = exact.numbers
    wide = numbers(got)
    with np.errstate(all="ignore"):
        error = np.abs(wide - want)
        same = (wide == want) | (np.isnan(want) & np.isnan(wide))
        largest = float(np.finfo(dtype).max)
        overflow = np.isinf(wide) & (np.sign(wide) == np.sign(want)) & (np.abs(want) + bound > largest)
        times = np.where(error <= bound, 0, error / np.where(bound == 0, 1, bound))
        times = np.where(bound == 0, np.inf, times)
        times = np.where(np.isnan(times), np.inf, times)
        times = np.where(np.isinf(bound.astype(float)), 0, times)  # a term that the dtype has to hold is beyond it
    return np.asarray(np.where(same | overflow | (error <= bound), 0, times)).astype(float)


def violations(name, options, present, dtype, rng, count, precise):
    """What a loss gets wrong, in words: of `count` elements by long double, of `precise` of them by mpmath as well.

    Long double only chooses what mpmath looks at: what it finds wrong, and where it has no number itself.
    """
    reference = REFERENCES[name]
    operands = draw(reference, rng, count, dtype, present, options)
    found = []
    coarse = Exact(reference, operands, options, dtype)
    value, *_ = cases.loss(name).value_and_grad(**operands, **options, reduction="none")
    for quantity in cases.quantities(name):
        if quantity.removeprefix("gradient:") not in (*present, "value", "hessian"):
            continue
        got = cases.compute(name, quantity, operands, options)
        if quantity == "value" and not np.array_equal(got, value, equal_nan=True):
            found.append((np.inf, f"{name} {options}: value_and_grad has another value"))
        suspect = (outside(got, coarse, quantity, dtype) > 0) | np.isnan(np.asarray(coarse(quantity)))
        at = rng.permutation(np.flatnonzero(suspect))[: SUSPECTS * precise]
        at = np.union1d(at, rng.choice(count, min(precise, count), replace=False))
        found += against_mpmath(reference, quantity, {k: v[at] for k, v in operands.items()}, options, dtype, got[at])
    return found


def against_mpmath(reference, quantity, operands, options, dtype, got):
    """What is outside its bound: how many times the bound, and in words."""
    found = []
    for binary_digits in (DIGITS, MANY_DIGITS):
        with mp.workprec(binary_digits):
            exact = PreciseExact(reference, operands, options, dtype)
            times = outside(got, exact, quantity, dtype)
            wrong = np.flatnonzero(times)
            if binary_digits == MANY_DIGITS:
                want, bound = exact(quantity), exact.bound(quantity)
                for i in wrong:
                    arguments = ", ".join(f"{k}={v[i]!r}" for k, v in operands.items())
                    found.append(
                        (
                            times[i],
                            f"{reference.name} {quantity} {options} at {arguments}: got {got[i]!r}, exact "
                            f"{mp.nstr(want[i], 20)}, {times[i]:.3g} times the bound of {mp.nstr(bound[i], 3)}",
                        )
                    )
            operands, got = {k: v[wrong] for k, v in operands.items()}, got[wrong]
            if not wrong.size:
                break
    return found


def rows_of_scores(rng, rows, classes, dtype):
    """Rows of scores of random bits and ordinary size, some of them all alike but for their last bits."""
    scattered = moderate(rng, rows * classes, dtype).reshape(rows, classes)
    alike = beside(rng, np.repeat(moderate(rng, rows, dtype), classes)).reshape(rows, classes)
    return np.where(rng.random((rows, 1)) < 0.3, alike, scattered)
