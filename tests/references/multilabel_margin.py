"""The margin loss of samples with several right classes: documentation of torch."""

from __future__ import annotations

import numpy as np

from references import row_draws
from references.reductions import LONG
from references.rows import Parts
from references.rows_schema import RowCase, RowKink, RowOperand, RowReference
from references.softmax import SCORES


def listed_classes(lists):
    """Of each row the class indices in front of its first -1, as (indices, whether they are there)."""
    there = np.cumprod(lists != -1, axis=-1).astype(bool)
    count = int(there.sum(axis=-1).max(initial=0))
    return np.where(there, lists, 0).astype(np.int64)[:, :count], there[:, :count]


def multilabel_parts(inputs):
    """sum over the listed j, and over the i that are not listed, of max(0, 1 - (x_j - x_i)), divided by C."""
    z, classes = inputs.z, max(inputs.z.shape[-1], 1)
    index, there = listed_classes(inputs.t)
    listed = np.zeros(z.shape, bool)
    for k in range(index.shape[1]):
        rows = np.flatnonzero(there[:, k])
        listed[rows, index[rows, k]] = True
    value, slope, room = np.zeros(len(z), LONG), np.zeros(z.shape, LONG), np.inf
    size, pushed = np.zeros(len(z), LONG), np.zeros(z.shape, LONG)
    for k in range(index.shape[1]):
        rows = np.flatnonzero(there[:, k])
        right = np.take_along_axis(z[rows], index[rows, k : k + 1], axis=-1)
        beside = ~listed[rows]
        lead = z[rows] - right
        excess = np.where(beside, np.maximum(1 + lead, 0), 0)
        pushes = np.where(beside & (1 + lead > 0), LONG(1), 0)
        value[rows] += excess.sum(axis=-1)
        size[rows] += (excess + pushes * (1 + np.abs(lead))).sum(axis=-1)
        slope[rows] += pushes
        pushed[rows] += pushes
        slope[rows, index[rows, k]] -= pushes.sum(axis=-1)
        pushed[rows, index[rows, k]] += pushes.sum(axis=-1)
        room = min(room, np.min(np.abs(1 + lead), where=beside, initial=np.inf))
    nothing = np.zeros_like(z)
    magnitudes = {"value": size / classes, "slope": pushed / classes, "hessian": nothing}
    return Parts(
        value / classes, slope / classes, {}, nothing, np.zeros_like, magnitudes, lambda v: nothing, room=float(room)
    )


def _torch_multilabel_margin(torch, operands, options, reduction):
    """torch takes one axis of rows, and cannot differentiate its own function twice: its mean is spelt out."""
    scores, lists = operands["input"], operands["target"]
    axis = min(1, scores.ndim - 1)
    z, t = (torch.movedim(x, axis, -1).reshape(-1, scores.shape[axis]) for x in (scores, lists))
    if reduction == "mean":
        there = torch.cumprod((t >= 0).to(z.dtype), 1)
        index = t.clamp(min=0)
        beside = torch.zeros_like(z).scatter_add(1, index, there) == 0
        excess = [
            torch.relu(1 - z.gather(1, index[:, k : k + 1]) + z) * beside * there[:, k : k + 1]
            for k in range(int(there.sum(1).max()) + 1)
            if k < z.shape[1]
        ]
        return sum(excess).sum(1).mean() / z.shape[1]
    value = torch.nn.functional.multilabel_margin_loss(z, t, reduction=reduction)
    return value.reshape(torch.movedim(scores, axis, -1).shape[:-1]) if reduction == "none" else value


MULTILABEL_MARGIN = RowReference(
    name="multilabel_margin_loss",
    operands=(SCORES, RowOperand("target", "list", row_draws.class_lists, row_draws.class_lists, differentiable=False)),
    reference="picked",
    denominator_term="count",
    mean_over_classes=True,
    parts=multilabel_parts,
    golden=(
        RowCase(([0.1, 0.2, 0.4, 0.8], [3, 0, -1, 1]), {}, 0.85),
        RowCase(([[0.1, 0.2, 0.4, 0.8]], [[3, 0, -1, 1]]), {}, 0.85),
        RowCase(([0.1, 0.2, 0.4, 0.8], [3, 3, -1, 1]), {}, 0.65),  # 2 (0.3 + 0.4 + 0.6) / 4
        RowCase(([[0.5, 0.0], [0.0, 2.0]], [[0, -1], [-1, 0]]), {}, 0.125),
        RowCase(([[1.0, 2.0, 0.0]], [[1, 2, 1]]), {}, 0.6666666667),
    ),
    kinks=(
        RowKink("margin met", (1.0, 0.0), (0, -1), 0.0, (0.0, 0.0)),
        RowKink("margin met by one of two", (1.0, 0.0, 0.0, 0.0), (0, 1, -1, -1), 0.5, (0.0, -0.5, 0.25, 0.25)),
        RowKink("nothing is right", (np.nan, np.inf), (-1, 0), 0.0, (0.0, 0.0)),
        RowKink("everything is right", (np.nan, np.inf), (1, 0), 0.0, (0.0, 0.0)),
        RowKink("never as good", (0.0, -np.inf, 0.0, 0.0), (0, 2, 3, -1), 0.0, (0.0, 0.0, 0.0, 0.0)),
    ),
    torch=_torch_multilabel_margin,
    torch_ignores=False,
    properties=frozenset({"shift-invariant", "convex", "non-negative"}),
)

ROW_REFERENCES = (MULTILABEL_MARGIN,)
