"""References of robust losses, from the papers that their documentation names."""

import numpy as np

from references.draws import INF, REAL_SPECIALS, beside, normal, real
from references.schema import Kink, Operand, Reference

INPUT = Operand("input", real, normal, REAL_SPECIALS)
TARGET = Operand("target", beside("input"), normal, REAL_SPECIALS)
WIDTHS = {"c": (0.35, 3.0, 1e10)}
SMOOTH = frozenset({"symmetric", "non-negative"})


def of_residual(name, value, slope, curvature, *, properties=SMOOTH, distance=None, formed=None, **given):
    """The reference of a function of r = input - target, whose target gradient is the opposite of input's."""

    def at(f):
        return lambda input, target, **options: f(input - target, **options)

    def with_residual(quantity, derivative):
        def terms(input, target, **options):
            r = input - target
            more = formed.get(quantity, lambda r, **o: []) if formed else lambda r, **o: []
            return [(r, np.abs(np.nan_to_num(derivative(r, **options), posinf=0, neginf=0))), *more(r, **options)]

        return terms

    return Reference(
        name=name,
        operands=(INPUT, TARGET),
        value=at(value),
        gradients={"input": at(slope), "target": at(lambda r, **o: -slope(r, **o))},
        hessian=at(curvature),
        formed_first={
            "value": with_residual("value", slope),
            "input": with_residual("input", curvature),
            "target": with_residual("input", curvature),
            "hessian": with_residual("hessian", lambda r, **o: 0 * r),
        },
        distance_to_kink=at(distance) if distance else None,
        properties=properties,
        optimum=lambda target, **options: target,
        **given,
    )


def at_infinity(r, limit, inside):
    return np.where(np.isinf(r), limit, inside)


def cauchy_curvature(r, c):
    return at_infinity(r, 0, (c**2 - r**2 / 2) / (c**2 + r**2 / 2) ** 2)


CAUCHY = of_residual(
    "cauchy_loss",
    lambda r, c: np.log1p((r / c) ** 2 / 2),
    lambda r, c: at_infinity(r, 0, r / (c**2 + r**2 / 2)),
    cauchy_curvature,
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 1.0),
        Kink("negative zero", {"input": -0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.25, {"c": 2.0}),
        Kink("no curvature", {"input": 2.0, "target": 0.0}, np.log(3.0), {"input": 2 / 3}, -1 / 9),
        Kink("infinite input", {"input": -INF, "target": 0.0}, INF, {"input": 0.0, "target": 0.0}, 0.0),
    ),
    golden=((((1.0, 2.0, -4.0), (0.0, 0.0, 0.0)), {}, float(np.log(1.5 * 3 * 9)) / 3),),
    options=WIDTHS,
    defaults={"c": 1.0},
    formed={
        "input": lambda r, c: [(c**2 + r**2 / 2, np.abs(at_infinity(r, 0, r / (c**2 + r**2 / 2) ** 2)))],
        "hessian": lambda r, c: [(r**2 / 2, at_infinity(r, 0, 4 / (c**2 + r**2 / 2) ** 2))],
    },
)


def welsch_power(r, c):
    return np.exp(-((r / c) ** 2) / 2)


WELSCH = of_residual(
    "welsch_loss",
    lambda r, c: -np.expm1(-((r / c) ** 2) / 2),
    lambda r, c: at_infinity(r, 0, r / c**2 * welsch_power(r, c)),
    lambda r, c: at_infinity(r, 0, (1 - (r / c) ** 2) / c**2 * welsch_power(r, c)),
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 1.0),
        Kink("negative zero", {"input": -0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.25, {"c": 2.0}),
        Kink("inflection", {"input": 1.0, "target": 0.0}, -np.expm1(-0.5), {"input": np.exp(-0.5)}, 0.0),
        Kink("infinite input", {"input": -INF, "target": 0.0}, 1.0, {"input": 0.0, "target": 0.0}, 0.0),
    ),
    golden=((((1.0, 2.0, -3.0), (0.0, 0.0, 0.0)), {}, 1 - float(np.exp(-0.5) + np.exp(-2) + np.exp(-4.5)) / 3),),
    options=WIDTHS,
    defaults={"c": 1.0},
    properties=SMOOTH | {"bounded"},
    formed={
        "hessian": lambda r, c: [
            ((r / c) ** 2, at_infinity(r, 0, welsch_power(r, c) / c**2)),
            (r, np.abs(at_infinity(r, 0, (r / c) * (3 - (r / c) ** 2) * welsch_power(r, c) / c**3))),
        ]
    },
)


def geman_curvature(r, c):
    q = r / c
    return at_infinity(r, 0, 16 * (4 - 3 * q**2) / (q**2 + 4) ** 3 / c**2)


GEMAN_MCCLURE = of_residual(
    "geman_mcclure_loss",
    lambda r, c: at_infinity(r, 2, 2 * (r / c) ** 2 / ((r / c) ** 2 + 4)),
    lambda r, c: at_infinity(r, 0, 16 * (r / c) / ((r / c) ** 2 + 4) ** 2 / c),
    geman_curvature,
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 1.0),
        Kink("negative zero", {"input": -0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.25, {"c": 2.0}),
        Kink("half way", {"input": 2.0, "target": 0.0}, 1.0, {"input": 0.5, "target": -0.5}, -0.25),
        Kink("infinite input", {"input": INF, "target": 0.0}, 2.0, {"input": 0.0, "target": 0.0}, 0.0),
    ),
    golden=((((1.0, 2.0, 4.0), (0.0, 0.0, 0.0)), {}, (0.4 + 1 + 1.6) / 3),),
    options=WIDTHS,
    defaults={"c": 1.0},
    properties=SMOOTH | {"bounded"},
    formed={
        "value": lambda r, c: [(r**2 + 4 * c**2, at_infinity(r, 0, 2 * r**2 / (r**2 + 4 * c**2) ** 2))],
        "input": lambda r, c: [(r**2 + 4 * c**2, np.abs(at_infinity(r, 0, 32 * r * c**2 / (r**2 + 4 * c**2) ** 3)))],
        "hessian": lambda r, c: [
            (3 * r**2, at_infinity(r, 0, 32 * c**2 / (r**2 + 4 * c**2) ** 3)),
            (r**2 + 4 * c**2, at_infinity(r, 0, 3 * np.abs(geman_curvature(r, c)) / (r**2 + 4 * c**2))),
        ],
    },
)


def tukey_inside(r, c):
    return np.clip(r / c, -1, 1) ** 2


TUKEY = of_residual(
    "tukey_loss",
    # 1 - (1 - v)^3, multiplied out.
    lambda r, c: c**2 / 6 * tukey_inside(r, c) * (3 - 3 * tukey_inside(r, c) + tukey_inside(r, c) ** 2),
    lambda r, c: at_infinity(r, 0, r * (1 - tukey_inside(r, c)) ** 2),
    lambda r, c: (1 - tukey_inside(r, c)) * (1 - 5 * tukey_inside(r, c)),
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 1.0),
        Kink("edge", {"input": 3.0, "target": 0.0}, 1.5, {"input": 0.0, "target": 0.0}, 0.0, {"c": 3.0}),
        Kink("half", {"input": 1.0, "target": 0.0}, 37 / 96, {"input": 0.5625, "target": -0.5625}, -0.1875, {"c": 2.0}),
        Kink("outside", {"input": -3.0, "target": 0.0}, 2 / 3, {"input": 0.0, "target": 0.0}, 0.0, {"c": 2.0}),
        Kink("infinite input", {"input": INF, "target": 0.0}, 2 / 3, {"input": 0.0, "target": 0.0}, 0.0, {"c": 2.0}),
    ),
    golden=((((1.0, 3.0, 100.0), (0.0, 0.0, 0.0)), {"c": 2.0}, (37 / 96 + 4 / 3) / 3),),
    options={"c": (0.35, 2.0, 3.0, 1e10)},
    defaults={"c": 4.685},
    properties=SMOOTH | {"bounded"},
    distance=lambda r, c: np.abs(np.abs(r) - c),
    formed={"hessian": lambda r, c: [(5 * tukey_inside(r, c), 1 - tukey_inside(r, c)), (tukey_inside(r, c), 1)]},
)


def series(x, coefficient):
    """The sum of coefficient(k) x^k from k = 2 on, for x up to 1/4."""
    total = 0 * x
    for k in range(32, 1, -1):
        total = total * x + np.longdouble(coefficient(k))
    return total * x * x


def fair_shape(x):
    """x - log(1 + x)."""
    small = np.minimum(x, np.longdouble(0.25))
    with np.errstate(invalid="ignore"):
        large = np.where(np.isinf(x), x, x - np.log1p(x))
    return np.where(x < 0.25, series(small, lambda k: (-1) ** k / np.longdouble(k)), large)


def fair_value(r, c):
    with np.errstate(invalid="ignore"):
        return c**2 * fair_shape(np.abs(r) / c)


FAIR = of_residual(
    "fair_loss",
    fair_value,
    lambda r, c: at_infinity(r, c * np.sign(r), c * r / (np.abs(r) + c)),
    lambda r, c: (c / (np.abs(r) + c)) ** 2,
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 1.0),
        Kink("negative zero", {"input": -0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 1.0, {"c": 2.0}),
        Kink("one width", {"input": -1.0, "target": 0.0}, 1 - np.log(2.0), {"input": -0.5, "target": 0.5}, 0.25),
        Kink("infinite input", {"input": -INF, "target": 0.0}, INF, {"input": -2.0, "target": 2.0}, 0.0, {"c": 2.0}),
    ),
    golden=((((1.0, -3.0), (0.0, 0.0)), {}, (4 - float(np.log(2) + np.log(4))) / 2),),
    options=WIDTHS,
    defaults={"c": 1.0},
    properties=SMOOTH | {"convex"},
    distance=lambda r, c: np.abs(r),  # of the second derivative
    formed={
        "value": lambda r, c: [(np.abs(r) / c, c * np.abs(at_infinity(r, 0, c * r / (np.abs(r) + c))))],
        "input": lambda r, c: [
            (1 + np.abs(r) / c, at_infinity(r, 0, np.abs(c * r) / (np.abs(r) + c) / (1 + np.abs(r) / c)))
        ],
        "hessian": lambda r, c: [(1 + np.abs(r) / c, at_infinity(r, 0, 2 / (1 + np.abs(r) / c) ** 3))],
    },
)


def entropy_shape(y):
    """(1 + y) log(1 + y) - y."""
    small = np.minimum(y, np.longdouble(0.25))
    return np.where(
        y < 0.25, series(small, lambda k: (-1) ** k / np.longdouble(k * (k - 1))), (1 + y) * np.log1p(y) - y
    )


def balanced_parts(r, alpha, gamma, beta):
    b = np.expm1(gamma / alpha)
    s = np.minimum(np.abs(r), beta)
    return b, s, b * s / beta


def balanced_value(r, alpha, gamma, beta):
    b, s, y = balanced_parts(r, alpha, gamma, beta)
    # alpha / b (b s + 1) log(1 + y) - alpha s, in terms of y.
    inside = alpha * beta / b * entropy_shape(y) + alpha * (1 - beta) / b * np.log1p(y)
    return inside + gamma * (np.abs(r) - s)


def balanced_slope(r, alpha, gamma, beta):
    b, s, y = balanced_parts(r, alpha, gamma, beta)
    inside = alpha * np.log1p(y) + alpha * (1 - beta) / (b * s + beta)
    return np.sign(r) * np.where(np.abs(r) < beta, inside, gamma)


def balanced_curvature(r, alpha, gamma, beta):
    b, s, _ = balanced_parts(r, alpha, gamma, beta)
    inside = alpha * b / (b * s + beta) - alpha * (1 - beta) * b / (b * s + beta) ** 2
    return np.where(np.abs(r) < beta, inside, 0)


def balanced_terms(r, alpha, gamma, beta):
    b, s, y = balanced_parts(r, alpha, gamma, beta)
    inside = np.abs(r) < beta
    logarithm = np.log1p(y)
    return [
        (y, np.where(inside, alpha * (beta * logarithm + np.abs(1 - beta) / (1 + y)) / b, 0)),
        (logarithm, np.where(inside, alpha / b * np.abs(1 - beta) + np.where(y < 1, 0, alpha * beta * (1 + y) / b), 0)),
        (gamma * (np.abs(r) - s), 1),
    ]


def balanced_slope_terms(r, alpha, gamma, beta):
    _, _, y = balanced_parts(r, alpha, gamma, beta)
    jump = alpha * np.abs(1 - beta) / beta
    inside = np.abs(r) < beta
    return [
        (y, np.where(inside, alpha / (1 + y) + jump / (1 + y) ** 2, 0)),
        (alpha * np.log1p(y), inside),
        (jump / (1 + y), 2 * inside),
    ]


def balanced_curvature_terms(r, alpha, gamma, beta):
    b, _, y = balanced_parts(r, alpha, gamma, beta)
    jump = alpha * np.abs(1 - beta) / beta * b / beta
    inside = np.abs(r) < beta
    return [
        (y, np.where(inside, alpha * b / beta / (1 + y) ** 2 + 2 * jump / (1 + y) ** 3, 0)),
        (alpha * b / beta / (1 + y), 2 * inside),
        (jump / (1 + y) ** 2, 2 * inside),
    ]


BALANCED_L1 = of_residual(
    "balanced_l1_loss",
    balanced_value,
    balanced_slope,
    balanced_curvature,
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 0.5 * np.expm1(3.0)),
        Kink("equal, wide", {"input": -0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, None, {"beta": 2.0}),
        Kink(
            "tie",
            {"input": 1.0, "target": 0.0},
            1 + 1.5 / np.expm1(3.0),
            {"input": 1.5, "target": -1.5},
            0.0,
        ),
        Kink("tie, wide", {"input": -2.0, "target": 0.0}, 2 + 1.5 / np.expm1(3.0), {"input": -1.5}, 0.0, {"beta": 2.0}),
        Kink("infinite input", {"input": INF, "target": 0.0}, INF, {"input": 1.5, "target": -1.5}, 0.0),
    ),
    golden=(
        # (b / 2 + 1) log(b / 2 + 1) / (2 b) - 1 / 4 with b = exp(3) - 1, and 3 gamma + gamma / b - alpha.
        (((0.5, 3.0), (0.0, 0.0)), {}, (0.4005675069 + 4.0785935447) / 2),
    ),
    options={"alpha": (0.25, 3.0), "gamma": (0.5, 2.0), "beta": (0.5, 2.0)},
    defaults={"alpha": 0.5, "gamma": 1.5, "beta": 1.0},
    properties=frozenset({"symmetric"}),
    distance=lambda r, alpha, gamma, beta: np.minimum(np.abs(r), np.abs(np.abs(r) - beta)),
    formed={"value": balanced_terms, "input": balanced_slope_terms, "hessian": balanced_curvature_terms},
)


def wing_value(r, width, curvature):
    a = np.abs(r)
    s = np.minimum(a, width)
    return width * np.log1p(s / curvature) + (a - s)


def wing_slope(r, width, curvature):
    return np.sign(r) * np.where(np.abs(r) < width, width / (curvature + np.minimum(np.abs(r), width)), 1)


WING = of_residual(
    "wing_loss",
    wing_value,
    wing_slope,
    lambda r, width, curvature: np.where(
        np.abs(r) < width, -width / (curvature + np.minimum(np.abs(r), width)) ** 2, 0
    ),
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, -20.0),
        Kink("negative zero", {"input": -0.0, "target": 0.0}, 0.0, {"input": 0.0}, -1.25, {"curvature": 2.0}),
        Kink("inside", {"input": -1.0, "target": 0.0}, 5 * np.log(3.0), {"input": -10 / 3}, -20 / 9),
        Kink("tie", {"input": 5.0, "target": 0.0}, 5 * np.log(11.0), {"input": 1.0, "target": -1.0}, 0.0),
        Kink("infinite input", {"input": -INF, "target": 0.0}, INF, {"input": -1.0, "target": 1.0}, 0.0),
    ),
    golden=((((0.5, -7.0), (0.0, 0.0)), {}, (5 * float(np.log(2) + np.log(11)) + 2) / 2),),
    options={"width": (1.0, 10.0, 1e10), "curvature": (2.0, 0.1)},
    defaults={"width": 5.0, "curvature": 0.5},
    properties=frozenset({"symmetric", "non-negative"}),
    distance=lambda r, width, curvature: np.minimum(np.abs(r), np.abs(np.abs(r) - width)),
    formed={
        "value": lambda r, width, curvature: [(np.maximum(np.abs(r) - width, 0), 1)],
        "input": lambda r, width, curvature: [
            (curvature + np.minimum(np.abs(r), width), width / (curvature + np.minimum(np.abs(r), width)) ** 2)
        ],
        "hessian": lambda r, width, curvature: [
            (curvature + np.minimum(np.abs(r), width), 2 * width / (curvature + np.minimum(np.abs(r), width)) ** 3)
        ],
    },
)

REFERENCES = (CAUCHY, WELSCH, GEMAN_MCCLURE, TUKEY, FAIR, BALANCED_L1, WING)
