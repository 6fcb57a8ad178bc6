"""Reference of the von Mises likelihood: von Mises (1918); Bessel functions by DLMF 10.25.2 and 10.40.1."""

import numpy as np

from references.draws import INF, beside, normal, positive, positive_wide, real
from references.schema import Kink, Operand, Reference

LONG = np.longdouble
PI = 4 * np.arctan(LONG(1))
FAR = 30  # from here on the asymptotic series is exact to a long double
SPLIT = 16  # up to here the library may subtract the terms of the definition as they stand


def series(order, k):
    """I_order(k), by its power series."""
    term = total = (k / 2) ** order
    for n in range(1, 110):
        term = term * (k / 2) ** 2 / n / (n + order)
        total = total + term
    return total


def asymptotic_terms(order, k):
    """The terms of sqrt(2 pi k) exp(-k) I_order(k) but the first, which is 1."""
    term, terms = LONG(1), []
    for n in range(1, 45):
        term = -term * (4 * order**2 - (2 * n - 1) ** 2) / (n * 8 * k)
        terms.append(term)
    return terms


def log_i0_scaled(k):
    """log(I0(k) exp(-k))"""
    near, far = np.minimum(k, FAR), np.maximum(k, FAR)
    beyond = np.log1p(sum(asymptotic_terms(0, far))) - np.log(2 * PI * far) / 2
    return np.where(k < FAR, np.log1p(series(0, near) - 1) - near, beyond)


def log_i0(k):
    return np.where(k < 1, np.log1p(excess(np.minimum(k, 1))), log_i0_scaled(k) + k)


def excess(k):
    """I0(k) - 1 for k <= 1, without the 1."""
    term, total = LONG(1), 0
    for n in range(1, 30):
        term = term * (k / 2 / n) ** 2
        total = total + term
    return total


def ratio_below_1(k):
    """1 - I1(k) / I0(k)"""
    near, far = np.minimum(k, FAR), np.maximum(k, FAR)
    zero, one = asymptotic_terms(0, far), asymptotic_terms(1, far)
    beyond = sum(a - b for a, b in zip(zero, one, strict=True)) / (1 + sum(zero))
    return np.where(k < FAR, 1 - series(1, near) / series(0, near), beyond)


def value(input, target, concentration, full):
    r, k = input - target, concentration
    small = log_i0(k) - k * np.cos(r)
    large = 2 * k * np.sin(r / 2) ** 2 + log_i0_scaled(k)
    limit = np.where(np.sin(r / 2) == 0, -INF, INF + 0 * np.sin(r))
    nll = np.where(k < 1, small, np.where(np.isinf(k), limit, large))
    return nll + (np.log(2 * PI) if full else 0)


def in_input(input, target, concentration, full):
    slope = np.sin(input - target)
    return np.where(slope == 0, 0, concentration * slope)


def in_concentration(input, target, concentration, full):
    r, k = input - target, concentration
    small = series(1, np.minimum(k, 1)) / series(0, np.minimum(k, 1)) - np.cos(r)
    return np.where(k < 1, small, 2 * np.sin(r / 2) ** 2 - ratio_below_1(k))


def hessian(input, target, concentration, full):
    return concentration * np.cos(input - target)


def terms_of_value(input, target, concentration, full):
    r, k = input - target, concentration
    near = k < SPLIT
    return [
        (np.where(near, log_i0(np.minimum(k, SPLIT)), log_i0_scaled(k)), 1),
        (np.where(near, k, 2 * k * np.sin(r / 2) ** 2), 1),
        (r, k),
        (value(input, target, concentration, False), 1),
    ]


def terms_in_concentration(input, target, concentration, full):
    r, k = input - target, concentration
    near = k < SPLIT
    ratio = np.where(near, 1 - ratio_below_1(k), ratio_below_1(k))
    # The ratio of one Bessel function to the other
    zero, one = (series(order, np.minimum(k, SPLIT)) for order in (0, 1))
    bessel = [(one, np.where(near, 1 / zero, 0)), (zero, np.where(near, one / zero / zero, 0))]
    return [*bessel, (ratio, 1), (np.where(near, 1, 2 * np.sin(r / 2) ** 2), 1), (r, 1)]


def torch_call(torch, operands, options, reduction):
    k = operands["concentration"]
    r = operands["input"] - operands["target"]
    loss = k * (1 - torch.cos(r)) + torch.log(torch.special.i0e(k)) + (float(np.log(2 * PI)) if options else 0)
    return loss if reduction == "none" else getattr(loss, reduction)()


LOG_I0_OF_1 = float(log_i0(LONG(1)))
RATIO_OF_1 = float(1 - ratio_below_1(LONG(1)))

VON_MISES_NLL = Reference(
    name="von_mises_nll_loss",
    operands=(
        Operand("input", real, normal, (0.0, -0.0, 1.0, -3.0, 1e-30, 100.0, 1e6, INF, -INF)),
        Operand("target", beside("input"), normal, (0.0, 1.0, -2.0, 1e6, INF)),
        Operand(
            "concentration",
            positive_wide,
            positive,
            (0.0, 1e-30, 0.5, 1.0, 7.5, 20.0, 1e6, 1e30, INF),
            kinds=("full", "scalar", "column", "row", "leading"),
            checked_always=True,
        ),
    ),
    value=value,
    gradients={"input": in_input, "target": lambda **o: -in_input(**o), "concentration": in_concentration},
    hessian=hessian,
    kinks=(
        Kink(
            "equal",
            {"input": 1.5, "target": 1.5, "concentration": 1.0},
            LOG_I0_OF_1 - 1,
            {"input": 0.0, "target": 0.0, "concentration": RATIO_OF_1 - 1},
            1.0,
        ),
        Kink(
            "negative zero",
            {"input": -0.0, "target": 0.0, "concentration": 1.0},
            LOG_I0_OF_1 - 1,
            {"input": 0.0, "target": 0.0, "concentration": RATIO_OF_1 - 1},
            1.0,
        ),
        Kink(
            "uniform",
            {"input": 0.0, "target": 0.0, "concentration": 0.0},
            0.0,
            {"input": 0.0, "target": 0.0, "concentration": -1.0},
            0.0,
        ),
        Kink(
            "concentrated",
            {"input": 0.25, "target": 0.25, "concentration": 1e6},
            float(log_i0_scaled(LONG(1e6))),
            {"input": 0.0, "target": 0.0, "concentration": -float(ratio_below_1(LONG(1e6)))},
            1e6,
        ),
        Kink(
            "infinite concentration, equal",
            {"input": 1.0, "target": 1.0, "concentration": INF},
            -INF,
            {"input": 0.0, "target": 0.0, "concentration": 0.0},
            INF,
        ),
        Kink(
            "infinite concentration",
            {"input": 1.0, "target": 0.0, "concentration": INF},
            INF,
            {"input": INF, "target": -INF, "concentration": float(2 * np.sin(LONG(0.5)) ** 2)},
            INF,
        ),
    ),
    golden=(
        # mpmath: log(I0(k)) - k cos(x - t)
        (((0.0, 1.0), (0.0, -1.0), (2.0, 20.0)), {}, 12.3682703503),
        (((0.5,), (-1.0,), (0.75,)), {"full": True}, 1.92079351434),
    ),
    outside={"concentration": -0.25},
    options={"full": (True,)},
    defaults={"full": False},
    formed_first={
        "value": terms_of_value,
        "input": lambda input, target, concentration, full: [(input - target, concentration)],
        "target": lambda input, target, concentration, full: [(input - target, concentration)],
        "concentration": terms_in_concentration,
        "hessian": lambda input, target, concentration, full: [(input - target, concentration), (1, concentration)],
    },
    torch=torch_call,
    torch_options={"full": (True,)},
    properties=frozenset({"symmetric"}),
    optimum=lambda target, concentration, full: target,
)
