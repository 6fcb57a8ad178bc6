"""References of losses between the squared and the absolute error, and of powers: Girshick (2015), Charbonnier et al.
(1997), Lai et al. (2017), Vapnik (1995)."""

import numpy as np

from references.draws import INF
from references.regression import INPUT, PREDICTIONS, TARGET, TARGETS, torch_pair
from references.schema import Kink, Reference


def of_residual(name, value, slope, curvature, *, kinks, third=None, **more):
    """A loss that depends on input - target alone, from its function, slope and curvature."""
    derivatives = {"value": slope}
    if third is not None:  # the curvature need not have vanished where the difference overflows
        derivatives |= {"input": curvature, "target": curvature, "hessian": third}

    def terms(derivative):
        # The difference alone may overflow where the result does not.
        return lambda input, target, **o: [(input - target, np.abs(derivative(input - target, **o)))]

    return Reference(
        name=name,
        operands=(INPUT, TARGET),
        value=lambda input, target, **o: value(input - target, **o),
        gradients={
            "input": lambda input, target, **o: slope(input - target, **o),
            "target": lambda input, target, **o: -slope(input - target, **o),
        },
        hessian=lambda input, target, **o: curvature(input - target, **o),
        kinks=tuple(residual_kink(*kink) for kink in kinks),
        formed_first={quantity: terms(derivative) for quantity, derivative in derivatives.items()},
        optimum=lambda target, **o: target,
        **more,
    )


def residual_kink(label, input, target, value, slope, hessian, options=None):
    return Kink(
        label, {"input": input, "target": target}, value, {"input": slope, "target": -slope}, hessian, options or {}
    )


L2 = of_residual(
    "l2_loss",
    lambda r: r * r / 2,
    lambda r: r,
    lambda r: 1 + 0 * np.sign(r),
    kinks=(
        ("equal", 1.5, 1.5, 0.0, 0.0, 1.0),
        ("negative zero", -0.0, 0.0, 0.0, 0.0, 1.0),
        ("infinite input", INF, 0.0, INF, INF, 1.0),
    ),
    golden=(((PREDICTIONS, TARGETS), {}, 0.1875),),
    properties=frozenset({"symmetric", "convex", "non-negative", "homogeneous:2"}),
)


def smooth_l1(r, beta):
    a = np.abs(r)
    inner = np.minimum(a, beta)
    return np.where(a < beta, inner * inner / (2 * np.where(beta == 0, 1, beta)), a - beta / 2)


def smooth_l1_slope(r, beta):
    return np.where(np.abs(r) < beta, r / np.where(beta == 0, 1, beta), np.sign(r))


def smooth_l1_curvature(r, beta):
    return np.where(np.abs(r) < beta, 1 / np.where(beta == 0, 1, beta), 0 * np.sign(r))


SMOOTH_L1 = of_residual(
    "smooth_l1_loss",
    smooth_l1,
    smooth_l1_slope,
    smooth_l1_curvature,
    kinks=(
        ("tie", 1.0, 0.0, 0.5, 1.0, 0.0),
        ("negative tie", -3.0, -1.0, 1.0, -1.0, 0.0, {"beta": 2.0}),
        ("before the tie", 1.5, 0.0, 0.5625, 0.75, 0.5, {"beta": 2.0}),
        ("equal", 0.0, -0.0, 0.0, 0.0, 1.0),
        ("equal without a parabola", 2.0, 2.0, 0.0, 0.0, 0.0, {"beta": 0.0}),
        ("infinite input", INF, 0.0, INF, 1.0, 0.0),
        ("infinite target", 0.0, INF, INF, -1.0, 0.0, {"beta": 0.0}),
    ),
    golden=(
        ((PREDICTIONS, TARGETS), {}, 0.1875),
        (((3.2, 100.0, 2.1), (3.0, 6.0, 2.0)), {}, 31.175),
        ((PREDICTIONS, TARGETS), {"beta": 0.0}, 0.5),
    ),
    options={"beta": (0.0, 0.01, 0.35, 2.0, 1e10)},
    defaults={"beta": 1.0},
    distance_to_kink=lambda input, target, beta: np.abs(np.abs(input - target) - beta),
    torch=torch_pair("smooth_l1_loss"),
    torch_options={"beta": (0.0, 0.35, 2.0)},
    properties=frozenset({"symmetric", "convex", "non-negative"}),
)


def pseudo_huber(r, delta):
    return np.where(np.isinf(r), np.abs(r), r * (r / (1 + np.sqrt(1 + (r / delta) ** 2))))


def pseudo_huber_slope(r, delta):
    return np.where(np.isinf(r), delta * np.sign(r), r / np.sqrt(1 + (r / delta) ** 2))


PSEUDO_HUBER = of_residual(
    "pseudo_huber_loss",
    pseudo_huber,
    pseudo_huber_slope,
    lambda r, delta: (1 + (r / delta) ** 2) ** np.longdouble(-1.5),
    kinks=(
        ("equal", 1.5, 1.5, 0.0, 0.0, 1.0),
        ("negative zero", -0.0, 0.0, 0.0, 0.0, 1.0),
        ("root of 25/16", 0.75, 0.0, 0.25, 0.6, 0.512),
        ("root of 25/9", -8.0, 0.0, 24.0, -4.8, 0.216, {"delta": 6.0}),
        ("infinite input", INF, 0.0, INF, 1.0, 0.0),
        ("infinite target", 0.0, INF, INF, -6.0, 0.0, {"delta": 6.0}),
    ),
    golden=((((0.75, -0.75, 0.0), 0.0), {"reduction": "sum"}, 0.5), (((8.0,), (0.0,)), {"delta": 6.0}, 24.0)),
    options={"delta": (1e-30, 0.01, 0.35, 6.0, 1e10, 1e30)},
    defaults={"delta": 1.0},
    third=lambda r, delta: (1 + (r / delta) ** 2) ** np.longdouble(-2.5) * 3 * (r / delta) / delta,
    properties=frozenset({"symmetric", "convex", "non-negative"}),
)


def charbonnier(r, eps):
    return np.sqrt(r * r + eps * eps)


def charbonnier_slope(r, eps):
    h = charbonnier(r, eps)
    return np.where(np.isinf(r), np.sign(r), r / np.where(h == 0, 1, h))


def charbonnier_curvature(r, eps):
    h = charbonnier(r, eps)
    return np.where(h == 0, 0, eps * eps / np.where(h == 0, 1, h) ** 3)


CHARBONNIER = of_residual(
    "charbonnier_loss",
    charbonnier,
    charbonnier_slope,
    charbonnier_curvature,
    kinks=(
        ("equal", 1.5, 1.5, 0.25, 0.0, 4.0, {"eps": 0.25}),
        ("negative zero", -0.0, 0.0, 0.25, 0.0, 4.0, {"eps": 0.25}),
        ("root of 25", -3.0, 0.0, 5.0, -0.6, 0.128, {"eps": 4.0}),
        ("equal without eps", 2.0, 2.0, 0.0, 0.0, 0.0, {"eps": 0.0}),
        ("unequal without eps", 0.0, 2.0, 2.0, -1.0, 0.0, {"eps": 0.0}),
        ("infinite input", INF, 0.0, INF, 1.0, 0.0),
    ),
    golden=((((3.0, 0.0), (0.0, 0.0)), {"eps": 4.0}, 4.5), (((1.5,), (1.5,)), {}, 0.001)),
    options={"eps": (0.0, 0.25, 4.0, 1e-10, 1e10)},
    defaults={"eps": 1e-3},
    distance_to_kink=lambda input, target, eps: np.abs(input - target),
    properties=frozenset({"symmetric", "convex", "non-negative"}),
)


def log_cosh(r):
    a = np.abs(r)
    near = np.minimum(a, 1)
    return np.where(a < 1, np.log1p(np.sinh(near) ** 2) / 2, a + np.log1p(np.exp(-2 * a)) - np.log(np.longdouble(2)))


LOG_COSH = of_residual(
    "log_cosh_loss",
    log_cosh,
    np.tanh,
    lambda r: 1 / np.cosh(r) ** 2,
    kinks=(
        ("equal", 1.5, 1.5, 0.0, 0.0, 1.0),
        ("negative zero", -0.0, 0.0, 0.0, 0.0, 1.0),
        ("log 2", float(np.log(2)), 0.0, float(np.log(1.25)), 0.6, 0.64),
        ("infinite input", INF, 0.0, INF, 1.0, 0.0),
        ("infinite target", 0.0, INF, INF, -1.0, 0.0),
    ),
    golden=(((PREDICTIONS, TARGETS), {}, 0.1685024611),),
    properties=frozenset({"symmetric", "convex", "non-negative"}),
)


def power(r, p):
    return np.abs(r) ** p


def power_slope(r, p):
    a = np.abs(r)
    return np.where(a == 0, 0, np.sign(r) * p * np.where(a == 0, 1, a) ** (p - 1))


def power_curvature(r, p):
    a = np.abs(r)
    flat = (a == 0) & (p <= 1)
    return np.where(flat | (p == 1), 0 * np.sign(r), p * (p - 1) * np.where(flat, 1, a) ** (p - 2))


def power_third(r, p):
    a = np.abs(r)
    return np.where(a == 0, 0, p * (p - 1) * (p - 2) * np.where(a == 0, 1, a) ** (p - 3))


LP = of_residual(
    "lp_loss",
    power,
    power_slope,
    power_curvature,
    kinks=(
        ("equal", 1.5, 1.5, 0.0, 0.0, 2.0),
        ("equal, absolute", 1.5, 1.5, 0.0, 0.0, 0.0, {"p": 1.0}),
        ("equal, between", 1.5, 1.5, 0.0, 0.0, INF, {"p": 1.5}),
        ("equal, cubic", -0.0, 0.0, 0.0, 0.0, 0.0, {"p": 3.0}),
        ("equal, root", 0.0, 0.0, 0.0, 0.0, 0.0, {"p": 0.5}),
        ("equal, fourth root", -0.0, 0.0, 0.0, 0.0, 0.0, {"p": 0.25}),
        ("root of 4", -4.0, 0.0, 2.0, -0.25, -0.03125, {"p": 0.5}),
        ("root of 4, cubed", 0.0, 4.0, 8.0, -3.0, 0.375, {"p": 1.5}),
        ("infinite input", INF, 0.0, INF, INF, 2.0),
        ("infinite, absolute", -INF, 0.0, INF, -1.0, 0.0, {"p": 1.0}),
        ("infinite, root", -INF, 0.0, INF, -0.0, 0.0, {"p": 0.5}),
        ("infinite, fourth root", -INF, 0.0, INF, -0.0, 0.0, {"p": 0.25}),
        ("infinite, between", 0.0, INF, INF, -INF, 0.0, {"p": 1.5}),
    ),
    third=power_third,
    golden=(
        ((PREDICTIONS, TARGETS), {}, 0.375),
        ((PREDICTIONS, TARGETS), {"p": 1.0}, 0.5),
        (((4.0, 0.25, 1.0), (0.0, 0.0, 1.0)), {"p": 1.5, "reduction": "sum"}, 8.125),
    ),
    options={"p": (1.0, 1.5, 3.0, 0.5, 0.25, 0.7, 2.75, 10.0)},
    defaults={"p": 2.0},
    distance_to_kink=lambda input, target, p: np.abs(input - target),
    properties=frozenset({"symmetric", "non-negative", "homogeneous:2"}),
)


def excess(r, epsilon):
    return np.maximum(np.abs(r) - epsilon, 0)


def insensitive_slope(r, epsilon, squared):
    e = excess(r, epsilon)
    return np.sign(r) * np.where(e > 0, 2 * e if squared else 1, 0)


EPSILON_INSENSITIVE = of_residual(
    "epsilon_insensitive_loss",
    lambda r, epsilon, squared: excess(r, epsilon) ** (2 if squared else 1),
    insensitive_slope,
    lambda r, epsilon, squared: np.where(squared & (excess(r, epsilon) > 0), 2, 0) + 0 * np.sign(r),
    kinks=(
        ("tie", 1.25, 1.0, 0.0, 0.0, 0.0, {"epsilon": 0.25}),
        ("negative tie", 0.75, 1.0, 0.0, 0.0, 0.0, {"epsilon": 0.25}),
        ("squared tie", 0.75, 1.0, 0.0, 0.0, 0.0, {"epsilon": 0.25, "squared": True}),
        ("beyond", 0.0, 1.0, 0.75, -1.0, 0.0, {"epsilon": 0.25}),
        ("squared beyond", 0.0, 1.0, 0.5625, -1.5, 2.0, {"epsilon": 0.25, "squared": True}),
        ("no tolerance", 1.5, 1.5, 0.0, 0.0, 0.0, {"epsilon": 0.0}),
        ("infinite input", INF, 0.0, INF, 1.0, 0.0),
        ("infinite, squared", -INF, 0.0, INF, -INF, 2.0, {"squared": True}),
    ),
    golden=(
        ((PREDICTIONS, TARGETS), {}, 0.425),
        ((PREDICTIONS, TARGETS), {"epsilon": 0.25, "squared": True, "reduction": "sum"}, 0.6875),
    ),
    options={"epsilon": (0.0, 0.25, 1.5), "squared": (True,)},
    defaults={"epsilon": 0.1, "squared": False},
    distance_to_kink=lambda input, target, epsilon, squared: np.abs(np.abs(input - target) - epsilon),
    properties=frozenset({"symmetric", "convex", "non-negative"}),
)

REFERENCES = (L2, SMOOTH_L1, PSEUDO_HUBER, CHARBONNIER, LOG_COSH, LP, EPSILON_INSENSITIVE)
