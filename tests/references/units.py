"""Reductions by their definition, of units: the places that have a loss of their own, an element or a row.

The reference of an engine says what its units are and how a gradient that flows into them goes back to the operands
(`Units`). Weights, masks, denominators and gradients flowing in are the same for every engine, written here once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

LONG = np.longdouble


def times(factor, x):
    """The product that is 0 where the factor is, whatever x is."""
    with np.errstate(all="ignore"):
        return np.where(factor == 0, 0, factor * x)


def leading(values, shape):
    """`sample_weight` and `where` align to the leading axes."""
    values = np.asarray(values)
    return np.broadcast_to(values.reshape(values.shape + (1,) * (len(shape) - values.ndim)), shape)


class Sized(NamedTuple):
    """Exact numbers and their magnitudes: an error of a few ulp of 1 times the magnitude is a right answer."""

    exact: np.ndarray
    magnitude: np.ndarray

    def __add__(self, other):
        return Sized(self.exact + other.exact, self.magnitude + other.magnitude)


@dataclass(frozen=True)
class Reduced:
    """A loss, reduced or not, with the derivatives of what it is: arrays in the shapes that fastloss gives them.

    Every array has a magnitude of the same shape: of "value", of "hessian" and of each gradient.
    """

    value: np.ndarray
    gradients: dict[str, np.ndarray]
    hessian: np.ndarray | None  # its diagonal
    product: Callable[[np.ndarray], np.ndarray]  # of the Hessian with an array of the first operand's shape
    product_magnitude: Callable[[np.ndarray], np.ndarray]
    magnitudes: dict[str, np.ndarray]


class Units(ABC):
    """The loss of every unit and the way back from it to the operands, computed once for several reductions."""

    values: np.ndarray  # in longdouble; its shape is that of the units
    magnitudes: np.ndarray  # of the values
    counts: np.ndarray  # whether a unit takes part: labels may say that it does not
    terms: Mapping[
        str | None, np.ndarray
    ]  # of the denominator of a mean: by the weights, and the loss's own under None

    @abstractmethod
    def pull_back(self, flow) -> dict[str, Sized]:
        """The gradient of sum(flow * values) in each given operand that has one."""

    def pull_back_terms(self, normalizer, flow) -> dict[str, Sized]:
        """The gradient of sum(flow * terms[normalizer]) in the operands that the terms depend on."""
        return {}

    def hessian(self, scale) -> Sized | None:
        """The diagonal of the Hessian of sum(scale * values); None where the loss has none."""
        return None

    def product(self, scale, vector) -> Sized:
        """The product of that Hessian with a vector, of a loss that has `hvp`: no other is asked for it."""
        raise TypeError(f"{type(self).__name__} has no second derivative to multiply with a vector")

    def head(self, statistic):
        """What the reduced loss makes of the quotient, with the derivative in it."""
        return statistic, LONG(1)

    @property
    def unreduced(self) -> Units:
        """What reduction="none" gives, where that is not what the other reductions add up."""
        return self

    @property
    def weighted(self) -> tuple[int, ...] | None:
        """The shape of a `sample_weight` of full size; None: there is none."""
        return self.values.shape

    def reduce(self, reduction="mean", *, sample_weight=None, where=None, normalizer=None, grad_output=None) -> Reduced:
        """The reduced loss. Masked units take part in nothing; a factor of zero wins over an infinity."""
        if reduction == "none" and self.unreduced is not self:
            return self.unreduced.reduce("none", sample_weight=sample_weight, where=where, grad_output=grad_output)
        shape = self.values.shape
        s, counts = self._sample_weights(sample_weight, where)
        g = LONG(1) if grad_output is None else np.asarray(grad_output).astype(LONG)
        with np.errstate(all="ignore"):
            values, sizes = times(s, self.values), times(np.abs(s), self.magnitudes)
            if reduction == "none":
                return self._result(Sized(values, sizes), times(s, g), s)
            total, terms = self._denominator(reduction, normalizer, s, counts)
            if total == 0:
                nothing = np.zeros(shape, LONG)
                return self._result(Sized(LONG(np.nan), LONG(np.nan)), nothing, nothing)
            statistic = values.sum() / total
            value, slope = self.head(statistic)
            size = times(sizes.sum() / np.abs(total), np.abs(slope))
            into_terms = None if terms is None else (normalizer, -g * slope * statistic * s / total)
            return self._result(Sized(value, size), g * slope * s / total, s / total, into_terms)

    def statistics(self, *, sample_weight=None, where=None, normalizer=None) -> tuple[Sized, np.ndarray]:
        """The sum of the losses and the denominator of their mean."""
        s, counts = self._sample_weights(sample_weight, where)
        with np.errstate(all="ignore"):
            total = Sized(times(s, self.values).sum(), times(np.abs(s), self.magnitudes).sum())
            return total, self._denominator("mean", normalizer, s, counts)[0]

    def _sample_weights(self, sample_weight, where):
        """The weight of each unit, 0 where it does not count, and whether it does."""
        shape = self.values.shape
        counts = self.counts if where is None else self.counts & leading(where, shape).astype(bool)
        s = np.ones(shape, LONG) if sample_weight is None else leading(sample_weight, shape).astype(LONG)
        return np.where(counts, s, 0), counts

    def _denominator(self, reduction, normalizer, s, counts):
        """The denominator, and its terms where the units have some."""
        if reduction == "sum":
            return LONG(1), None
        if reduction == "batchmean":
            return LONG(self.values.shape[0]), None
        if normalizer == "count":
            return LONG(np.count_nonzero(counts)), None
        if isinstance(normalizer, (int, float)):
            return LONG(normalizer), None
        terms = self.terms[normalizer]
        return times(s, terms).sum(), terms

    def _result(self, value, flow, scale, into_terms=None):
        gradients = self.pull_back(flow)
        for name, more in ({} if into_terms is None else self.pull_back_terms(*into_terms)).items():
            gradients[name] = gradients[name] + more
        magnitudes = {"value": value.magnitude} | {name: g.magnitude for name, g in gradients.items()}
        curve = self.hessian(scale)  # of the value: no gradient flows in
        if curve is not None:
            magnitudes["hessian"] = curve.magnitude
        return Reduced(
            value.exact,
            {name: g.exact for name, g in gradients.items()},
            None if curve is None else curve.exact,
            lambda vector: self.product(scale, vector).exact,
            lambda vector: self.product(scale, vector).magnitude,
            magnitudes,
        )
