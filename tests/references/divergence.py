"""References of divergences: Kullback and Leibler (1951), Csiszar (1991), Hellinger (1909), torch's kl_div."""

import dataclasses
import warnings

import numpy as np

from references.binary import times
from references.draws import (
    INF,
    beside,
    log_uniform,
    mixture,
    normal,
    positive,
    positive_wide,
    real,
    unit,
    unit_wide,
)
from references.schema import Kink, Operand, Reference

LOG2 = float(np.log(2.0))


def log_probability(rng, count, dtype, drawn=None):
    """Logarithms of probabilities of ordinary size."""
    return np.log(unit(rng, count, dtype)).astype(dtype)


def log_probability_wide(rng, count, dtype, drawn=None):
    """Logarithms of probabilities: also of those far below the smallest number, and some that are too large."""
    moderate = (-300 * rng.random(count)).astype(dtype)
    ordinary = log_probability(rng, count, dtype)
    any_size = [-log_uniform(rng, count, dtype) for _ in range(3)]
    return mixture(rng, [-np.abs(real(rng, count, dtype)), *any_size, moderate, ordinary, normal(rng, count, dtype)])


def near_its_log(name):
    """Probabilities, many of them close to the exponential of `name`, so that the terms cancel; and what is none."""

    def draw(rng, count, dtype, drawn):
        with np.errstate(over="ignore"):
            close = np.minimum(np.exp(drawn[name]), dtype(1)) * (
                1 + dtype(1e-3) * rng.standard_normal(count).astype(dtype)
            )
        negative = -log_uniform(rng, count, dtype)
        moderate = (-300 * rng.random(count)).astype(dtype)
        return mixture(
            rng, [unit_wide(rng, count, dtype), unit(rng, count, dtype), close, negative, moderate, drawn[name]]
        )

    return draw


def possible(rng, count, dtype, drawn):
    """As above, but nowhere 0 where the exponential of the input is a number that only a wider dtype holds."""
    target = near_its_log("input")(rng, count, dtype, drawn)
    vanishes = drawn["input"] < np.log(np.longdouble(np.finfo(dtype).smallest_subnormal)) + 1
    return np.where(vanishes & (target == 0), dtype(0.5), target)


LOG_Q = Operand("input", log_probability_wide, log_probability, (0.0, -0.0, -1.0, -1e-30, -1e5, -3e38, INF, -INF))
PROBABILITY = Operand("target", near_its_log("input"), unit, (0.0, 1.0, 0.3, 1e-30, -1.0, -1e5, -INF))


def defined(t, result):
    """A negative number is no probability."""
    return np.where(t >= 0, result, np.nan)


def kl_value(input, target, log_target):
    if log_target:
        return times(np.exp(target), np.where(np.isneginf(target), 0, target - input))
    return defined(target, np.where(target == 0, 0, target * (np.log(target) - input)))


def kl_in_input(input, target, log_target):
    return -np.exp(target) if log_target else defined(target, -target)


def kl_in_target(input, target, log_target):
    if log_target:
        return times(np.exp(target), np.where(np.isneginf(target), 0, target - input + 1))
    return defined(target, np.where(target == 0, 0, np.log(target) + 1 - input))


def weighted(weight, term):
    """A term formed first, and the weight that multiplies it."""
    return [(np.where(np.isfinite(term), term, 0), np.where(np.isfinite(term), weight, 0))]


def kl_terms(input, target, log_target):
    if log_target:
        return weighted(np.exp(target), target - input)
    return weighted(target, np.log(target))


def kl_terms_in_target(input, target, log_target):
    if log_target:
        e = np.exp(target)
        return weighted(1, times(e, target - input)) + weighted(1, e)
    return weighted(1, np.log(target)) + weighted(1, np.log(target) - input)


def torch_kl(torch, operands, options, reduction):
    """Without its warning that the mean is not the divergence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return torch.nn.functional.kl_div(**operands, reduction=reduction, **options)


KL_DIV = Reference(
    name="kl_div",
    operands=(LOG_Q, PROBABILITY),
    value=kl_value,
    gradients={"input": kl_in_input, "target": kl_in_target},
    hessian=lambda input, target, log_target: 0 * kl_in_input(np.sign(input), np.sign(target), log_target),
    kinks=(
        Kink("target 0", {"input": -1.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("both 0", {"input": -INF, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("prediction 0", {"input": -INF, "target": 0.5}, INF, {"input": -0.5, "target": INF}, 0.0),
        Kink("certain", {"input": 0.0, "target": 1.0}, 0.0, {"input": -1.0, "target": 1.0}, 0.0),
        Kink(
            "log target -inf",
            {"input": -1.0, "target": -INF},
            0.0,
            {"input": 0.0, "target": 0.0},
            0.0,
            {"log_target": True},
        ),
        Kink(
            "both -inf",
            {"input": -INF, "target": -INF},
            0.0,
            {"input": 0.0, "target": 0.0},
            0.0,
            {"log_target": True},
        ),
        Kink(
            "prediction -inf",
            {"input": -INF, "target": 0.0},
            INF,
            {"input": -1.0, "target": INF},
            0.0,
            {"log_target": True},
        ),
    ),
    golden=(
        (((-LOG2, -2 * LOG2), (0.5, 0.5)), {"reduction": "sum"}, 0.3465735903),
        (((-LOG2, -2 * LOG2), (-LOG2, -LOG2)), {"log_target": True}, 0.1732867951),
    ),
    outside={"input": 0.5, "target": 1.25},
    options={"log_target": (True,)},
    defaults={"log_target": False},
    formed_first={"value": kl_terms, "target": kl_terms_in_target},
    torch=torch_kl,
    torch_options={"log_target": (True,)},
    properties=frozenset({"convex", "no optimum"}),
)


def reverse_kl_value(input, target, log_target):
    e = np.exp(input)
    if log_target:
        return times(e, np.where(np.isneginf(input), 0, input - target))
    return defined(target, times(e, np.where(np.isneginf(input), 0, input - np.log(target))))


def reverse_kl_in_input(input, target, log_target):
    e = np.exp(input)
    if log_target:
        return times(e, np.where(np.isneginf(input), 0, input - target + 1))
    return defined(target, times(e, np.where(np.isneginf(input), 0, input - np.log(target) + 1)))


def reverse_kl_hessian(input, target, log_target):
    return reverse_kl_in_input(input, target, log_target) + np.exp(input)


def reverse_kl_in_target(input, target, log_target):
    if log_target:
        return -np.exp(input)
    return defined(target, np.where(np.exp(input) == 0, 0, -np.exp(input) / target))


def reverse_kl_terms(times_power):
    """The logarithm, the difference, and the terms that are multiples of e^input are formed first."""

    def terms(input, target, log_target):
        e = np.exp(input)
        log_t = target if log_target else np.log(target)
        formed = weighted(e, log_t) + weighted(e, input - log_t)
        return formed + (weighted(1, times(e, input - log_t)) + weighted(times_power, e) if times_power else [])

    return terms


REVERSE_KL_DIV = Reference(
    name="reverse_kl_div",
    operands=(LOG_Q, dataclasses.replace(PROBABILITY, wide=possible)),
    value=reverse_kl_value,
    gradients={"input": reverse_kl_in_input, "target": reverse_kl_in_target},
    hessian=reverse_kl_hessian,
    kinks=(
        Kink("prediction 0", {"input": -INF, "target": 0.5}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("both 0", {"input": -INF, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("target 0", {"input": 0.0, "target": 0.0}, INF, {"input": INF, "target": -INF}, INF),
        Kink("certain", {"input": 0.0, "target": 1.0}, 0.0, {"input": 1.0, "target": -1.0}, 2.0),
        Kink(
            "both -inf",
            {"input": -INF, "target": -INF},
            0.0,
            {"input": 0.0, "target": 0.0},
            0.0,
            {"log_target": True},
        ),
        Kink(
            "log target -inf",
            {"input": 0.0, "target": -INF},
            INF,
            {"input": INF, "target": -1.0},
            INF,
            {"log_target": True},
        ),
    ),
    golden=(
        (((-LOG2, -LOG2), (0.5, 0.25)), {"reduction": "sum"}, 0.3465735903),
        (((-LOG2, -LOG2), (-LOG2, -2 * LOG2)), {"log_target": True}, 0.1732867951),
    ),
    outside={"input": 0.5, "target": 1.25},
    options={"log_target": (True,)},
    defaults={"log_target": False},
    formed_first={
        "value": reverse_kl_terms(0),
        "input": reverse_kl_terms(1),
        "hessian": reverse_kl_terms(3),
    },
    optimum=lambda target, log_target: (target if log_target else np.log(target)) - 1,
)


def excess(v):
    """(1 + v) log(1 + v) - v, by its series where that cancels."""
    near = np.abs(v) < 0.1
    small = np.where(near, v, 0)
    series = sum((-1) ** k * small**k / (k * (k - 1)) for k in range(2, 40))
    with np.errstate(all="ignore"):
        return np.where(near, series, (1 + v) * np.log1p(v) - v)


def measures(input, target, result):
    """Amounts are not negative."""
    return np.where((input >= 0) & (target >= 0), result, np.nan)


def generalized_kl_value(input, target):
    far = np.where(np.isinf(input) ^ np.isinf(target), INF, target * np.log(target / input) + (input - target))
    near = np.abs(target - input) < 0.1 * input
    value = np.where(near, input * excess(np.where(near, (target - input) / input, 0)), far)
    return measures(input, target, np.where(target == 0, input, value))


def generalized_kl_in_input(input, target):
    slope = np.where(np.isinf(input) & np.isfinite(target), 1, (input - target) / input)
    return measures(input, target, np.where(target == 0, 1, slope))


def generalized_kl_in_target(input, target):
    close = np.abs(target - input) < 0.5 * input
    log_ratio = np.where(close, np.log1p((target - input) / input), np.log(target / input))
    return measures(input, target, np.where(target == 0, 0, log_ratio))


MEASURE = Operand("input", positive_wide, positive, (0.0, 1.0, 0.5, 1e-30, 3e38, INF))
OTHER_MEASURE = Operand(
    "target",
    lambda rng, count, dtype, drawn: np.abs(beside("input")(rng, count, dtype, drawn)),
    positive,
    (0.0, 1.0, 2.0, 1e-30, 3e38, INF),
)

GENERALIZED_KL_DIV = Reference(
    name="generalized_kl_div",
    operands=(MEASURE, OTHER_MEASURE),
    value=generalized_kl_value,
    gradients={"input": generalized_kl_in_input, "target": generalized_kl_in_target},
    hessian=lambda input, target: np.where(target == 0, 0, (target / input) / input),
    kinks=(
        Kink("equal", {"input": 2.5, "target": 2.5}, 0.0, {"input": 0.0, "target": 0.0}, 0.4),
        Kink("both 0", {"input": 0.0, "target": 0.0}, 0.0, {"input": 1.0, "target": 0.0}, 0.0),
        Kink("target 0", {"input": 2.5, "target": 0.0}, 2.5, {"input": 1.0, "target": 0.0}, 0.0),
        Kink("prediction 0", {"input": 0.0, "target": 1.0}, INF, {"input": -INF, "target": INF}, INF),
        Kink("infinite", {"input": INF, "target": 1.0}, INF, {"input": 1.0, "target": -INF}, 0.0),
        Kink(
            "nearly equal",
            {"input": 1.0, "target": 1.0000001192092896},
            7.10542707525670294e-15,
            {"input": -1.1920928955078125e-07, "target": 1.19209282445354457e-7},
            1.0000001192092896,
        ),
    ),
    golden=((((1.0, 2.0, 3.0), (2.0, 2.0, 0.0)), {"reduction": "sum"}, 3.3862943611),),
    outside={"input": -0.5, "target": -0.5},
    formed_first={
        "value": lambda input, target: weighted(1, input - target) + weighted(1, target * np.log(target / input)),
        "hessian": lambda input, target: weighted(1 / input, target / input),
    },
    properties=frozenset({"convex", "non-negative", "homogeneous:1"}),
    optimum=lambda target: target,
)


def roots_difference(x, t):
    """sqrt(x) - sqrt(t)."""
    apart = np.isinf(x) | np.isinf(t) | ((x == 0) & (t == 0))
    return np.where(apart, np.sqrt(x) - np.sqrt(t), (x - t) / (np.sqrt(x) + np.sqrt(t)))


def hellinger_slope(x, t):
    """In x."""
    slope = np.where(np.isinf(x) & np.isfinite(t), 0.5, roots_difference(x, t) / (2 * np.sqrt(x)))
    return measures(x, t, np.where(t == 0, 0.5, slope))


HELLINGER = Reference(
    name="hellinger_loss",
    operands=(MEASURE, OTHER_MEASURE),
    value=lambda input, target: roots_difference(input, target) ** 2 / 2,
    gradients={
        "input": lambda input, target: hellinger_slope(input, target),
        "target": lambda input, target: hellinger_slope(target, input),
    },
    hessian=lambda input, target: np.where(target == 0, 0, np.sqrt(target) / np.sqrt(input) / (4 * input)),
    kinks=(
        Kink("equal", {"input": 2.25, "target": 2.25}, 0.0, {"input": 0.0, "target": 0.0}, 1 / 9),
        Kink("both 0", {"input": 0.0, "target": 0.0}, 0.0, {"input": 0.5, "target": 0.5}, 0.0),
        Kink("target 0", {"input": 2.5, "target": 0.0}, 1.25, {"input": 0.5, "target": -INF}, 0.0),
        Kink("prediction 0", {"input": 0.0, "target": 2.5}, 1.25, {"input": -INF, "target": 0.5}, INF),
        Kink("infinite", {"input": INF, "target": 1.0}, INF, {"input": 0.5, "target": -INF}, 0.0),
        Kink(
            "nearly equal",
            {"input": 1.0000001192092896, "target": 1.0},
            1.77635673352113995e-15,
            {"input": 2.98023197231603181e-8, "target": -2.98023214995169457e-8},
            0.24999995529652308,
        ),
    ),
    golden=((((1.0, 0.25, 0.0), (0.25, 0.25, 0.25)), {"reduction": "sum"}, 0.25),),
    outside={"input": -0.5, "target": -0.5},
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target: target,
)

REFERENCES = (KL_DIV, REVERSE_KL_DIV, GENERALIZED_KL_DIV, HELLINGER)
