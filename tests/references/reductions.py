"""Losses of elements as they are called: operands that are broadcast, left out ones, and the way back to each."""

from __future__ import annotations

import functools

import numpy as np

from references.units import LONG, Sized, Units, times


def expand(operand, values, shape):
    """`values` with extents of 1 added so that they are broadcast to `shape` as fastloss aligns this operand."""
    missing = len(shape) - values.ndim
    if values.ndim and missing > 0 and "leading" in operand.kinds:
        return values.reshape(values.shape + (1,) * missing)
    return values


def left_out(operand):
    """What the formula sees where the operand is left out: a number, or one for each element of the last axis."""
    return np.asarray(1.0 if operand.default is None else operand.default)


def gather(gradient, operand, given, shape):
    """The gradient of an operand that may be broadcast: summed over the broadcast axes, in the operand's shape."""
    given = np.asarray(given)
    aligned = expand(operand, given, shape).shape
    padded = (1,) * (len(shape) - len(aligned)) + aligned
    axes = tuple(k for k, n in enumerate(padded) if n == 1 and shape[k] != 1)
    return gradient.sum(axis=axes, keepdims=True).reshape(given.shape)


class Unreduced(Units):
    """The loss and its derivatives before any reduction, in long double."""

    def __init__(self, reference, operands, options=None):
        self.reference, self.given = reference, operands
        self.shape = shape = np.shape(operands[reference.first])
        self.options = {
            k: LONG(v) if isinstance(v, float) else v for k, v in {**reference.defaults, **(options or {})}.items()
        }
        self.wide = {
            k: np.broadcast_to(expand(reference.operand(k), np.asarray(v), shape), shape).astype(LONG)
            for k, v in operands.items()
        }
        self.outside = next((o.name for o in reference.operands if o.multiplies), None)
        self.weight = self.wide.get(self.outside, np.ones(shape, LONG))
        self.counts = np.ones(shape, bool)
        own = (
            self.weight
            if reference.denominator_term == "weight"
            else self.wide.get(reference.denominator_term, np.ones(shape, LONG))
        )
        self.terms = {None: own, "weight": self.weight}

    @functools.cached_property
    def arguments(self):
        """What the formula sees."""
        operands = {
            o.name: self.wide[o.name] if o.name in self.wide else np.broadcast_to(left_out(o).astype(LONG), self.shape)
            for o in self.reference.operands
            if not o.multiplies
        }
        return {**operands, **self.options}

    @functools.cached_property
    def raw(self):
        """The formula's value, before the weight multiplies it."""
        with np.errstate(all="ignore"):
            return self.reference.value(**self.arguments) + np.zeros(self.shape, LONG)

    @functools.cached_property
    def values(self):
        """The loss of each element."""
        return times(self.weight, self.raw)

    @property
    def magnitudes(self):
        """The errors of an element are relative to its loss."""
        return np.abs(self.values)

    @functools.cached_property
    def slopes(self):
        """The formula's gradients."""
        with np.errstate(all="ignore"):
            return {k: f(**self.arguments) for k, f in self.reference.gradients.items() if k in self.given}

    @functools.cached_property
    def unreduced(self):
        """The same elements by the formula that applies to each."""
        if self.reference.elementwise is None:
            return self
        return Unreduced(self.reference.elementwise, self.given, self.options)

    def head(self, statistic):
        """The quotient itself unless the loss is a function of it."""
        reference = self.reference
        return super().head(statistic) if reference.head is None else reference.head(statistic, **self.options)

    def pull_back(self, flow):
        """Summed over the axes along which an operand is broadcast."""
        found = {k: self._gathered(k, times(flow * self.weight, slope)) for k, slope in self.slopes.items()}
        if self.outside in self.given:
            found[self.outside] = self._gathered(self.outside, times(flow, self.raw))
        return found

    def pull_back_terms(self, normalizer, flow):
        """A term is 1 or an operand itself."""
        of_weight = normalizer == "weight" or self.reference.denominator_term == "weight"
        operand = self.outside if of_weight else self.reference.denominator_term
        return {operand: self._gathered(operand, flow)} if operand in self.given else {}

    def hessian(self, scale):
        """Of losses that are a sum over their elements."""
        if self.reference.hessian is None:
            return None
        with np.errstate(all="ignore"):
            curve = times(scale * self.weight, self.reference.hessian(**self.arguments))
        return Sized(curve, np.abs(curve))

    def _gathered(self, name, terms):
        place = (self.reference.operand(name), self.given[name], self.shape)
        return Sized(gather(terms, *place), gather(np.abs(terms), *place))


def reduce(reference, operands, options, reduction, **call):
    """One reduction of a loss."""
    return Unreduced(reference, operands, options).reduce(reduction, **call)
