"""Reference of the Laplace likelihood: Laplace (1774); torch's documentation of distributions.Laplace."""

import numpy as np

from references.draws import INF, beside, normal, positive, positive_wide, real
from references.schema import Kink, Operand, Reference

LOG_2 = np.log(np.longdouble(2))
INPUT = Operand("input", real, normal, (0.0, -0.0, 1.0, -1.0, 1e-30, 1e18, -3e38, INF, -INF))
TARGET = Operand("target", beside("input"), normal, (0.0, 1.0, -2.0, 1e18, INF))
SCALE = Operand(
    "scale",
    positive_wide,
    positive,
    (0.0, 1e-30, 1e-6, 0.5, 1.0, 1e30, INF),
    kinds=("full", "scalar", "column", "row", "leading"),
    checked_always=True,
)


def value(input, target, scale, full, eps):
    b = np.maximum(scale, eps)
    return np.log(b) + np.abs(input - target) / b + (LOG_2 if full else 0)


def in_input(input, target, scale, full, eps):
    return np.sign(input - target) / np.maximum(scale, eps)


def in_scale(input, target, scale, full, eps):
    # As in gaussian_nll_loss the clamp is not differentiated: below eps the gradient is that at eps.
    b = np.maximum(scale, eps)
    return (1 - np.abs(input - target) / b) / b


def terms_of_value(input, target, scale, full, eps):
    b = np.maximum(scale, eps)
    a = np.abs(input - target)
    return [(np.log(b), 1), (a / b, 1), (a, 1 / b)]


def terms_in_scale(input, target, scale, full, eps):
    b = np.maximum(scale, eps)
    a = np.abs(input - target)
    return [(1 / b, 1), (a / b, 1 / b), (a / b / b, 1), (a, 1 / b / b)]


def torch_call(torch, operands, options, reduction):
    distribution = torch.distributions.Laplace(operands["input"], operands["scale"])
    loss = -distribution.log_prob(operands["target"]) - (0 if options.get("full") else float(LOG_2))
    return loss if reduction == "none" else getattr(loss, reduction)()


LAPLACE_NLL = Reference(
    name="laplace_nll_loss",
    operands=(INPUT, TARGET, SCALE),
    value=value,
    gradients={"input": in_input, "target": lambda **o: -in_input(**o), "scale": in_scale},
    hessian=lambda input, target, scale, full, eps: 0 * np.sign(input - target),
    kinks=(
        Kink(
            "equal",
            {"input": 1.5, "target": 1.5, "scale": 2.0},
            float(LOG_2),
            {"input": 0.0, "target": 0.0, "scale": 0.5},
            0.0,
        ),
        Kink(
            "negative zero",
            {"input": -0.0, "target": 0.0, "scale": 1.0},
            0.0,
            {"input": 0.0, "target": 0.0, "scale": 1.0},
            0.0,
        ),
        Kink(
            "scale below eps",
            {"input": 2.0, "target": 1.0, "scale": 0.125},
            4 - 2 * float(LOG_2),
            {"input": 4.0, "target": -4.0, "scale": -12.0},
            0.0,
            {"eps": 0.25},
        ),
        Kink(
            "scale 0",
            {"input": 1.0, "target": 1.0, "scale": 0.0},
            -2 * float(LOG_2),
            {"input": 0.0, "target": 0.0, "scale": 4.0},
            0.0,
            {"eps": 0.25},
        ),
        Kink(
            "infinite input",
            {"input": -INF, "target": 0.0, "scale": 2.0},
            INF,
            {"input": -0.5, "target": 0.5, "scale": -INF},
            0.0,
        ),
        Kink(
            "infinite scale",
            {"input": 1.0, "target": 0.0, "scale": INF},
            INF,
            {"input": 0.0, "target": 0.0, "scale": 0.0},
            0.0,
        ),
    ),
    golden=(
        (((0.0, 1.5), (0.0, 1.0), (1.0, 0.25)), {}, 0.3068528194),
        (((0.0, 1.5), (0.0, 1.0), (1.0, 0.25)), {"full": True}, 1.0),
    ),
    outside={"scale": -0.25},
    options={"full": (True,), "eps": (1e-3, 0.5, 1e-30)},
    defaults={"full": False, "eps": 1e-6},
    formed_first={"value": terms_of_value, "scale": terms_in_scale},
    distance_to_kink=lambda input, target, scale, full, eps: np.minimum(
        np.abs(input - target), np.where(scale > eps, scale - eps, 0)
    ),
    torch=torch_call,
    torch_options={"full": (True,)},
    properties=frozenset({"symmetric", "convex"}),
    optimum=lambda target, scale, full, eps: target,
)
