"""References of relative errors, from the papers that their documentation names; at infinity the limits."""

import numpy as np

from references.draws import INF, REAL_SPECIALS, beside, log_uniform, mixture, normal, positive, real
from references.schema import Kink, Operand, Reference, held

FORECASTS, SALES = (90.0, 210.0, 290.0), (100.0, 200.0, 300.0)


def agreeing(value, slope):
    """The slope, and NaN where the loss has no value."""
    return np.where(np.isnan(value), np.nan, slope)


def percentage(input, target, eps, scale):
    with np.errstate(invalid="ignore"):
        ratio = np.abs(input - target) / np.maximum(np.abs(target), eps)
    return scale * np.where(np.isinf(target) & np.isfinite(input), 1, ratio)


def percentage_in_input(input, target, eps, scale):
    slope = scale * np.sign(input - target) / np.maximum(np.abs(target), eps)
    return agreeing(percentage(input, target, eps, scale), slope)


def percentage_in_target(input, target, eps, scale):
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(np.abs(target) > eps, input / target / np.abs(target), 1 / eps)
    return agreeing(percentage(input, target, eps, scale), -scale * np.sign(input - target) * slope)


def percentage_terms(input, target, eps, scale):
    ratio = percentage(input, target, eps, 1)
    return [*held([(ratio, scale)]), (input - target, scale / np.maximum(np.abs(target), eps))]


def percentage_terms_in_target(input, target, eps, scale):
    size = np.maximum(np.abs(target), eps)
    return [(input / size, scale / size), *held([(input / size / size, scale)]), (1 / size, scale)]


INPUT = Operand("input", real, normal, REAL_SPECIALS)
TARGET = Operand("target", beside("input"), normal, REAL_SPECIALS)

MAPE = Reference(
    name="mape_loss",
    operands=(INPUT, TARGET),
    value=percentage,
    gradients={"input": percentage_in_input, "target": percentage_in_target},
    hessian=lambda input, target, eps, scale: 0 * np.sign(input - target),
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("both zero", {"input": 0.0, "target": -0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("target zero", {"input": 1.0, "target": 0.0}, 4.0, {"input": 4.0, "target": -4.0}, 0.0, {"eps": 0.25}),
        Kink("target eps", {"input": 1.0, "target": 0.25}, 3.0, {"input": 4.0, "target": -4.0}, 0.0, {"eps": 0.25}),
        Kink(
            "target beyond eps", {"input": 1.0, "target": 0.5}, 1.0, {"input": 2.0, "target": -4.0}, 0.0, {"eps": 0.25}
        ),
        Kink("infinite input", {"input": INF, "target": 2.0}, INF, {"input": 0.5, "target": -INF}, 0.0),
        Kink("infinite target", {"input": 2.0, "target": -INF}, 1.0, {"input": 0.0, "target": 0.0}, 0.0),
    ),
    golden=(((FORECASTS, SALES), {}, 0.0611111111), ((FORECASTS, SALES), {"scale": 100.0}, 6.1111111111)),
    options={"eps": (1e-3, 0.25, 1e-30), "scale": (100.0, 0.5)},
    defaults={"eps": 1e-7, "scale": 1.0},
    formed_first={
        "value": percentage_terms,
        "input": lambda input, target, eps, scale: [(1 / np.maximum(np.abs(target), eps), scale)],
        "target": percentage_terms_in_target,
    },
    distance_to_kink=lambda input, target, eps, scale: np.minimum(np.abs(input - target), np.abs(np.abs(target) - eps)),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, eps, scale: target,
)


def balance(input, target, eps):
    """|x - t| / max(|x| + |t|, eps), with 1 where an infinite side outweighs the other."""
    size = np.abs(input) + np.abs(target)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(input == target, 0, np.abs(input - target) / np.maximum(size, eps))
    return np.where(np.isinf(size), np.where(input == target, np.nan, 1), ratio)


def balance_slope(this, other, eps):
    """In `this` operand of the two: by the quotient rule 2 |other| / size^2 where the signs agree."""
    size = np.abs(this) + np.abs(other)
    with np.errstate(invalid="ignore", divide="ignore"):
        agreement = np.abs(other) + np.sign(this) * other
        slope = np.sign(this - other) * np.where(size > eps, agreement / size / size, 1 / np.maximum(size, eps))
    slope = np.where(np.isinf(size) | (this == other), 0, slope)
    return agreeing(balance(this, other, eps), slope)


def balance_curvature(input, target, eps):
    size = np.abs(input) + np.abs(target)
    with np.errstate(invalid="ignore", divide="ignore"):
        curvature = -2 * np.sign(input) * balance_slope(input, target, eps) / size
    return np.where((size > eps) & (input != target) & np.isfinite(size), curvature, 0 * np.sign(input - target))


def balance_terms(this, other, eps):
    size = np.abs(this) + np.abs(other)
    slope = np.abs(balance_slope(this, other, eps))
    with np.errstate(invalid="ignore", divide="ignore"):
        return [(size, 2 * slope / size), (other / size, slope * size / np.abs(other))]


SMAPE = Reference(
    name="smape_loss",
    operands=(INPUT, TARGET),
    value=balance,
    gradients={
        "input": lambda input, target, eps: balance_slope(input, target, eps),
        "target": lambda input, target, eps: balance_slope(target, input, eps),
    },
    hessian=balance_curvature,
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("both zero", {"input": 0.0, "target": -0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink(
            "both zero without eps",
            {"input": 0.0, "target": 0.0},
            0.0,
            {"input": 0.0, "target": 0.0},
            0.0,
            {"eps": 0.0},
        ),
        Kink("input zero", {"input": 0.0, "target": 2.0}, 1.0, {"input": -0.5, "target": 0.0}, 0.0),
        Kink("target zero", {"input": -2.0, "target": 0.0}, 1.0, {"input": 0.0, "target": 0.5}, 0.0),
        Kink("opposite signs", {"input": -2.0, "target": 5.0}, 1.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("size eps", {"input": 3.0, "target": 1.0}, 0.5, {"input": 0.25, "target": -0.25}, 0.0, {"eps": 4.0}),
        Kink("beyond eps", {"input": 3.0, "target": 1.0}, 0.5, {"input": 0.125, "target": -0.375}, -0.0625),
        Kink("infinite input", {"input": INF, "target": 2.0}, 1.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("opposite infinities", {"input": INF, "target": -INF}, 1.0, {"input": 0.0, "target": 0.0}, 0.0),
    ),
    golden=(
        (((3.0, 0.0, -2.0), (1.0, 0.0, 5.0)), {}, 0.5),
        ((FORECASTS, SALES), {}, (10 / 190 + 10 / 410 + 10 / 590) / 3),
    ),
    options={"eps": (0.25, 1e-3, 0.0)},
    defaults={"eps": 1e-8},
    formed_first={
        "value": lambda input, target, eps: [
            (input - target, 1 / np.maximum(np.abs(input) + np.abs(target), eps)),
            (
                np.abs(input) + np.abs(target),
                balance(input, target, eps) / np.maximum(np.abs(input) + np.abs(target), eps),
            ),
        ],
        "input": lambda input, target, eps: balance_terms(input, target, eps),
        "target": lambda input, target, eps: balance_terms(target, input, eps),
        "hessian": lambda input, target, eps: [
            (
                np.abs(input) + np.abs(target),
                3 * np.abs(balance_curvature(input, target, eps)) / (np.abs(input) + np.abs(target)),
            ),
            (balance_slope(input, target, eps), 2 / (np.abs(input) + np.abs(target))),
        ],
    },
    distance_to_kink=lambda input, target, eps: np.min(
        [np.abs(input - target), np.abs(input), np.abs(target), np.abs(np.abs(input) + np.abs(target) - eps)], axis=0
    ),
    properties=frozenset({"non-negative", "bounded"}),
    optimum=lambda target, eps: target,
)


def above_minus_one(rng, count, dtype, drawn=None):
    """Numbers above -1: of every size, close to -1, and between."""
    tiny = np.minimum(log_uniform(rng, count, dtype), dtype(0.5))
    return mixture(
        rng,
        [
            log_uniform(rng, count, dtype),
            positive(rng, count, dtype),
            -rng.uniform(0, 0.99, count).astype(dtype),
            np.nextafter(tiny - dtype(1), dtype(1)),
            np.zeros(count, dtype),
        ],
    )


def beside_above_minus_one(rng, count, dtype, drawn):
    """The same, or close to the input."""
    close = np.maximum(beside("input")(rng, count, dtype, drawn), np.nextafter(dtype(-1), dtype(0)))
    return mixture(rng, [above_minus_one(rng, count, dtype), close])


def log_difference(input, target):
    """log(1 + x) - log(1 + t) without the cancellation of close operands."""
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.log1p(input) - np.log1p(target)
        one = np.where(
            input >= target, np.log1p((input - target) / (1 + target)), -np.log1p((target - input) / (1 + input))
        )
    return np.where(np.isfinite(apart), one, apart)


def over(numerator, x):
    """numerator / (1 + x), where an infinite x outweighs the logarithm above it."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isinf(x) & ~np.isnan(numerator), 0, numerator / (1 + x))


def log_terms(slope):
    """The difference and the sum that the ratio of 1 + x and 1 + t is made of."""

    def terms(input, target):
        least = np.minimum(input, target)
        ratio = np.abs(input - target) / (1 + least)
        by_ratio = np.abs(slope(input, target)) / (1 + ratio)
        return [
            (input - target, by_ratio / (1 + least)),
            (1 + least, by_ratio * ratio / (1 + least)),
            (log_difference(input, target), np.abs(slope(input, target))),
        ]

    return terms


MSLE = Reference(
    name="msle_loss",
    operands=(
        Operand("input", above_minus_one, positive, (0.0, -0.0, 1.0, -0.5, 1e-30, 3e38, -1.0, -2.0, INF, -INF)),
        Operand("target", beside_above_minus_one, positive, (0.0, 1.0, -0.5, 3e38, -1.0, -2.0, INF)),
    ),
    value=lambda input, target: log_difference(input, target) ** 2,
    gradients={
        "input": lambda input, target: over(2 * log_difference(input, target), input),
        "target": lambda input, target: over(-2 * log_difference(input, target), target),
    },
    hessian=lambda input, target: over(over(2 - 2 * log_difference(input, target), input), input),
    kinks=(
        Kink("equal", {"input": 1.0, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.5),
        Kink("zero", {"input": -0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 2.0),
        Kink("input -1", {"input": -1.0, "target": 0.0}, INF, {"input": -INF, "target": INF}, INF),
        Kink("target -1", {"input": 0.0, "target": -1.0}, INF, {"input": INF, "target": -INF}, -INF),
        Kink("infinite input", {"input": INF, "target": 0.0}, INF, {"input": 0.0, "target": -INF}, 0.0),
        Kink("infinite target", {"input": 0.0, "target": INF}, INF, {"input": -INF, "target": 0.0}, INF),
    ),
    golden=(
        ((FORECASTS, SALES), {}, 0.0047897784),
        (((float(np.expm1(1.0)), 0.0), (0.0, float(np.expm1(-2.0)))), {}, 2.5),
    ),
    outside={"input": -1.5, "target": -1.25},
    formed_first={
        "value": log_terms(lambda input, target: 2 * log_difference(input, target)),
        "input": log_terms(lambda input, target: 2 / (1 + input)),
        "target": log_terms(lambda input, target: 2 / (1 + target)),
        "hessian": log_terms(lambda input, target: 2 / (1 + input) ** 2),
    },
    properties=frozenset({"non-negative"}),
    optimum=lambda target: target,
)

REFERENCES = (MAPE, SMAPE, MSLE)
