"""Exact results by a reference, and the bound that the library's results must keep."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from references.reductions import expand, left_out
from references.schema import Reference

LONG = np.longdouble
SUBNORMAL_STEPS = 2048  # by which a product may be off that has a subnormal factor


class Exact:
    """Value, gradients and Hessian of the unreduced loss, by the reference, at the numbers that the dtype holds."""

    numbers = LONG  # what the reference computes with

    def __init__(self, reference: Reference, operands, options, dtype):
        self.reference = reference.pointwise
        self.dtype = np.dtype(dtype)
        self.options = {
            k: self.numbers(self.dtype.type(v)) if isinstance(v, float) else v
            for k, v in {**self.reference.defaults, **options}.items()
        }
        shape = np.shape(operands[reference.first])
        given = {
            k: self.numbers(np.broadcast_to(expand(self.reference.operand(k), np.asarray(v), shape), shape))
            for k, v in operands.items()
        }
        self.weights = [given.pop(o.name) for o in self.reference.operands if o.multiplies and o.name in given]
        self.operands = given
        for operand in self.reference.operands:
            if operand.may_be_left_out and not operand.multiplies and operand.name not in given:
                default = left_out(operand).astype(self.dtype)
                self.operands[operand.name] = self.numbers(np.broadcast_to(default, shape))
        everything = [*self.operands.values(), *self.weights]
        self.missing = np.any([np.isnan(x) for x in everything], axis=0)
        self._known: dict[tuple, np.ndarray] = {}

    def raw(self, quantity, **replaced):
        """The quantity without the factor from outside; NaN wherever the value is."""
        operands = {**self.operands, **replaced}
        with np.errstate(all="ignore"):
            value = self.reference.value(**operands, **self.options)
            return value + LONG(0) if quantity == "value" else self._derivative(quantity, value, operands)

    def _derivative(self, quantity, value, operands):
        if quantity == "hessian":
            result = self.reference.hessian(**operands, **self.options)
        else:
            result = self.reference.gradients[quantity.removeprefix("gradient:")](**operands, **self.options)
        return np.where(np.isnan(value), value, result)

    def _moved(self, quantity, name=None, sign=0):
        """`raw` with one operand moved by an ulp; each is computed once."""
        key = (quantity, name, sign)
        if key not in self._known:
            operands = self.operands
            if name is not None:
                operands = {**operands, name: operands[name] + sign * self._step(name)}
            with np.errstate(all="ignore"):
                if quantity == "value":
                    self._known[key] = self.reference.value(**operands, **self.options) + LONG(0)
                else:
                    self._known[key] = self._derivative(quantity, self._moved("value", name, sign), operands)
        return self._known[key]

    def _step(self, name):
        x = self.operands[name]
        step = ulp(x, self.dtype)
        held = np.asarray(x).astype(self.dtype) == x
        return np.where(held, 0, step) if self.reference.operand(name).integer else step

    def _multiplier(self, quantity):
        """The factor from outside, and the name of the quantity that it multiplies."""
        operand = quantity.removeprefix("gradient:")
        outside = operand in self.reference.names and self.reference.operand(operand).multiplies
        if outside:
            return [], "value"
        return self.weights, quantity

    def __call__(self, quantity):
        weights, quantity = self._multiplier(quantity)
        result = self._moved(quantity)
        with np.errstate(all="ignore"):
            for weight in weights:
                result = np.where(weight == 0, 0, weight * result)
        return np.where(self.missing, np.nan, result)

    def _kinks(self):
        """Which elements lie exactly at a kink, and which are only rounded to one by a difference in the dtype."""
        if self.reference.distance_to_kink is None:
            nowhere = np.zeros(self.missing.shape, bool)
            return nowhere, nowhere
        narrow = {k: np.asarray(v).astype(self.dtype) for k, v in self.operands.items()}
        options = {k: self.dtype.type(v) if isinstance(v, self.numbers) else v for k, v in self.options.items()}
        with np.errstate(all="ignore"):
            exact = self.reference.distance_to_kink(**self.operands, **self.options) == 0
            return exact, (self.reference.distance_to_kink(**narrow, **options) == 0) & ~exact

    def _room(self, term, slope, held=False):
        """An ulp of a term formed first, as it moves the result.

        A term that overflows or vanishes is no excuse for a result that does, unless the dtype has to hold the term. A
        product of subnormal numbers is off by a few of their steps.
        """
        slope = np.abs(self.numbers(slope))
        if held:
            return _product(ulp(term, self.dtype), slope)
        steps = np.minimum(np.where(np.isnan(slope), 0, slope), SUBNORMAL_STEPS)
        return _product(rounding(term, self.dtype), slope) + steps * LONG(np.finfo(self.dtype).smallest_subnormal)

    def _difference_overflows(self):
        """Where the difference of two operands that may be any numbers, which most losses form first, is none."""
        unbounded = [o for o in self.reference.operands[:2] if o.name not in self.reference.outside and not o.integer]
        if len(unbounded) < 2:
            return np.zeros(self.missing.shape, bool)
        x, t = (np.where(np.isfinite(self.operands[o.name]), self.operands[o.name], 0) for o in unbounded)
        return np.abs(x - t) > np.finfo(self.dtype).max

    def bound(self, quantity):
        """4 ulp of the result, one ulp of each operand and of each term formed first, as they move the result."""
        key = ("bound", quantity)
        if key not in self._known:
            self._known[key] = self._bound(quantity)
        return self._known[key]

    def _bound(self, quantity):
        exact = self(quantity)
        weights, quantity = self._multiplier(quantity)
        raw = self._moved(quantity)
        moved = self.numbers(np.zeros(exact.shape))
        at_kink, onto_kink = self._kinks()
        with np.errstate(all="ignore"):
            for name in self.operands:
                moves = [np.abs(self._moved(quantity, name, sign) - raw) for sign in (1, -1)]
                # The smaller of the two: beside a jump the result must be on the right side, unless the difference
                # that decides the side is rounded onto the jump itself.
                lesser, greater = np.minimum(*moves), np.maximum(*moves)
                moved = moved + np.nan_to_num(np.where(onto_kink, greater, lesser), nan=0.0, posinf=0.0)
            moved = np.where(at_kink & (quantity != "value"), 0, moved)
            terms = self.reference.formed_first.get(quantity.removeprefix("gradient:"))
            if terms is not None:
                moved = moved + sum(self._room(*term) for term in terms(**self.operands, **self.options))
            for weight in weights:
                moved = np.abs(weight) * (moved + ulp(raw, self.dtype)) + ulp(weight, self.dtype) * np.abs(
                    np.where(np.isfinite(raw), raw, 0)
                )
            bound = self.reference.ulps * ulp(exact, self.dtype) + moved
            bound = np.where(self._difference_overflows(), np.inf, bound)
        return np.where(np.isnan(bound), 0, bound)


def _product(a, b):
    return np.where((a == 0) | (b == 0), 0, a * b)


def ulp(x, dtype):
    """The distance between the numbers of `dtype` around x; infinite beyond the largest of them, 0 at infinity."""
    info = np.finfo(dtype)
    exponent = np.frexp(np.where(np.isfinite(x), x, 0))[1] - 1
    gap = np.ldexp(LONG(1), np.maximum(np.where(x == 0, info.minexp, exponent), info.minexp) - info.nmant)
    gap = np.where(exponent >= info.maxexp, np.inf, gap)
    return np.where(np.isfinite(x), gap, 0)


def rounding(x, dtype):
    """An ulp of a number in a dtype whose exponents have no end."""
    finite = np.where(np.isfinite(x), x, 0)
    mantissa, exponent = np.frexp(finite)
    one = mantissa * 0 + 1
    return np.where(finite == 0, 0, np.ldexp(one, exponent - 1 - np.finfo(dtype).nmant))


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
    if not fine.all():
        with np.errstate(all="ignore"):
            excess = np.where(fine, 0, np.nan_to_num(np.abs(wide - exact) / bound, nan=np.inf, posinf=np.inf))
        worst = np.unravel_index(np.argmax(excess), excess.shape)
        raise AssertionError(
            f"{what}: {np.count_nonzero(~fine)} of {fine.size} elements out of bounds; worst at "
            f"{tuple(map(int, worst))}: got {got[worst]!r}, exact {exact[worst]!r}, {excess[worst]:.3g} times the bound"
        )


def half_unit(x, dtype):
    """Half the distance of the numbers of the dtype around x."""
    info = ml_dtypes.finfo(dtype)
    exponent = np.frexp(np.where(np.isfinite(x) & (x != 0), x, float(info.smallest_normal)))[1] - 1
    return np.ldexp(LONG(0.5001), np.maximum(exponent, info.minexp) - info.nmant)


def rounded_once(x, dtype):
    """To the nearest number of the dtype, ties to even; ml_dtypes rounds a double twice on its way to bfloat16."""
    with np.errstate(over="ignore"):
        if np.dtype(dtype) != ml_dtypes.bfloat16 or x.dtype != np.float64:
            return x.astype(dtype)
        finite = np.isfinite(x)
        step = np.ldexp(1.0, np.maximum(np.frexp(np.where(finite, x, 0))[1] - 8, -133))
        return np.where(finite, np.rint(np.where(finite, x, 0) / step) * step, x).astype(dtype)


def assert_stored(got, exact, bound, dtype, stored, what=""):
    """Within the bound of a computation in `dtype`, and half a unit of the dtype it is stored in, if narrower."""
    got, stored = np.asarray(got), np.dtype(dtype if stored is None else stored)
    if stored.itemsize >= np.dtype(dtype).itemsize:
        assert_within(got, exact, bound, stored, what)
        return
    assert got.dtype == stored, f"{what}: dtype {got.dtype}"
    bound, wide = bound + half_unit(exact, stored), got.astype(LONG)
    over = (
        np.isinf(wide) & (np.sign(wide) == np.sign(exact)) & (np.abs(exact) + bound > LONG(ml_dtypes.finfo(stored).max))
    )
    assert_within(np.where(over, exact, wide).astype(np.float64), exact, bound, np.float64, what)
