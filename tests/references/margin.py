"""References of margin losses with kinks: Cortes and Vapnik (1995), Zhang (2004), Rosenblatt (1958), and torch.

At the tie torch's hinges pass the gradient.
"""

import dataclasses

import numpy as np

from references.binary import times
from references.draws import INF, beside, label, normal, real
from references.schema import Kink, Operand, Reference

SCORE = Operand("input", real, normal, (0.0, -0.0, 1.0, -1.0, 2.0, 1e-30, 3e38, INF, -INF))
LABEL = Operand("target", label(-1, 1), label(-1, 1), (-1.0, 1.0))


def signed_label(target, labels):
    return target if labels == "signed" else 2 * target - 1


def gap(input, target, margin, labels):
    return margin - signed_label(target, labels) * input


def value(**operands):
    return np.maximum(gap(**operands), 0)


def in_input(input, target, margin, labels):
    d = gap(input, target, margin, labels)
    return np.where(np.isnan(d), d, np.where(d >= 0, -signed_label(target, labels), 0))


def in_target(input, target, margin, labels):
    d = gap(input, target, margin, labels)
    scale = 1 if labels == "signed" else 2
    return np.where(np.isnan(d), d, np.where(d >= 0, -scale * input, 0))


def product(input, target, margin, labels):
    return [(signed_label(target, labels) * input, 1)]


HINGE = Reference(
    name="hinge_loss",
    operands=(SCORE, LABEL),
    value=value,
    gradients={"input": in_input, "target": in_target},
    hessian=lambda input, target, margin, labels: 0 * np.sign(gap(input, target, margin, labels)),
    kinks=(
        Kink("tie", {"input": 1.0, "target": 1.0}, 0.0, {"input": -1.0, "target": -1.0}, 0.0),
        Kink("negative tie", {"input": -1.0, "target": -1.0}, 0.0, {"input": 1.0, "target": 1.0}, 0.0),
        Kink(
            "tie of another margin",
            {"input": 0.5, "target": 1.0},
            0.0,
            {"input": -1.0, "target": -0.5},
            0.0,
            {"margin": 0.5},
        ),
        Kink("tie at zero", {"input": 0.0, "target": 1.0}, 0.0, {"input": -1.0, "target": 0.0}, 0.0, {"margin": 0.0}),
        Kink(
            "tie, labels 0 and 1",
            {"input": -1.0, "target": 0.0},
            0.0,
            {"input": 1.0, "target": 2.0},
            0.0,
            {"labels": "01"},
        ),
        Kink("beyond", {"input": 1.0000001192092896, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("right, infinite", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("wrong, infinite", {"input": INF, "target": -1.0}, INF, {"input": 1.0, "target": -INF}, 0.0),
    ),
    golden=(
        (((0.2, 0.4, 1.2), (1.0, -1.0, 1.0)), {}, 0.7333333333),
        (((0.2, 0.4, 1.2), (1, 0, 1)), {"labels": "01"}, 0.7333333333),
    ),
    outside={"target": 0.5},
    options={"margin": (0.5, 0.0, 3.0, -1.0), "labels": ("01",)},
    defaults={"margin": 1.0, "labels": "signed"},
    formed_first={"value": product},
    distance_to_kink=lambda input, target, margin, labels: np.abs(gap(input, target, margin, labels)),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, margin, labels: signed_label(target, labels) * (np.abs(margin) + 1),
)


def scale_of(labels):
    return 1 if labels == "signed" else 2


def margin_of(input, target, labels, margin=None):
    return signed_label(target, labels) * input


def margin_formed_first(slope, curvature):
    """The product of label and score is rounded; `slope` and `curvature` are derivatives in it."""

    def factor(name, operands):
        label = name == "input"
        return (
            signed_label(operands["target"], operands["labels"])
            if label
            else scale_of(operands["labels"]) * operands["input"]
        )

    return {
        "value": lambda **o: [(margin_of(**o), np.abs(slope(**o)))],
        **{
            name: lambda name=name, **o: [(margin_of(**o), np.abs(times(curvature(**o), factor(name, o))))]
            for name in ("input", "target")
        },
    }


def squared_value(**operands):
    return np.maximum(gap(**operands), 0) ** 2


def squared_in_input(input, target, margin, labels):
    return -2 * signed_label(target, labels) * np.maximum(gap(input, target, margin, labels), 0)


def squared_in_target(input, target, margin, labels):
    return -2 * scale_of(labels) * times(np.maximum(gap(input, target, margin, labels), 0), input)


SQUARED_HINGE = Reference(
    name="squared_hinge_loss",
    operands=(SCORE, LABEL),
    value=squared_value,
    gradients={"input": squared_in_input, "target": squared_in_target},
    hessian=lambda **o: np.where(gap(**o) >= 0, 2 * signed_label(o["target"], o["labels"]) ** 2, 0),
    kinks=(
        Kink("tie", {"input": 1.0, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 2.0),
        Kink("beyond", {"input": 1.0000001192092896, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("score 0", {"input": 0.0, "target": -1.0}, 1.0, {"input": 2.0, "target": 0.0}, 2.0),
        Kink(
            "tie, labels 0 and 1",
            {"input": -1.0, "target": 0.0},
            0.0,
            {"input": 0.0, "target": 0.0},
            2.0,
            {"labels": "01"},
        ),
        Kink("right, infinite", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("wrong, infinite", {"input": INF, "target": -1.0}, INF, {"input": INF, "target": -INF}, 2.0),
    ),
    golden=(
        (((0.2, 0.4, 1.2), (1.0, -1.0, 1.0)), {}, 0.8666666667),
        (((0.2, 0.4, 1.2), (1, 0, 1)), {"labels": "01", "margin": 0.5}, 0.3),
    ),
    outside={"target": 0.5},
    options={"margin": (0.5, 0.0, 3.0, -1.0), "labels": ("01",)},
    defaults={"margin": 1.0, "labels": "signed"},
    formed_first=margin_formed_first(
        lambda margin, **o: -2 * np.maximum(gap(margin=margin, **o), 0),
        lambda margin, **o: np.where(gap(margin=margin, **o) >= 0, 2, 0),
    ),
    distance_to_kink=lambda **o: np.abs(gap(**o)),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, margin, labels: signed_label(target, labels) * (np.abs(margin) + 1),
)


def modified_value(**operands):
    m = margin_of(**operands)
    return np.where(m < -1, -4 * m, np.maximum(1 - m, 0) ** 2)


def modified_slope(**operands):
    """In the margin."""
    m = margin_of(**operands)
    return np.where(m < -1, -4, -2 * np.maximum(1 - m, 0))


MODIFIED_HUBER = Reference(
    name="modified_huber_loss",
    operands=(SCORE, LABEL),
    value=modified_value,
    gradients={
        "input": lambda **o: signed_label(o["target"], o["labels"]) * modified_slope(**o),
        "target": lambda **o: scale_of(o["labels"]) * times(modified_slope(**o), o["input"]),
    },
    hessian=lambda **o: np.where(np.abs(margin_of(**o)) <= 1, 2 * signed_label(o["target"], o["labels"]) ** 2, 0),
    kinks=(
        Kink("tie", {"input": 1.0, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 2.0),
        Kink("joint", {"input": -1.0, "target": 1.0}, 4.0, {"input": -4.0, "target": 4.0}, 2.0),
        Kink("joint of label -1", {"input": 1.0, "target": -1.0}, 4.0, {"input": 4.0, "target": -4.0}, 2.0),
        Kink(
            "joint, labels 0 and 1",
            {"input": 1.0, "target": 0.0},
            4.0,
            {"input": 4.0, "target": -8.0},
            2.0,
            {"labels": "01"},
        ),
        Kink("score 0", {"input": 0.0, "target": -1.0}, 1.0, {"input": 2.0, "target": 0.0}, 2.0),
        Kink("straight", {"input": -1.5, "target": 1.0}, 6.0, {"input": -4.0, "target": 6.0}, 0.0),
        Kink("right, infinite", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("wrong, infinite", {"input": INF, "target": -1.0}, INF, {"input": 4.0, "target": -INF}, 0.0),
    ),
    golden=(
        (((0.5, 1.5, -0.5), (1.0, -1.0, 1.0)), {}, 2.8333333333),
        (((0.5, 1.5, -0.5), (1, 0, 1)), {"labels": "01"}, 2.8333333333),
    ),
    outside={"target": 0.5},
    options={"labels": ("01",)},
    defaults={"labels": "signed"},
    formed_first=margin_formed_first(modified_slope, lambda **o: np.where(np.abs(margin_of(**o)) <= 1, 2, 0)),
    distance_to_kink=lambda **o: np.abs(np.abs(margin_of(**o)) - 1),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, labels: 2 * signed_label(target, labels),
)

PERCEPTRON = Reference(
    name="perceptron_loss",
    operands=(SCORE, LABEL),
    value=lambda **o: np.maximum(-margin_of(**o), 0),
    gradients={
        "input": lambda **o: np.where(margin_of(**o) <= 0, -signed_label(o["target"], o["labels"]), 0),
        "target": lambda **o: np.where(margin_of(**o) <= 0, -scale_of(o["labels"]) * o["input"], 0),
    },
    hessian=lambda **o: 0 * np.sign(margin_of(**o)),
    kinks=(
        Kink("tie", {"input": 0.0, "target": 1.0}, 0.0, {"input": -1.0, "target": 0.0}, 0.0),
        Kink("tie of label -1", {"input": 0.0, "target": -1.0}, 0.0, {"input": 1.0, "target": 0.0}, 0.0),
        Kink("tie at -0", {"input": -0.0, "target": 1.0}, 0.0, {"input": -1.0, "target": 0.0}, 0.0),
        Kink(
            "tie, labels 0 and 1",
            {"input": 0.0, "target": 0.0},
            0.0,
            {"input": 1.0, "target": 0.0},
            0.0,
            {"labels": "01"},
        ),
        Kink("beyond", {"input": 1e-30, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("wrong", {"input": 1e-30, "target": -1.0}, 1e-30, {"input": 1.0, "target": -1e-30}, 0.0),
        Kink("right, infinite", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("wrong, infinite", {"input": INF, "target": -1.0}, INF, {"input": 1.0, "target": -INF}, 0.0),
    ),
    golden=(
        (((0.2, 0.4, 1.2), (1.0, -1.0, 1.0)), {}, 0.1333333333),
        (((0.2, 0.4, 1.2), (1, 0, 1)), {"labels": "01"}, 0.1333333333),
    ),
    outside={"target": 0.5},
    options={"labels": ("01",)},
    defaults={"labels": "signed"},
    distance_to_kink=lambda **o: np.abs(o["input"]),
    properties=frozenset({"convex", "non-negative"}),
    optimum=signed_label,
)


def embedding_value(input, target, margin):
    return np.where(target == 1, input, np.maximum(margin - input, 0))


def embedding_in_input(input, target, margin):
    return np.where(target == 1, 1, np.where(margin - input >= 0, -1, 0))


HINGE_EMBEDDING = Reference(
    name="hinge_embedding_loss",
    operands=(SCORE, dataclasses.replace(LABEL, differentiable=False)),
    value=embedding_value,
    gradients={"input": embedding_in_input},
    hessian=lambda input, target, margin: 0 * np.sign(input),
    kinks=(
        Kink("tie", {"input": 1.0, "target": -1.0}, 0.0, {"input": -1.0}, 0.0),
        Kink("tie of another margin", {"input": 0.5, "target": -1.0}, 0.0, {"input": -1.0}, 0.0, {"margin": 0.5}),
        Kink("beyond", {"input": 1.0000001192092896, "target": -1.0}, 0.0, {"input": 0.0}, 0.0),
        Kink("similar and equal", {"input": 0.0, "target": 1.0}, 0.0, {"input": 1.0}, 0.0),
        Kink("similar at -0", {"input": -0.0, "target": 1.0}, 0.0, {"input": 1.0}, 0.0),
        Kink("infinite, similar", {"input": INF, "target": 1.0}, INF, {"input": 1.0}, 0.0),
        Kink("infinite, dissimilar", {"input": INF, "target": -1.0}, 0.0, {"input": 0.0}, 0.0),
    ),
    golden=(
        (((0.25, 0.25, 3.0), (1.0, -1.0, -1.0)), {}, 0.3333333333),
        (((0.25, 0.25, 3.0), (1, -1, -1)), {"margin": 4.0}, 1.6666666667),
    ),
    outside={"target": 0.0},
    options={"margin": (0.5, 0.0, 3.0, -1.0)},
    defaults={"margin": 1.0},
    distance_to_kink=lambda input, target, margin: np.where(target == 1, INF, np.abs(margin - input)),
    torch=lambda torch, operands, options, reduction: torch.nn.functional.hinge_embedding_loss(
        **operands, reduction=reduction, **options
    ),
    torch_without_gradient=("target",),
    torch_options={"margin": (0.5, 3.0)},
    properties=frozenset({"convex", "no optimum"}),
)


def ranking_gap(input1, input2, target, margin):
    return margin - target * (input1 - input2)


def ranking_slope(**operands):
    d = ranking_gap(**operands)
    return np.where(np.isnan(d), d, np.where(d >= 0, -operands["target"], 0))


def ranking_in_target(**operands):
    d = ranking_gap(**operands)
    return np.where(np.isnan(d), d, np.where(d >= 0, operands["input2"] - operands["input1"], 0))


MARGIN_RANKING = Reference(
    name="margin_ranking_loss",
    operands=(
        dataclasses.replace(SCORE, name="input1"),
        Operand("input2", beside("input1"), normal, (0.0, 1.0, -2.0, 3e38, INF)),
        LABEL,
    ),
    value=lambda **o: np.maximum(ranking_gap(**o), 0),
    gradients={"input1": ranking_slope, "input2": lambda **o: -ranking_slope(**o), "target": ranking_in_target},
    hessian=lambda **o: 0 * np.sign(ranking_gap(**o)),
    kinks=(
        Kink(
            "tie",
            {"input1": 2.0, "input2": 2.0, "target": 1.0},
            0.0,
            {"input1": -1.0, "input2": 1.0, "target": 0.0},
            0.0,
        ),
        Kink(
            "tie of another margin",
            {"input1": 2.0, "input2": 2.5, "target": -1.0},
            0.0,
            {"input1": 1.0, "input2": -1.0, "target": 0.5},
            0.0,
            {"margin": 0.5},
        ),
        Kink(
            "right, infinite",
            {"input1": INF, "input2": 0.0, "target": 1.0},
            0.0,
            {"input1": 0.0, "input2": 0.0, "target": 0.0},
            0.0,
        ),
        Kink(
            "wrong, infinite",
            {"input1": INF, "input2": 0.0, "target": -1.0},
            INF,
            {"input1": 1.0, "input2": -1.0, "target": -INF},
            0.0,
        ),
    ),
    golden=(
        (((0.2, 0.5, 0.9), (0.4, 0.1, 0.9), (1.0, -1.0, 1.0)), {}, 0.2),
        (((0.2, 0.5, 0.9), (0.4, 0.1, 0.9), (1, -1, 1)), {"margin": 0.1}, 0.3),
    ),
    outside={"target": 0.0},
    options={"margin": (0.5, 3.0, -1.0)},
    defaults={"margin": 0.0},
    formed_first={"value": lambda input1, input2, target, margin: [(input1 - input2, 1)]},
    distance_to_kink=lambda **o: np.abs(ranking_gap(**o)),
    torch=lambda torch, operands, options, reduction: torch.nn.functional.margin_ranking_loss(
        **operands, reduction=reduction, **options
    ),
    torch_options={"margin": (0.5, -1.0)},
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda input2, target, margin: input2 + target * (np.abs(margin) + 1),
)


def is_alike(target, positive_label):
    return target == positive_label


def contrastive_value(input, target, margin, positive_label):
    alike = is_alike(target, positive_label)
    return np.where(np.isnan(input), input, np.where(alike, input, np.maximum(margin - input, 0)) ** 2)


def contrastive_in_input(input, target, margin, positive_label):
    alike = is_alike(target, positive_label)
    return np.where(np.isnan(input), input, np.where(alike, 2 * input, -2 * np.maximum(margin - input, 0)))


def contrastive_in_input_twice(input, target, margin, positive_label):
    costs = is_alike(target, positive_label) | (margin - input >= 0)
    return np.where(np.isnan(input), input, 2 * costs)


CONTRASTIVE_DISTANCE = Reference(
    name="contrastive_distance_loss",
    operands=(
        SCORE,
        Operand("target", label(0, 1), label(0, 1), (0.0, 1.0), differentiable=False, checked_always=True),
    ),
    value=contrastive_value,
    gradients={"input": contrastive_in_input},
    hessian=contrastive_in_input_twice,
    kinks=(
        Kink("tie", {"input": 1.0, "target": 0.0}, 0.0, {"input": 0.0}, 2.0),
        Kink("tie of another margin", {"input": 0.5, "target": 0.0}, 0.0, {"input": 0.0}, 2.0, {"margin": 0.5}),
        Kink("beyond", {"input": 1.0000001192092896, "target": 0.0}, 0.0, {"input": 0.0}, 0.0),
        Kink("alike and equal", {"input": 0.0, "target": 1.0}, 0.0, {"input": 0.0}, 2.0),
        Kink("at no distance", {"input": 0.0, "target": 0.0}, 1.0, {"input": -2.0}, 2.0),
        Kink("alike by 0", {"input": 3.0, "target": 0.0}, 9.0, {"input": 6.0}, 2.0, {"positive_label": 0.0}),
        Kink("infinite, alike", {"input": INF, "target": 1.0}, INF, {"input": INF}, 2.0),
        Kink("infinite, not alike", {"input": INF, "target": 0.0}, 0.0, {"input": 0.0}, 0.0),
    ),
    golden=(
        (((0.5, 0.25, 3.0), (1.0, 0.0, 0.0)), {}, 0.2708333333),
        (((0.5, 0.25, 3.0), (0, 1, 1)), {"positive_label": 0.0}, 0.2708333333),
        (((0.5, 0.25, 3.0), (1, 0, 0)), {"margin": 4.0}, 5.1041666667),
    ),
    outside={"target": 0.5},
    options={"margin": (0.5, 3.0), "positive_label": (0.0,)},
    defaults={"margin": 1.0, "positive_label": 1.0},
    distance_to_kink=lambda input, target, margin, positive_label: np.where(
        is_alike(target, positive_label), INF, np.abs(margin - input)
    ),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, margin, positive_label: np.where(is_alike(target, positive_label), 0, margin + 1),
)

REFERENCES = (
    HINGE,
    SQUARED_HINGE,
    MODIFIED_HUBER,
    PERCEPTRON,
    HINGE_EMBEDDING,
    MARGIN_RANKING,
    CONTRASTIVE_DISTANCE,
)
