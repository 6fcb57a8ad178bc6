"""Reference of the general robust loss: Barron (2019), with the limits of its equations 8 and 13."""

import numpy as np

from references.draws import INF, beside, mixture, normal, positive, positive_wide, real
from references.schema import Kink, Operand, Reference, held

LONG = np.longdouble
NODES, WEIGHTS = (x.astype(LONG) for x in np.polynomial.legendre.leggauss(64))


def refined(nodes):
    """Nodes and weights to the digits of longdouble: Newton's method on Legendre's recurrence."""
    n, x = nodes.size, nodes
    for _ in range(3):
        before, here = np.ones_like(x), x
        for k in range(2, n + 1):
            before, here = here, ((2 * k - 1) * x * here - (k - 1) * before) / LONG(k)
        slope = n * (x * here - before) / (x * x - 1)
        x = x - here / slope
    return (1 + x) / 2, 1 / ((1 - x * x) * slope * slope)


NODES, WEIGHTS = refined(NODES)


def parts(r, alpha, scale):
    """alpha with its infinities made finite, |alpha - 2|, u = q^2 / |alpha - 2| and log(1 + u)."""
    shape = np.clip(alpha, LONG(-(2.0**100)), LONG(2.0**100))
    gap = np.where(shape == 2, 1, np.abs(shape - 2))
    u = (r / scale) ** 2 / gap
    return shape, gap, u, np.log1p(u)


def value(r, alpha, scale):
    shape, gap, _, logarithm = parts(r, alpha, scale)
    general = gap / np.where(shape == 0, 1, shape) * np.expm1(shape / 2 * logarithm)
    result = np.where(shape == 0, logarithm, general)
    result = np.where(shape == 2, (r / scale) ** 2 / 2, result)
    result = np.where(np.isinf(r), np.where(alpha < 0, 1 - 2 / alpha, INF), result)
    return np.where(scale > 0, result, np.nan)


def power(r, alpha, scale):
    """(1 + u)^(alpha / 2 - 1)."""
    shape, _, _, logarithm = parts(r, alpha, scale)
    return np.where(shape == 2, 1, np.exp((shape - 2) / 2 * logarithm))


def slope(r, alpha, scale):
    far = np.where(alpha < 1, 0, np.where(alpha == 1, 1 / scale, INF))
    return np.where(np.isinf(r), np.sign(r) * far, r / scale**2 * power(r, alpha, scale))


def curvature(r, alpha, scale):
    shape, _, u, _ = parts(r, alpha, scale)
    bend = np.where(shape == 2, 1, (1 + (shape - 1) * u) / (1 + u))
    far = np.where(alpha < 2, 0, np.where(alpha == 2, 1 / scale**2, INF))
    return np.where(np.isinf(r), far, power(r, alpha, scale) * bend / scale**2)


def by_scale(r, alpha, scale):
    far = np.where(alpha < 0, 0, np.where(alpha == 0, -2 / scale, -INF))
    return np.where(np.isinf(r), far, -(r**2) / scale**3 * power(r, alpha, scale))


def excess(x):
    """x - 1 + e^-x for x in [0, 1], by its series."""
    total = 0 * x
    for k in range(24, 1, -1):
        total = 1 - x * total / (k + 1)
    return x * x / 2 * total


def mean_exp(y):
    """(e^y - 1) / y."""
    return np.where(y == 0, 1, np.expm1(y) / np.where(y == 0, 1, y))


def by_alpha(r, alpha, scale):
    """|alpha - 2| / 4 times the integral of e^(alpha x / 2) (x - 1 + e^-x) for x from 0 to log(1 + u)."""
    shape, gap, _, logarithm = parts(r, alpha, scale)
    h = shape / 2
    y, w = h * logarithm, (h - 1) * logarithm
    # Where the exponential falls by more than e^60, the rest does not count.
    length = np.minimum(logarithm, 60 / np.maximum(np.abs(h), LONG(1e-300)))
    start = np.where(h > 0, logarithm - length, 0)
    short = np.minimum(logarithm, 1)
    short_length = np.minimum(short, length)
    short_start = np.where(h > 0, short - short_length, 0)
    integral, first = 0, 0
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        x = short_start + short_length * node
        integral = integral + weight * short_length * np.exp(h * (x - np.where(h > 0, short, 0))) * excess(x)
        s = start + length * node
        first = first + weight * length * np.exp(h * (s - np.where(h > 0, logarithm, 0))) * s
    near = integral * np.where(h > 0, np.exp(h * short), 1)
    first = first * np.where(h > 0, np.exp(y), 1)
    apart = first - logarithm * mean_exp(y) + logarithm * mean_exp(w)
    apart = np.where(y < -100, 1 / (h * h * (1 - h)), apart)
    result = gap / 4 * np.where(logarithm < 1, near, apart)
    result = np.where(y > 11000, INF, result)  # beyond longdouble
    result = np.where(shape == 2, np.where(r == 0, 0, INF), result)
    result = np.where(np.isinf(alpha), 0, result)
    return np.where(np.isinf(r), np.where(alpha < 0, 2 / alpha**2, INF), result)


def shapes(rng, count, dtype, drawn=None):
    """Shapes of ordinary size, at the limits, close to them on both sides, and of every magnitude."""
    limits = rng.choice(np.array([-2, 0, 1, 2], dtype), count)
    tiny = (rng.choice(np.array([-1, 1]), count) * np.exp2(-rng.integers(3, 60, count).astype(float))).astype(dtype)
    wide = np.abs(real(rng, count, dtype))
    return mixture(
        rng,
        [normal(rng, count, dtype), normal(rng, count, dtype), limits, (limits + tiny).astype(dtype), -wide, wide],
    )


def at(f, sign=1):
    return lambda input, target, alpha, scale: sign * f(input - target, alpha, scale)


def finite(x):
    return np.abs(np.nan_to_num(x, posinf=0, neginf=0))


def terms_of_value(input, target, alpha, scale):
    return [(input - target, finite(slope(input - target, alpha, scale)))]


def terms_of_slope(factor):
    def terms(input, target, alpha, scale):
        r = input - target
        _, _, u, _ = parts(r, alpha, scale)
        f = factor(r, alpha, scale)
        elasticity = np.abs(np.where(np.isinf(u), 0, (alpha - 2) * u / (1 + u)))
        return [(r, finite((2 + elasticity) * f / np.where(r == 0, 1, r))), (alpha - 2, finite(f * np.log1p(u) / 2))]

    return terms


def terms_of_curvature(input, target, alpha, scale):
    r = input - target
    shape, _, u, _ = parts(r, alpha, scale)
    bend = finite(power(r, alpha, scale) / (1 + u) / scale**2)
    return [
        *held(
            [
                ((shape - 1) * u, bend),
                (power(r, alpha, scale), finite(curvature(r, alpha, scale)) / power(r, alpha, scale)),
            ]
        ),
        *terms_of_slope(lambda *o: finite(power(*o) / scale**2))(input, target, alpha, scale),
    ]


def terms_in_alpha(input, target, alpha, scale):
    r = input - target
    shape, _, u, logarithm = parts(r, alpha, scale)
    result = by_alpha(r, alpha, scale)
    relative = 6 + np.abs(shape) * u / (1 + u)
    return [(r, finite(relative * result / np.where(r == 0, 1, r))), (shape - 2, finite(result * (1 + logarithm)))]


GENERAL_ROBUST = Reference(
    name="general_robust_loss",
    operands=(
        Operand("input", real, normal, (0.0, -0.0, 1.0, -2.0, 1e-30, 3e38, INF, -INF)),
        Operand("target", beside("input"), normal, (0.0, 1.0, 3e38, INF)),
        Operand(
            "alpha",
            shapes,
            normal,
            (1.0, 0.0, -2.0, 1e-30, -1.0, 1.5, 2.0, 3.0, INF, -INF),
            kinds=("full", "scalar", "column", "row", "trailing"),
            default=1.0,
        ),
        Operand(
            "scale",
            positive_wide,
            positive,
            (1.0, 0.5, 1e-30, 1e30),
            kinds=("full", "scalar", "column", "row", "trailing"),
            default=1.0,
        ),
    ),
    value=at(value),
    gradients={"input": at(slope), "target": at(slope, -1), "alpha": at(by_alpha), "scale": at(by_scale)},
    hessian=at(curvature),
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 1.0),
        Kink(
            "squared",
            {"input": 2.0, "target": -1.0, "alpha": 2.0, "scale": 2.0},
            1.125,
            {"input": 0.75, "target": -0.75, "alpha": INF, "scale": -1.125},
            0.25,
        ),
        Kink(
            "squared, equal",
            {"input": 2.0, "target": 2.0, "alpha": 2.0, "scale": 2.0},
            0.0,
            {"input": 0.0, "target": 0.0, "alpha": 0.0, "scale": 0.0},
            0.25,
        ),
        Kink(
            "Cauchy",
            {"input": 2.0, "target": 0.0, "alpha": 0.0, "scale": 1.0},
            float(np.log(3.0)),
            {"input": 2 / 3, "scale": -4 / 3, "alpha": (np.log(3.0) ** 2 / 2 - np.log(3.0) + 2 / 3) / 2},
            -1 / 9,
        ),
        Kink(
            "Welsch",
            {"input": 1.0, "target": 0.0, "alpha": -INF, "scale": 1.0},
            -np.expm1(-0.5),
            {"input": np.exp(-0.5), "alpha": 0.0, "scale": -np.exp(-0.5)},
            0.0,
        ),
        Kink(
            "exponential",
            {"input": 1.0, "target": 0.0, "alpha": INF, "scale": 1.0},
            np.expm1(0.5),
            {"input": np.exp(0.5), "alpha": 0.0, "scale": -np.exp(0.5)},
            2 * np.exp(0.5),
        ),
        Kink(
            "infinite input",
            {"input": -INF, "target": 0.0, "alpha": 1.0, "scale": 2.0},
            INF,
            {"input": -0.5, "target": 0.5, "alpha": INF, "scale": -INF},
            0.0,
        ),
        Kink(
            "infinite input, bounded",
            {"input": INF, "target": 0.0, "alpha": -2.0, "scale": 2.0},
            2.0,
            {"input": 0.0, "target": 0.0, "alpha": 0.5, "scale": 0.0},
            0.0,
        ),
    ),
    golden=(
        (((0.75, 0.0), (0.0, 0.0)), {}, 0.125),
        (((2.0, 0.0), (0.0, 0.0), (2.0, 1.0)), {}, 1.0),
        (((4.0, 0.0), (0.0, 0.0), -2.0), {}, 0.8),
        (((6.0, 0.0), (0.0, 0.0), 4.0, 2.0), {}, 7.3125),
    ),
    outside={"scale": -1.0},
    formed_first={
        "value": terms_of_value,
        "input": terms_of_slope(slope),
        "target": terms_of_slope(slope),
        "scale": terms_of_slope(by_scale),
        "alpha": terms_in_alpha,
        "hessian": terms_of_curvature,
    },
    properties=frozenset({"symmetric", "non-negative"}),
    optimum=lambda target, alpha, scale: target,
)

REFERENCES = (GENERAL_ROBUST,)
