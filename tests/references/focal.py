"""References of the focal family: the formulas of the papers, differentiated by hand, in terms of p and 1 - p."""

import numpy as np

from references.asymmetric import ASYMMETRIC
from references.binary import LOG2, sigmoid, times
from references.draws import INF, unit, unit_wide
from references.logits import LOGIT, TARGET, cross_entropy, difference, reduced, root_of, times_power, variance
from references.quality_focal import QUALITY_FOCAL
from references.schema import Kink, Operand, Reference

# ---- (1 - p_t)^gamma BCE ---------------------------------------------------------------------------------------------


def not_pt(z, t):
    return sigmoid(z) * (1 - t) + sigmoid(-z) * t


def alpha_t(t, alpha):
    return alpha * t + (1 - alpha) * (1 - t) if alpha >= 0 else np.ones_like(t)


def power_slope(z, t, gamma):
    """The derivative of (1 - p_t)^gamma in z."""
    return times_power(not_pt(z, t), gamma - 1, gamma * (1 - 2 * t) * variance(z))


def power_curvature(z, t, gamma):
    turn = (1 - 2 * t) * variance(z)
    return times_power(not_pt(z, t), gamma - 2, gamma * (gamma - 1) * turn**2) + times_power(
        not_pt(z, t), gamma - 1, gamma * turn * (sigmoid(-z) - sigmoid(z))
    )


def focal(input, target, alpha, gamma):
    return times(alpha_t(target, alpha), times(not_pt(input, target) ** gamma, cross_entropy(input, target)))


def focal_in_input(input, target, alpha, gamma):
    return alpha_t(target, alpha) * (
        not_pt(input, target) ** gamma * difference(input, target)
        + times(power_slope(input, target, gamma), cross_entropy(input, target))
    )


def focal_in_both_inputs(input, target, alpha, gamma):
    return alpha_t(target, alpha) * (
        not_pt(input, target) ** gamma * variance(input)
        + 2 * power_slope(input, target, gamma) * difference(input, target)
        + times(power_curvature(input, target, gamma), cross_entropy(input, target))
    )


def focal_in_target(input, target, alpha, gamma):
    m, tilt = not_pt(input, target), -np.tanh(input / 2)
    factor, factor_slope = alpha_t(target, alpha), 2 * alpha - 1 if alpha >= 0 else 0
    finite = (
        times_power(m, gamma, factor_slope * cross_entropy(input, target))
        - times_power(m, gamma, factor * input)
        + times_power(m, gamma - 1, gamma * factor * tilt * cross_entropy(input, target))
    )
    # At infinity the cross-entropy is |z| times the part of the target on the other side, which is 1 - p_t too.
    limit = m**gamma * (factor_slope * m - np.sign(input) * factor * (1 + gamma))
    return np.where(np.isinf(input), times(limit, INF), finite)


def sums_of(p, rest, target, slope):
    """p (1 - t) + (1 - p) t: a sum of two products of a rounded p."""
    return [(p * (1 - target), slope), (rest * target, slope), (p * (1 - target) + rest * target, slope)]


def focal_terms(input, target, alpha, gamma):
    """The factors of the value, each of which is a sum formed first."""
    m, factor, loss = not_pt(input, target), alpha_t(target, alpha), cross_entropy(input, target)
    return [
        (factor, times_power(m, gamma, loss)),
        (loss, factor * m**gamma),
        *sums_of(sigmoid(input), sigmoid(-input), target, times_power(m, gamma - 1, gamma * factor * loss)),
    ]


def focal_input_terms(input, target, alpha, gamma):
    m, factor, loss = not_pt(input, target), alpha_t(target, alpha), cross_entropy(input, target)
    rises, falls = m**gamma * sigmoid(input) * (1 - target), m**gamma * sigmoid(-input) * target
    power = times(power_slope(input, target, gamma), loss)
    by_power = times_power(m, gamma - 1, gamma * difference(input, target)) + times_power(
        m, gamma - 2, gamma * (gamma - 1) * (1 - 2 * target) * times(variance(input), loss)
    )
    return [
        (rises, factor),
        (falls, factor),
        (power, factor),
        (factor, np.abs(rises) + np.abs(falls) + np.abs(power)),
        (loss, factor * np.abs(power_slope(input, target, gamma))),
        *sums_of(sigmoid(input), sigmoid(-input), target, factor * by_power),
    ]


def focal_hessian_terms(input, target, alpha, gamma):
    m, factor, loss = not_pt(input, target), alpha_t(target, alpha), cross_entropy(input, target)
    p, turn = variance(input), (1 - 2 * target) * variance(input)
    first = times_power(m, gamma - 2, gamma * (gamma - 1) * times(turn**2, loss))
    second = times_power(m, gamma - 1, gamma * times(turn, loss) * (sigmoid(-input) - sigmoid(input)))
    crossed = 2 * power_slope(input, target, gamma)
    moved = (np.abs(m**gamma * p) + np.abs(first) + np.abs(second) + np.abs(crossed)) / np.where(p == 0, 1, p)
    return [
        (p, factor * moved),
        (factor, moved * p),
        (m**gamma * p, factor),
        (power_curvature(input, target, gamma), factor * np.where(np.isfinite(loss), loss, 0)),
        (crossed * sigmoid(input) * (1 - target), factor),
        (crossed * sigmoid(-input) * target, factor),
        (first, factor),
        (second, factor),
        *sums_of(
            sigmoid(input),
            sigmoid(-input),
            target,
            factor * (gamma + 2) * p * moved / np.where(m == 0, 1, m),
        ),
    ]


def focal_target_terms(input, target, alpha, gamma):
    m, factor, loss = not_pt(input, target), alpha_t(target, alpha), cross_entropy(input, target)
    slope = (2 * alpha - 1 if alpha >= 0 else 0) * np.ones_like(target)
    parts = [
        times_power(m, gamma, slope * loss),
        times_power(m, gamma, factor * input),
        times_power(m, gamma - 1, gamma * factor * np.tanh(input / 2) * loss),
    ]
    size = sum(np.abs(np.where(np.isfinite(part), part, 0)) for part in parts)
    by_m = (gamma + 1) * size / np.where(m == 0, 1, m)
    return [*((part, 1) for part in parts), *sums_of(sigmoid(input), sigmoid(-input), target, by_m), (factor, size)]


def torch_focal(torch, operands, options, reduction):
    z, t = operands["input"], operands["target"]
    alpha, gamma = options.get("alpha", 0.25), options.get("gamma", 2.0)
    p = torch.sigmoid(z)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(z, t, reduction="none")
    loss = loss * (1 - (p * t + (1 - p) * (1 - t))) ** gamma
    if alpha >= 0:
        loss = loss * (alpha * t + (1 - alpha) * (1 - t))
    return reduced(torch, loss, reduction)


SIGMOID_FOCAL = Reference(
    name="sigmoid_focal_loss",
    operands=(LOGIT, TARGET),
    value=focal,
    gradients={"input": focal_in_input, "target": focal_in_target},
    hessian=focal_in_both_inputs,
    kinks=(
        # At logit 0 all of p, 1 - p and p_t are 1/2: l = alpha_t log(2) / 4, l' = -alpha_t (1/8 + log(2) / 4).
        Kink(
            "logit 0, target 1",
            {"input": 0.0, "target": 1.0},
            LOG2 / 16,
            {"input": -(1 / 8 + LOG2 / 4) / 4, "target": -LOG2 / 8},
            (1 / 16 + 1 / 4 + LOG2 / 8) / 4,
        ),
        Kink(
            "logit -0, target 0",
            {"input": -0.0, "target": 0.0},
            3 * LOG2 / 16,
            {"input": 3 * (1 / 8 + LOG2 / 4) / 4, "target": -LOG2 / 8},
            3 * (1 / 16 + 1 / 4 + LOG2 / 8) / 4,
        ),
        Kink("logit inf, target 1", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("logit -inf, target 0", {"input": -INF, "target": 0.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("logit -inf, target 1", {"input": -INF, "target": 1.0}, INF, {"input": -0.25, "target": INF}, 0.0),
        Kink("logit inf, target 0", {"input": INF, "target": 0.0}, INF, {"input": 0.75, "target": -INF}, 0.0),
        Kink(
            "gamma below 1 at saturation",
            {"input": 1e4, "target": 1.0},
            0.0,
            {"input": 0.0, "target": 0.0},
            0.0,
            {"gamma": 0.5},
            in_torch=False,  # where the formula gives NaN
        ),
    ),
    golden=(
        (((2.0, -1.0, 0.5), (1.0, 0.0, 1.0)), {}, 0.0114459355),
        # The convention of some tutorials: the factor alpha for both classes.
        (((2.0, -1.0, 0.5), (1.0, 0.0, 1.0)), {"alpha": -1.0}, 0.0306783703),
        (((2.0, -1.0, 0.5), (1.0, 0.0, 1.0)), {"alpha": -1.0, "gamma": 0.0}, 0.3047555609),
    ),
    outside={"target": 1.25},
    options={"alpha": (-1.0, 0.0, 0.75), "gamma": (0.0, 0.5, 1.0, 1.5, 5.0)},
    defaults={"alpha": 0.25, "gamma": 2.0},
    formed_first={
        "value": focal_terms,
        "input": focal_input_terms,
        "target": focal_target_terms,
        "hessian": focal_hessian_terms,
    },
    torch=torch_focal,
    torch_options={"alpha": (-1.0, 0.75), "gamma": (0.0, 1.0, 1.5, 5.0)},
    properties=frozenset({"non-negative"}),
    optimum=lambda target, alpha, gamma: root_of(focal_in_input, target, alpha, gamma),
)

# ---- positives by their quality, negatives by alpha p^gamma ----------------------------------------------------------


def varifocal(positive, negative):
    """A formula of the family, from that of the cross-entropy and that of the focal loss."""

    def formula(input, target, alpha, gamma, iou_weighted):
        weight = target if iou_weighted else np.ones_like(target)
        return np.where(
            target > 0,
            times(weight, positive(input, target)),
            times(np.asarray(alpha), negative(input, np.zeros_like(target), -1.0, gamma)),
        )

    return formula


def varifocal_terms(positive, negative):
    def terms(input, target, alpha, gamma, iou_weighted):
        weight = target if iou_weighted else np.ones_like(target)
        good = [(term, np.where(target > 0, weight * slope, 0)) for term, slope in positive(input, target)]
        bad = negative(input, np.zeros_like(target), -1.0, gamma)
        return good + [(term, np.where(target > 0, 0, alpha * slope)) for term, slope in bad]

    return terms


VARIFOCAL = Reference(
    name="varifocal_loss",
    operands=(
        LOGIT,
        Operand("target", unit_wide, unit, (0.0, 1.0, 0.3, 1e-30), differentiable=False),
    ),
    value=varifocal(cross_entropy, focal),
    gradients={"input": varifocal(difference, focal_in_input)},
    hessian=varifocal(lambda input, target: variance(input), focal_in_both_inputs),
    kinks=(
        Kink(
            "logit 0, a negative",
            {"input": 0.0, "target": 0.0},
            3 * LOG2 / 16,
            {"input": 3 * (1 + 2 * LOG2) / 32},
            None,
        ),
        Kink("logit 0, a positive", {"input": -0.0, "target": 0.5}, LOG2 / 2, {"input": 0.0}, 0.125),
        Kink("logit inf, a negative", {"input": INF, "target": 0.0}, INF, {"input": 0.75}, 0.0),
        Kink("logit -inf, a negative", {"input": -INF, "target": 0.0}, 0.0, {"input": 0.0}, 0.0),
        Kink("logit inf, a positive", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0}, 0.0),
    ),
    golden=(
        (((0.0, 0.0), (0.8, 0.0)), {}, (0.8 * LOG2 + 3 * LOG2 / 16) / 2),
        (((0.0, 0.0), (0.8, 0.0)), {"iou_weighted": False}, (LOG2 + 3 * LOG2 / 16) / 2),
    ),
    outside={"target": 1.25},
    options={"alpha": (0.0, 1.5), "gamma": (0.0, 0.5, 1.0, 3.0), "iou_weighted": (False,)},
    defaults={"alpha": 0.75, "gamma": 2.0, "iou_weighted": True},
    formed_first={
        "value": varifocal_terms(lambda input, target: [(cross_entropy(input, target), 1)], focal_terms),
        "input": varifocal_terms(
            lambda input, target: [(sigmoid(input) * (1 - target), 1), (sigmoid(-input) * target, 1)], focal_input_terms
        ),
        "hessian": varifocal_terms(lambda input, target: [(variance(input), 1)], focal_hessian_terms),
    },
    torch=lambda torch, operands, options, reduction: reduced(
        torch,
        torch.nn.functional.binary_cross_entropy_with_logits(**operands, reduction="none")
        * torch.where(
            operands["target"] > 0,
            operands["target"] if options.get("iou_weighted", True) else torch.ones_like(operands["target"]),
            options.get("alpha", 0.75) * torch.sigmoid(operands["input"]) ** options.get("gamma", 2.0),
        ),
        reduction,
    ),
    torch_without_gradient=("target",),
    torch_options={"alpha": (1.5,), "gamma": (0.5, 1.0), "iou_weighted": (False,)},
    properties=frozenset({"non-negative"}),
    optimum=lambda target, alpha, gamma, iou_weighted: np.log(target) - np.log1p(-target),
)

REFERENCES = (SIGMOID_FOCAL, QUALITY_FOCAL, VARIFOCAL, ASYMMETRIC)
