"""References of the binary cross-entropies: torch's documentation, and keras's of label_smoothing."""

import numpy as np

from references.draws import INF, normal, positive, positive_wide, real, unit, unit_wide
from references.schema import Kink, Operand, Reference, held

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


def smooth(target, label_smoothing):
    """The smoothed target and its complement, each a sum of terms of one sign."""
    half = label_smoothing / 2
    return target * (1 - label_smoothing) + half, (1 - target) * (1 - label_smoothing) + half


def value(input, target, pos_weight, label_smoothing):
    t, rest = smooth(target, label_smoothing)
    return times(rest, softplus(input)) + times(pos_weight * t, softplus(-input))


def in_input(input, target, pos_weight, label_smoothing):
    t, rest = smooth(target, label_smoothing)
    return rest * sigmoid(input) - pos_weight * t * sigmoid(-input)


def in_target(input, target, pos_weight, label_smoothing):
    return times(np.asarray(1 - label_smoothing), times(pos_weight, softplus(-input)) - softplus(input))


def in_pos_weight(input, target, pos_weight, label_smoothing):
    return times(smooth(target, label_smoothing)[0], softplus(-input))


def curvature(input, target, pos_weight, label_smoothing):
    t, rest = smooth(target, label_smoothing)
    return sigmoid(input) * sigmoid(-input) * (rest + pos_weight * t)


def value_terms(input, target, pos_weight, label_smoothing):
    t, rest = smooth(target, label_smoothing)
    return [
        (pos_weight * t, softplus(-input)),
        *held([(softplus(-input), np.abs(pos_weight * t))]),
        (times(rest, softplus(input)), 1),
        (times(pos_weight * t, softplus(-input)), 1),
    ]


def input_terms(input, target, pos_weight, label_smoothing):
    # The two terms of the gradient have opposite signs; each is a product formed first.
    t, rest = smooth(target, label_smoothing)
    by_weight = np.abs(pos_weight * t)
    return [(rest * sigmoid(input), 1), (by_weight * sigmoid(-input), 1), *held([(sigmoid(-input), by_weight)])]


def target_terms(input, target, pos_weight, label_smoothing):
    kept = 1 - label_smoothing
    return [
        (softplus(input), kept),
        (times(pos_weight, softplus(-input)), kept),
        *held([(softplus(-input), np.abs(pos_weight) * kept)]),
    ]


def hessian_terms(input, target, pos_weight, label_smoothing):
    t, rest = smooth(target, label_smoothing)
    variance = sigmoid(input) * sigmoid(-input)
    return [(pos_weight * t, variance), *held([(variance, np.abs(rest + pos_weight * t))])]


def torch_smoothed(target, options):
    s = options.get("label_smoothing", 0.0)
    return target * (1 - s) + s / 2


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
    gradients={"input": in_input, "target": in_target, "pos_weight": in_pos_weight},
    hessian=curvature,
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
        # Smoothing moves 0.05 from each label to the other: by 0.05 times the mean of |logit| here.
        (((2.0, -1.0, 0.0), (1.0, 0.0, 1.0)), {"label_smoothing": 0.1}, 0.3777789597 + 0.05),
    ),
    outside={"target": 1.25},
    options={"label_smoothing": (0.25, 1.0)},
    defaults={"label_smoothing": 0.0},
    formed_first={"value": value_terms, "input": input_terms, "target": target_terms, "hessian": hessian_terms},
    torch=lambda torch, operands, options, reduction: torch.nn.functional.binary_cross_entropy_with_logits(
        **{**operands, "target": torch_smoothed(operands["target"], options)}, reduction=reduction
    ),
    torch_options={"label_smoothing": (0.25,)},
    torch_without_gradient=("weight", "pos_weight"),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, pos_weight, label_smoothing: np.log(pos_weight * target) - np.log1p(-target),
)

# ---- of a probability ------------------------------------------------------------------------------------------------


def bounded_log(x):
    return np.maximum(np.log(x), -100)


def probability_value(input, target, label_smoothing):
    t, rest = smooth(target, label_smoothing)
    return -times(t, bounded_log(input)) - times(rest, np.maximum(np.log1p(-input), -100))


def probability_in_input(input, target, label_smoothing):
    return (input - smooth(target, label_smoothing)[0]) / np.maximum(input * (1 - input), SMALLEST)


def probability_in_target(input, target, label_smoothing):
    return times(np.asarray(1 - label_smoothing), np.log1p(-input) - np.log(input))


def probability_curvature(input, target, label_smoothing):
    """The slope of the bounded gradient."""
    t, rest = smooth(target, label_smoothing)
    return np.where(input * (1 - input) < SMALLEST, 1 / SMALLEST, t / input**2 + rest / (1 - input) ** 2)


SMALLEST = np.longdouble(1e-12)

BINARY_CROSS_ENTROPY = Reference(
    name="binary_cross_entropy",
    operands=(
        Operand("input", unit_wide, unit, (0.0, 1.0, 0.5, 0.3, 1e-13, 1e-30), checked_always=True),
        Operand("target", unit_wide, unit, (0.0, 1.0, 0.3, 1e-30), checked_always=True),
        Operand(
            "weight",
            positive_wide,
            positive,
            (0.0, 1.0, 2.5),
            optional=True,
            multiplies=True,
            kinds=("full", "scalar", "column", "row", "trailing"),
        ),
    ),
    value=probability_value,
    gradients={"input": probability_in_input, "target": probability_in_target},
    hessian=probability_curvature,
    kinks=(
        # The 1e-12 of torch's gradient is a float32, which differs from it in the ninth digit.
        Kink(
            "0 where 1 is right",
            {"input": 0.0, "target": 1.0},
            100.0,
            {"input": -1e12, "target": INF},
            1e12,
            in_torch=False,
        ),
        Kink(
            "1 where 0 is right",
            {"input": 1.0, "target": 0.0},
            100.0,
            {"input": 1e12, "target": -INF},
            1e12,
            in_torch=False,
        ),
        Kink("a sure one", {"input": 1.0, "target": 1.0}, 0.0, {"input": 0.0, "target": -INF}, 1e12),
        Kink("a sure zero", {"input": 0.0, "target": 0.0}, 0.0, {"input": 0.0, "target": INF}, 1e12),
        Kink(
            "0 where 1/2 is right",
            {"input": 0.0, "target": 0.5},
            50.0,
            {"input": -5e11, "target": INF},
            1e12,
            in_torch=False,
        ),
        Kink("one half", {"input": 0.5, "target": 0.5}, LOG2, {"input": 0.0, "target": 0.0}, 4.0),
    ),
    golden=(
        (((0.9, 0.2), (1.0, 0.0)), {}, -float(np.log(0.9) + np.log(0.8)) / 2),
        (((0.8, 0.2), (1.0, 0.0)), {"label_smoothing": 0.1}, -float(0.95 * np.log(0.8) + 0.05 * np.log(0.2))),
    ),
    outside={"input": 1.25, "target": -0.25},
    options={"label_smoothing": (0.25, 1.0)},
    defaults={"label_smoothing": 0.0},
    formed_first={
        "input": lambda input, target, label_smoothing: [
            (input - smooth(target, label_smoothing)[0], 1 / np.maximum(input * (1 - input), SMALLEST)),
            (smooth(target, label_smoothing)[0], 1 / np.maximum(input * (1 - input), SMALLEST)),
        ],
        "target": lambda input, target, label_smoothing: [
            (np.log(input), 1 - label_smoothing),
            (np.log1p(-input), 1 - label_smoothing),
        ],
    },
    torch=lambda torch, operands, options, reduction: torch.nn.functional.binary_cross_entropy(
        **{**operands, "target": torch_smoothed(operands["target"], options)}, reduction=reduction
    ),
    # torch bounds the gradient in the target by 100; ours is infinite at 0 and 1.
    torch_without_gradient=("target", "weight"),
    torch_options={"label_smoothing": (0.25,)},
    properties=frozenset({"bounded", "convex", "non-negative"}),
    optimum=lambda target, label_smoothing: target,
)

REFERENCES = (BINARY_CROSS_ENTROPY, BINARY_CROSS_ENTROPY_WITH_LOGITS)
