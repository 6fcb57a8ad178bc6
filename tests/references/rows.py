"""Row-wise losses by their definition, in longdouble: references of a row, smoothing, weights, every reduction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from references.reductions import LONG, leading
from references.rows_schema import GENERIC, RowReference, times


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


def others(x):
    """Of each class the sum over the other classes, with no subtraction."""
    zero = np.zeros((*x.shape[:-1], 1), x.dtype)
    before = np.concatenate([zero, np.cumsum(x, axis=-1)[..., :-1]], axis=-1)
    after = np.concatenate([np.cumsum(x[..., ::-1], axis=-1)[..., ::-1][..., 1:], zero], axis=-1)
    return before + after


@dataclass(frozen=True)
class RowStatistic:
    """The reference r of each row: u = s - r, the slope P of r, and its curvature as a product with vectors."""

    u: np.ndarray
    r: np.ndarray  # (rows,)
    slope: np.ndarray
    rest: np.ndarray  # 1 - slope, without cancellation
    curve_diagonal: np.ndarray
    curve_product: Callable[[np.ndarray], np.ndarray]
    own: np.ndarray  # magnitude of what u is made of
    slope_magnitude: np.ndarray


def _flat(s):
    """The curvature of a reference that has none."""
    return np.zeros_like(s), lambda v: np.zeros_like(v)


def log_sum_exp(s, _is_target):
    """r = log sum exp(s): u is the logarithm of the softmax probability p, the slope is p."""
    largest = s.max(axis=-1, initial=-np.inf, keepdims=True)
    at = np.argmax(s, axis=-1)[:, None] if s.shape[-1] else np.zeros((len(s), 0), int)
    distance = s - largest
    powers = np.exp(distance)
    np.put_along_axis(powers, at, 0, axis=-1)
    log_sum = np.log1p(powers.sum(axis=-1, keepdims=True))
    poisoned = ~np.isfinite(largest)
    u = np.where(poisoned, np.nan, distance - log_sum)
    p = np.exp(u)
    rest = others(p)

    def product(v):
        return p * (rest * v - others(p * v))

    r = np.where(poisoned, np.nan, largest + log_sum)[:, 0]
    return RowStatistic(u, r, p, rest, p * rest, product, np.abs(u), p * (1 + np.abs(np.where(p == 0, 0, u))))


def zero(s, _is_target):
    """r = 0: u is the score itself."""
    nothing = np.zeros_like(s)
    return RowStatistic(s, nothing.sum(axis=-1), nothing, 1 + nothing, *_flat(s), np.abs(s), nothing)


def runner_up(s, is_target):
    """r is the largest score of a class that is not the target; at a tie the first one has the slope."""
    rivals = np.where(is_target, -np.inf, s)
    p = np.zeros_like(s)
    if s.shape[-1]:
        np.put_along_axis(p, np.argmax(rivals, axis=-1)[:, None], 1, axis=-1)
    p[is_target] = 0  # where there is no other class
    r = rivals.max(axis=-1, initial=-np.inf)
    u = s - r[:, None]
    return RowStatistic(u, r, p, 1 - p, *_flat(s), np.abs(u), p)


def picked(s, is_target):
    """r is the score of the target class."""
    r = np.where(is_target, s, 0).sum(axis=-1)
    p = is_target.astype(LONG)
    u = s - r[:, None]
    return RowStatistic(u, r, p, 1 - p, *_flat(s), np.abs(u), p)


def sparsemax(s, _is_target):
    """r = max over the simplex of p . s - |p|^2 / 2, and 1/2 more; its slope is the p that attains it.

    Martins and Astudillo, "From Softmax to Sparsemax", 2016: with the sorted d = s - max s and k the largest number of
    classes for which 1 + k d_(k) > d_(1) + ... + d_(k), the threshold is tau = (d_(1) + ... + d_(k) - 1) / k.
    """
    largest = s.max(axis=-1, initial=-np.inf, keepdims=True)
    d = s - largest
    ordered = -np.sort(-d, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    count = np.arange(1, s.shape[-1] + 1)
    k = np.count_nonzero(1 + count * ordered > sums, axis=-1)[:, None]
    tau = (np.take_along_axis(sums, np.maximum(k, 1) - 1, axis=-1) - 1) / np.maximum(k, 1)
    support = d > tau
    p = np.where(support, d - tau, 0)
    poisoned = ~np.isfinite(largest)
    r = (np.where(support, d * d - tau * tau, 0).sum(axis=-1, keepdims=True) + 1) / 2
    size = support.sum(axis=-1, keepdims=True)

    def product(v):
        return np.where(support, v - np.where(support, v, 0).sum(axis=-1, keepdims=True) / size, 0)

    own = np.abs(d) + (np.where(support, d * d + tau * tau, 0).sum(axis=-1, keepdims=True) + 1) / 2
    u, p = np.where(poisoned, np.nan, d - r), np.where(poisoned, np.nan, p)
    whole = np.where(poisoned, np.nan, largest + r)[:, 0]
    magnitude = np.where(support, np.abs(d) + np.abs(tau), 0)
    return RowStatistic(u, whole, p, others(p), np.where(support, 1 - 1 / size, 0), product, own, magnitude)


STATISTICS = {
    "log_sum_exp": log_sum_exp,
    "zero": zero,
    "runner_up": runner_up,
    "picked": picked,
    "sparsemax": sparsemax,
}


def formula_parts(inputs: RowInputs) -> Parts:
    """What the formula of one class makes of the rows: the chain rule through u_c = s_c - r(s) and s = logit(z)."""
    reference, w, t = inputs.reference, inputs.w, inputs.t
    with np.errstate(all="ignore"):
        s, turned = _logits(inputs)
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

        in_operands, magnitudes = _in_operands(inputs, row, raw, slope, turned)
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
        tilt = row.slope_magnitude + p * spread
        # Where one class alone counts, 1 - p is known to its own digits.
        alone = inputs.by_index and inputs.smoothing == 0 and reference.reference == "log_sum_exp"
        magnitudes["slope"] = (
            np.abs(a) * (others(tilt) if alone else 1)
            + tilt * others(np.abs(a))
            + bent * row.rest
            + p * others(bent)
            + (np.abs(r_slope) + np.abs(r_curve) * np.abs(row.r)[:, None]) * tilt
        )
        magnitudes["hessian"] = (
            np.abs(b) * (row.rest + p) ** 2
            + bent
            + p * p * np.abs(b).sum(axis=-1, keepdims=True)
            + p * np.abs(b_p).sum(axis=-1, keepdims=True)
            + (np.abs(total_a) + np.abs(r_slope)) * (tilt * row.rest + p * others(tilt) + np.abs(row.curve_diagonal))
            + np.abs(r_curve) * p * tilt
        )
        whole = value.sum(axis=-1) + extra
        scores = turned.slope * slope, turned.slope**2 * diagonal + turned.curve * slope
        magnitudes["slope"] = np.abs(turned.slope) * magnitudes["slope"] + np.abs(slope) * turned.slope_rounded
        magnitudes["hessian"] = turned.slope**2 * magnitudes["hessian"] + np.abs(turned.curve * slope)

        def in_scores(v):
            return turned.slope * product(turned.slope * v) + turned.curve * slope * v

        everything = Parts(whole, scores[0], in_operands, scores[1], in_scores, magnitudes)
        return _mean(everything, s.shape[-1]) if reference.mean_over_classes else everything


@dataclass(frozen=True)
class _Turned:
    slope: np.ndarray
    curve: np.ndarray
    rounded: np.ndarray
    slope_rounded: np.ndarray


def _logits(inputs):
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
    reference, found, magnitudes = inputs.reference, {}, {}
    target = reference.target
    if not inputs.by_index and target.differentiable and reference.in_target is not None:
        inner = reference.in_target(row.u, inputs.t, **inputs.options)
        found[target.name] = (1 - inputs.smoothing) * times(inputs.w, inner)
        spread = 0 * row.own + turned.rounded + (row.slope * turned.rounded).sum(axis=-1, keepdims=True)
        magnitudes[target.name] = times(np.abs(inputs.w), np.abs(inner) + np.abs(row.own) + spread)
    if reference.weight is not None:
        counted = np.where(inputs.counted, raw, 0)
        size = np.where(inputs.counted, np.abs(raw) + times(np.abs(inputs.t), row.own + turned.rounded), 0)
        if reference.counts == "others":
            counted, size = (np.where(inputs.is_target, x.sum(axis=-1, keepdims=True), 0) for x in (counted, size))
        found[reference.weight], magnitudes[reference.weight] = counted, size
    if reference.logit is not None:
        place = {"is_target": inputs.is_target, **inputs.per_class, **inputs.options}
        for name, f in reference.logit.in_operands.items():
            inner = f(inputs.z, **place)
            found[name] = slope_in_s * inner
            magnitudes[name] = (1 + np.abs(row.own)) * np.abs(inner)
    return found, magnitudes


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
    )


def _room_between(reference, s, is_target):
    """To the nearest change of the runner-up, or of the classes that sparsemax gives a probability."""
    if reference == "runner_up":
        ordered = np.sort(np.where(is_target, -np.inf, s), axis=-1)
        return np.min(ordered[:, -1] - ordered[:, -2])
    row = sparsemax(s, is_target)
    return np.min(np.abs(s - (s - row.slope).max(axis=-1, where=row.slope > 0, initial=-np.inf, keepdims=True)))


@dataclass(frozen=True)
class RowResult:
    """A loss, reduced or not, with the derivatives of what it is: arrays in the shapes that fastloss gives them.

    `magnitudes` has the shapes of the results; an error of a few ulp of 1 times the magnitude is a right answer.
    """

    value: np.ndarray
    gradients: dict[str, np.ndarray]
    hessian: np.ndarray
    product: Callable[[np.ndarray], np.ndarray]  # of the Hessian with an array of the scores' shape
    magnitudes: dict[str, np.ndarray]  # of "value", "hessian" and each gradient


class RowLoss:
    """The loss of every row and its derivatives before any reduction, computed once for several reductions.

    Parameters are those of a call: `operands` by name (those that are given), the loss's `options`, and what concerns
    rows: `axis`, `ignore_index`, `where`.
    """

    def __init__(self, reference, operands, options=None, *, axis=None, ignore_index=-100, where=None):
        self.reference = reference
        self.options = {
            k: LONG(v) if isinstance(v, float) else v for k, v in {**reference.defaults, **(options or {})}.items()
        }
        scores = np.asarray(operands[reference.first])
        self.axis = (min(1, scores.ndim - 1) if axis is None else axis) % scores.ndim
        self.shape, self.classes = scores.shape, scores.shape[self.axis]
        self.rows = tuple(n for k, n in enumerate(scores.shape) if k != self.axis)
        target = np.asarray(operands[reference.target.name])
        self.by_index = target.dtype.kind in "iu"
        keep = np.ones(self.rows, bool) if where is None else leading(where, self.rows).astype(bool)
        if self.by_index:
            assert target.shape == self.rows
            keep = keep & (target != ignore_index)
        self.keep = keep.reshape(-1)
        self.target = target.reshape(-1) if self.by_index else self._matrix(target)
        per_class = {
            o.name: np.broadcast_to(np.asarray(operands[o.name], dtype=np.float64).astype(LONG), (self.classes,))
            for o in reference.operands
            if o.kind in ("weight", "per_class") and operands.get(o.name) is not None
        }
        self.given = {k: np.asarray(v) for k, v in operands.items() if v is not None}
        self.weight = per_class.get(reference.weight, np.ones(self.classes, LONG))
        self.per_class = {k: v for k, v in per_class.items() if k != reference.weight}
        self.inputs = self._inputs(self._matrix(scores)[self.keep], self.target[self.keep])
        self.parts = (reference.parts or formula_parts)(self.inputs)

    def _matrix(self, x):
        """(rows, classes), in longdouble."""
        count = int(np.prod(self.rows))
        return np.moveaxis(np.asarray(x), self.axis, -1).reshape(count, self.classes).astype(LONG)

    def _array(self, rows):
        """Back from the rows that count to the scores' shape, 0 elsewhere."""
        whole = np.zeros((self.keep.size, self.classes), LONG)
        whole[self.keep] = rows
        return np.moveaxis(whole.reshape(*self.rows, self.classes), -1, self.axis)

    def _inputs(self, z, target):
        reference = self.reference
        smoothing = LONG(self.options.get("label_smoothing", 0))
        is_target, w = np.zeros(z.shape, bool), np.broadcast_to(self.weight, z.shape)
        counted = np.ones(z.shape, bool)
        if self.by_index:
            np.put_along_axis(is_target, target.astype(np.int64)[:, None], True, axis=-1)
            t = np.ones(z.shape, LONG)
            if reference.counts == "others":
                counted, w = ~is_target, np.where(is_target, w, 0).sum(axis=-1, keepdims=True) + 0 * w
            elif smoothing == 0:
                counted = is_target
            else:
                t = np.where(is_target, 1 - smoothing, 0) + smoothing / max(self.classes, 1)
        else:
            t = (1 - smoothing) * target + smoothing / max(self.classes, 1)
        options = {k: v for k, v in self.options.items() if k not in GENERIC}
        self.share_of_class = np.where(is_target, LONG(1), 0)
        self.share_of_row = self.share_of_class @ self.weight if self.by_index else np.ones(len(z), LONG)
        return RowInputs(
            reference, z, t, counted, w, is_target, self.by_index, smoothing, options, dict(self.per_class)
        )

    def room(self):
        """How far the scores are from the nearest place where the derivative of a row jumps."""
        inputs, rooms = self.inputs, [np.inf]
        if self.reference.distance_to_kink is not None:
            s, _ = _logits(inputs)
            u = STATISTICS[self.reference.reference](s, inputs.is_target).u
            distance = self.reference.distance_to_kink(u, inputs.t, **inputs.options)
            rooms.append(np.min(distance, where=inputs.counted, initial=np.inf))
        if self.reference.reference in ("runner_up", "sparsemax") and self.classes > 2:
            s, _ = _logits(inputs)
            rooms.append(_room_between(self.reference.reference, s, inputs.is_target))
        return float(min(rooms))

    def reduce(self, reduction="mean", *, sample_weight=None, normalizer=None, grad_output=None) -> RowResult:
        """One reduction. Ignored and masked rows take part in nothing; a factor of zero wins over an infinity."""
        s = np.ones(self.rows, LONG) if sample_weight is None else leading(sample_weight, self.rows).astype(LONG)
        s, parts = s.reshape(-1)[self.keep], self.parts
        with np.errstate(all="ignore"):
            values, sizes = times(s, parts.value), times(np.abs(s), parts.magnitudes["value"])
            if reduction == "none":
                flow = np.ones(self.rows, LONG) if grad_output is None else np.asarray(grad_output).astype(LONG)
                flow = np.broadcast_to(flow, self.rows).reshape(-1)[self.keep]
                value, size = np.zeros(self.keep.size, LONG), np.zeros(self.keep.size, LONG)
                value[self.keep], size[self.keep] = values, sizes
                return self._result(value.reshape(self.rows), size.reshape(self.rows), s, flow, s, None)
            share = self._share(normalizer)
            total = (s * share).sum() if reduction == "mean" else LONG(1)
            if reduction == "mean" and isinstance(normalizer, (int, float)):
                total, share = LONG(normalizer), None
            elif reduction == "mean" and normalizer == "count":
                total, share = LONG(len(s)), None
            elif reduction == "batchmean":
                total = LONG(self.rows[0])
            flow = LONG(1 if grad_output is None else grad_output)
            if total == 0:
                return self._result(LONG(np.nan), LONG(np.nan), 0 * s, 0 * s, 0 * s, None)
            value = values.sum() / total
            through = -flow * value * s / total if reduction == "mean" and share is not None else None
            if not (self.by_index and share is not None and self._weights_share(normalizer)):
                through = None
            unit = np.ones_like(s) / total
            return self._result(value, sizes.sum() / np.abs(total), s * unit, flow + 0 * s, s * unit, through)

    def _weights_share(self, normalizer):
        return normalizer == "weight" or (normalizer is None and self.reference.share == "weight")

    def _share(self, normalizer):
        return self.share_of_row if self._weights_share(normalizer) else np.ones(len(self.share_of_row), LONG)

    def _result(self, value, size, scale, flow, curvature, through):
        """The derivatives, of rows that are multiplied by `scale` and by the gradient flowing in."""
        parts, reference = self.parts, self.reference
        row = (scale * flow)[:, None]
        gradients = {reference.first: self._array(times(row, parts.slope))}
        magnitudes = {"value": size, reference.first: self._array(times(np.abs(row), parts.magnitudes["slope"]))}
        for name, inner in parts.in_operands.items():
            if name not in self.given:
                continue
            outer, extent = times(row, inner), times(np.abs(row), parts.magnitudes[name])
            if name == reference.weight and through is not None:
                outer = outer + through[:, None] * self.share_of_class
                extent = extent + np.abs(through)[:, None] * self.share_of_class
            if reference.operand(name).kind == "distribution" or name == reference.target.name:
                gradients[name], magnitudes[name] = self._array(outer), self._array(extent)
            else:
                shape, axes = self.given[name].shape, (0, 1) if self.given[name].ndim == 0 else 0
                gradients[name] = outer.sum(axis=axes).reshape(shape)
                magnitudes[name] = extent.sum(axis=axes).reshape(shape)
        # Hessians are of the value: no gradient flows in.
        outer = curvature[:, None]
        magnitudes["hessian"] = self._array(times(np.abs(outer), parts.magnitudes["hessian"]))

        def product(vector):
            return self._array(times(outer, parts.product(self._matrix(vector)[self.keep])))

        return RowResult(value, gradients, self._array(times(outer, parts.diagonal)), product, magnitudes)


def reduce(reference, operands, options=None, reduction="mean", *, axis=None, ignore_index=-100, where=None, **call):
    """One reduction of a row-wise loss."""
    loss = RowLoss(reference, operands, options, axis=axis, ignore_index=ignore_index, where=where)
    return loss.reduce(reduction, **call)
