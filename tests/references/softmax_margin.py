"""The cross-entropy with margins that depend on how rare a class is: Cao et al. (2019)."""

from __future__ import annotations

import numpy as np

from references import row_draws
from references.rows_schema import Logit, RowCase, RowOperand, RowReference
from references.softmax import INDEX, WEIGHT
from references.softmax_losses import counts, linear_formula, on_matrix, wide_counts


def cosines(rng, rows, classes, dtype):
    """Scores that are bounded."""
    return rng.uniform(-1, 1, (rows, classes)).astype(dtype)


def scores_to_scale(rng, rows, classes, dtype):
    """As wide as other scores, but thirty times them is a number."""
    return np.clip(row_draws.wide_scores(rng, rows, classes, dtype), -1e36, 1e36)


def margins(class_counts, max_margin):
    """Proportional to n^(-1/4), the largest one being max_margin."""
    root = class_counts ** (np.longdouble(-1) / 4)
    return max_margin * root / np.max(root, initial=0)


def _torch_ldam(torch, operands, options, reduction):
    options = dict(options)
    scale, max_margin = options.pop("scale", 30.0), options.pop("max_margin", 0.5)
    root = operands["class_counts"] ** -0.25
    by_class = max_margin * root / root.max()
    target = operands["target"]
    index = torch.where(target == options.get("ignore_index", -100), 0, target)
    hot = torch.zeros_like(operands["input"]).scatter(1, index.unsqueeze(1), 1.0)
    shape = [1, -1] + [1] * (hot.ndim - 2)
    z = scale * (operands["input"] - hot * by_class.reshape(shape))
    return torch.nn.functional.cross_entropy(z, target, operands.get("weight"), reduction=reduction, **options)


LDAM = RowReference(
    name="ldam_loss",
    operands=(
        RowOperand("input", "scores", cosines, scores_to_scale),
        INDEX,
        RowOperand("class_counts", "per_class", counts, wide_counts, differentiable=False, outside=0.0),
        WEIGHT,
    ),
    scale=30.0**2 * 3e4,  # of second derivatives: the square of the scale, and a weight
    logit=Logit(
        value=lambda z, is_target, class_counts, max_margin, scale: (
            scale * (z - np.where(is_target, margins(class_counts, max_margin), 0))
        ),
        slope=lambda z, is_target, class_counts, max_margin, scale: scale * np.ones_like(z),
        curve=lambda z, **_: np.zeros_like(z),
        formed_first=lambda z, is_target, class_counts, max_margin, scale: scale * (np.abs(z) + max_margin),
        of_target=True,
    ),
    **linear_formula(
        in_target=None,
        defaults={"max_margin": 0.5, "scale": 30.0},
        options={"max_margin": (0.0, 1.5), "scale": (1.0, 0.5)},
        golden=(
            RowCase(([0.0, 0.0], 0, [1.0, 16.0]), {"scale": 1.0}, 0.9740769842),  # log(1 + exp(1/2))
            RowCase(([0.0, 0.0], 1, [1.0, 16.0]), {"scale": 1.0}, 0.8259394198),  # log(1 + exp(1/4))
            RowCase(([0.5, 0.0], 0, [3.0, 3.0]), {}, 0.6931471806),
        ),
        torch=on_matrix(_torch_ldam),
        torch_without_gradient=("weight", "class_counts"),
        torch_options={"scale": (1.0,), "max_margin": (1.5,)},
        properties=frozenset({"shift-invariant", "convex", "non-negative"}),
    ),
)

ROW_REFERENCES = (LDAM,)
