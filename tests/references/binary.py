"""Reference of binary cross-entropy with logits: torch's documentation of binary_cross_entropy_with_logits."""

import numpy as np

from references.draws import INF, normal, positive, positive_wide, real, unit, unit_wide
from references.schema import Kink, Operand, Reference

LOG2 = float(np.log(2.0))


def times(factor, x):
    """factor * x, where a factor of zero wins over an infinite x."""
    with np.errstate(invalid="ignore"):
        return np.where((factor == 0) & ~np.isnan(x), 0 * np.where(np.isfinite(x), x, 1), factor * x)


def softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def sigmoid(z):
    # Both branches are one quotient without overflow.
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def value(input, target, pos_weight):
    return times(1 - target, softplus(input)) + times(pos_weight * target, softplus(-input))


def in_input(input, target, pos_weight):
    return (1 - target) * sigmoid(input) - pos_weight * target * sigmoid(-input)


def in_target(input, target, pos_weight):
    return times(pos_weight, softplus(-input)) - softplus(input)


BINARY_CROSS_ENTROPY_WITH_LOGITS = Reference(
    name="binary_cross_entropy_with_logits",
    operands=(
        Operand("input", real, normal, (0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 90.0, -90.0, 1e-30, 3e38, -3e38, INF, -INF)),
        Operand("target", unit_wide, unit, (0.0, 1.0, 0.3, 1e-30)),
        Operand(
            "weight",
            positive_wide,
            positive,
            (0.0, 1.0, 2.5),
            optional=True,
            multiplies=True,
            kinds=("full", "scalar", "column", "row", "trailing"),
        ),
        Operand(
            "pos_weight",
            positive_wide,
            positive,
            (1.0, 3.0),
            optional=True,
            kinds=("full", "scalar", "column", "row", "trailing"),
        ),
    ),
    value=value,
    gradients={
        "input": in_input,
        "target": in_target,
        "pos_weight": lambda input, target, pos_weight: times(target, softplus(-input)),
    },
    hessian=lambda input, target, pos_weight: sigmoid(input) * sigmoid(-input) * (1 - target + pos_weight * target),
    kinks=(
        Kink("logit 0, target 0", {"input": 0.0, "target": 0.0}, LOG2, {"input": 0.5, "target": 0.0}, 0.25),
        Kink("logit 0, target 1", {"input": 0.0, "target": 1.0}, LOG2, {"input": -0.5, "target": 0.0}, 0.25),
        Kink("logit -0, target 1", {"input": -0.0, "target": 1.0}, LOG2, {"input": -0.5, "target": 0.0}, 0.25),
        Kink("logit 0, target 0.3", {"input": 0.0, "target": 0.3}, LOG2, {"input": 0.2, "target": 0.0}, 0.25),
        Kink("logit inf, target 1", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0, "target": -INF}, 0.0),
        Kink("logit inf, target 0", {"input": INF, "target": 0.0}, INF, {"input": 1.0, "target": -INF}, 0.0),
        Kink("logit inf, target 0.3", {"input": INF, "target": 0.3}, INF, {"input": 0.7, "target": -INF}, 0.0),
        Kink("logit -inf, target 0", {"input": -INF, "target": 0.0}, 0.0, {"input": 0.0, "target": INF}, 0.0),
        Kink("logit -inf, target 1", {"input": -INF, "target": 1.0}, INF, {"input": -1.0, "target": INF}, 0.0),
        Kink("logit -inf, target 0.3", {"input": -INF, "target": 0.3}, INF, {"input": -0.3, "target": INF}, 0.0),
        Kink(
            "tiny loss",
            {"input": -20.0, "target": 0.0},
            2.061153620314381e-09,
            {"input": 2.0611536181902037e-09, "target": 20.0},
            2.061153613941849e-09,
        ),
    ),
    golden=(
        (((2.0, -1.0, 0.0), (1.0, 0.0, 1.0)), {}, 0.3777789597),
        (((2.0, -1.0, 0.5), (1.0, 0.0, 1.0)), {}, 0.3047555609),
        (((2.0, -1.0, 0.5), (1.0, 0.0, 1.0)), {"pos_weight": 3.0}, 0.7054255578),
    ),
    outside={"target": 1.25},
    formed_first={
        # The two terms of the gradient have opposite signs; each is a product formed first.
        "value": lambda input, target, pos_weight: [(pos_weight * target, softplus(-input))],
        "input": lambda input, target, pos_weight: [
            ((1 - target) * sigmoid(input), 1),
            (pos_weight * target * sigmoid(-input), 1),
        ],
        "target": lambda input, target, pos_weight: [(softplus(input), 1), (times(pos_weight, softplus(-input)), 1)],
        "hessian": lambda input, target, pos_weight: [(pos_weight * target, sigmoid(input) * sigmoid(-input))],
    },
    torch=lambda torch, operands, options, reduction: torch.nn.functional.binary_cross_entropy_with_logits(
        **operands, reduction=reduction
    ),
    torch_without_gradient=("weight", "pos_weight"),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, pos_weight: np.log(pos_weight * target) - np.log1p(-target),
)

REFERENCES = (BINARY_CROSS_ENTROPY_WITH_LOGITS,)
