"""Reference of the negative binomial likelihood by mean and dispersion: Hilbe (2011), chapter 8."""

import numpy as np

from references.binary import sigmoid, softplus, times
from references.draws import COUNTS, INF, LINKED, NAN, moderate, positive, positive_wide, real
from references.gamma import (
    digamma,
    digamma_ratio,
    log_gamma,
    log_gamma_ratio,
    log_gamma_series_difference,
    scaled_digamma_difference,
    scaled_digamma_series,
)
from references.schema import Kink, Operand, Reference, all_held

LARGE = 25  # Stirling's series is exact for an inverse dispersion from here on


class Point:
    """What the formulas share, with m the mean, a the dispersion, r = 1 / a, y = a m and z = log(y)."""

    def __init__(self, input, target, dispersion, log_input):
        self.t, self.a = target, dispersion
        mean = np.exp(input) if log_input else np.where(input < 0, NAN, input)
        self.m = mean + 0.0  # of two zeros the positive one
        self.log_m = input if log_input else np.log(self.m)
        self.r = 1 / dispersion
        self.y = times(dispersion, self.m)
        self.z = self.log_m + np.log(dispersion)
        self.s = 1 + dispersion * target
        # log(1 + a m) with its logarithm where a m has no place in long double
        self.log_scale = np.where(np.isinf(self.y), self.z, np.log1p(self.y))
        # -d l / d log(m), without a product of infinity and 0
        e = np.exp(-np.abs(self.log_m))
        large = self.log_m > 0
        self.change = np.where(large, target * e - 1, target - e) / np.where(large, e + dispersion, 1 + dispersion * e)
        self.close = self.r >= LARGE
        self.base = np.where(self.close, self.r, LARGE)
        # What is not close is evaluated at an ordinary dispersion, to be selected away.
        self.plain_r = np.where(self.close, 1, self.r)


def value(input, target, dispersion, log_input, full):
    p = Point(input, target, dispersion, log_input)
    # (r + t) log(1 + a m) - t log(m), and the logarithm of a^t Gamma(r + t) / Gamma(r)
    per_event = np.where(p.y > 1, np.log1p(1 / p.y) + np.log(p.a), p.log_scale - p.log_m)
    mass = np.where(p.a == 0, p.m, p.r * p.log_scale) + times(target, per_event)
    growth = np.where(p.a == 0, target, p.r * np.log1p(p.a * target))
    series = growth - target + (target - 0.5) * np.log1p(p.a * target)
    series = series + log_gamma_series_difference(p.base, target)
    ratio = np.where(p.close, series, log_gamma_ratio(p.plain_r, target) - times(target, np.log(p.plain_r)))
    result = mass - ratio + (log_gamma(target + 1) if full else 0)
    return np.where(p.m == INF, np.where(np.isnan(result), INF, result), result)


def in_input(input, target, dispersion, log_input, full):
    p = Point(input, target, dispersion, log_input)
    if log_input:
        return -p.change
    return (1 - np.where(target == 0, 0, target / p.m)) / (1 + p.y)


def in_target(input, target, dispersion, log_input, full):
    p = Point(input, target, dispersion, log_input)
    per_event = np.where(p.y > 1, np.log1p(1 / p.y) + np.log(p.a), p.log_scale - p.log_m)
    beyond = p.a / p.s  # 1 / (r + t)
    series = -np.log1p(p.a * target) + beyond / 2 + scaled_digamma_series(np.where(p.close, beyond, 0)) * beyond**2
    plain = np.log(p.plain_r) - digamma(p.plain_r + target)
    return per_event + np.where(p.close, series, plain) + (digamma(target + 1) if full else 0)


def remainder(w):
    """(w - log(1 + w)) / w^2."""
    series = sum((-np.clip(w, -0.1, 0.1)) ** k / (k + 2) for k in range(24))
    return np.where(np.abs(w) < 0.1, series, (w - np.log1p(w)) / w**2)


def in_dispersion(input, target, dispersion, log_input, full):
    p = Point(input, target, dispersion, log_input)
    w = times(p.a, p.change)
    # Where 1 + w = (1 + a t) / (1 + a m) would vanish, its logarithm is a difference.
    far = (np.log(p.s) - p.log_scale) / p.a / p.a - p.change / p.a
    of_mean = np.where(p.y > 1, far, -(p.change**2) * remainder(w))
    tiny = np.where(p.close, p.a, 0)
    series = target / (2 * p.s) + scaled_digamma_difference(tiny, target)
    plain = p.plain_r**2 * (digamma_ratio(p.plain_r, target) - np.log1p(target / p.plain_r))
    return of_mean + np.where(p.close, series, plain)


def hessian(input, target, dispersion, log_input, full):
    p = Point(input, target, dispersion, log_input)
    if log_input:
        e = np.exp(-np.abs(p.log_m))
        scale = np.where(p.log_m > 0, e + p.a, 1 + p.a * e)
        return np.where(scale == 0, INF, times(e / scale, p.s / scale))
    q = np.where(target == 0, 0, target / p.m)
    return (np.where(q == 0, 0, q / p.m) + times(p.a, 2 * q - 1)) / (1 + p.y) / (1 + p.y)


# ---- terms that are formed first -------------------------------------------------------------------------------------


def finite(*pairs):
    """Terms with their slopes, without those that are no numbers."""
    sizes = [(term, np.abs(slope * np.ones_like(term))) for term, slope in pairs]
    return [(np.where(np.isfinite(t) & ~np.isnan(s), t, 0), np.where(np.isnan(s), 0, s)) for t, s in sizes]


def near_poisson(p):
    return (p.a < 0.125) & (p.y < 1) & (p.a * p.t < 1)


def by_regime(p, near, far):
    close = near_poisson(p)
    return [(t, np.where(close, s, 0)) for t, s in near] + [(t, np.where(close, 0, s)) for t, s in far]


def terms_of_value(input, target, dispersion, log_input, full):
    p = Point(input, target, dispersion, log_input)
    t, r = target, p.r
    near = finite((p.m, 1), (times(t, p.log_m), 1), (t, 2), (np.log1p(p.a * t), 0.5), (0 * t + 0.01, 1))
    ratio = log_gamma_ratio(r, t)
    moves = r * sigmoid(p.z) + t * sigmoid(-p.z)
    far = finite(
        (r * softplus(p.z), 1),
        (times(t, softplus(-p.z)), 1),
        (ratio, 1),
        (t, 1),
        (t * np.log(r + t), 2),
        (np.where(r < 8, t * np.log(r + t + 8), 0), 4),
    )
    far += finite((p.z, moves), (np.log(p.a), moves), (r * np.log1p(p.a * t), 1))
    far += finite(*((np.where(r < 8, log_gamma(x), 0), 1) for x in (r, r + t)))
    found = by_regime(p, near, far) + ([] if log_input else finite((p.log_m, t)))
    if full:
        large = np.where(t > 1, t, 1)
        found += finite((log_gamma(t + 1), 1), (np.log(large), large), (t + 1, np.abs(digamma(t + 1))))
        found += finite((p.log_m - np.log(large) + 1, large), (t * np.log(large), 1))
    return found


def terms_in_input(input, target, dispersion, log_input, full):
    p = Point(input, target, dispersion, log_input)
    if log_input:
        large = p.log_m > 0
        e = np.exp(-np.abs(p.log_m))
        divisor = np.where(large, e + p.a, 1 + p.a * e)
        numerator = np.where(large, target * e, target)
        return finite((np.where(large, 1, e), 1 / divisor), (numerator, 1 / divisor), (divisor, p.change / divisor))
    return finite((target / input, 1 / (1 + p.y)), (1 + p.y, (1 - target / input) / (1 + p.y) ** 2))


def terms_in_target(input, target, dispersion, log_input, full):
    p = Point(input, target, dispersion, log_input)
    near = finite((p.log_m, 1), (np.log1p(p.y), 1), (np.log(p.s), 1))
    beyond = digamma(p.r + target)
    far = finite((softplus(-p.z), 1), (beyond, 1), (p.z, sigmoid(-p.z)), (np.log(p.a), sigmoid(-p.z)))
    far += finite((p.r, 1 / (p.r + target) + 1 / (p.r + target) ** 2), (p.r + target, 1 / (p.r + target)))
    constant = finite((digamma(target + 1), 1), (target + 1, 2 / (target + 1))) if full else []
    return by_regime(p, near, far) + constant


def terms_in_dispersion(input, target, dispersion, log_input, full):
    p = Point(input, target, dispersion, log_input)
    w = times(p.a, p.change)
    near = (w > -0.29) & (w < 0.41)
    size = remainder(np.where(near, w, 0)) * np.abs(p.change)
    found = [(t, np.where(near, 2 * s * size, 0)) for t, s in terms_in_input(input, target, dispersion, True, full)]
    if not log_input:
        found = [(t, np.where(near, 2 * size / (1 + p.y), 0)) for t in (p.m, target)]
    found += finite((p.change, np.where(near, 2 * size, 0)), (size * p.change, np.where(near, 2, 0)))
    squared = np.where(near, 0, p.r * p.r)
    far = finite((p.log_scale, squared), (np.log(p.s), squared), (p.z, squared), (np.log(p.a), squared), (w, squared))
    far += finite((p.change, np.where(near, 0, p.r)))
    series = finite((target / (2 * p.s), 1), (0 * target + 0.1, 1))
    ratio = digamma_ratio(p.r, target)
    plain = finite(
        (ratio, 2 * p.r * p.r), (np.log(p.s), p.r * p.r), (p.a * target, p.r * p.r / p.s), (p.r, p.r * ratio)
    )
    small = p.a < 0.125
    return (
        found + far + [(t, np.where(small, s, 0)) for t, s in series] + [(t, np.where(small, 0, s)) for t, s in plain]
    )


def terms_in_hessian(input, target, dispersion, log_input, full):
    p = Point(input, target, dispersion, log_input)
    if log_input:
        size = hessian(input, target, dispersion, log_input, full)
        e = np.exp(-np.abs(p.log_m))
        scale = np.where(p.log_m > 0, e + p.a, 1 + p.a * e)
        return finite((size, 3), (p.a * target, size / p.s), (e, p.s / scale / scale), (e / scale, p.s / scale))
    q = np.where(target == 0, 0, target / p.m)
    scale = (1 + p.y) ** 2
    return finite(
        (q / input / scale, 3),
        (p.a * q / scale, 6),
        (p.a / scale, 3),
        (q / (1 + p.y) / p.m, 1 / (1 + p.y)),
        (q, (1 / p.m + 2 * p.a) / scale),
        (1 + p.y, 2 * np.abs(hessian(input, target, dispersion, log_input, full)) / (1 + p.y)),
    )


RATE = {"log_input": False}
NEGATIVE_BINOMIAL_NLL = Reference(
    name="negative_binomial_nll_loss",
    operands=(
        Operand("input", real, moderate, LINKED),
        Operand("target", positive_wide, positive, COUNTS),
        Operand(
            "dispersion",
            positive_wide,
            positive,
            (0.0, 1e-30, 1e-9, 0.05, 0.125, 1.0, 30.0),
            kinds=("full", "scalar", "column", "row", "trailing"),
        ),
    ),
    value=value,
    gradients={"input": in_input, "target": in_target, "dispersion": in_dispersion},
    hessian=hessian,
    kinks=(
        Kink(
            "Poisson",
            {"input": 0.0, "target": 2.0, "dispersion": 0.0},
            1.0,
            {"input": -1.0, "target": 0.0, "dispersion": 0.5},
            1.0,
        ),
        Kink(
            "geometric",
            {"input": 0.0, "target": 0.0, "dispersion": 1.0},
            float(np.log(2)),
            {"input": 0.5, "target": 1.2703628454614782, "dispersion": 0.5 - float(np.log(2))},
            0.25,
        ),
        Kink(
            "log-mean -inf, target 0",
            {"input": -INF, "target": 0.0, "dispersion": 0.5},
            0.0,
            {"input": 0.0, "target": INF, "dispersion": 0.0},
            0.0,
        ),
        Kink(
            "log-mean inf",
            {"input": INF, "target": 1.0, "dispersion": 0.5},
            INF,
            {"input": 2.0, "target": -0.9227843350984671, "dispersion": -INF},
            0.0,
        ),
        Kink(
            "log-mean inf, Poisson",
            {"input": INF, "target": 1.0, "dispersion": 0.0},
            INF,
            {"input": INF, "target": -INF, "dispersion": -INF},
            INF,
        ),
        Kink("mean 0, target 0", {"input": 0.0, "target": 0.0, "dispersion": 0.5}, 0.0, {"input": 1.0}, -0.5, RATE),
        Kink(
            "mean 0, target 1",
            {"input": 0.0, "target": 1.0, "dispersion": 0.5},
            INF,
            {"input": -INF, "target": INF},
            INF,
            RATE,
        ),
        Kink(
            "negative mean",
            {"input": -1.0, "target": 1.0, "dispersion": 0.5},
            NAN,
            {"input": NAN, "target": NAN, "dispersion": NAN},
            NAN,
            RATE,
        ),
    ),
    golden=(
        # Of the geometric distribution: (t + 1) log(2); and of the Poisson distribution m - t log(m)
        (((0.0, 0.0), (0.0, 3.0), (1.0, 1.0)), {"full": True}, 1.7328679514),
        (((1.5, 0.5, 3.0), (2.0, 0.0, 4.0), (0.0, 0.0, 0.0)), {"log_input": False}, -0.0684597903),
    ),
    outside={"target": -1.0, "dispersion": -0.5},
    options={"log_input": (False,), "full": (True,)},
    combined_options=({"log_input": False, "full": True},),
    defaults={"log_input": True, "full": False},
    formed_first={
        "value": all_held(terms_of_value),
        "input": all_held(terms_in_input),
        "target": all_held(terms_in_target),
        "dispersion": all_held(terms_in_dispersion),
        "hessian": all_held(terms_in_hessian),
    },
    optimum=lambda target, dispersion, **options: np.log(target),
)
