"""Reference of the quality focal loss: |p - t|^beta BCE, differentiated by hand."""

import numpy as np

from references.binary import LOG2, sigmoid, times
from references.draws import INF, unit, unit_wide
from references.logits import LOGIT, cross_entropy, difference, reduced, times_power, variance
from references.schema import Kink, Operand, Reference


def distance_slope(z, t, beta):
    d = difference(z, t)
    return times_power(np.abs(d), beta - 1, beta * np.sign(d) * variance(z))


def distance_curvature(z, t, beta):
    d, p = difference(z, t), variance(z)
    ordinary = times_power(np.abs(d), beta - 2, beta * (beta - 1) * p**2) + times_power(
        np.abs(d), beta - 1, beta * np.sign(d) * p * (sigmoid(-z) - sigmoid(z))
    )
    return np.where((d == 0) & (p != 0) & (1 < beta < 2), INF, ordinary)


def quality(input, target, beta):
    return times(np.abs(difference(input, target)) ** beta, cross_entropy(input, target))


def quality_in_input(input, target, beta):
    d = difference(input, target)
    return np.abs(d) ** beta * d + times(distance_slope(input, target, beta), cross_entropy(input, target))


def quality_in_both_inputs(input, target, beta):
    d = difference(input, target)
    return (
        np.abs(d) ** beta * variance(input)
        + np.where(d == 0, 0, 2 * distance_slope(input, target, beta) * d)
        + times(distance_curvature(input, target, beta), cross_entropy(input, target))
    )


def quality_in_target(input, target, beta):
    d, loss = difference(input, target), cross_entropy(input, target)
    finite = -times_power(np.abs(d), beta, input) - times_power(np.abs(d), beta - 1, beta * np.sign(d) * loss)
    limit = -np.sign(input) * np.abs(d) ** beta * (1 + beta)
    return np.where(np.isinf(input), times(limit, INF), finite)


def complement(input, target):
    """1 - t, from which 1 - p is subtracted where that is the smaller: a difference formed first."""
    return np.where(input > 0, 1 - target, 0)


def quality_terms(input, target, beta):
    """p, and p - t, a difference formed first."""
    d, loss = np.abs(difference(input, target)), cross_entropy(input, target)
    slope = times_power(d, beta - 1, beta * loss)
    return [(sigmoid(-np.abs(input)), slope), (complement(input, target), slope), (d, slope), (loss, d**beta)]


def quality_input_terms(input, target, beta):
    d, loss = np.abs(difference(input, target)), cross_entropy(input, target)
    steep = times_power(d, beta - 2, beta * (beta - 1) * times(variance(input), loss))
    slope = times_power(d, beta, beta + 1) + np.abs(steep)
    return [
        (sigmoid(-np.abs(input)), slope),
        (complement(input, target), slope),
        (d, slope),
        (variance(input), times_power(d, beta - 1, beta * np.where(np.isfinite(loss), loss, 0))),
    ]


def quality_hessian_terms(input, target, beta):
    d, p, loss = np.abs(difference(input, target)), variance(input), cross_entropy(input, target)
    first = times_power(d, beta - 2, beta * (beta - 1) * times(p**2, loss))
    second = times_power(d, beta - 1, beta * times(p, loss) * (sigmoid(-input) - sigmoid(input)))
    plain = times_power(d, beta, p)
    size = np.abs(first) + np.abs(second) + np.abs(plain)
    bent = np.abs(beta - 2) * np.abs(first) + np.abs(second) + np.abs(plain)
    by_loss = distance_curvature(input, target, beta)
    return [
        (np.where(np.isinf(by_loss), 0, by_loss), np.where(np.isfinite(loss), loss, 0)),
        (first, 1),
        (second, 1),
        (plain, 1),
        (p, size / np.where(p == 0, 1, p)),
        (sigmoid(-np.abs(input)), (beta + 1) * bent / np.where(d == 0, 1, d)),
        (complement(input, target), (beta + 1) * bent / np.where(d == 0, 1, d)),
        (d, (beta + 1) * bent / np.where(d == 0, 1, d)),
    ]


def quality_target_terms(input, target, beta):
    d, loss = np.abs(difference(input, target)), cross_entropy(input, target)
    first, second = times_power(d, beta, input), times_power(d, beta - 1, beta * loss)
    size = np.abs(np.where(np.isfinite(first), first, 0)) + np.abs(np.where(np.isfinite(second), second, 0))
    by_distance = (beta + 1) * size / np.where(d == 0, 1, d)
    return [
        (first, 1),
        (second, 1),
        (sigmoid(-np.abs(input)), by_distance),
        (complement(input, target), by_distance),
    ]


QUALITY_FOCAL = Reference(
    name="quality_focal_loss",
    operands=(LOGIT, Operand("target", unit_wide, unit, (0.0, 1.0, 0.5, 0.3, 1e-30))),
    value=quality,
    gradients={"input": quality_in_input, "target": quality_in_target},
    hessian=quality_in_both_inputs,
    kinks=(
        Kink("met", {"input": 0.0, "target": 0.5}, 0.0, {"input": 0.0, "target": 0.0}, LOG2 / 8),
        Kink(
            "met by a sharp loss",
            {"input": 0.0, "target": 0.5},
            0.0,
            {"input": 0.0},
            INF,
            {"beta": 1.5},
            in_torch=False,
        ),
        Kink(
            "met by an edge",
            {"input": 0.0, "target": 0.5},
            0.0,
            {"input": 0.0, "target": 0.0},
            0.0,
            {"beta": 1.0},
            in_torch=False,
        ),
        Kink(
            "met by a cusp",
            {"input": 0.0, "target": 0.5},
            0.0,
            {"input": 0.0, "target": 0.0},
            0.0,
            {"beta": 0.5},
            in_torch=False,
        ),
        Kink("logit 0, target 1", {"input": 0.0, "target": 1.0}, LOG2 / 4, {"input": -1 / 8 - LOG2 / 4}, None),
        Kink("logit inf, target 1", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("logit -inf, target 1", {"input": -INF, "target": 1.0}, INF, {"input": -1.0, "target": INF}, 0.0),
    ),
    golden=((((0.0, 0.0), (0.5, 1.0)), {}, 0.0866433976),),
    outside={"target": -0.25},
    options={"beta": (0.0, 0.875, 1.0, 1.5, 4.0)},
    defaults={"beta": 2.0},
    formed_first={
        "value": quality_terms,
        "input": quality_input_terms,
        "target": quality_target_terms,
        "hessian": quality_hessian_terms,
    },
    distance_to_kink=lambda input, target, beta: np.abs(difference(input, target)),
    torch=lambda torch, operands, options, reduction: reduced(
        torch,
        torch.abs(torch.sigmoid(operands["input"]) - operands["target"]) ** options.get("beta", 2.0)
        * torch.nn.functional.binary_cross_entropy_with_logits(**operands, reduction="none"),
        reduction,
    ),
    torch_options={"beta": (0.0, 4.0)},
    properties=frozenset({"non-negative"}),
    optimum=lambda target, beta: np.log(target) - np.log1p(-target),
)
