"""Distillation: the divergence of two softmaxes from its definition, mixed with the cross-entropy of class indices."""

from __future__ import annotations

import numpy as np

from references import row_draws
from references.reductions import LONG
from references.row_statistics import log_sum_exp, others
from references.rows import Parts
from references.rows_schema import Logit, RowCase, RowKink, RowOperand, RowReference
from references.softmax import SCORES
from references.softmax_losses import excess
from references.units import times

INF = float("inf")
LABEL = RowOperand(
    "target", "index", row_draws.probabilities, row_draws.wide_probabilities, optional=True, differentiable=False
)


def _finite(x):
    return np.where(np.isfinite(x), x, 0)


def _softmax(x, temperature):
    """The softmax of x / temperature, and the magnitude of what its logarithms are made of."""
    s = x / temperature
    row = log_sum_exp(s, None)
    rounded = np.abs(_finite(s)) if temperature != 1 else np.zeros_like(s)
    return row, np.abs(_finite(row.own)) + rounded + (row.slope * rounded).sum(axis=-1, keepdims=True)


def _divergence(u, v):
    """q log(q / p) - q + p, its derivative in u and that in v, of the logarithms u of p and v of q.

    The sum of the first is the divergence. Both impossible: nothing. Only p: infinite, and no derivative in v.
    """
    p, q, w = np.exp(u), np.exp(v), u - v
    near = np.abs(w) < 1
    small = np.where(near, w, 0)
    value = np.where(near, q * excess(small), p - q - q * w)
    slope = np.where(near, q * np.expm1(small), p - q)
    turn = -q * w
    for impossible, results in (
        (v == -INF, (p, p, 0)),
        ((u == -INF) & (v > -INF), (INF, -q, np.nan)),
        ((u == -INF) & (v == -INF), (0, 0, 0)),
    ):
        value, slope, turn = (np.where(impossible, x, y) for x, y in zip(results, (value, slope, turn), strict=True))
    return value, slope, turn


def _soft(z, logits, temperature):
    """T^2 KL(softmax(logits / T) || softmax(z / T))."""
    student, own_u = _softmax(z, temperature)
    teacher, own_v = _softmax(logits, temperature)
    p, q = student.slope, teacher.slope
    value, slope, turn = _divergence(student.u, teacher.u)
    poison = np.where(np.isnan(p) | np.isnan(q), np.nan, 0).sum(axis=-1, keepdims=True)
    # Rounding: of u and v to the first order, and to the second, which is all there is where p and q are alike.
    shifted = own_u + own_v
    bent = np.maximum(p, q) * np.minimum(np.ldexp(shifted * shifted, -23), shifted)
    slope_size = np.abs(slope) + p * own_u + q * own_v
    turn_size = np.abs(turn) * (1 + own_v) + q * shifted
    bend_size = p * (1 + own_u)

    def all_of(x):
        return x.sum(axis=-1, keepdims=True)

    square = temperature * temperature
    magnitudes = {
        "value": square * (value + np.abs(slope) * own_u + np.abs(_finite(turn)) * own_v + bent).sum(axis=-1),
        "slope": temperature * (slope_size + p * all_of(slope_size)),
        "teacher": temperature * (turn_size + q * all_of(turn_size) + q * (1 + own_v) * all_of(np.abs(turn))),
        "hessian": bend_size + p * p * all_of(bend_size) + p * student.rest * all_of(slope_size),
    }
    return Parts(
        square * value.sum(axis=-1) + poison[:, 0],
        temperature * slope + poison,
        {"teacher": temperature * (turn * teacher.rest - q * others(turn)) + poison},
        p * student.rest + poison,
        lambda v: student.curve_product(v) + poison,
        magnitudes,
    )


def _hard(z, is_target):
    """-log softmax(z) of the class that an index names."""
    row = log_sum_exp(z, None)
    p = row.slope
    tilt = np.abs(row.slope_magnitude)
    steep = np.where(is_target, others(tilt) + row.rest, tilt)
    return Parts(
        -np.where(is_target, row.u, 0).sum(axis=-1),
        np.where(is_target, -row.rest, p),
        {},
        p * row.rest,
        row.curve_product,
        {
            "value": np.where(is_target, row.own, 0).sum(axis=-1),
            "slope": steep,
            "hessian": tilt * row.rest + p * others(tilt) + p * row.rest,
        },
    )


def distillation_parts(inputs):
    """The divergence alone, or with class indices alpha of it and 1 - alpha of their cross-entropy."""
    with np.errstate(all="ignore"):
        soft = _soft(inputs.z, inputs.logits, inputs.options["temperature"])
        if not inputs.by_index:
            return soft
        hard, share = _hard(inputs.z, inputs.is_target), LONG(inputs.options["alpha"])

        def mixed(one, other):
            return times(share, one) + times(1 - share, other)

        return Parts(
            mixed(soft.value, hard.value),
            mixed(soft.slope, hard.slope),
            {"teacher": times(share, soft.in_operands["teacher"])},
            mixed(soft.diagonal, hard.diagonal),
            lambda v: mixed(soft.product(v), hard.product(v)),
            {
                **{k: mixed(soft.magnitudes[k], hard.magnitudes[k]) for k in ("value", "slope", "hessian")},
                "teacher": times(share, soft.magnitudes["teacher"]),
            },
            lambda v: mixed(soft.size_of_product(v), hard.size_of_product(v)),
        )


def _torch_distillation(torch, operands, options, reduction):
    """The sum over the classes is one over their axis; class indices that are ignored silence the divergence, too."""
    functional, z = torch.nn.functional, operands["input"]
    axis, temperature = min(1, z.ndim - 1), options.get("temperature", 1.0)
    log_p, log_q = ((x / temperature).log_softmax(axis) for x in (z, operands["teacher"]))
    loss = temperature**2 * functional.kl_div(log_p, log_q, reduction="none", log_target=True).sum(axis)
    count = loss.numel()
    if "target" in operands:
        ignored, alpha = options.get("ignore_index", -100), options.get("alpha", 0.5)
        hard = functional.cross_entropy(z, operands["target"], ignore_index=ignored, reduction="none")
        keep = operands["target"] != ignored
        loss, count = keep * (alpha * loss + (1 - alpha) * hard), keep.sum()
    return loss if reduction == "none" else loss.sum() / (count if reduction == "mean" else 1)


DISTILLATION = RowReference(
    name="distillation_loss",
    operands=(SCORES, RowOperand("teacher", "logits", row_draws.scores, row_draws.wide_scores), LABEL),
    parts=distillation_parts,
    logit=Logit(
        value=lambda z, temperature, **_: z / temperature,
        slope=lambda z, temperature, **_: 1 / temperature,
        curve=lambda z, **_: LONG(0),
    ),
    denominator_term="count",
    defaults={"temperature": 1.0, "alpha": 0.5},
    options={"temperature": (0.5, 4.0), "alpha": (0.125, 0.0, 1.0)},
    combined_options=({"temperature": 2.0, "alpha": 0.75}, {"temperature": 3.0, "alpha": 0.0}),
    golden=(
        # Probabilities (3/4, 1/4) of the teacher, and (1/2, 1/2).
        RowCase(([0.0, 0.0], [1.0986122886681098, 0.0]), {}, 0.130812035941),
        RowCase(([0.0, 0.0], [2.1972245773362196, 0.0]), {"temperature": 2.0}, 0.523248143765),
        RowCase(([0.0, 0.0], [1.0986122886681098, 0.0], 0), {}, 0.411979608251),
        RowCase(([[0.0, 0.0]], [[2.1972245773362196, 0.0]], [1]), {"temperature": 2.0, "alpha": 0.25}, 0.650672421361),
    ),
    kinks=(
        RowKink("alike", (3.0, -1.0, 0.5), (3.0, -1.0, 0.5), 0.0, (0.0, 0.0, 0.0)),
        RowKink("both impossible", (0.0, -INF), (2.0, -INF), 0.0, (0.0, 0.0)),
        RowKink("impossible for the student", (0.0, 0.0, -INF), (-INF, -INF, 0.0), INF, (0.5, 0.5, -1.0)),
        RowKink("the largest score", (3e38, 0.0), (3e38, 0.0), 0.0, (0.0, 0.0)),
    ),
    torch=_torch_distillation,
    torch_options={"temperature": (2.0,), "alpha": (0.25,)},
    scale=1e32,
    properties=frozenset({"shift-invariant", "convex", "non-negative"}),
)

ROW_REFERENCES = (DISTILLATION,)
