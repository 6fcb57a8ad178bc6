"""Losses of how far the right class is ahead: documentation of torch and keras; Martins and Astudillo (2016)."""

from __future__ import annotations

import numpy as np

from references import row_draws
from references.binary import sigmoid, softplus
from references.rows_schema import RowCase, RowKink, RowOperand, RowReference
from references.softmax import INDEX, SCORES, WEIGHT
from references.softmax_losses import on_matrix
from references.units import times


def _excess(u, margin):
    return np.maximum(margin + u, 0)


def _torch_multi_margin(torch, operands, options, reduction):
    """torch cannot differentiate its own function twice: its mean is spelt out."""
    p, margin = options.get("p", 1.0), options.get("margin", 1.0)
    scores, target, weight = operands["input"], operands["target"], operands.get("weight")
    if reduction != "mean":
        return torch.nn.functional.multi_margin_loss(
            scores, target, p=int(p), margin=margin, weight=weight, reduction=reduction
        )
    chosen = target.unsqueeze(1)
    excess = torch.relu(margin - scores.gather(1, chosen) + scores) ** p
    others = torch.ones_like(scores).scatter(1, chosen, 0.0)
    rows = (excess * others).mean(1)
    return (rows if weight is None else rows * weight[target]).mean()


MULTI_MARGIN = RowReference(
    name="multi_margin_loss",
    operands=(SCORES, INDEX, WEIGHT),
    reference="picked",
    counts="others",
    denominator_term="count",
    mean_over_classes=True,
    value=lambda u, t, p, margin: times(t, _excess(u, margin) ** p),
    slope=lambda u, t, p, margin: times(t, np.where(margin + u > 0, p * _excess(u, margin) ** (p - 1), 0)),
    curve=lambda u, t, p, margin: times(t, np.where(margin + u > 0, p * (p - 1), 0) + 0 * np.sign(u)),
    defaults={"p": 1.0, "margin": 1.0},
    options={"p": (2.0,), "margin": (0.0, 2.5, -0.5)},
    combined_options=({"p": 2.0, "margin": 0.5},),
    golden=(
        RowCase(([[0.1, 0.2, 0.4, 0.8]], [3]), {}, 0.325),
        RowCase(([[0.5, 0.0], [0.0, 2.0]], [0, 1], [2.0, 1.0]), {}, 0.25),
        RowCase(([[1.0, 2.0, 0.0]], [1]), {"p": 2.0, "margin": 2.0}, 0.3333333333),
    ),
    kinks=(
        RowKink("margin met", (1.0, 0.0), 0, 0.0, (0.0, 0.0)),
        RowKink("margin met by both", (0.0, 2.0, 0.0), 1, 0.0, (0.0, 0.0, 0.0), {"margin": 2.0}),
    ),
    torch=on_matrix(_torch_multi_margin),
    torch_options={"p": (2.0,), "margin": (2.5,)},
    torch_ignores=False,
    distance_to_kink=lambda u, t, p, margin: np.abs(margin + u) if p == 1 else np.full_like(u, np.inf),
    formed_first=lambda u, t, p, margin: np.abs(u) + np.abs(margin),
    properties=frozenset({"shift-invariant", "convex", "non-negative"}),
)


def _torch_categorical_hinge(torch, operands, options, reduction):
    scores, target = operands["input"], operands["target"]
    keep = target != options.get("ignore_index", -100)
    index = torch.where(keep, target, 0).unsqueeze(1)
    best = scores.scatter(1, index, -float("inf")).max(1).values  # the first of several
    excess = options.get("margin", 1.0) - scores.gather(1, index).squeeze(1) + best
    loss = excess.clamp(min=0) * keep  # passes the gradient at 0
    return loss if reduction == "none" else loss.sum() / (keep.sum() if reduction == "mean" else 1)


CATEGORICAL_HINGE = RowReference(
    name="categorical_hinge_loss",
    operands=(SCORES, INDEX),
    reference="runner_up",
    denominator_term="count",
    value=lambda u, t, margin: times(t, _excess(-u, margin)),
    slope=lambda u, t, margin: times(t, np.where(margin >= u, -1, 0) + 0 * np.sign(np.where(np.isinf(u), 0, u))),
    curve=lambda u, t, margin: np.zeros_like(u),
    defaults={"margin": 1.0},
    options={"margin": (0.0, 2.5)},
    golden=(
        RowCase(([[0.5, 0.0, 0.25]], [0]), {}, 0.75),
        RowCase(([[0.0, 3.0], [2.0, 1.0]], [1, 1]), {}, 1.0),
        RowCase(([0.0, 1.0], 0), {"margin": 0.0}, 1.0),
    ),
    kinks=(
        RowKink("margin met", (1.0, 0.0), 0, 0.0, (-1.0, 1.0)),
        RowKink("two best others", (0.0, 0.0, 0.0), 2, 1.0, (1.0, 0.0, -1.0)),
    ),
    torch=on_matrix(_torch_categorical_hinge),
    torch_options={"margin": (2.5,)},
    distance_to_kink=lambda u, t, margin: np.abs(margin - u),
    formed_first=lambda u, t, margin: np.abs(u) + np.abs(margin),
    properties=frozenset({"shift-invariant", "convex", "non-negative"}),
)

MULTICLASS_SPARSEMAX = RowReference(
    name="multiclass_sparsemax_loss",
    operands=(SCORES, INDEX),
    reference="sparsemax",
    denominator_term="count",
    value=lambda u, t: -times(t, u),
    slope=lambda u, t: -t + 0 * np.sign(u),
    curve=lambda u, t: np.zeros_like(u),
    golden=(
        RowCase(([0.0, 0.0], 0), {}, 0.25),
        RowCase(([0.5, 0.0], 0), {}, 0.0625),
        RowCase(([2.0, 0.0, 0.0], 1), {}, 2.0),
        RowCase(([0.0, 2.0, 0.0], 1), {}, 0.0),
    ),
    properties=frozenset({"shift-invariant", "convex", "non-negative"}),
)

LABELS = RowOperand("target", "distribution", row_draws.probabilities, row_draws.wide_probabilities, outside=1.5)


def wide_logits(rng, rows, classes, dtype):
    """As wide as other scores, but a weight times a sum of them is a number."""
    return np.clip(row_draws.wide_scores(rng, rows, classes, dtype), -1e30, 1e30)


def soft_margin_sides(u, t):
    """The sigmoid and the target, or 1 less each of them: the smaller ones, of which the slope is the difference."""
    return sigmoid(-np.abs(u)), np.where(u > 0, 1 - t, t)


def soft_margin_slope(u, t):
    small, wrong = soft_margin_sides(u, t)
    return np.where(u > 0, wrong - small, small - wrong)


def soft_margin_terms(u, t):
    small, wrong = soft_margin_sides(u, t)
    return small + np.abs(wrong)


def _torch_multilabel_soft_margin(torch, operands, options, reduction):
    return torch.nn.functional.multilabel_soft_margin_loss(
        operands["input"], operands["target"], operands.get("weight"), reduction=reduction, **options
    )


MULTILABEL_SOFT_MARGIN = RowReference(
    name="multilabel_soft_margin_loss",
    operands=(RowOperand("input", "scores", row_draws.scores, wide_logits), LABELS, WEIGHT),
    reference="zero",
    denominator_term="count",
    mean_over_classes=True,
    value=lambda u, t: times(t, softplus(-u)) + times(1 - t, softplus(u)),
    slope=soft_margin_slope,
    curve=lambda u, t: sigmoid(u) * sigmoid(-u),
    in_target=lambda u, t: -u,
    cancelled=soft_margin_terms,
    golden=(
        RowCase(([[0.0, 0.0]], [[1.0, 0.0]]), {}, 0.6931471806),
        RowCase(([[0.0, 0.0]], [[1.0, 0.5]], [1.0, 3.0]), {}, 1.3862943611),
        RowCase(([1.0, -1.0], [1.0, 0.0]), {}, 0.3132616875),
    ),
    torch=on_matrix(_torch_multilabel_soft_margin),
    torch_ignores=False,
    properties=frozenset({"convex"}),
)

ROW_REFERENCES = (MULTI_MARGIN, CATEGORICAL_HINGE, MULTICLASS_SPARSEMAX, MULTILABEL_SOFT_MARGIN)
