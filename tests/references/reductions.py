"""Reductions by their definition: S = sum s w l, D = sum of the elements' shares, and the quotient rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LONG = np.longdouble


def expand(operand, values, shape):
    """`values` with extents of 1 added so that they stretch to `shape` as fastloss aligns this operand."""
    missing = len(shape) - values.ndim
    if values.ndim and missing > 0 and "leading" in operand.kinds:
        return values.reshape(values.shape + (1,) * missing)
    return values


def left_out(operand):
    """What the formula sees where the operand is left out: a number, or one for each element of the last axis."""
    return np.asarray(1.0 if operand.default is None else operand.default)


def leading(values, shape):
    """`sample_weight` and `where` align to the leading axes."""
    values = np.asarray(values)
    return np.broadcast_to(values.reshape(values.shape + (1,) * (len(shape) - values.ndim)), shape)


@dataclass(frozen=True)
class Reduced:
    """The value and the derivatives of a reduced loss; of the unreduced one times the gradient flowing in."""

    value: np.ndarray
    gradients: dict[str, np.ndarray]
    scales: dict[str, float]  # of each gradient the largest sum of magnitudes: what errors are relative to
    hessian: np.ndarray | None
    scale: np.ndarray  # the same of the value: the sum of |s w l| over the same denominator


def gather(gradient, operand, given, shape):
    """The gradient of an operand that may be stretched: summed over the stretched axes, in the operand's shape."""
    given = np.asarray(given)
    aligned = expand(operand, given, shape).shape
    padded = (1,) * (len(shape) - len(aligned)) + aligned
    axes = tuple(k for k, n in enumerate(padded) if n == 1 and shape[k] != 1)
    return gradient.sum(axis=axes, keepdims=True).reshape(given.shape)


class Unreduced:
    """The loss and its derivatives before any reduction, in long double, computed once for several reductions."""

    def __init__(self, reference, operands, options):
        self.reference, self.given = reference, operands
        self.shape = shape = np.shape(operands[reference.first])
        self.options = {k: LONG(v) if isinstance(v, float) else v for k, v in {**reference.defaults, **options}.items()}
        self.wide = {
            k: np.broadcast_to(expand(reference.operand(k), np.asarray(v), shape), shape).astype(LONG)
            for k, v in operands.items()
        }
        self.outside = next((o.name for o in reference.operands if o.multiplies), None)
        self.weight = self.wide.get(self.outside, np.ones(shape, LONG))
        self._known: dict[str, tuple] = {}

    def formula(self, reduction):
        """The value, the gradients and the Hessian of what the reduction adds up."""
        formula = self.reference.pointwise if reduction == "none" else self.reference
        key = "elements" if formula is self.reference else "apart"
        if key not in self._known:
            arguments = {
                o.name: self.wide[o.name]
                if o.name in self.wide
                else np.broadcast_to(left_out(o).astype(LONG), self.shape)
                for o in self.reference.operands
                if not o.multiplies
            }
            with np.errstate(all="ignore"):
                self._known[key] = (
                    formula.value(**arguments, **self.options),
                    {k: f(**arguments, **self.options) for k, f in formula.gradients.items() if k in self.given},
                    formula.hessian(**arguments, **self.options) if formula.hessian is not None else None,
                )
        return self._known[key]

    def reduce(self, reduction, *, sample_weight=None, where=None, normalizer=None, grad_output=None):
        """The reduced loss. Masked elements take part in nothing; a factor of zero wins over an infinity."""
        reference, shape, w = self.reference, self.shape, self.weight
        mask = np.ones(shape, bool) if where is None else leading(where, shape).astype(bool)
        s = np.ones(shape, LONG) if sample_weight is None else leading(sample_weight, shape).astype(LONG)
        raw, slopes, curve = self.formula(reduction)
        with np.errstate(all="ignore"):

            def times(a, b):
                return np.where(mask, np.where(a == 0, 0, a * b), 0)

            s = np.where(mask, s, 0)
            weighted = times(s * w, raw)
            outer = {k: times(s * w, g) for k, g in slopes.items()}
            if self.outside in self.given:
                outer[self.outside] = times(s, raw)
            curve = None if curve is None else times(s * w, curve)

            if reduction == "none":
                g = np.ones(shape, LONG) if grad_output is None else np.asarray(grad_output).astype(LONG)
                terms = {k: [np.where(mask, v * g, 0)] for k, v in outer.items()}
                return Reduced(weighted, *_gathered(reference, self.given, shape, terms), curve, np.abs(weighted))

            share = _share(reference, reduction, normalizer, s, w, self.wide, mask, shape)
            statistic, quotient_scale = weighted.sum() / share.total, np.abs(weighted).sum() / share.total
            value, slope = (statistic, LONG(1)) if reference.head is None else reference.head(statistic, **self.options)
            g = LONG(1 if grad_output is None else grad_output) * slope
            if share.total == 0:
                terms = {k: [np.zeros(shape, LONG)] for k in outer}
                curve = None if curve is None else np.zeros(shape, LONG)
                gathered = _gathered(reference, self.given, shape, terms)
                return Reduced(LONG(np.nan), *gathered, curve, quotient_scale)
            terms = {k: [g * v / share.total] for k, v in outer.items()}
            if share.depends_on in terms:
                terms[share.depends_on].append(-g * statistic * s / share.total)
            curve = None if curve is None else g * curve / share.total
        return Reduced(value, *_gathered(reference, self.given, shape, terms), curve, quotient_scale)


def reduce(reference, operands, options, reduction, **call):
    """One reduction of a loss."""
    return Unreduced(reference, operands, options).reduce(reduction, **call)


def _gathered(reference, operands, shape, terms):
    """The gradients from their terms, and the largest sum of magnitudes of each."""
    gradients, scales = {}, {}
    for name, parts in terms.items():
        place = (reference.operand(name), operands[name], shape)
        gradients[name] = gather(sum(parts), *place)
        scales[name] = float(np.max(gather(sum(map(np.abs, parts)), *place), initial=0))
    return gradients, scales


@dataclass(frozen=True)
class _Share:
    total: np.ndarray
    depends_on: str | None = None


def _share(reference, reduction, normalizer, s, w, wide, mask, shape):
    weight = next((o.name for o in reference.operands if o.multiplies), None)
    if reduction == "sum":
        return _Share(LONG(1))
    if reduction == "batchmean":
        return _Share(LONG(shape[0]))
    if isinstance(normalizer, (int, float)):
        return _Share(LONG(normalizer))
    if normalizer == "weight" or (normalizer is None and reference.share == "weight"):
        return _Share((s * w).sum(), weight)
    if normalizer is None and reference.share in wide:
        return _Share((s * wide[reference.share]).sum(), reference.share)
    if normalizer == "count":
        return _Share(LONG(np.count_nonzero(mask)))
    return _Share(s.sum())
