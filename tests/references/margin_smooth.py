"""References of smooth margin losses: torch's documentation of soft_margin_loss, Freund and Schapire (1997),
Bradley and Terry (1952)."""

import dataclasses

import numpy as np

from references.binary import LOG2, sigmoid, softplus, times
from references.draws import INF, beside, normal, real
from references.margin import LABEL, SCORE, margin_formed_first, margin_of, scale_of, signed_label
from references.schema import Kink, Operand, Reference

E50 = float(np.exp(-50.0))


def curvature(z):
    return sigmoid(z) * sigmoid(-z)


SOFT_MARGIN = Reference(
    name="soft_margin_loss",
    operands=(SCORE, LABEL),
    value=lambda **o: softplus(-margin_of(**o)),
    gradients={
        "input": lambda **o: -signed_label(o["target"], o["labels"]) * sigmoid(-margin_of(**o)),
        "target": lambda **o: -scale_of(o["labels"]) * times(sigmoid(-margin_of(**o)), o["input"]),
    },
    hessian=lambda **o: curvature(margin_of(**o)) * signed_label(o["target"], o["labels"]) ** 2,
    kinks=(
        Kink("score 0", {"input": 0.0, "target": 1.0}, LOG2, {"input": -0.5, "target": 0.0}, 0.25),
        Kink("score -0", {"input": -0.0, "target": -1.0}, LOG2, {"input": 0.5, "target": 0.0}, 0.25),
        Kink(
            "score 0, labels 0 and 1",
            {"input": 0.0, "target": 0.0},
            LOG2,
            {"input": 0.5, "target": 0.0},
            0.25,
            {"labels": "01"},
        ),
        Kink("tiny loss", {"input": 50.0, "target": 1.0}, E50, {"input": -E50, "target": -50 * E50}, E50),
        Kink("right, infinite", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("wrong, infinite", {"input": INF, "target": -1.0}, INF, {"input": 1.0, "target": -INF}, 0.0),
    ),
    golden=(
        (((2.0, -0.5), (1.0, -1.0)), {}, 0.3005024976),
        (((2.0, -0.5), (1, 0)), {"labels": "01"}, 0.3005024976),
    ),
    outside={"target": 0.5},
    options={"labels": ("01",)},
    defaults={"labels": "signed"},
    formed_first={
        **margin_formed_first(lambda **o: sigmoid(-margin_of(**o)), lambda **o: curvature(margin_of(**o))),
        "hessian": lambda **o: [
            (margin_of(**o), curvature(margin_of(**o)) * signed_label(o["target"], o["labels"]) ** 2)
        ],
    },
    torch=lambda torch, operands, options, reduction: torch.nn.functional.soft_margin_loss(
        **operands, reduction=reduction
    ),
    torch_without_gradient=("target",),
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, labels: signed_label(target, labels) * INF,
)

EXPONENTIAL = Reference(
    name="exponential_loss",
    operands=(SCORE, LABEL),
    value=lambda **o: np.exp(-margin_of(**o)),
    gradients={
        "input": lambda **o: -signed_label(o["target"], o["labels"]) * np.exp(-margin_of(**o)),
        "target": lambda **o: -scale_of(o["labels"]) * times(np.exp(-margin_of(**o)), o["input"]),
    },
    hessian=lambda **o: np.exp(-margin_of(**o)) * signed_label(o["target"], o["labels"]) ** 2,
    kinks=(
        Kink("score 0", {"input": 0.0, "target": 1.0}, 1.0, {"input": -1.0, "target": 0.0}, 1.0),
        Kink("score -0", {"input": -0.0, "target": -1.0}, 1.0, {"input": 1.0, "target": 0.0}, 1.0),
        Kink(
            "score 0, labels 0 and 1",
            {"input": 0.0, "target": 0.0},
            1.0,
            {"input": 1.0, "target": 0.0},
            1.0,
            {"labels": "01"},
        ),
        Kink("tiny loss", {"input": 50.0, "target": 1.0}, E50, {"input": -E50, "target": -50 * E50}, E50),
        Kink("right, infinite", {"input": INF, "target": 1.0}, 0.0, {"input": 0.0, "target": 0.0}, 0.0),
        Kink("wrong, infinite", {"input": INF, "target": -1.0}, INF, {"input": INF, "target": -INF}, INF),
    ),
    golden=(
        (((0.0, 1.0, -1.0), (1.0, 1.0, 1.0)), {}, 1.3620537565),
        (((0.0, 1.0, -1.0), (1, 0, 1)), {"labels": "01"}, 2.1455212190),
    ),
    outside={"target": 0.5},
    options={"labels": ("01",)},
    defaults={"labels": "signed"},
    formed_first={
        **margin_formed_first(lambda **o: np.exp(-margin_of(**o)), lambda **o: np.exp(-margin_of(**o))),
        "hessian": lambda **o: [
            (margin_of(**o), np.exp(-margin_of(**o)) * signed_label(o["target"], o["labels"]) ** 2)
        ],
    },
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda target, labels: signed_label(target, labels) * INF,
)


def lead(chosen, rejected, margin):
    return (chosen - rejected) - margin


def lead_terms(slope):
    """The two differences, formed one after the other."""
    return lambda chosen, rejected, margin: [
        (difference, slope(lead(chosen, rejected, margin)))
        for difference in (chosen - rejected, lead(chosen, rejected, margin))
    ]


def third(z):
    """The size of the third derivative."""
    return np.abs(curvature(z) * (sigmoid(-z) - sigmoid(z)))


BRADLEY_TERRY = Reference(
    name="bradley_terry_loss",
    operands=(
        dataclasses.replace(SCORE, name="chosen"),
        Operand("rejected", beside("chosen"), normal, (0.0, 1.0, -90.0, 3e38, INF)),
        Operand("margin", real, normal, (0.0, 0.5, -2.0, INF), default=0.0),
    ),
    value=lambda **o: softplus(-lead(**o)),
    gradients={
        "chosen": lambda **o: -sigmoid(-lead(**o)),
        "rejected": lambda **o: sigmoid(-lead(**o)),
        "margin": lambda **o: sigmoid(-lead(**o)),
    },
    hessian=lambda **o: curvature(lead(**o)),
    kinks=(
        Kink(
            "equal",
            {"chosen": 2.5, "rejected": 2.5, "margin": 0.0},
            LOG2,
            {"chosen": -0.5, "rejected": 0.5, "margin": 0.5},
            0.25,
        ),
        Kink(
            "ahead by the margin",
            {"chosen": 2.5, "rejected": 2.0, "margin": 0.5},
            LOG2,
            {"chosen": -0.5, "rejected": 0.5, "margin": 0.5},
            0.25,
        ),
        Kink(
            "tiny loss",
            {"chosen": 51.0, "rejected": 0.0, "margin": 1.0},
            E50,
            {"chosen": -E50, "rejected": E50, "margin": E50},
            E50,
        ),
        Kink(
            "infinitely ahead",
            {"chosen": INF, "rejected": 0.0, "margin": 0.0},
            0.0,
            {"chosen": 0.0, "rejected": 0.0, "margin": 0.0},
            0.0,
        ),
        Kink(
            "infinitely behind",
            {"chosen": 0.0, "rejected": INF, "margin": 0.0},
            INF,
            {"chosen": -1.0, "rejected": 1.0, "margin": 1.0},
            0.0,
        ),
    ),
    golden=(
        (((1.0, 2.0), (0.5, 3.0)), {}, 0.8936693359),
        (((1.0, 2.0), (0.5, 3.0), (0.5, 0.0)), {}, 1.0032044340),
    ),
    formed_first={
        "value": lead_terms(lambda z: sigmoid(-z)),
        **{name: lead_terms(curvature) for name in ("chosen", "rejected", "margin")},
        "hessian": lead_terms(third),
    },
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda rejected, margin: INF + 0 * rejected,
)


def ahead(positive, negative):
    return positive - negative


BPR = Reference(
    name="bpr_loss",
    operands=(
        dataclasses.replace(SCORE, name="positive"),
        Operand("negative", beside("positive"), normal, (0.0, 1.0, -90.0, 3e38, INF)),
    ),
    value=lambda **o: softplus(-ahead(**o)),
    gradients={
        "positive": lambda **o: -sigmoid(-ahead(**o)),
        "negative": lambda **o: sigmoid(-ahead(**o)),
    },
    hessian=lambda **o: curvature(ahead(**o)),
    kinks=(
        Kink("equal", {"positive": 2.5, "negative": 2.5}, LOG2, {"positive": -0.5, "negative": 0.5}, 0.25),
        Kink("tiny loss", {"positive": 50.0, "negative": 0.0}, E50, {"positive": -E50, "negative": E50}, E50),
        Kink("infinitely behind", {"positive": 0.0, "negative": INF}, INF, {"positive": -1.0, "negative": 1.0}, 0.0),
    ),
    golden=((((1.0, 2.0), (0.5, 3.0)), {}, 0.8936693359),),
    formed_first={
        "value": lambda **o: [(ahead(**o), sigmoid(-ahead(**o)))],
        "positive": lambda **o: [(ahead(**o), curvature(ahead(**o)))],
        "negative": lambda **o: [(ahead(**o), curvature(ahead(**o)))],
        "hessian": lambda **o: [(ahead(**o), third(ahead(**o)))],
    },
    properties=frozenset({"convex", "non-negative"}),
    optimum=lambda negative: INF + 0 * negative,
)


REFERENCES = (SOFT_MARGIN, EXPONENTIAL, BRADLEY_TERRY, BPR)
