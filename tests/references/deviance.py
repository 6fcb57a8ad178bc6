"""References of deviances: McCullagh and Nelder (1989) for the gamma distribution, Jorgensen (1997) for Tweedie's."""

import numpy as np

from references.binary import times
from references.draws import INF, LINKED, NAN, moderate, positive, positive_wide, real
from references.schema import Kink, Operand, Reference, held

TARGETS = (0.0, 1.0, 0.3, 9.0, 1e-30, 1e6)
OPERANDS = (Operand("input", real, moderate, LINKED), Operand("target", positive_wide, positive, TARGETS))
IDENTITY = {"link": "identity"}


def mean_of(input, link):
    """The mean, its logarithm, and NaN in both where the mean would be negative."""
    if link == "log":
        return np.exp(input), input
    mean = np.where(input < 0, NAN, input) + 0.0  # of two zeros the positive one
    return mean, np.log(mean)


def terms(*pairs):
    """Terms with their slopes, without those that are no numbers."""
    kept = []
    for term, slope in pairs:
        size = np.abs(slope * np.ones_like(term))
        fine = np.isfinite(term) & ~np.isnan(size)
        kept.append((np.where(fine, term, 0), np.where(fine, size, 0)))
    return kept


# ---- gamma -----------------------------------------------------------------------------------------------------------


def quotient(input, target, link):
    return (
        times(target, np.exp(-input)) if link == "log" else np.where(target == 0, 0, target / mean_of(input, link)[0])
    )


def gamma_value(input, target, link, full):
    mean, log_mean = mean_of(input, link)
    q = quotient(input, target, link)
    if full:
        u = np.log(target) - log_mean
        value = np.expm1(u) - u
        return np.where(np.isnan(mean), NAN, np.where((q == INF) | (target == 0), INF, value))
    return np.where(q == INF, INF, log_mean + q)


def gamma_in_input(input, target, link, full):
    q = quotient(input, target, link)
    return 1 - q if link == "log" else (1 - q) / mean_of(input, link)[0]


def gamma_in_target(input, target, link, full):
    q = quotient(input, target, link)
    if full:
        return (q - 1) / target
    return 1 / mean_of(input, link)[0] if link == "identity" else np.exp(-input)


def gamma_hessian(input, target, link, full):
    q = quotient(input, target, link)
    mean = mean_of(input, link)[0]
    return q if link == "log" else (2 * q - 1) / mean / mean


def gamma_terms(input, target, link, full):
    log_mean, q = mean_of(input, link)[1], quotient(input, target, link)
    if not full:
        return terms((log_mean, 1), (q, 1))
    near = np.abs(q - 1) < 0.5
    far = terms((log_mean, 1), (np.log(target), 1), (log_mean - np.log(target), 1), (q, 1))
    close = terms((q, (q - 1) / q), (q - 1, 1))
    return [(t, np.where(near, 0, s)) for t, s in far] + [(t, np.where(near, s, 0)) for t, s in close]


def gamma_terms_in_input(input, target, link, full):
    q = quotient(input, target, link)
    return terms((q, 1)) if link == "log" else terms((q, 1 / input), (1 - q, 1 / input))


def gamma_terms_in_hessian(input, target, link, full):
    q = quotient(input, target, link)
    return [] if link == "log" else terms((q / input / input, 2), (1 / input / input, 2), (q, 2 / input / input))


GAMMA_NLL = Reference(
    name="gamma_nll_loss",
    operands=OPERANDS,
    value=gamma_value,
    gradients={"input": gamma_in_input, "target": gamma_in_target},
    hessian=gamma_hessian,
    kinks=(
        Kink("target 0", {"input": 0.0, "target": 0.0}, 0.0, {"input": 1.0, "target": 1.0}, 0.0),
        Kink("log-mean -inf", {"input": -INF, "target": 1.0}, INF, {"input": -INF, "target": INF}, INF),
        Kink("log-mean -inf, target 0", {"input": -INF, "target": 0.0}, -INF, {"input": 1.0, "target": INF}, 0.0),
        Kink("log-mean inf", {"input": INF, "target": 1.0}, INF, {"input": 1.0, "target": 0.0}, 0.0),
        Kink("optimum", {"input": 0.0, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 1.0, {"full": True}),
        Kink("target 0, full", {"input": 2.0, "target": 0.0}, INF, {"input": 1.0, "target": -INF}, 0.0, {"full": True}),
        Kink("mean 0", {"input": 0.0, "target": 1.0}, INF, {"input": -INF, "target": INF}, INF, IDENTITY),
        Kink("mean 0, target 0", {"input": 0.0, "target": 0.0}, -INF, {"input": INF, "target": INF}, -INF, IDENTITY),
        Kink("mean inf", {"input": INF, "target": 1.0}, INF, {"input": 0.0, "target": 0.0}, 0.0, IDENTITY),
        Kink("negative mean", {"input": -1.0, "target": 1.0}, NAN, {"input": NAN, "target": NAN}, NAN, IDENTITY),
        Kink(
            "optimum, identity",
            {"input": 2.0, "target": 2.0},
            0.0,
            {"input": 0.0, "target": 0.0},
            0.25,
            {**IDENTITY, "full": True},
        ),
    ),
    golden=(
        # 1 and 2; log(2) and log(2) + 1
        (((0.0, 0.0), (1.0, 2.0)), {}, 1.5),
        (((2.0, 2.0), (0.0, 2.0)), {"link": "identity"}, 1.1931471806),
        (((2.0,), (1.0,)), {"link": "identity", "full": True}, 0.1931471806),
    ),
    outside={"target": -1.0},
    options={"link": ("identity",), "full": (True,)},
    combined_options=({"link": "identity", "full": True},),
    defaults={"link": "log", "full": False},
    formed_first={
        "value": gamma_terms,
        "input": gamma_terms_in_input,
        "target": lambda input, target, link, full: (
            terms((quotient(input, target, link), 1 / target), (quotient(input, target, link) - 1, 1 / target))
            if full
            else []
        ),
        "hessian": gamma_terms_in_hessian,
    },
    optimum=lambda target, **options: np.log(target),
)


# ---- Tweedie ---------------------------------------------------------------------------------------------------------


def power_of(mean, log_mean, exponent):
    """mean**exponent, by way of the logarithm only where the mean has no place in long double."""
    return np.where(np.isfinite(mean) & (mean != 0), mean**exponent, np.exp(times(exponent, log_mean)))


def box_cox(u, c):
    """(exp(c u) - 1) / c."""
    return u if c == 0 else np.expm1(c * u) / c


def log_ratio(log_mean, target):
    return np.where(target > 0, log_mean - np.log(np.abs(target)), INF)


def where_both_infinite(x, y, winner):
    return np.where(np.isinf(x) & np.isinf(y), winner, x - y)


def is_normal(power, link, full):
    """(mean - t)^2 / 2, also for a mean below 0."""
    return power == 0 and (full or link == "identity")


def tweedie_value(input, target, power, link, full):
    a, b = 2 - power, 1 - power
    if is_normal(power, link, full):
        mean = np.exp(input) if link == "log" else input
        return (mean - target) ** 2 / 2 if full else mean * (mean / 2 - target)
    mean, log_mean = mean_of(input, link)
    if full:
        u = log_ratio(log_mean, target)
        change = np.where(target > 0, np.abs(target) ** a * (box_cox(u, a) - box_cox(u, b)), INF)
        without = power_of(mean, log_mean, a) / a if a > 0 else INF + 0 * target
        value = np.where(target == 0, without, np.where(np.isnan(change), INF, change))
        return np.where(np.isnan(mean), NAN, value)
    if power == 1:
        return np.where(mean == INF, INF, mean - times(target, log_mean))
    if power == 2:
        q = quotient(input, target, link)
        return np.where(q == INF, INF, log_mean + q)
    return where_both_infinite(*tweedie_parts(input, target, power, link), INF)


def tweedie_parts(input, target, power, link):
    mean, log_mean = mean_of(input, link)
    a, b = 2 - power, 1 - power
    return power_of(mean, log_mean, a) / a, times(target, power_of(mean, log_mean, b)) / b


def tweedie_in_input(input, target, power, link, full):
    if link == "identity" and power == 0:
        return input - target
    mean, log_mean = mean_of(input, link)
    first, second = (1 - power, -power) if link == "identity" else (2 - power, 1 - power)
    x, y = power_of(mean, log_mean, first), times(target, power_of(mean, log_mean, second))
    return where_both_infinite(x, y, np.where(mean > 1, INF, -INF))


def tweedie_hessian(input, target, power, link, full):
    if link == "identity" and power == 0:
        return np.ones_like(input)
    mean, log_mean = mean_of(input, link)
    if link == "log":
        x = (2 - power) * power_of(mean, log_mean, 2 - power)
        y = times((1 - power) * target, power_of(mean, log_mean, 1 - power))
    else:
        x = times(1 - power, power_of(mean, log_mean, -power))
        y = -times(power * target, power_of(mean, log_mean, -power - 1))
    return where_both_infinite(x, y, INF)


def tweedie_in_target(input, target, power, link, full):
    b = 1 - power
    if link == "identity" and power == 0:
        return target - input if full else -input
    mean, log_mean = mean_of(input, link)
    if is_normal(power, link, full):
        return target - mean
    if not full:
        return -log_mean if b == 0 else -power_of(mean, log_mean, b) / b
    without = -power_of(mean, log_mean, b) / b if b > 0 else -INF + 0 * target
    return np.where(target > 0, -(np.abs(target) ** b) * box_cox(log_ratio(log_mean, target), b), without)


def tweedie_scales(input, target, power, link):
    """What the deviance is made of: for each of the two powers the larger power, the difference, and its slope in u."""
    log_mean = mean_of(input, link)[1]
    u = log_ratio(log_mean, target)
    result = []
    for c in (2 - power, 1 - power):
        larger = np.exp(np.maximum(c * log_mean, c * np.log(target)))
        result.append((c, larger, larger * np.abs(box_cox(-np.abs(u), abs(c))), larger * np.exp(-np.abs(c * u))))
    return u, result


def power_difference_terms(input, target, link, u, parts, factor=1):
    """The difference of two powers, the larger of them, and u = log(m / t), which is a quotient or a difference."""
    c, larger, difference, by_u = parts
    found = held(terms((factor * larger, difference / larger))) + terms((factor * difference, 1), (u, factor * by_u))
    if link == "log":
        return found + terms((c * input, factor * difference), (np.log(target), factor * by_u))
    return found + terms((input / target, factor * by_u * target / input))


def tweedie_terms(input, target, power, link, full):
    if is_normal(power, link, full):
        mean = np.exp(input) if link == "log" else input
        return terms((mean, mean - target), (mean - target, mean - target), (mean / 2 - target, mean))
    if full and power == 2:
        return gamma_terms(input, target, link, full)
    mean, log_mean = mean_of(input, link)
    if power == 1 and not full:
        return terms((mean, 1), (times(target, log_mean), 1), (log_mean, target))
    if power == 2:
        return terms((log_mean, 1), (quotient(input, target, link), 1))
    if not full:
        first, second = tweedie_parts(input, target, power, link)
        alone = power_of(mean, log_mean, 1 - power)
        exponents = terms(((2 - power) * input, first * (2 - power)), ((1 - power) * input, second * (1 - power)))
        # What is divided by 2 - p and 1 - p is a term too, and may overflow alone.
        whole = terms((first * (2 - power), 1 / (2 - power)), (second * (1 - power), 1 / (1 - power)))
        return (
            held(terms((first, 1), (second, 1)))
            + held(whole)
            + (exponents if link == "log" else terms((alone, target / (1 - power))))
        )
    u, parts = tweedie_scales(input, target, power, link)
    first, second = (
        power_difference_terms(input, target, link, u, part, factor)
        for part, factor in zip(parts, (1, target), strict=True)
    )
    return (
        first + second + held(terms(*((factor * part[2], 1) for part, factor in zip(parts, (1, target), strict=True))))
    )


def tweedie_terms_in_input(input, target, power, link, full):
    mean, log_mean = mean_of(input, link)
    p = power
    if link == "log":
        first, second = power_of(mean, log_mean, 2 - p), times(target, power_of(mean, log_mean, 1 - p))
        found = terms((first, 1), (second, 1), ((2 - p) * input, first), ((1 - p) * input, second))
        of_mean = held(terms((mean, mean + np.abs(mean - target)))) + terms((mean - target, mean))
        return found + (of_mean if p == 0 else [])
    q = quotient(input, target, link)
    first, second = power_of(mean, log_mean, 1 - p), power_of(mean, log_mean, -p)
    return terms((mean - target, second), (first, 1 - q), (q, first), (second, mean - target))


def tweedie_terms_in_target(input, target, power, link, full):
    mean, log_mean = mean_of(input, link)
    if is_normal(power, link, full):
        return terms((mean, 1))
    if not full:
        if power == 1:
            return []
        alone = power_of(mean, log_mean, 1 - power)
        exponent = terms(((1 - power) * input, alone)) if link == "log" else []
        return exponent + terms((alone, 1 / (1 - power)))
    if power == 2:
        q = quotient(input, target, link)
        return terms((q, 1 / target), (q - 1, 1 / target))
    u, (_, parts) = tweedie_scales(input, target, power, link)
    return power_difference_terms(input, target, link, u, parts)


def tweedie_terms_in_hessian(input, target, power, link, full):
    mean, log_mean = mean_of(input, link)
    p = power
    if link == "log":
        first, second = (2 - p) * power_of(mean, log_mean, 2 - p), (1 - p) * target * power_of(mean, log_mean, 1 - p)
        found = terms((first, 1), (second, 1), ((2 - p) * input, first), ((1 - p) * input, second))
        found += held(terms((first / (2 - p), 2 - p), (second / (1 - p), 1 - p))) if p not in (1, 2) else []
        of_mean = terms((mean * mean, 2), (mean * target, 2), (mean - target, mean))
        return found + (of_mean + held(terms((mean, 4 * mean + target))) if p == 0 else [])
    first, second = power_of(mean, log_mean, -p), times(target, power_of(mean, log_mean, -p - 1))
    q = quotient(input, target, link)
    return terms(
        (first, 2 * (np.abs(1 - p) + np.abs(p) + 1)),
        (second, 2 * (np.abs(p) + 1)),
        (q, (1 + np.abs(p)) * first),
        (first, 2 * np.abs(p) * q),
        (p * q, first),
    ) + held(terms((second, p)))


NEAR_POISSON, NEAR_GAMMA = 1.0000001, 1.9999999
TWEEDIE = Reference(
    name="tweedie_loss",
    operands=OPERANDS,
    value=tweedie_value,
    gradients={"input": tweedie_in_input, "target": tweedie_in_target},
    hessian=tweedie_hessian,
    kinks=(
        Kink("target 0", {"input": 0.0, "target": 0.0}, 2.0, {"input": 1.0, "target": 2.0}, 0.5),
        Kink("log-mean inf", {"input": INF, "target": 1.0}, INF, {"input": INF, "target": 0.0}, INF),
        Kink("log-mean -inf", {"input": -INF, "target": 1.0}, INF, {"input": -INF, "target": INF}, INF),
        Kink("log-mean -inf, target 0", {"input": -INF, "target": 0.0}, 0.0, {"input": 0.0, "target": INF}, 0.0),
        *(
            Kink(
                f"optimum, power {power}, {link}",
                {"input": x, "target": 1.0},
                0.0,
                {"input": 0.0, "target": 0.0},
                1.0,
                {"power": power, "link": link, "full": True},
            )
            for power in (-0.5, 0.0, 1.0, NEAR_POISSON, 1.5, NEAR_GAMMA, 2.0, 3.0)
            for link, x in (("log", 0.0), ("identity", 1.0))
        ),
        Kink("mean 0", {"input": 0.0, "target": 1.0}, INF, {"input": -INF, "target": INF}, INF, IDENTITY),
        Kink("mean inf", {"input": INF, "target": 1.0}, INF, {"input": 0.0, "target": 0.0}, 0.0, IDENTITY),
        Kink("negative mean", {"input": -1.0, "target": 1.0}, NAN, {"input": NAN, "target": NAN}, NAN, IDENTITY),
        Kink(
            "negative mean, power 0",
            {"input": -1.0, "target": 1.0},
            1.5,
            {"input": -2.0, "target": 1.0},
            1.0,
            {**IDENTITY, "power": 0.0},
        ),
    ),
    golden=(
        # 2 (e^(x/2) + t e^(-x/2)) at x = 0, and 2 (sqrt(m) - sqrt(t))^2 / sqrt(m) at m = 4, t = 1
        (((0.0, 0.0), (1.0, 3.0)), {}, 6.0),
        (((4.0,), (1.0,)), {"link": "identity", "full": True}, 1.0),
        (((4.0,), (1.0,)), {"link": "identity", "full": True, "power": 0.0}, 4.5),
        (((4.0,), (1.0,)), {"link": "identity", "full": True, "power": 1.0}, 1.6137056389),
        (((4.0,), (1.0,)), {"link": "identity", "full": True, "power": 2.0}, 0.6362943611),
    ),
    outside={"target": -1.0},
    options={"power": (0.5, 0.0, 1.0, 1.9, 2.0, 3.0), "link": ("identity",), "full": (True,)},
    combined_options=(
        *({"power": p, "full": True} for p in (-0.5, 0.0, 1.0, NEAR_POISSON, NEAR_GAMMA, 2.0, 3.0)),
        *({"power": p, "link": "identity"} for p in (-0.5, 0.0, 0.5, 1.0, 2.0, 3.0)),
        *({"power": p, "link": "identity", "full": True} for p in (0.0, 1.0, 1.5, NEAR_GAMMA, 2.0, 2.5)),
    ),
    defaults={"power": 1.5, "link": "log", "full": False},
    formed_first={
        "value": tweedie_terms,
        "input": tweedie_terms_in_input,
        "target": tweedie_terms_in_target,
        "hessian": tweedie_terms_in_hessian,
    },
    optimum=lambda target, **options: np.log(target),
)

REFERENCES = (GAMMA_NLL, TWEEDIE)
