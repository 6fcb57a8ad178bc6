"""Generators of operand values. The hostile ones cover every exponent of the dtype, as ``cases.sample`` asserts."""

from __future__ import annotations

import numpy as np

INF = float("inf")
NAN = float("nan")
# Of a rate or mean, or of its logarithm; and of counts.
LINKED = (0.0, -0.0, 1.0, -1.0, 0.5, 20.0, -20.0, 1e-30, 3e38, -3e38, INF, -INF)
COUNTS = (0.0, 1.0, 2.0, 0.3, 9.0, 1e-30, 1e6)
REAL_SPECIALS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-30, -1e-30, 3e38, -3e38, INF, -INF)


def log_uniform(rng, count, dtype):
    """Positive numbers whose exponents are uniform over the whole range, subnormals included."""
    info = np.finfo(dtype)
    lowest, highest = info.minexp - info.nmant, info.maxexp - 1
    exponents = rng.integers(lowest, highest + 1, count)
    mantissas = (1 + rng.random(count)).astype(dtype)
    return np.ldexp(mantissas, exponents).astype(dtype)


def signed(rng, values):
    """The values with random signs."""
    return np.where(rng.random(values.size) < 0.5, values, -values).astype(values.dtype)


def mixture(rng, parts):
    """Each element from one of the arrays, at random."""
    choice = rng.integers(0, len(parts), parts[0].size)
    return np.choose(choice, parts).astype(parts[0].dtype)


def normal(rng, count, dtype, drawn=None):
    """Ordinary numbers."""
    return (2 * rng.standard_normal(count)).astype(dtype)


def moderate(rng, count, dtype, drawn=None):
    """Numbers that are a mean as well as the logarithm of one."""
    return rng.uniform(0.05, 3, count).astype(dtype)


def real(rng, count, dtype, drawn=None):
    """Any real number: ordinary ones, small integers, every magnitude, zeros of both signs."""
    integers = rng.integers(-3, 4, count).astype(dtype)
    integers[integers == 0] = -0.0
    wide = signed(rng, log_uniform(rng, count, dtype))
    return mixture(rng, [normal(rng, count, dtype), integers, wide, wide, np.zeros(count, dtype)])


def beside(name):
    """Any real number, or one that lies close to the operand `name`, so that differences cancel."""

    def draw(rng, count, dtype, drawn):
        other = drawn[name]
        with np.errstate(over="ignore"):
            close = np.clip(
                other * (1 + rng.standard_normal(count).astype(dtype) * dtype(1e-3)),
                -np.finfo(dtype).max,
                np.finfo(dtype).max,
            )
            steps = np.nextafter(other, dtype(INF) if rng.random() < 0.5 else dtype(0)).clip(
                -np.finfo(dtype).max, np.finfo(dtype).max
            )
        return mixture(
            rng, [real(rng, count, dtype), close.astype(dtype), steps.astype(dtype), other, normal(rng, count, dtype)]
        )

    return draw


def positive(rng, count, dtype, drawn=None):
    """Positive numbers of ordinary size."""
    return np.exp(rng.standard_normal(count)).astype(dtype)


def positive_wide(rng, count, dtype, drawn=None):
    """Non-negative numbers of every magnitude, zero included."""
    return mixture(
        rng,
        [positive(rng, count, dtype), log_uniform(rng, count, dtype), np.zeros(count, dtype), np.ones(count, dtype)],
    )


def unit(rng, count, dtype, drawn=None):
    """Numbers in (0, 1)."""
    return rng.uniform(0.02, 0.98, count).astype(dtype)


def unit_wide(rng, count, dtype, drawn=None):
    """Numbers in [0, 1]: both ends, close to both ends, and between."""
    tiny = np.minimum(log_uniform(rng, count, dtype), dtype(1))
    return mixture(
        rng,
        [
            np.zeros(count, dtype),
            np.ones(count, dtype),
            unit(rng, count, dtype),
            tiny,
            (1 - np.minimum(tiny, dtype(1))).astype(dtype),
        ],
    )


def label(*values):
    """One of a few values."""

    def draw(rng, count, dtype, drawn=None):
        return rng.choice(np.array(values, dtype), count)

    return draw
