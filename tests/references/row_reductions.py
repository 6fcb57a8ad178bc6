"""Row-wise losses as they are called: rows of arrays of any shape, ignored and masked ones, every reduction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from references.reductions import LONG, leading
from references.row_statistics import STATISTICS, room_between
from references.rows import RowInputs, formula_parts, transformed_logits
from references.rows_schema import GENERIC, times


@dataclass(frozen=True)
class RowResult:
    """A loss, reduced or not, with the derivatives of what it is: arrays in the shapes that fastloss gives them.

    `magnitudes` has the shapes of the results; an error of a few ulp of 1 times the magnitude is a right answer.
    """

    value: np.ndarray
    gradients: dict[str, np.ndarray]
    hessian: np.ndarray
    product: Callable[[np.ndarray], np.ndarray]  # of the Hessian with an array of the scores' shape
    product_magnitude: Callable[[np.ndarray], np.ndarray]
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
        # Only class indices beside logits may be left out.
        target = np.asarray(operands.get(reference.target.name, np.zeros(scores.shape)))
        self.by_index = target.dtype.kind in "iu" and reference.target.kind != "list"
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
        logits = None if reference.logits is None else self._matrix(operands[reference.logits])
        self.logits = None if logits is None else logits[self.keep]
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
            reference,
            z,
            t,
            counted,
            w,
            is_target,
            self.by_index,
            smoothing,
            options,
            dict(self.per_class),
            self.logits,
        )

    def room(self):
        """How far the scores are from the nearest place where the derivative of a row jumps."""
        inputs, rooms = self.inputs, [self.parts.room]
        if self.reference.distance_to_kink is not None:
            s, _ = transformed_logits(inputs)
            u = STATISTICS[self.reference.reference](s, inputs.is_target).u
            distance = self.reference.distance_to_kink(u, inputs.t, **inputs.options)
            rooms.append(np.min(distance, where=inputs.counted, initial=np.inf))
        if self.reference.reference in ("runner_up", "sparsemax") and self.classes > 2:
            s, _ = transformed_logits(inputs)
            rooms.append(room_between(self.reference.reference, s, inputs.is_target))
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
            if reference.operand(name).kind in ("distribution", "logits") or name == reference.target.name:
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

        def product_magnitude(vector):
            return self._array(times(np.abs(outer), parts.size_of_product(self._matrix(vector)[self.keep])))

        curve = self._array(times(outer, parts.diagonal))
        return RowResult(value, gradients, curve, product, product_magnitude, magnitudes)


def reduce(reference, operands, options=None, reduction="mean", *, axis=None, ignore_index=-100, where=None, **call):
    """One reduction of a row-wise loss."""
    loss = RowLoss(reference, operands, options, axis=axis, ignore_index=ignore_index, where=where)
    return loss.reduce(reduction, **call)
