"""References of likelihoods of counts: Cameron and Trivedi (2013); torch's documentation of poisson_nll_loss."""

import numpy as np

from references.draws import INF, positive, positive_wide, real
from references.gamma import HALF_LOG_2_PI, digamma, log_gamma
from references.schema import Kink, Operand, Reference

NAN = float("nan")
LINKED = (0.0, -0.0, 1.0, -1.0, 0.5, 20.0, -20.0, 1e-30, 3e38, -3e38, INF, -INF)
COUNTS = (0.0, 1.0, 2.0, 0.3, 9.0, 1e-30, 1e6)


def moderate(rng, count, dtype, drawn=None):
    """Numbers that are a rate as well as the logarithm of one."""
    return rng.uniform(0.05, 3, count).astype(dtype)


def times(factor, x):
    """factor * x, where a factor of zero wins over an infinite x."""
    return np.where(factor == 0, 0, factor * x)


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

REFERENCES = (POISSON_NLL,)
