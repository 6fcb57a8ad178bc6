"""What the tests of the elementary functions know of each: a reference, bounds, points and edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np
from scipy.special import erf

LONG = np.longdouble
INF, NAN = math.inf, math.nan
POINTS = 600  # of each kind of sample


# ---- references ------------------------------------------------------------------------------------------------------


def _log_cosh(x):
    a = abs(x)
    return mp.log1p(2 * mp.sinh(a / 2) ** 2) if a < 100 else a + mp.log1p(mp.exp(-2 * a)) - mp.log(2)


def _lgamma(x):
    return mp.loggamma(x) if x > 0 else mp.log(mp.pi / abs(x * mp.sinpi(x))) - mp.loggamma(-x)


def _lgamma_scale(x, value):
    """For negative x terms of this size cancel, the logarithm of a sine among them."""
    return max(abs(value), mp.loggamma(-x), 1) if x < 0 else abs(value)


def _digamma_scale(x, value):
    return (
        max(abs(value), abs(mp.digamma(-x)) - 1 / x + abs(mp.pi * mp.cospi(x) / mp.sinpi(x))) if x < 0 else abs(value)
    )


def _lgamma_ratio_scale(x, n, value):
    """Below 8 the result is a difference of terms of this size; for larger x nothing cancels."""
    return max(abs(value), abs(mp.loggamma(x))) if x < 8 else abs(value)


def _phase_scale(x, value):
    """Close to a multiple of pi / 2 the result is as exact as the argument, less its turns, can be."""
    return max(abs(value), abs(x) * mp.mpf(2) ** -24)


def _wide_sigmoid(x):
    t = np.exp(-abs(x))
    return np.where(x < 0, t, 1) / (1 + t)


def _wide_softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def _wide_log_cosh(x):
    a = abs(x)
    near = np.log1p(2 * np.sinh(np.minimum(a, 2) / 2) ** 2)
    return np.where(a < 1, near, a + np.log1p(np.exp(-2 * a)) - np.log(2))


def _wide_sqrt1pm1(x):
    return np.where(x == INF, x, x / (1 + np.sqrt(1 + x)))


# ---- where to look ---------------------------------------------------------------------------------------------------


def magnitudes(lowest=None, highest=None, signs=(1, -1)):
    """Spread evenly over the exponents; None: as far as the type goes, subnormals included."""

    def draw(rng, dtype):
        info = np.finfo(dtype)
        low = info.minexp - info.nmant if lowest is None else lowest
        high = info.maxexp - 1e-3 if highest is None else highest
        return np.exp2(rng.uniform(low, high, POINTS).astype(LONG)) * rng.choice(signs, POINTS)

    return draw


def uniform(lowest, highest):
    return lambda rng, dtype: rng.uniform(lowest, highest, POINTS)


def around(*points):
    """The points themselves and what is within a few ulps, or within a thousandth, of them."""

    def draw(rng, dtype):
        steps = np.concatenate([np.arange(-4, 5) * np.finfo(dtype).eps, rng.uniform(-1e-3, 1e-3, 40)])
        return np.concatenate([point * (1 + steps.astype(LONG)) for point in points])

    return draw


def near_minus_one(rng, dtype):
    return -1 + np.exp2(rng.uniform(-np.finfo(dtype).nmant, 0, POINTS))


def paired(first, second):
    """Arguments of a function of two, drawn independently."""

    def draw(rng, dtype):
        return np.resize(first(rng, dtype), 2 * POINTS), np.resize(second(rng, dtype), 2 * POINTS)

    return draw


def similar(rng, dtype):
    """Two arguments of one size."""
    x = magnitudes()(rng, dtype)
    return x, x * rng.uniform(-1, 1, POINTS)


def counts(lowest, highest):
    return lambda rng, dtype: np.floor(np.exp2(rng.uniform(lowest, highest, POINTS)))


def powers(rng, dtype):
    """Bases of every size with exponents that bring the result anywhere between underflow and overflow."""
    info = np.finfo(dtype)
    base = np.concatenate(
        [
            np.exp2(rng.uniform(info.minexp - info.nmant, info.maxexp - 1, POINTS)),
            1 + rng.uniform(-0.5, 1, POINTS) * np.exp2(-rng.uniform(0, info.nmant - 2, POINTS)),
        ]
    )
    base = base.astype(dtype)
    exponent = rng.uniform(info.minexp - info.nmant - 4, info.maxexp + 1, 2 * POINTS) / np.log2(base.astype(LONG))
    return base, np.where(np.isfinite(exponent), exponent, 1)


def integer_powers(rng, dtype):
    return rng.uniform(-20, 20, POINTS), rng.integers(-20, 21, POINTS).astype(float)


PHASES = (
    uniform(-4, 4),
    uniform(-8000, 8000),
    magnitudes(None, 4),
    magnitudes(12, 22),
    magnitudes(22, 60),
    around(math.pi / 4),
)


# ---- the table -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Function:
    """What is known of one elementary function."""

    reference: Callable  # in mpmath
    ulps: tuple[float, float]  # bounds for float32 and float64
    samples: tuple[Callable, ...]
    edges: Callable  # (largest, smallest) -> [(arguments, result)], to be met exactly, signs of zeros included
    sweep: Callable | None = None  # in float64, for arrays
    scale: Callable | None = None  # (arguments, value) -> what the ulps are of, where that is not the value


def _odd(*edges):
    """The edges of an odd function from those of positive arguments."""
    return [*edges, *((-argument, -result) for argument, result in edges)]


# fmt: off
TABLE = {
    "exp": Function(
        mp.exp, (1.1, 1.1),
        (uniform(-104, 89), uniform(-746, 710), magnitudes(None, 6)),
        lambda big, small: [
            (0.0, 1), (-0.0, 1), (small, 1), (-small, 1), (big, INF), (-big, 0.0), (INF, INF), (-INF, 0.0),
        ],
        np.exp,
    ),
    "expm1": Function(
        mp.expm1, (1.7, 1.6),
        (uniform(-2, 2), uniform(-40, 709), magnitudes(None, 6)),
        lambda big, small: [*_odd((0.0, 0.0), (small, small)), (big, INF), (-big, -1), (INF, INF), (-INF, -1)],
        np.expm1,
    ),
    "saturation": Function(
        lambda x: -mp.expm1(-abs(x)), (1.7, 1.6),
        (uniform(-2, 2), uniform(0, 800), magnitudes()),
        lambda big, small: [(0.0, 0.0), (small, small), (big, 1), (INF, 1)],
        lambda x: -np.expm1(-np.abs(x)),
    ),
    "log": Function(
        mp.log, (1.0, 1.0),
        (magnitudes(signs=(1,)), uniform(0.5, 2), around(1, math.sqrt(0.5), math.sqrt(2))),
        lambda big, small: [(1, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-INF, NAN), (-small, NAN), (-1, NAN)],
        np.log,
    ),
    "log1p": Function(
        mp.log1p, (1.5, 1.3),
        (magnitudes(signs=(1,)), magnitudes(None, -0.01), uniform(-0.999, 3), near_minus_one, around(-0.29, 0.41, 1)),
        lambda big, small: [*_odd((0.0, 0.0), (small, small)), (-1, -INF), (INF, INF), (-INF, NAN), (-2, NAN)],
        np.log1p,
    ),
    "tanh": Function(
        mp.tanh, (1.5, 1.5),
        (uniform(-2, 2), uniform(-25, 25), magnitudes(None, 6), around(0.625)),
        lambda big, small: _odd((0.0, 0.0), (small, small), (big, 1), (INF, 1)),
        np.tanh,
    ),
    "sigmoid": Function(
        lambda x: 1 / (1 + mp.exp(-x)), (2.5, 2.0),  # 2.402 at -4.1572938, the most of every float32
        (uniform(-5, 5), uniform(-740, 40), magnitudes(None, 6)),
        lambda big, small: [(0.0, 0.5), (-0.0, 0.5), (small, 0.5), (big, 1), (-big, 0.0), (INF, 1), (-INF, 0.0)],
        _wide_sigmoid,
    ),
    "softplus": Function(
        lambda x: mp.log1p(mp.exp(x)), (2.7, 2.0),
        (uniform(-5, 5), uniform(-740, 100), magnitudes(None, 9)),
        lambda big, small: [(big, big), (-big, 0.0), (INF, INF), (-INF, 0.0)],
        _wide_softplus,
    ),
    "log_cosh": Function(
        _log_cosh, (2.2, 2.0),
        (uniform(-3, 3), magnitudes(), around(1)),
        lambda big, small: [(0.0, 0.0), (-0.0, 0.0), (small, 0.0), (big, big), (-big, big), (INF, INF), (-INF, INF)],
        _wide_log_cosh,
    ),
    "sqrt": Function(
        mp.sqrt, (0.5, 0.5),
        (magnitudes(signs=(1,)), uniform(0, 4)),
        lambda big, small: [(0.0, 0.0), (-0.0, -0.0), (4, 2), (INF, INF), (-INF, NAN), (-1, NAN), (-small, NAN)],
        np.sqrt,
    ),
    "sqrt1pm1": Function(
        lambda x: x / (1 + mp.sqrt(1 + x)), (2.4, 2.3),
        (magnitudes(signs=(1,)), magnitudes(None, -0.001), uniform(-1, 3), around(2**26)),
        lambda big, small: [*_odd((0.0, 0.0)), (3, 1), (-1, -1), (INF, INF), (-INF, NAN), (-2, NAN)],
        _wide_sqrt1pm1,
    ),
    "atan": Function(
        mp.atan, (1.2, 1.2),
        (magnitudes(), uniform(-3, 3), around(0.66, 1, 1.5)),
        lambda big, small: _odd((0.0, 0.0), (small, small), (big, math.pi / 2), (INF, math.pi / 2)),
        np.arctan,
    ),
    "erf": Function(
        mp.erf, (1.6, 1.5),
        (uniform(-3, 3), uniform(-7, 7), magnitudes(None, 3), around(1, 4, 6)),
        lambda big, small: _odd((0.0, 0.0), (small, small), (big, 1), (INF, 1)),
        erf,
    ),
    "sin": Function(
        mp.sin, (1.5, 1.5),
        PHASES,
        lambda big, small: _odd((0.0, 0.0), (small, small), (INF, NAN)),
        scale=_phase_scale,
    ),
    "cos": Function(
        mp.cos, (1.5, 1.5),
        PHASES,
        lambda big, small: [(0.0, 1), (-0.0, 1), (small, 1), (INF, NAN), (-INF, NAN)],
        scale=_phase_scale,
    ),
    "log_i0": Function(
        lambda x: mp.log(mp.besseli(0, x)) if abs(x) > 1e-20 else x * x / 4, (2.5, 2.5),
        (uniform(-4, 4), uniform(-40, 40), magnitudes(-40, 20), around(8, 16)),
        lambda big, small: [(0.0, 0.0), (-0.0, 0.0), (big, big), (-big, big), (INF, INF), (-INF, INF)],
    ),
    "bessel_ratio": Function(
        lambda x: mp.besseli(1, x) / mp.besseli(0, x), (3.5, 5.5),
        (uniform(-4, 4), uniform(-40, 40), magnitudes(None, 20), around(8, 16)),
        lambda big, small: _odd((0.0, 0.0), (big, 1), (INF, 1)),
    ),
    "lgamma": Function(
        _lgamma, (0.6, 3.0),
        (magnitudes(None, 100, (1,)), uniform(0, 4), uniform(0, 20), uniform(-50, 0), around(0.5, 1, 1.25, 2, 2.5, 8)),
        lambda big, small: [
            (1, 0.0), (2, 0.0), (0.0, INF), (-0.0, INF), (-1, INF), (-2, INF), (-big, INF), (INF, INF), (-INF, INF),
        ],
        scale=_lgamma_scale,
    ),
    "digamma": Function(
        mp.digamma, (0.6, 3.5),
        (
            magnitudes(None, 100, (1,)), uniform(0, 4), uniform(0, 20), uniform(-50, 0),
            around(1, 1.4616321449683622, 2, 8),
        ),
        lambda big, small: [(0.0, -INF), (-0.0, INF), (-1, NAN), (-2, NAN), (-INF, NAN), (INF, INF)],
        scale=_digamma_scale,
    ),
    "trigamma": Function(
        lambda x: mp.psi(1, x), (0.6, 4.5),
        (magnitudes(-60, 60, (1,)), uniform(0, 20), uniform(-50, 0), around(1, 8)),
        lambda big, small: [(0.0, INF), (-0.0, INF), (-1, INF), (INF, 0.0)],
    ),
    "hypot": Function(
        mp.hypot, (1.3, 1.3),
        (paired(magnitudes(), magnitudes()), paired(uniform(-4, 4), uniform(-4, 4)), similar),
        lambda big, small: [
            ((3, -4), 5), ((0.0, -0.0), 0.0), ((INF, 1), INF), ((-INF, INF), INF), ((big, 0.0), big), ((big, big), INF),
            ((small, 0.0), small),
        ],
    ),
    "pow": Function(
        lambda x, y: x**y, (0.6, 1.3),
        (powers, integer_powers, paired(uniform(0, 4), uniform(-3, 3))),
        lambda big, small: [
            ((2, 3), 8), ((2, -1), 0.5), ((-2, 3), -8), ((-2, 2), 4), ((-2, 0.5), NAN), ((-1, 2**23 + 1), -1),
            ((0.0, 0.0), 1), ((INF, 0.0), 1), ((-3, 0.0), 1), ((1, INF), 1), ((-1, INF), 1), ((1, big), 1),
            ((0.0, 2), 0.0), ((-0.0, 3), -0.0), ((-0.0, 2), 0.0), ((0.0, 0.5), 0.0), ((0.0, INF), 0.0),
            ((0.0, -1), INF), ((-0.0, -1), -INF), ((-0.0, -2), INF), ((0.0, -INF), INF),
            ((INF, 2), INF), ((INF, -2), 0.0), ((-INF, 3), -INF), ((-INF, 2), INF), ((-INF, -3), -0.0),
            ((2, INF), INF), ((2, -INF), 0.0), ((0.5, INF), 0.0), ((0.5, -INF), INF),
            ((2, big), INF), ((big, 1), big), ((small, 1), small), ((big, 2), INF), ((-big, 3), -INF),
        ],
    ),
    "xlogy": Function(
        lambda x, y: x * mp.log(y), (1.6, 1.6),
        (paired(magnitudes(-20, 20), magnitudes(signs=(1,))), paired(uniform(-4, 4), uniform(0.5, 2))),
        lambda big, small: [
            ((0.0, 0.0), 0.0), ((-0.0, 5), 0.0), ((0.0, INF), 0.0), ((0.0, -1), 0.0), ((2, 1), 0.0), ((2, 0.0), -INF),
            ((2, -1), NAN),
        ],
    ),
    "lgamma_ratio": Function(
        lambda x, n: mp.loggamma(x + n) - mp.loggamma(x), (0.7, 4.0),
        (
            paired(magnitudes(-3, 20, (1,)), counts(0, 20)),
            paired(magnitudes(-60, 5, (1,)), counts(0, 25)),
            paired(magnitudes(15, 20, (1,)), counts(18, 21)),
        ),
        lambda big, small: [((1, 1), 0.0), ((3, 0.0), 0.0), ((100, 0.0), 0.0)],
        scale=_lgamma_ratio_scale,
    ),
    "digamma_ratio": Function(
        lambda x, n: mp.digamma(x + n) - mp.digamma(x), (0.6, 3.0),
        (paired(magnitudes(-3, 20, (1,)), counts(0, 20)), paired(magnitudes(-60, 5, (1,)), counts(0, 25))),
        lambda big, small: [((3, 0.0), 0.0), ((1, 1), 1), ((100, 0.0), 0.0)],
    ),
}
# fmt: on
