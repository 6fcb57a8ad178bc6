"""References of the losses of a difference: torch's documentation of mse_loss, l1_loss and huber_loss; Huber (1964)."""

import numpy as np

from references.draws import INF, REAL_SPECIALS, beside, normal, positive, positive_wide, real
from references.schema import Kink, Operand, Reference

INPUT = Operand("input", real, normal, REAL_SPECIALS)
TARGET = Operand("target", beside("input"), normal, REAL_SPECIALS)
WEIGHT = Operand(
    "weight",
    positive_wide,
    positive,
    (0.0, 1.0, 2.5),
    optional=True,
    multiplies=True,
    kinds=("full", "scalar", "column", "row", "trailing"),
)


TARGETS, PREDICTIONS = (3.0, -0.5, 2.0, 7.0), (2.5, 0.0, 2.0, 8.0)


def torch_pair(name):
    def call(torch, operands, options, reduction):
        weight = {"weight": operands["weight"]} if "weight" in operands else {}
        return getattr(torch.nn.functional, name)(
            operands["input"], operands["target"], reduction=reduction, **weight, **options
        )

    return call


MSE = Reference(
    name="mse_loss",
    operands=(INPUT, TARGET, WEIGHT),
    value=lambda input, target: (input - target) ** 2,
    gradients={
        "input": lambda input, target: 2 * (input - target),
        "target": lambda input, target: 2 * (target - input),
    },
    hessian=lambda input, target: 2 + 0 * np.sign(input - target),
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 2.0),
        Kink("negative zero", {"input": -0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 2.0),
        Kink("infinite input", {"input": INF, "target": 0.0}, INF, {"input": INF, "target": -INF}, 2.0),
    ),
    golden=(((PREDICTIONS, TARGETS), {}, 0.375), (((3.2, 5.8, 2.1), (3.0, 6.0, 2.0)), {}, 0.03)),
    denominator_term="weight",
    torch=torch_pair("mse_loss"),
    properties=frozenset({"symmetric", "convex", "non-negative", "homogeneous:2"}),
    optimum=lambda target: target,
)

L1 = Reference(
    name="l1_loss",
    operands=(INPUT, TARGET, WEIGHT),
    value=lambda input, target: np.abs(input - target),
    gradients={
        "input": lambda input, target: np.sign(input - target),
        "target": lambda input, target: np.sign(target - input),
    },
    hessian=lambda input, target: 0 * np.sign(input - target),
    kinks=(
        Kink("equal", {"input": 1.5, "target": 1.5}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("zero", {"input": 0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("negative zero", {"input": -0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("infinite input", {"input": -INF, "target": 0.0}, INF, {"input": -1.0, "target": 1.0}, 0.0),
    ),
    golden=(((PREDICTIONS, TARGETS), {}, 0.5),),
    denominator_term="weight",
    distance_to_kink=lambda input, target: np.abs(input - target),
    torch=torch_pair("l1_loss"),
    properties=frozenset({"symmetric", "convex", "non-negative", "homogeneous:1"}),
    optimum=lambda target: target,
)


def huber_value(input, target, delta):
    a = np.abs(input - target)
    # At a = inf the quadratic branch is not taken; keep its square out of the other.
    return np.where(a <= delta, np.minimum(a, delta) ** 2 / 2, delta * (a - delta / 2))


HUBER = Reference(
    name="huber_loss",
    operands=(INPUT, TARGET, WEIGHT),
    value=huber_value,
    gradients={
        "input": lambda input, target, delta: np.clip(input - target, -delta, delta),
        "target": lambda input, target, delta: np.clip(target - input, -delta, delta),
    },
    hessian=lambda input, target, delta: np.where(np.abs(input - target) <= delta, 1, 0) + 0 * np.sign(input - target),
    kinks=(
        Kink("tie", {"input": 1.0, "target": 0.0}, 0.5, {"input": 1.0, "target": -1.0}, 1.0),
        Kink("negative tie", {"input": -3.0, "target": -1.0}, 2.0, {"input": -2.0, "target": 2.0}, 1.0, {"delta": 2.0}),
        Kink(
            "beyond",
            {"input": 1.0000001192092896, "target": 0.0},
            0.5000001192092896,
            {"input": 1.0, "target": -1.0},
            0.0,
        ),
        Kink("equal", {"input": 0.0, "target": -0.0}, 0.0, {"input": 0.0, "target": 0.0}, 1.0),
        Kink("infinite input", {"input": INF, "target": 0.0}, INF, {"input": 1.0, "target": -1.0}, 0.0),
        Kink(
            "infinite target", {"input": 0.0, "target": INF}, INF, {"input": -2.0, "target": 2.0}, 0.0, {"delta": 2.0}
        ),
    ),
    golden=(((PREDICTIONS, TARGETS), {}, 0.1875),),
    options={"delta": (0.01, 0.35, 2.0, 1e10)},
    defaults={"delta": 1.0},
    # The difference alone may overflow although delta times it does not.
    formed_first={"value": lambda input, target, delta: [(input - target, np.minimum(np.abs(input - target), delta))]},
    distance_to_kink=lambda input, target, delta: np.abs(np.abs(input - target) - delta),
    torch=torch_pair("huber_loss"),
    torch_options={"delta": (0.35, 2.0)},
    properties=frozenset({"symmetric", "convex", "non-negative"}),
    optimum=lambda target, delta: target,
)


def rmse_element(input, target, eps):
    return np.sqrt((input - target) ** 2 + eps)


def rmse_slope(input, target, eps):
    r, v = input - target, rmse_element(input, target, eps)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.isinf(r), np.sign(r), np.where(v == 0, 0 * r, r / v))


RMSE_ELEMENT = Reference(
    name="rmse_loss",
    operands=(INPUT, TARGET),
    value=rmse_element,
    gradients={"input": rmse_slope, "target": lambda **o: -rmse_slope(**o)},
    hessian=None,
    kinks=(
        Kink("equal", {"input": 2.0, "target": 2.0}, 0.0, {"input": 0.0, "target": 0.0}, None),
        Kink("negative zero", {"input": -0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, None),
        Kink("equal with eps", {"input": 2.0, "target": 2.0}, 0.5, {"input": 0.0, "target": 0.0}, None, {"eps": 0.25}),
        Kink("infinite input", {"input": INF, "target": 0.0}, INF, {"input": 1.0, "target": -1.0}, None),
    ),
    options={"eps": (0.25, 1e-3)},
    defaults={"eps": 0.0},
    distance_to_kink=lambda input, target, eps: np.abs(input - target),
    properties=frozenset({"symmetric", "convex", "non-negative", "homogeneous:1"}),
    optimum=lambda target, eps: target,
)


def rmse_head(quotient, eps):
    v = np.sqrt(quotient + eps)
    return v, (1 / (2 * v) if v > 0 else 0 * v)


RMSE = Reference(
    name="rmse_loss",
    operands=(INPUT, TARGET),
    value=lambda input, target, eps: (input - target) ** 2,
    gradients={
        "input": lambda input, target, eps: 2 * (input - target),
        "target": lambda input, target, eps: 2 * (target - input),
    },
    hessian=None,
    kinks=RMSE_ELEMENT.kinks,
    golden=(((PREDICTIONS, TARGETS), {}, 0.6123724356957945),),
    options=RMSE_ELEMENT.options,
    defaults=RMSE_ELEMENT.defaults,
    head=rmse_head,
    elementwise=RMSE_ELEMENT,
    properties=RMSE_ELEMENT.properties,
    optimum=RMSE_ELEMENT.optimum,
)

REFERENCES = (MSE, L1, HUBER, RMSE)
