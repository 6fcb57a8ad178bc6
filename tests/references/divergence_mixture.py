"""Reference of the Jensen-Shannon divergence: Lin (1991), with the weights of Agarwal et al. (2024)."""

import numpy as np

from references.binary import times
from references.divergence import LOG2, LOG_Q, PROBABILITY, defined, excess, weighted
from references.draws import INF
from references.schema import Kink, Reference


def mixture(input, target, beta, log_target):
    """s, t, s - t and m, in units of the power of e that comes last: that of the greater logarithm, else 1."""
    if not log_target:
        s = np.exp(input)
        return s, target, s - target, (1 - beta) * s + beta * target, 0
    unit = np.maximum(input, target)
    s, t = (np.exp(np.where(np.isneginf(x), x, x - unit)) for x in (input, target))
    distance = input - target
    difference = np.where(distance > 0, -np.expm1(-distance), np.expm1(distance))
    return s, t, difference, (1 - beta) * s + beta * t, unit


def logarithms(input, target, beta, log_target):
    """log(s / m) and log(t / m), by the difference where s and t are close."""
    _, _, difference, m, unit = mixture(input, target, beta, log_target)
    of_s, of_t = (input, target) if log_target else (input, np.log(target))
    rise = difference / m
    apart = np.abs(rise) > 0.5
    log_m = np.log(m) + unit
    return (
        np.where(apart, of_s - log_m, np.log1p(np.where(apart, 0, beta * rise))),
        np.where(apart, of_t - log_m, np.log1p(np.where(apart, 0, -(1 - beta) * rise))),
    )


def at_infinity(input, target, log_target):
    """Which of s and t are infinite; neither is comparable where both are."""
    s, t = np.isposinf(input), np.isposinf(target)
    return s, t, s & t


def from_zero(v):
    """(1 + v) log(1 + v) - v, which is 1 where 1 + v is 0."""
    return np.where(v <= -1, 1, excess(v))


def js_value(input, target, beta, log_target):
    _, _, difference, m, unit = mixture(input, target, beta, log_target)
    rise = difference / m
    value = m * ((1 - beta) * from_zero(beta * rise) + beta * from_zero((beta - 1) * rise))
    value = np.where(m == 0, 0, times(np.exp(unit), value))
    s_infinite, t_infinite, both = at_infinity(input, target, log_target)
    value = np.where(both, np.nan, np.where(s_infinite | t_infinite, INF, value))
    if log_target:
        return np.where(np.isneginf(input) & np.isneginf(target), 0, value)
    return defined(target, value)


def slopes(of_s, of_t):
    """A derivative that is made of s, t / m and the logarithms, with its limits."""

    def slope(input, target, beta, log_target):
        _, t, _, m, _ = mixture(input, target, beta, log_target)
        log_s, log_t = logarithms(input, target, beta, log_target)
        s_infinite, t_infinite, both = at_infinity(input, target, log_target)
        log_s = np.where(s_infinite, -np.log(1 - beta), np.where(t_infinite, -INF, log_s))
        log_t = np.where(t_infinite, -np.log(beta), np.where(s_infinite, -INF, log_t))
        share_t = np.where(s_infinite, 0, np.where(t_infinite, 1 / beta, t / m))
        if of_s is not None:
            result = times(np.exp(input), (1 - beta) * of_s(log_s, beta * share_t))
        elif log_target:
            result = times(np.exp(target), beta * of_t(log_t))
        else:
            result = np.where(target == 0, 0, beta * of_t(log_t))
        result = np.where(both, np.nan, result)
        if log_target:
            return np.where(np.isneginf(input) & np.isneginf(target), 0, result)
        return defined(target, np.where((np.exp(input) == 0) & (target == 0), 0, result))

    return slope


js_in_input = slopes(lambda log_s, _: log_s, None)
js_in_target = slopes(None, lambda log_t: log_t)
js_hessian = slopes(lambda log_s, share_t: log_s + share_t, None)


def js_terms(input, target, beta, log_target):
    """The two terms of the value are formed first, and so is s, or the distance of the logarithms."""
    log_s, log_t = logarithms(input, target, beta, log_target)
    s, t = np.exp(input), np.exp(target) if log_target else target
    of_s, of_t = times(s, (1 - beta) * log_s), times(t, beta * log_t)
    formed = weighted(1, of_s) + weighted(1, of_t)
    if log_target:
        return formed + weighted(np.minimum(np.abs(of_s), np.abs(of_t)), input - target)
    return formed + weighted((1 - beta) * log_s, s)


def js_terms_in_input(input, target, beta, log_target):
    s = np.exp(input)
    log_s, _ = logarithms(input, target, beta, log_target)
    share_t = np.where(s == 0, 1, beta * target / ((1 - beta) * s + beta * target))
    return [] if log_target else weighted((1 - beta) * np.abs(log_s + share_t), s)


def js_terms_in_target(input, target, beta, log_target):
    s = np.exp(input)
    return [] if log_target else weighted(beta * (1 - beta) / ((1 - beta) * s + beta * target), s)


def js_hessian_terms(input, target, beta, log_target):
    log_s, _ = logarithms(input, target, beta, log_target)
    s = np.exp(input)
    t = np.exp(target) if log_target else target
    share_t = np.where(s == 0, 1, beta * t / ((1 - beta) * s + beta * t))
    formed = weighted(1, times(s, (1 - beta) * log_s)) + weighted(1, times(s, (1 - beta) * share_t))
    if log_target:
        return formed + weighted((1 - beta) * s * share_t**2, input - target)
    return formed + weighted((1 - beta) * np.abs(log_s + share_t + share_t**2), s)


def torch_js(torch, operands, options, reduction):
    """Two divergences of the mixture, which is how it is written where it is not one function."""
    beta, log_target = options.get("beta", 0.5), options.get("log_target", False)
    log_s = operands["input"]
    log_t = operands["target"] if log_target else torch.log(operands["target"])
    m = torch.log((1 - beta) * log_s.exp() + beta * log_t.exp())
    loss = beta * log_t.exp() * (log_t - m) + (1 - beta) * log_s.exp() * (log_s - m)
    return {"none": lambda x: x, "mean": torch.mean, "sum": torch.sum}[reduction](loss)


JS_DIV = Reference(
    name="js_div",
    operands=(LOG_Q, PROBABILITY),
    value=js_value,
    gradients={"input": js_in_input, "target": js_in_target},
    hessian=js_hessian,
    kinks=(
        Kink(
            "target 0",
            {"input": 0.0, "target": 0.0},
            LOG2 / 2,
            {"input": LOG2 / 2, "target": 0.0},
            LOG2 / 2,
            in_torch=False,
        ),
        Kink("both 0", {"input": -INF, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("prediction 0", {"input": -INF, "target": 1.0}, LOG2 / 2, {"input": 0.0, "target": LOG2 / 2}, 0.0),
        Kink("certain", {"input": 0.0, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.25),
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
            LOG2 / 2,
            {"input": 0.0, "target": LOG2 / 2},
            0.0,
            {"log_target": True},
        ),
        Kink(
            "log target -inf",
            {"input": 0.0, "target": -INF},
            LOG2 / 2,
            {"input": LOG2 / 2, "target": 0.0},
            LOG2 / 2,
            {"log_target": True},
        ),
    ),
    golden=(
        (((0.0, -INF), (0.0, 1.0)), {"reduction": "sum"}, 0.6931471806),
        (((-LOG2, -LOG2), (0.5, 0.0)), {"reduction": "sum"}, 0.1732867951),
        (((0.0,), (0.0,)), {"beta": 0.1}, 0.0948244641),  # -0.9 log(0.9)
    ),
    outside={"input": 0.5, "target": 1.25},
    options={"beta": (0.1, 0.75, 1e-3), "log_target": (True,)},
    combined_options=({"beta": 0.1, "log_target": True}, {"beta": 0.999, "log_target": True}),
    defaults={"beta": 0.5, "log_target": False},
    formed_first={
        "value": js_terms,
        "input": js_terms_in_input,
        "target": js_terms_in_target,
        "hessian": js_hessian_terms,
    },
    torch=torch_js,
    torch_options={"beta": (0.1,), "log_target": (True,)},
    properties=frozenset({"non-negative"}),
    optimum=lambda target, beta, log_target: target if log_target else np.log(target),
)

REFERENCES = (JS_DIV,)
