"""Reference of the alpha-divergence: Cressie and Read (1984), Cichocki and Amari (2010)."""

import numpy as np

from references.divergence import MEASURE, OTHER_MEASURE, measures, weighted
from references.draws import INF
from references.schema import Kink, Reference


def log_of_ratio(x, t):
    """log(t / x), by the difference where the two are close."""
    close = np.abs(t - x) < 0.5 * x
    return np.where(close, np.log1p(np.where(close, (t - x) / x, 0)), np.log(t) - np.log(x))


def power_quotient(c, log):
    """(e^(c log) - 1) / c and its limit for c = 0."""
    return log if c == 0 else np.expm1(c * log) / c


def alpha_value(input, target, alpha):
    """By the integral of the slope's series where the terms cancel, else by the formula, arranged for either limit."""
    log = log_of_ratio(input, target)
    near = np.abs(log) * (1 + abs(alpha)) < 0.5
    small = np.where(near, log, 0)
    series, power_sum, term = 0 * small, np.longdouble(1), np.longdouble(1) / 2 + 0 * small
    for k in range(2, 30):
        series = series + power_sum * term
        power_sum = alpha * power_sum + 1
        term = term * small / (k + 1)
    if abs(alpha) < abs(alpha - 1):
        far = (input * power_quotient(alpha, log) + (input - target)) / (alpha - 1)
    else:
        far = (target * power_quotient(alpha - 1, log) + (input - target)) / alpha
    value = np.where(near, input * small * small * series, far)
    value = np.where(target == 0, input / alpha if alpha > 0 else INF, value)
    value = np.where(input == 0, target / (1 - alpha) if alpha < 1 else INF, value)
    value = np.where((input == 0) & (target == 0), 0, value)
    value = np.where(np.isinf(input) ^ np.isinf(target), INF, value)
    return measures(input, target, np.where(np.isinf(input) & np.isinf(target), np.nan, value))


def alpha_in_input(input, target, alpha):
    both = (input == 0) & (target == 0)
    slope = np.where(both, 1 / alpha if alpha > 0 else 0, -power_quotient(alpha, log_of_ratio(input, target)))
    return measures(input, target, slope)


def alpha_in_target(input, target, alpha):
    both = (input == 0) & (target == 0)
    slope = power_quotient(alpha - 1, log_of_ratio(input, target))
    return measures(input, target, np.where(both, 1 / (1 - alpha) if alpha < 1 else 0, slope))


def alpha_hessian(input, target, alpha):
    """(target / input)^alpha / input, in factors that are powers of one operand each at 0 and infinity."""
    ratio = np.exp(alpha * log_of_ratio(input, target)) / input
    of_target = 1 / input if alpha == 0 else np.power(target, alpha)
    at_end = (target == 0) | np.isinf(target)
    result = np.where(at_end, of_target, ratio)
    of_input = 1 / target if alpha == -1 else np.power(input, -1 - alpha)
    result = np.where(((input == 0) | np.isinf(input)) & ~at_end, of_input, result)
    return np.where((input == 0) & (target == 0), 0, result)


def alpha_terms(input, target, alpha):
    """The two terms of the value, in the arrangement that cancels least."""
    log = log_of_ratio(input, target)
    if alpha < 0.5:
        terms, weight = input * power_quotient(alpha, log), 1 / abs(alpha - 1)
    else:
        terms, weight = target * power_quotient(alpha - 1, log), 1 / alpha
    return weighted(1, weight * terms) + weighted(1, weight * (input - target))


ALPHA_DIVERGENCE = Reference(
    name="alpha_divergence",
    operands=(MEASURE, OTHER_MEASURE),
    value=alpha_value,
    gradients={"input": alpha_in_input, "target": alpha_in_target},
    hessian=alpha_hessian,
    kinks=(
        Kink("equal", {"input": 2.5, "target": 2.5}, 0.0, {"input": 0.0, "target": 0.0}, 0.4),
        Kink("both 0", {"input": 0.0, "target": 0.0}, 0.0, {"input": 2.0, "target": 2.0}, 0.0),
        Kink("target 0", {"input": 2.5, "target": 0.0}, 5.0, {"input": 2.0, "target": -INF}, 0.0),
        Kink("prediction 0", {"input": 0.0, "target": 2.5}, 5.0, {"input": -INF, "target": 2.0}, INF),
        Kink("infinite", {"input": INF, "target": 1.0}, INF, {"input": 2.0, "target": -INF}, 0.0),
        Kink("both 0, 1", {"input": 0.0, "target": 0.0}, 0.0, {"input": 1.0, "target": 0.0}, 0.0, {"alpha": 1.0}),
        Kink("both 0, 0", {"input": 0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 1.0}, 0.0, {"alpha": 0.0}),
        Kink("target 0, 1", {"input": 2.5, "target": 0.0}, 2.5, {"input": 1.0, "target": -INF}, 0.0, {"alpha": 1.0}),
        Kink("target 0, 0", {"input": 2.5, "target": 0.0}, INF, {"input": INF, "target": -INF}, 0.4, {"alpha": 0.0}),
        Kink(
            "prediction 0, 2", {"input": 0.0, "target": 2.0}, INF, {"input": -INF, "target": INF}, INF, {"alpha": 2.0}
        ),
        Kink(
            "prediction 0, -1", {"input": 0.0, "target": 2.0}, 1.0, {"input": -1.0, "target": 0.5}, 0.5, {"alpha": -1.0}
        ),
        Kink("target 0, 2", {"input": 2.0, "target": 0.0}, 1.0, {"input": 0.5, "target": -1.0}, 0.0, {"alpha": 2.0}),
    ),
    golden=(
        (((1.0, 0.25, 0.0), (0.25, 0.25, 0.25)), {"reduction": "sum"}, 1.0),
        (((1.0, 4.0), (2.0, 2.0)), {"alpha": 2.0, "reduction": "sum"}, 1.0),
        (((1.0, 2.0, 3.0), (2.0, 2.0, 0.0)), {"alpha": 1.0, "reduction": "sum"}, 3.3862943611),
        (((2.0, 2.0), (1.0, 2.0)), {"alpha": 0.0, "reduction": "sum"}, 0.3862943611),
        (((1.0, 4.0), (2.0, 2.0)), {"alpha": -1.0, "reduction": "sum"}, 1.25),
    ),
    outside={"input": -0.5, "target": -0.5},
    options={"alpha": (0.0, 1.0, 2.0, -1.0, 1.0 + 2.0**-20, -(2.0**-20), 0.3, -0.7, 3.7)},
    defaults={"alpha": 0.5},
    formed_first={"value": alpha_terms},
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, alpha: target,
)

REFERENCES = (ALPHA_DIVERGENCE,)
