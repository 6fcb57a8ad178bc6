"""References of likelihoods of counts: Cameron and Trivedi (2013); torch's documentation of poisson_nll_loss."""

import numpy as np

from references.binary import sigmoid, softplus, times
from references.draws import (
    COUNTS,
    INF,
    LINKED,
    NAN,
    moderate,
    normal,
    positive,
    positive_wide,
    real,
    unit,
    unit_wide,
)
from references.gamma import HALF_LOG_2_PI, digamma, digamma_ratio, log_gamma, log_gamma_ratio
from references.negative_binomial import NEGATIVE_BINOMIAL_NLL
from references.schema import Kink, Operand, Reference

# ---- Poisson ---------------------------------------------------------------------------------------------------------


def poisson_constant(target, full, log_factorial):
    """log t! as the options have it."""
    if log_factorial:
        return log_gamma(target + 1)
    if full:
        return np.where(target > 1, target * np.log(target) - target + np.log(target) / 2 + HALF_LOG_2_PI, 0)
    return np.zeros_like(target)


def poisson_constant_slope(target, full, log_factorial):
    if log_factorial:
        return digamma(target + 1)
    return np.where(target > 1, np.log(target) + 1 / (2 * target), 0) if full else np.zeros_like(target)


def poisson_rate(input, log_input, eps):
    """The rate, and its logarithm; neither exists where the input is a negative rate."""
    if log_input:
        return np.exp(input), input
    return np.where(input < 0, NAN, input), np.log(input + eps)


def poisson_value(input, target, log_input, full, eps, log_factorial):
    rate, log_rate = poisson_rate(input, log_input, eps)
    value = rate - times(target, log_rate) + poisson_constant(target, full, log_factorial)
    return np.where(rate == INF, INF, value)


def poisson_in_input(input, target, log_input, full, eps, log_factorial):
    if log_input:
        return np.exp(input) - target
    return 1 - np.where(target == 0, 0, target / (input + eps))


def poisson_in_target(input, target, log_input, full, eps, log_factorial):
    return poisson_constant_slope(target, full, log_factorial) - poisson_rate(input, log_input, eps)[1]


def poisson_hessian(input, target, log_input, full, eps, log_factorial):
    if log_input:
        return np.exp(input)
    return np.where(target == 0, 0, target / (input + eps) / (input + eps))


def poisson_terms(input, target, log_input, full, eps, log_factorial):
    rate, log_rate = poisson_rate(input, log_input, eps)
    terms = [(rate, 1), (times(target, log_rate), 1)]
    if not log_input:
        terms += [(log_rate, target), (input + eps, target / (input + eps))]
    if full or log_factorial:
        # t log t, t and log t are terms, and so is the logarithm that multiplies t.
        large = np.where(target > 1, target, 1)
        constant = poisson_constant(target, full, log_factorial)
        terms += [(constant, 1), (large, 1), (np.log(large), large), (log_rate - np.log(large) + 1, large)]
        terms.append((target + 1, np.abs(digamma(target + 1))))
    return terms


def poisson_terms_in_target(input, target, log_input, full, eps, log_factorial):
    slope = poisson_constant_slope(target, full, log_factorial)
    terms = [(slope, 1), (np.where(target > 1, np.log(target), 0), 1), (target + 1, 2 / (target + 1))]
    if not log_input:
        terms += [(poisson_rate(input, log_input, eps)[1], 1), (input + eps, 1 / (input + eps))]
    return terms


def poisson_terms_in_input(input, target, log_input, full, eps, log_factorial):
    if log_input:
        return [(np.exp(input), 1)]
    return [(target / (input + eps), 1), (input + eps, target / (input + eps) / (input + eps))]


def poisson_distance(input, target, log_input, full, eps, log_factorial):
    # torch's approximation of log t! begins with a jump.
    return np.abs(target - 1) if full and not log_factorial else np.full(np.shape(target), INF)


RATE = {"log_input": False}
POISSON_NLL = Reference(
    name="poisson_nll_loss",
    operands=(
        Operand("input", real, moderate, LINKED),
        Operand("target", positive_wide, positive, COUNTS),
    ),
    value=poisson_value,
    gradients={"input": poisson_in_input, "target": poisson_in_target},
    hessian=poisson_hessian,
    kinks=(
        Kink("log-rate inf", {"input": INF, "target": 1.0}, INF, {"input": INF, "target": -INF}, INF),
        Kink("log-rate -inf, target 0", {"input": -INF, "target": 0.0}, 0.0, {"input": 0.0, "target": INF}, 0.0),
        Kink("log-rate -inf, target 1", {"input": -INF, "target": 1.0}, INF, {"input": -1.0, "target": INF}, 0.0),
        Kink(
            "rate 0, target 0",
            {"input": 0.0, "target": 0.0},
            0.0,
            {"input": 1.0, "target": 18.420680743952367},
            0.0,
            RATE,
        ),
        Kink(
            "rate 0, target 1",
            {"input": 0.0, "target": 1.0},
            18.420680743952367,
            {"input": 1 - 1e8, "target": 18.420680743952367},
            1e16,
            RATE,
        ),
        Kink(
            "rate 0, target 0, eps 0",
            {"input": 0.0, "target": 0.0},
            0.0,
            {"input": 1.0, "target": INF},
            0.0,
            {**RATE, "eps": 0.0},
        ),
        Kink(
            "rate 0, target 1, eps 0",
            {"input": 0.0, "target": 1.0},
            INF,
            {"input": -INF, "target": INF},
            INF,
            {**RATE, "eps": 0.0},
        ),
        Kink("rate inf", {"input": INF, "target": 2.0}, INF, {"input": 1.0, "target": -INF}, 0.0, RATE),
        Kink("negative rate", {"input": -1.0, "target": 0.0}, NAN, {"input": NAN, "target": NAN}, NAN, RATE),
        Kink(
            "negative rate within eps",
            {"input": -0.25, "target": 1.0},
            NAN,
            {"input": NAN, "target": NAN},
            NAN,
            {**RATE, "eps": 1.0},
        ),
        Kink("target 1, full", {"input": 0.0, "target": 1.0}, 1.0, {"input": 0.0, "target": 0.0}, 1.0, {"full": True}),
        Kink("target 0, full", {"input": 0.0, "target": 0.0}, 1.0, {"input": 1.0, "target": 0.0}, 1.0, {"full": True}),
        Kink(
            "target 2, full",
            {"input": 0.0, "target": 2.0},
            1.6518064846045362,
            {"input": -1.0, "target": 0.9431471805599453},
            1.0,
            {"full": True},
        ),
        Kink(
            "target 2, exact",
            {"input": 0.0, "target": 2.0},
            1.6931471805599454,
            {"input": -1.0, "target": 0.9227843350984671},
            1.0,
            {"log_factorial": True},
        ),
    ),
    golden=(
        (((1.5, 0.5, 3.0), (2.0, 0.0, 4.0)), {"log_input": False, "eps": 0.0}, -0.0684597903),
        (((0.0,), (2,)), {"log_factorial": True}, 1.6931471806),
    ),
    outside={"target": -1.0},
    options={"log_input": (False,), "full": (True,), "eps": (1e-3, 0.0), "log_factorial": (True,)},
    combined_options=(
        {"log_input": False, "eps": 0.0},
        {"log_input": False, "eps": 0.25, "full": True},
        {"log_input": False, "log_factorial": True},
    ),
    defaults={"log_input": True, "full": False, "eps": 1e-8, "log_factorial": False},
    formed_first={"value": poisson_terms, "input": poisson_terms_in_input, "target": poisson_terms_in_target},
    distance_to_kink=poisson_distance,
    torch=lambda torch, operands, options, reduction: torch.nn.functional.poisson_nll_loss(
        **operands, **options, reduction=reduction
    ),
    torch_options={"log_input": (False,), "full": (True,)},
    properties=frozenset({"convex"}),
    optimum=lambda target, **options: np.log(target),
)


# ---- binomial --------------------------------------------------------------------------------------------------------


def more_than_target(rng, count, dtype, drawn):
    """Numbers above the target."""
    return (drawn["target"] + positive(rng, count, dtype)).astype(dtype)


def failures_plus_one(target, trials):
    """trials - target + 1, where neither a small number of trials nor the 1 is lost."""
    return np.where(trials < 1, (1 - target) + trials, (trials - target) + 1)


def binomial_value(input, target, trials, full):
    value = times(trials - target, softplus(input)) + times(target, softplus(-input))
    return value + (log_gamma(target + 1) - log_gamma_ratio(failures_plus_one(target, trials), target) if full else 0)


def binomial_in_target(input, target, trials, full):
    return -input + (digamma(target + 1) - digamma(failures_plus_one(target, trials)) if full else 0)


def binomial_in_trials(input, target, trials, full):
    return softplus(input) - (digamma_ratio(failures_plus_one(target, trials), target) if full else 0)


def binomial_terms(input, target, trials, full):
    found = [(trials - target, softplus(input))]
    # Of opposite signs where the target is above the trials.
    found += [(times(trials - target, softplus(input)), 1), (times(target, softplus(-input)), 1)]
    if full:
        base = failures_plus_one(target, trials)
        small = base < 8
        found += [(target + 1, np.abs(digamma(target + 1))), (base, digamma_ratio(base, target))]
        found += [
            (log_gamma(target + 1), 1),
            (log_gamma_ratio(base, target), 1),
            (target * np.log(base + target + 8), 4),
        ]
        found += [(np.where(small, log_gamma(x), 0), 1) for x in (base, base + target)]
    return found


def binomial_terms_in_target(input, target, trials, full):
    if not full:
        return []
    forms = (target + 1, failures_plus_one(target, trials))
    return [(digamma(x), 1) for x in forms] + [(x, 1 / x + 1 / x**2) for x in forms]


def binomial_terms_in_trials(input, target, trials, full):
    base = failures_plus_one(target, trials)
    ratio = digamma_ratio(base, target)
    return [(softplus(input), 1), (ratio, 1), (base, 2 * ratio / base)] if full else []


BINOMIAL_NLL = Reference(
    name="binomial_nll_loss",
    operands=(
        Operand("input", real, normal, (0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 90.0, 1e-30, 3e38, -3e38, INF, -INF)),
        Operand("target", unit_wide, unit, (0.0, 1.0, 0.3)),
        Operand("trials", positive_wide, more_than_target, (1.0, 3.0, 1e6), optional=True),
    ),
    value=binomial_value,
    gradients={
        "input": lambda input, target, trials, full: (trials - target) * sigmoid(input) - target * sigmoid(-input),
        "target": binomial_in_target,
        "trials": binomial_in_trials,
    },
    hessian=lambda input, target, trials, full: trials * sigmoid(input) * sigmoid(-input),
    kinks=(
        Kink(
            "logit 0",
            {"input": 0.0, "target": 1.0, "trials": 4.0},
            4 * float(np.log(2)),
            {"input": 1.0, "target": 0.0, "trials": float(np.log(2))},
            1.0,
        ),
        Kink("one trial", {"input": 0.0, "target": 1.0}, float(np.log(2)), {"input": -0.5, "target": 0.0}, 0.25),
        Kink("no trials", {"input": 3.0, "target": 0.0, "trials": 0.0}, 0.0, {"input": 0.0, "target": -3.0}, 0.0),
        Kink(
            "logit inf, all succeed",
            {"input": INF, "target": 3.0, "trials": 3.0},
            0.0,
            {"input": 0.0, "target": -INF, "trials": INF},
            0.0,
        ),
        Kink(
            "logit -inf, none succeed",
            {"input": -INF, "target": 0.0, "trials": 3.0},
            0.0,
            {"input": 0.0, "target": INF, "trials": 0.0},
            0.0,
        ),
        Kink("logit inf, one fails", {"input": INF, "target": 2.0, "trials": 3.0}, INF, {"input": 1.0}, 0.0),
        Kink(
            "even chance, full",
            {"input": 0.0, "target": 2.0, "trials": 4.0},
            float(np.log(16) - np.log(6)),
            {"input": 0.0, "target": 0.0},
            1.0,
            {"full": True},
        ),
    ),
    golden=(
        (((0.0, 0.0), (2.0, 10.0), (4, 100)), {}, 36.0436533891),  # 52 log(2)
        (((0.0,), (2,), (4,)), {"full": True}, 0.9808292530),  # log(16 / 6)
    ),
    ordered=(("target", "trials"),),
    outside={"target": -1.0, "trials": -1.0},
    options={"full": (True,)},
    defaults={"full": False},
    formed_first={
        "value": binomial_terms,
        "input": lambda input, target, trials, full: [
            ((trials - target) * sigmoid(input), 1),
            (target * sigmoid(-input), 1),
            (trials - target, sigmoid(input)),
        ],
        "target": binomial_terms_in_target,
        "trials": binomial_terms_in_trials,
    },
    properties=frozenset({"convex"}),
    optimum=lambda target, trials, full: np.log(target) - np.log(trials - target),
)

REFERENCES = (POISSON_NLL, BINOMIAL_NLL, NEGATIVE_BINOMIAL_NLL)
