"""Numbers with their derivatives, in longdouble: a formula written once gives its value and every gradient.

Beside both, a jet has what rounding errors of a computation are relative to: its own errors to first order, in units of
the distance from 1 to the next number of the dtype that computes. Where terms cancel, that exceeds the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from references.units import LONG, times


@dataclass(frozen=True, eq=False)
class Jet:
    """One number of each unit. Slopes, and their errors, have an axis of coordinates before those of the units."""

    value: np.ndarray
    slopes: np.ndarray
    error: np.ndarray
    slope_errors: np.ndarray

    @classmethod
    def coordinates(cls, *values) -> list[Jet]:
        """Numbers as they are given: exact, each with the slope 1 in itself."""
        made = []
        for k, value in enumerate(values):
            slopes = np.zeros((len(values), *np.shape(value)), LONG)
            slopes[k] = 1
            made.append(cls(value, slopes, np.zeros_like(value), np.zeros_like(slopes)))
        return made

    def constant(self, number) -> Jet:
        """A number that is rounded, and has no slope."""
        value, flat = np.full_like(self.value, LONG(number)), np.zeros_like(self.slopes)
        return Jet(value, flat, np.abs(value), flat)

    @property
    def stopped(self) -> Jet:
        """The same number, as a constant of the gradient."""
        flat = np.zeros_like(self.slopes)
        return Jet(self.value, flat, self.error, flat)

    @property
    def exact(self) -> Jet:
        """The same number, where what is computed so far has all digits that it needs."""
        return Jet(self.value, self.slopes, np.zeros_like(self.error), np.zeros_like(self.slope_errors))

    def __neg__(self):
        return Jet(-self.value, -self.slopes, self.error, self.slope_errors)

    def __add__(self, other):
        return of_two(self, other, lambda x, y: x + y, 1, 1)

    def __sub__(self, other):
        return of_two(self, other, lambda x, y: x - y, 1, -1)

    def __rsub__(self, other):
        return self.constant(other) - self

    def __mul__(self, other):
        other = other if isinstance(other, Jet) else self.constant(other)
        return of_two(self, other, lambda x, y: x * y, other.value, self.value, (0, 1, 0))

    def __truediv__(self, other):
        return self * reciprocal(other if isinstance(other, Jet) else self.constant(other))

    __radd__, __rmul__ = __add__, __mul__


def of_two(x, y, function, in_x, in_y, curves=(0, 0, 0)) -> Jet:
    """A function of two numbers, by its derivatives; `curves` are the magnitudes of the second ones: xx, xy and yy."""
    y = y if isinstance(y, Jet) else x.constant(y)
    value = function(x.value, y.value)
    by_x, by_y = times(in_x, x.slopes), times(in_y, y.slopes)
    bent_x = curves[0] * x.error + curves[1] * y.error
    bent_y = curves[1] * x.error + curves[2] * y.error
    return Jet(
        value,
        by_x + by_y,
        np.abs(in_x) * x.error + np.abs(in_y) * y.error + np.abs(value),
        np.abs(in_x) * x.slope_errors
        + np.abs(in_y) * y.slope_errors
        + np.abs(x.slopes) * bent_x
        + np.abs(y.slopes) * bent_y
        + np.abs(by_x)
        + np.abs(by_y),
    )


def of_one(x, value, slope, curve) -> Jet:
    """A function of a number, by its value and two derivatives there."""
    slopes = slope * x.slopes
    return Jet(
        value,
        slopes,
        np.abs(slope) * x.error + np.abs(value),
        np.abs(slope) * x.slope_errors + np.abs(curve * x.slopes) * x.error + np.abs(slopes),
    )


def where(condition, x, y) -> Jet:
    """One of two numbers with all that belongs to it; either may be a number without a slope."""
    first = x if isinstance(x, Jet) else y
    x, y = (each if isinstance(each, Jet) else first.constant(each) for each in (x, y))
    parts = ("value", "slopes", "error", "slope_errors")
    return Jet(*(np.where(condition, getattr(x, part), getattr(y, part)) for part in parts))


def reciprocal(x) -> Jet:
    """1 / x."""
    return of_one(x, 1 / x.value, -1 / x.value**2, 2 / x.value**3)


def square(x) -> Jet:
    """The product of x with itself."""
    return x * x


def power(x, exponent) -> Jet:
    """Of a number that is 0 or more but for what was rounded, with an exponent of at least 1."""
    exponent, size = LONG(exponent), np.abs(x.value)
    slope = exponent * size ** (exponent - 1)
    bent = exponent * (exponent - 1)
    curve = bent * size ** (exponent - 2) if bent else np.zeros_like(size)
    return of_one(x, x.value * size ** (exponent - 1), slope, curve)


def exp(x) -> Jet:
    """The exponential function."""
    value = np.exp(x.value)
    return of_one(x, value, value, value)


def log(x) -> Jet:
    """The natural logarithm."""
    return of_one(x, np.log(x.value), 1 / x.value, -1 / x.value**2)


def log1p(x) -> Jet:
    """The natural logarithm of 1 + x."""
    return of_one(x, np.log1p(x.value), 1 / (1 + x.value), -1 / (1 + x.value) ** 2)


def excess(x) -> Jet:
    """x - log(1 + x), for numbers that are small: by its series."""
    value, t = np.zeros_like(x.value), x.value / (2 + x.value)  # log(1 + x) is 2 (t + t^3 / 3 + ...)
    for power in range(61, 1, -2):
        value = value * t**2 + LONG(1) / power
    value = x.value * t - 2 * t**3 * value
    return of_one(x, value, x.value / (1 + x.value), 1 / (1 + x.value) ** 2)


def decay(x) -> Jet:
    """1 - exp(-x)."""
    slope = np.exp(-x.value)
    return of_one(x, -np.expm1(-x.value), slope, -slope)


def sqrt(x) -> Jet:
    """The square root of a number that is 0 or more; its slope at 0 is 0."""
    value, positive = np.sqrt(x.value), np.where(x.value > 0, x.value, 1)
    slope = np.where(x.value > 0, 0.5 / np.sqrt(positive), 0)
    return of_one(x, value, slope, -slope / (2 * positive))


def sin(x) -> Jet:
    """The sine."""
    return of_one(x, np.sin(x.value), np.cos(x.value), -np.sin(x.value))


def cos(x) -> Jet:
    """The cosine."""
    return of_one(x, np.cos(x.value), -np.sin(x.value), -np.cos(x.value))


def atan2(y, x, eps) -> Jet:
    """The angle, whose derivative has `eps` added to its denominator."""
    denominator = x.value**2 + y.value**2 + LONG(eps)
    curve = 1 / denominator
    return of_two(y, x, np.arctan2, x.value / denominator, -y.value / denominator, (curve, curve, curve))


def absolute(x) -> Jet:
    """The magnitude; its slope at 0 is 0."""
    return of_one(x, np.abs(x.value), np.sign(x.value), np.zeros_like(x.value))


def maximum(x, y) -> Jet:
    """The larger; the first where they are equal."""
    return where(x.value >= y.value, x, y)


def minimum(x, y) -> Jet:
    """The smaller; the first where they are equal."""
    return where(x.value <= y.value, x, y)


def at_least_zero(x) -> Jet:
    """The larger of x and 0, with the slope of x at 0."""
    return where(x.value >= 0, x, 0)
