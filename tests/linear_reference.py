"""Linear cross-entropy by definition: the logits as a whole, in longdouble, and the reference of cross-entropy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from references import ROW_REFERENCES
from references.reductions import LONG
from references.row_reductions import RowLoss

CROSS_ENTROPY = ROW_REFERENCES["cross_entropy"]


class Exact(NamedTuple):
    """The value and gradients, and the sizes that rounding errors of each are relative to."""

    results: dict[str, np.ndarray]
    sizes: dict[str, float]


def exact(operands, options=None, reduction="mean", *, where=None, ignore_index=-100, **call) -> Exact:
    """What a call gives. `operands` by name; those that are not given are left out."""
    x, w = (np.asarray(operands[name]).astype(LONG) for name in ("input", "linear_weight"))
    leading, scores = x.ndim - 1, w.ndim - 1
    logits = np.tensordot(x, w, axes=(-1, -1))
    rounded = np.tensordot(np.abs(x), np.abs(w), axes=(-1, -1))
    if "linear_bias" in operands:
        logits = logits + np.asarray(operands["linear_bias"]).astype(LONG)
        rounded = rounded + np.abs(np.asarray(operands["linear_bias"]).astype(LONG))
    given = {"input": logits, "target": operands["target"]}
    if "weight" in operands:
        given["weight"] = operands["weight"]
    rows = RowLoss(CROSS_ENTROPY, given, options, axis=leading, where=where, ignore_index=ignore_index)
    result = rows.reduce(reduction, **call)
    slope = result.gradients["input"]
    size = np.abs(slope) * (1 + rounded.max(initial=0)) + np.asarray(result.magnitudes["input"])
    over_scores = tuple(range(leading, leading + scores)), tuple(range(scores))
    over_samples = tuple(range(leading)), tuple(range(leading))
    found = {
        "value": result.value,
        "input": np.tensordot(slope, w, axes=over_scores),
        "linear_weight": np.tensordot(slope, x, axes=over_samples),
        "linear_bias": slope.sum(axis=over_samples[0]),
    }
    sizes = {
        "value": np.abs(result.magnitudes["value"]).max(initial=0) * (1 + rounded.max(initial=0)),
        "input": np.tensordot(size, np.abs(w), axes=over_scores).max(initial=0),
        "linear_weight": np.tensordot(size, np.abs(x), axes=over_samples).max(initial=0),
        "linear_bias": size.sum(axis=over_samples[0]).max(initial=0),
    }
    return Exact(found, {name: float(s) for name, s in sizes.items()})


def draw(rng, samples=(7,), classes=11, features=9, inner=(), *, dtype=np.float64, probabilities=False, bias=True):
    """Operands of a call."""
    operands = {
        "input": rng.standard_normal((*samples, features)).astype(dtype),
        "linear_weight": rng.standard_normal((classes, *inner, features)).astype(dtype),
    }
    if probabilities:
        shares = rng.random((*samples, classes, *inner))
        operands["target"] = (shares / shares.sum(axis=len(samples), keepdims=True)).astype(dtype)
    else:
        operands["target"] = rng.integers(0, classes, (*samples, *inner))
    if bias:
        operands["linear_bias"] = rng.standard_normal((classes, *inner)).astype(dtype)
    return operands
