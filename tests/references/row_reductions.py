"""Row-wise losses as they are called: rows of arrays of any shape, ignored and masked ones."""

from __future__ import annotations

import functools

import numpy as np

from references.row_statistics import STATISTICS, room_between
from references.rows import RowInputs, formula_parts, transformed_logits
from references.rows_schema import GENERIC
from references.units import LONG, Sized, Units, leading, times


class RowLoss(Units):
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

    def _by_row(self, of_kept):
        """A number for each row, 0 for those that do not count."""
        whole = np.zeros(self.keep.size, LONG)
        whole[self.keep] = of_kept
        return whole.reshape(self.rows)

    @property
    def counts(self):
        """Rows that are neither ignored nor masked."""
        return self.keep.reshape(self.rows)

    @functools.cached_property
    def values(self):
        """The loss of each row."""
        return self._by_row(self.parts.value)

    @functools.cached_property
    def magnitudes(self):
        """What is rounded on the way to it."""
        return self._by_row(self.parts.magnitudes["value"])

    @functools.cached_property
    def terms(self):
        """Under class indices the weight of the target's class, unless the mean is over rows."""
        weight, one = self._by_row(self.share_of_row), np.ones(self.rows, LONG)
        return {None: weight if self.reference.denominator_term == "weight" else one, "weight": weight}

    def pull_back(self, flow):
        """A class's operand is summed over the rows."""
        parts, reference = self.parts, self.reference
        row = flow.reshape(-1)[self.keep][:, None]
        found = {reference.first: self._sized(times(row, parts.slope), times(np.abs(row), parts.magnitudes["slope"]))}
        for name, inner in parts.in_operands.items():
            if name not in self.given:
                continue
            outer, extent = times(row, inner), times(np.abs(row), parts.magnitudes[name])
            if reference.operand(name).kind in ("distribution", "logits") or name == reference.target.name:
                found[name] = self._sized(outer, extent)
            else:
                found[name] = Sized(self._of_classes(name, outer), self._of_classes(name, extent))
        return found

    def pull_back_terms(self, normalizer, flow):
        """To the weight of the target's class."""
        name = self.reference.weight
        weighs = normalizer == "weight" or self.reference.denominator_term == "weight"
        if not (weighs and self.by_index and name in self.given):
            return {}
        outer = flow.reshape(-1)[self.keep][:, None] * self.share_of_class
        return {name: Sized(self._of_classes(name, outer), self._of_classes(name, np.abs(outer)))}

    def hessian(self, scale):
        """The diagonal, in the scores."""
        row = scale.reshape(-1)[self.keep][:, None]
        return self._sized(times(row, self.parts.diagonal), times(np.abs(row), self.parts.magnitudes["hessian"]))

    def product(self, scale, vector):
        """Each row's Hessian with its part of the vector."""
        row, v = scale.reshape(-1)[self.keep][:, None], self._matrix(vector)[self.keep]
        return self._sized(times(row, self.parts.product(v)), times(np.abs(row), self.parts.size_of_product(v)))

    def _sized(self, exact, magnitude):
        return Sized(self._array(exact), self._array(magnitude))

    def _of_classes(self, name, of_rows):
        """The sum over the rows, in the shape in which the operand was given."""
        given = self.given[name]
        return of_rows.sum(axis=(0, 1) if given.ndim == 0 else 0).reshape(given.shape)


def reduce(reference, operands, options=None, reduction="mean", *, axis=None, ignore_index=-100, where=None, **call):
    """One reduction of a row-wise loss."""
    loss = RowLoss(reference, operands, options, axis=axis, ignore_index=ignore_index, where=where)
    return loss.reduce(reduction, **call)
