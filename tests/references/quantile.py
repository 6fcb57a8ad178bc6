"""References of quantile losses: Koenker and Bassett (1978), Newey and Powell (1987), Dabney et al. (2018)."""

import numpy as np

from references.draws import INF, REAL_SPECIALS, beside, mixture, normal, real, unit, unit_wide
from references.schema import Kink, Operand, Reference

MEDIAN = 0.5
DECILES = (0.1, 0.5, 0.9)
TARGETS, PREDICTIONS = (3.0, -0.5, 2.0, 7.0), (2.5, 0.0, 2.0, 8.0)


def level_wide(rng, count, dtype, drawn=None):
    """Numbers between 0 and 1 without either: close to both of them, and between."""
    levels = mixture(rng, [unit_wide(rng, count, dtype), unit(rng, count, dtype)])
    info = np.finfo(dtype)
    return np.clip(levels, info.smallest_subnormal, 1 - info.epsneg).astype(dtype)


def level(name, default):
    """An operand that says which quantile is wanted."""
    return Operand(
        name,
        level_wide,
        unit,
        (1e-30, 0.1, 0.5, 0.75, 1 - 2**-24),
        kinds=("full", "scalar", "column", "row", "trailing"),
        default=default,
        checked_always=True,
    )


INPUT = Operand("input", real, normal, REAL_SPECIALS)
TARGET = Operand("target", beside("input"), normal, REAL_SPECIALS)
TARGET_OF_LEVELS = Operand(
    "target", beside("input"), normal, REAL_SPECIALS, kinds=("full", "scalar", "column", "row", "leading")
)


def cost(u, tau):
    """|tau - 1{u < 0}|"""
    return np.where(u < 0, 1 - tau, tau)


def pinball(u, tau):
    return np.maximum(tau * u, (tau - 1) * u)


def pinball_slope(u, tau):
    """In the input, of which u is a falling function; 0 at the kink."""
    return np.where(u == 0, 0, -cost(u, tau) * np.sign(u))


def huber(u, delta):
    """Huber's function divided by its threshold; the absolute value for a threshold of 0."""
    a = np.abs(u)
    inner = np.minimum(a, delta)
    return np.where(a < delta, inner * (inner / (2 * np.where(delta == 0, 1, delta))), a - delta / 2)


def huber_slope(u, delta):
    return np.where(np.abs(u) < delta, u / np.where(delta == 0, 1, delta), np.sign(u))


def formed(slope):
    """The difference is formed first."""
    return lambda input, target, **o: [(input - target, slope(target - input, **o))]


def of_quantile(input, target, quantile):
    return pinball(target - input, quantile)


def slope_of_quantile(input, target, quantile):
    return pinball_slope(target - input, quantile)


QUANTILE = Reference(
    name="quantile_loss",
    operands=(INPUT, TARGET, level("quantile", MEDIAN)),
    value=of_quantile,
    gradients={
        "input": slope_of_quantile,
        "target": lambda **o: -slope_of_quantile(**o),
        "quantile": lambda input, target, quantile: target - input,
    },
    hessian=lambda input, target, quantile: 0 * np.sign(target - input),
    kinks=(
        Kink(
            "equal",
            {"input": 1.5, "target": 1.5, "quantile": 0.75},
            0.0,
            {"input": 0.0, "target": 0.0, "quantile": 0.0},
            0.0,
        ),
        Kink(
            "negative zero",
            {"input": -0.0, "target": 0.0, "quantile": 0.25},
            0.0,
            {"input": 0.0, "target": 0.0, "quantile": 0.0},
            0.0,
        ),
        Kink(
            "too low",
            {"input": 1.0, "target": 3.0, "quantile": 0.75},
            1.5,
            {"input": -0.75, "target": 0.75, "quantile": 2.0},
            0.0,
        ),
        Kink(
            "too high",
            {"input": 3.0, "target": 1.0, "quantile": 0.75},
            0.5,
            {"input": 0.25, "target": -0.25, "quantile": -2.0},
            0.0,
        ),
        Kink(
            "infinite input",
            {"input": INF, "target": 0.0, "quantile": 0.75},
            INF,
            {"input": 0.25, "target": -0.25, "quantile": -INF},
            0.0,
        ),
        Kink(
            "infinite target",
            {"input": 0.0, "target": INF, "quantile": 0.75},
            INF,
            {"input": -0.75, "target": 0.75, "quantile": INF},
            0.0,
        ),
    ),
    golden=(
        ((PREDICTIONS, TARGETS), {"quantile": 0.8}, 0.175),
        ((PREDICTIONS, TARGETS), {}, 0.25),
        # 0.1 * 2, 0.5 * 1, 0.1 * 1 for the targets 3, 3, 3
        (((1.0, 2.0, 4.0), 3.0, (0.1, 0.5, 0.9)), {"reduction": "sum"}, 0.8),
    ),
    outside={"quantile": 1.0},
    formed_first={"value": formed(lambda u, quantile: cost(u, quantile))},
    distance_to_kink=lambda input, target, quantile: np.abs(input - target),
    properties=frozenset({"convex", "non-negative", "homogeneous:1"}),
    optimum=lambda target, quantile: target,
)


def of_quantiles(input, target, quantiles):
    return of_quantile(input, target, quantiles)


def slope_of_quantiles(input, target, quantiles):
    return slope_of_quantile(input, target, quantiles)


MULTI_QUANTILE = Reference(
    name="multi_quantile_loss",
    operands=(INPUT, TARGET_OF_LEVELS, level("quantiles", DECILES)),
    value=of_quantiles,
    gradients={
        "input": slope_of_quantiles,
        "target": lambda **o: -slope_of_quantiles(**o),
        "quantiles": lambda input, target, quantiles: target - input,
    },
    hessian=lambda input, target, quantiles: 0 * np.sign(target - input),
    kinks=(
        Kink(
            "equal",
            {"input": 1.5, "target": 1.5, "quantiles": 0.75},
            0.0,
            {"input": 0.0, "target": 0.0, "quantiles": 0.0},
            0.0,
        ),
        Kink(
            "infinite input",
            {"input": -INF, "target": 0.0, "quantiles": 0.75},
            INF,
            {"input": -0.75, "target": 0.75, "quantiles": INF},
            0.0,
        ),
    ),
    golden=(
        # A target of 3: 0.1 * 2 + 0.5 * 1 + 0.1 * 1; a target of 0: 0.9 * 1 + 0.5 * 0 + 0.1 * 1
        ((((1.0, 2.0, 4.0), (1.0, 0.0, 1.0)), (3.0, 0.0)), {}, 0.3),
        ((((1.0, 2.0), (1.0, 0.0)), (3.0, 0.0), (0.25, 0.75)), {"reduction": "sum"}, 2.0),
    ),
    outside={"quantiles": 0.0},
    formed_first={"value": formed(lambda u, quantiles: cost(u, quantiles))},
    distance_to_kink=lambda input, target, quantiles: np.abs(input - target),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, quantiles: target,
)


def of_huber(input, target, quantile, delta):
    u = target - input
    return cost(u, quantile) * huber(u, delta)


def slope_of_huber(input, target, quantile, delta):
    u = target - input
    return -cost(u, quantile) * huber_slope(u, delta)


def huber_in_level(input, target, quantile, delta):
    u = target - input
    return np.where(u < 0, -1, 1) * huber(u, delta)


def curvature_of_huber(input, target, quantile, delta):
    u = target - input
    return np.where(np.abs(u) < delta, cost(u, quantile) / np.where(delta == 0, 1, delta), 0 * np.sign(u))


HUBER_QUANTILE = Reference(
    name="huber_quantile_loss",
    operands=(INPUT, TARGET, level("quantile", MEDIAN)),
    value=of_huber,
    gradients={"input": slope_of_huber, "target": lambda **o: -slope_of_huber(**o), "quantile": huber_in_level},
    hessian=curvature_of_huber,
    kinks=(
        Kink(
            "equal",
            {"input": 1.5, "target": 1.5, "quantile": 0.75},
            0.0,
            {"input": 0.0, "target": 0.0, "quantile": 0.0},
            0.75,
        ),
        Kink(
            "threshold, too low",
            {"input": 0.0, "target": 2.0, "quantile": 0.75},
            0.75,
            {"input": -0.75, "target": 0.75, "quantile": 1.0},
            0.0,
            {"delta": 2.0},
        ),
        Kink(
            "threshold, too high",
            {"input": 2.0, "target": 0.0, "quantile": 0.75},
            0.25,
            {"input": 0.25, "target": -0.25, "quantile": -1.0},
            0.0,
            {"delta": 2.0},
        ),
        Kink(
            "no parabola",
            {"input": -1.0, "target": -1.0, "quantile": 0.75},
            0.0,
            {"input": 0.0, "target": 0.0, "quantile": 0.0},
            0.0,
            {"delta": 0.0},
        ),
        Kink(
            "infinite input",
            {"input": INF, "target": 0.0, "quantile": 0.75},
            INF,
            {"input": 0.25, "target": -0.25, "quantile": -INF},
            0.0,
        ),
    ),
    golden=(
        # u = 0.5, -0.5, 0, -1 and Huber's function 0.125, 0.125, 0, 0.5
        ((PREDICTIONS, TARGETS), {"quantile": 0.8, "reduction": "sum"}, 0.225),
        ((PREDICTIONS, TARGETS), {"quantile": 0.8, "delta": 0.0}, 0.175),
        ((PREDICTIONS, TARGETS), {"delta": 0.5, "reduction": "sum"}, 0.625),
    ),
    outside={"quantile": 0.0},
    options={"delta": (0.0, 0.01, 0.35, 2.0, 1e10)},
    defaults={"delta": 1.0},
    formed_first={
        "value": formed(lambda u, quantile, delta: cost(u, quantile) * huber_slope(u, delta)),
        "quantile": formed(lambda u, quantile, delta: huber_slope(u, delta)),
    },
    distance_to_kink=lambda input, target, quantile, delta: np.minimum(
        np.abs(np.abs(input - target) - delta), np.abs(input - target)
    ),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, quantile, delta: target,
)


def of_expectile(input, target, tau):
    u = target - input
    return cost(u, tau) * u * u


def slope_of_expectile(input, target, tau):
    u = target - input
    return -2 * cost(u, tau) * u


def expectile_in_level(input, target, tau):
    u = target - input
    return np.where(u < 0, -1, 1) * u * u


EXPECTILE = Reference(
    name="expectile_loss",
    operands=(INPUT, TARGET, level("tau", MEDIAN)),
    value=of_expectile,
    gradients={"input": slope_of_expectile, "target": lambda **o: -slope_of_expectile(**o), "tau": expectile_in_level},
    hessian=lambda input, target, tau: 2 * cost(target - input, tau) + 0 * np.sign(target - input),
    kinks=(
        Kink(
            "equal",
            {"input": 1.5, "target": 1.5, "tau": 0.75},
            0.0,
            {"input": 0.0, "target": 0.0, "tau": 0.0},
            1.5,
        ),
        Kink(
            "too low",
            {"input": 1.0, "target": 3.0, "tau": 0.75},
            3.0,
            {"input": -3.0, "target": 3.0, "tau": 4.0},
            1.5,
        ),
        Kink(
            "too high",
            {"input": 3.0, "target": 1.0, "tau": 0.75},
            1.0,
            {"input": 1.0, "target": -1.0, "tau": -4.0},
            0.5,
        ),
        Kink(
            "infinite input",
            {"input": INF, "target": 0.0, "tau": 0.75},
            INF,
            {"input": INF, "target": -INF, "tau": -INF},
            0.5,
        ),
    ),
    golden=(
        # u^2 = 0.25, 0.25, 0, 1 with the weights 0.8, 0.2, 0.8, 0.2
        ((PREDICTIONS, TARGETS), {"tau": 0.8}, 0.1125),
        ((PREDICTIONS, TARGETS), {}, 0.1875),
    ),
    outside={"tau": 1.0},
    formed_first={
        "value": formed(lambda u, tau: 2 * cost(u, tau) * np.abs(u)),
        "input": formed(lambda u, tau: 2 * cost(u, tau)),
        "target": formed(lambda u, tau: 2 * cost(u, tau)),
    },
    distance_to_kink=lambda input, target, tau: np.abs(input - target),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, tau: target,
)

REFERENCES = (QUANTILE, MULTI_QUANTILE, HUBER_QUANTILE, EXPECTILE)
