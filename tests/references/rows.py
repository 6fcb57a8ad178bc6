"""What the formula of one class makes of the rows, in longdouble: the chain rule through the reference of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from references.reductions import LONG
from references.row_statistics import STATISTICS, others
from references.rows_schema import RowReference
from references.units import times


@dataclass(frozen=True)
class RowInputs:
    """The rows that count, as matrices in longdouble: what a loss is a function of."""

    reference: RowReference
    z: np.ndarray  # (rows, classes)
    t: np.ndarray  # the share of the target that each class has, smoothed; 1 wherever class indices count
    counted: np.ndarray  # whether the class counts
    w: np.ndarray  # the weight of the class; of the target class where the others count
    is_target: np.ndarray  # the class that an index names; nowhere under probabilities
    by_index: bool
    smoothing: np.longdouble
    options: dict
    per_class: dict = field(default_factory=dict)
    logits: np.ndarray | None = None  # (rows, classes), of the distribution that is given as logits


@dataclass(frozen=True)
class Parts:
    """The loss of each row and its derivatives, before samples are weighted.

    Magnitudes are what the rounding of a dtype is relative to: an error of a few ulp of them is a right answer.
    """

    value: np.ndarray  # (rows,)
    slope: np.ndarray  # in the scores, (rows, classes)
    in_operands: dict[str, np.ndarray]  # (rows, classes) each; a per-class operand's is summed over the rows
    diagonal: np.ndarray  # of the row's Hessian
    product: Callable[[np.ndarray], np.ndarray]  # of the row's Hessian with vectors, one for each row
    magnitudes: dict[str, np.ndarray]  # of "value", "slope", "hessian" and of each of in_operands
    product_magnitude: Callable[[np.ndarray], np.ndarray] | None = None  # of product(v), for the vectors |v|
    room: float = np.inf  # how far the scores are from the nearest place where the slope jumps

    def size_of_product(self, v):
        """The magnitude of `product`."""
        v = np.abs(v)
        if self.product_magnitude is not None:
            return self.product_magnitude(v)
        curved = np.abs(self.magnitudes["hessian"])
        return curved * v + curved.sum(axis=-1, keepdims=True) * v.max(axis=-1, keepdims=True, initial=0)


def formula_parts(inputs: RowInputs) -> Parts:
    """What the formula of one class makes of the rows: the chain rule through u_c = s_c - r(s) and s = logit(z)."""
    reference, w, t = inputs.reference, inputs.w, inputs.t
    with np.errstate(all="ignore"):
        s, turned = transformed_logits(inputs)
        row = STATISTICS[reference.reference](s, inputs.is_target)

        def weighted(x):
            return np.where(inputs.counted, times(w, x), 0)

        raw = reference.value(row.u, t, **inputs.options)
        value = weighted(raw)
        a = weighted(reference.slope(row.u, t, **inputs.options))
        b = weighted(reference.curve(row.u, t, **inputs.options))
        a_others, p, b_p = others(a), row.slope, b * row.slope
        total_a, total_b = a.sum(axis=-1, keepdims=True), b.sum(axis=-1, keepdims=True)
        slope = a * row.rest - p * a_others
        diagonal = b * row.rest**2 + others(b) * p * p - total_a * row.curve_diagonal
        extra, r_slope, r_curve = _of_reference(inputs, row)
        slope = slope + r_slope * p
        diagonal = diagonal + r_slope * row.curve_diagonal + r_curve * p * p

        def product(v):
            v_p = (p * v).sum(axis=-1, keepdims=True)
            bent = b * (v - v_p) - p * ((b * v).sum(axis=-1, keepdims=True) - total_b * v_p)
            return bent + (r_slope - total_a) * row.curve_product(v) + r_curve * p * v_p

        in_operands, magnitudes, in_logit = _in_operands(inputs, row, raw, slope, turned)
        rounded = (
            np.abs(row.own) if reference.formed_first is None else reference.formed_first(row.u, t, **inputs.options)
        )
        shift = turned.rounded  # what a logit is wrong by, in ulp of 1, before the row is looked at
        spread = shift + (p * shift).sum(axis=-1, keepdims=True)
        magnitudes["value"] = (
            (np.abs(value) + times(np.abs(a), rounded + spread)).sum(axis=-1)
            + np.abs(extra)
            + np.abs(r_slope[:, 0]) * (np.abs(row.r) + (p * shift).sum(axis=-1))
        )
        bent = times(np.abs(b), rounded + spread)
        if reference.cancelled is not None:
            bent = bent + np.abs(weighted(reference.cancelled(row.u, t, **inputs.options)))
        tilt = row.slope_magnitude + p * spread
        # Where one class alone counts, 1 - p is known to its own digits.
        alone = inputs.by_index and inputs.smoothing == 0 and reference.reference == "log_sum_exp"
        magnitudes["slope"] = (
            np.abs(a) * (others(tilt) if alone else 1 + others(tilt))
            + tilt * others(np.abs(a))
            + bent * row.rest
            + p * others(bent)
            + (np.abs(r_slope) + np.abs(r_curve) * np.abs(row.r)[:, None]) * tilt
        )
        # What the curvature of the formula is wrong by, because u is: by a difference along u.
        step = np.ldexp(rounded + spread, -16)
        turned_by = weighted(reference.curve(row.u - step, t, **inputs.options)) - b
        twisted = np.where(np.isfinite(turned_by), np.abs(np.ldexp(turned_by, 16)), 0)
        magnitudes["hessian"] = (
            np.abs(b) * (row.rest + p) ** 2
            + (bent + twisted) * (row.rest + p)
            + p * p * (np.abs(b) + bent + twisted).sum(axis=-1, keepdims=True)
            + p * np.abs(b_p).sum(axis=-1, keepdims=True)
            + (np.abs(total_a) + np.abs(r_slope)) * (tilt * row.rest + p * others(tilt) + np.abs(row.curve_diagonal))
            + bent.sum(axis=-1, keepdims=True) * np.abs(row.curve_diagonal)
            + np.abs(r_curve) * p * tilt
        )
        whole = value.sum(axis=-1) + extra
        scores = turned.slope * slope, turned.slope**2 * diagonal + turned.curve * slope
        product_size = _size_of_product(
            row, np.abs(a) + bent, b, tilt, bent + twisted, np.abs(r_slope), np.abs(r_curve)
        )
        for name, inner in in_logit.items():
            magnitudes[name] = np.abs(inner) * magnitudes["slope"] + np.abs(slope * inner)
        magnitudes["slope"] = np.abs(turned.slope) * magnitudes["slope"] + np.abs(slope) * turned.slope_rounded
        magnitudes["hessian"] = turned.slope**2 * magnitudes["hessian"] + np.abs(turned.curve * slope)

        def in_scores(v):
            return turned.slope * product(turned.slope * v) + turned.curve * slope * v

        def in_scores_size(v):
            turning = np.abs(turned.slope) + turned.slope_rounded
            return turning * product_size(turning * v) + np.abs(turned.curve) * magnitudes["slope"] * v

        everything = Parts(whole, scores[0], in_operands, scores[1], in_scores, magnitudes, in_scores_size)
        return _mean(everything, s.shape[-1]) if reference.mean_over_classes else everything


def _size_of_product(row, a, b, tilt, bent, r_slope, r_curve):
    """The magnitude of the product of the Hessian in s with a vector of which |v| is given."""
    bends = np.abs(b) + bent
    pull = np.abs(a).sum(axis=-1, keepdims=True) + r_slope

    def size(v):
        mean = (tilt * v).sum(axis=-1, keepdims=True)
        flat = np.where(row.curve_diagonal == 0, 0, v + mean) if row.own_curvature else tilt * (v + mean)
        along = (bends * v).sum(axis=-1, keepdims=True) + bends.sum(axis=-1, keepdims=True) * mean
        return bends * (v + mean) + tilt * along + pull * flat + r_curve * tilt * mean

    return size


@dataclass(frozen=True)
class _Turned:
    slope: np.ndarray
    curve: np.ndarray
    rounded: np.ndarray
    slope_rounded: np.ndarray


def transformed_logits(inputs):
    """The transformed scores, and the derivatives of the transformation."""
    z, logit = inputs.z, inputs.reference.logit
    if logit is None:
        return z, _Turned(LONG(1), LONG(0), np.zeros_like(z), np.zeros_like(z))
    place = {"is_target": inputs.is_target, **inputs.per_class, **inputs.options}
    s = logit.value(z, **place)
    slope = logit.slope(z, **place) + 0 * np.where(np.isfinite(z), z, 0)
    rounded = np.abs(s) if logit.formed_first is None else logit.formed_first(z, **place)
    changed = np.where(s == z, 0, 1)
    rounded = np.where(np.isfinite(s), changed * rounded, 0)
    curve = logit.curve(z, **place) + 0 * np.where(np.isfinite(z), z, 0)
    return s, _Turned(slope, curve, rounded, np.where(slope == 1, 0, np.abs(slope) * (1 + rounded)))


def _of_reference(inputs, row):
    """The term of the row's reference, its slope and its curvature in it."""
    functions = inputs.reference.of_reference
    if functions is None:
        nothing = np.zeros((len(row.r), 1), LONG)
        return nothing[:, 0], nothing, nothing
    value, slope, curve = (f(row.r, **inputs.options) + 0 * row.r for f in functions)
    nothing = functions[0](np.ones_like(row.r), **inputs.options) == 0  # an absent term cannot be NaN
    value, slope, curve = (np.where(nothing, 0, x) for x in (value, slope, curve))
    return value, slope[:, None], curve[:, None]


def _in_operands(inputs, row, raw, slope_in_s, turned):
    reference, found, magnitudes, in_logit = inputs.reference, {}, {}, {}
    spread = row.own + turned.rounded + (row.slope * turned.rounded).sum(axis=-1, keepdims=True)
    target = reference.target
    if not inputs.by_index and target.differentiable and reference.in_target is not None:
        inner = reference.in_target(row.u, inputs.t, **inputs.options)
        found[target.name] = (1 - inputs.smoothing) * times(inputs.w, inner)
        one = np.ones_like(inputs.t)
        steep = np.abs(
            reference.slope(row.u, one, **inputs.options) - reference.slope(row.u, 0 * one, **inputs.options)
        )
        magnitudes[target.name] = times(np.abs(inputs.w), np.abs(inner) + times(steep, spread))
    if reference.weight is not None:
        steep = np.abs(reference.slope(row.u, inputs.t, **inputs.options))
        counted = np.where(inputs.counted, raw, 0)
        size = np.where(inputs.counted, np.abs(raw) + times(steep, spread), 0)
        if reference.counts == "others":
            counted, size = (np.where(inputs.is_target, x.sum(axis=-1, keepdims=True), 0) for x in (counted, size))
        found[reference.weight], magnitudes[reference.weight] = counted, size
    if reference.logit is not None:
        place = {"is_target": inputs.is_target, **inputs.per_class, **inputs.options}
        for name, f in reference.logit.in_operands.items():
            in_logit[name] = f(inputs.z, **place)
            found[name] = slope_in_s * in_logit[name]
    return found, magnitudes, in_logit


def _mean(parts, classes):
    """The mean over the classes in place of their sum."""
    n = LONG(classes)
    return Parts(
        parts.value / n,
        parts.slope / n,
        {k: v / n for k, v in parts.in_operands.items()},
        parts.diagonal / n,
        lambda v: parts.product(v) / n,
        {k: v / n for k, v in parts.magnitudes.items()},
        lambda v: parts.size_of_product(v) / n,
    )
