"""References of margin losses: Cortes and Vapnik (1995); at the tie torch's hinges pass the gradient."""

import numpy as np

from references.draws import INF, label, normal, real
from references.schema import Kink, Operand, Reference


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
    operands=(
        Operand("input", real, normal, (0.0, -0.0, 1.0, -1.0, 2.0, 1e-30, 3e38, INF, -INF)),
        Operand("target", label(-1, 1), label(-1, 1), (-1.0, 1.0)),
    ),
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

REFERENCES = (HINGE,)
