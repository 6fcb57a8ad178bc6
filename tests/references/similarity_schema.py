"""What a contrastive loss adds to the tests: its anchors with what they are compared with, and what to feed it.

Everything is dense and in `numpy.longdouble`: one matrix of the cosines of anchors with all rows of all operands, masks
of which of them are whose positives and candidates, and the derivative of the loss in each. Two formulas are here, as
the papers write them, and every loss is one of these over the anchors that its reference names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from references.units import LONG, Sized, Units, leading


@dataclass(frozen=True)
class SimilarityCase:
    """Operands, keywords, and the value that is known for them."""

    operands: tuple[Any, ...]
    keywords: Mapping[str, Any]
    value: Any


@dataclass(frozen=True)
class Anchors:
    """Rows that are compared with others: of each its row, its unit, and masks over all rows of all operands.

    `candidates` are those in the denominator; `share` is what an anchor's loss counts in that of its unit.
    """

    row: np.ndarray
    unit: np.ndarray
    positives: np.ndarray
    candidates: np.ndarray
    share: float | np.ndarray = 1.0  # one for each, as a column


@dataclass(frozen=True)
class SimilarityReference:
    """A contrastive loss as its literature defines it.

    Parameters
    ----------
    embeddings
        Names of the operands of embeddings, in order; the last of them may be left out where there are three.
    number, scale
        The operand that similarities are scaled with, and `f(number) -> (scale, its derivative)`.
    units
        `f(N) -> units`, where there are no labels; otherwise a unit is a row.
    labels
        The operand of labels, where there may be one.
    memory, memory_labels
        The operands of further rows that anchors are compared with, and of their labels, where there may be some.
    proxies, classes
        Of losses with a proxy of each class: the last of `embeddings`, and the operand of class indices. The option
        `subcenters` is how many proxies a class has.
    positive
        `f(options) -> g`, where g(cosine) is what stands for the cosine with the positive, and its derivative.
    bias, default_bias
        Where every pair of an anchor and a candidate has a loss of its own, a binary cross-entropy of whether it is a
        positive (Zhai et al. 2023): the operand that is added to all similarities. An anchor's loss is the sum.
    anchors
        `f(batch, options) -> Anchors`.
    """

    name: str
    embeddings: tuple[str, ...]
    number: str
    default: float
    scale: Callable[[Any], tuple[Any, Any]]
    units: Callable[[int], int]
    anchors: Callable[..., Anchors]
    labels: str | None = None
    memory: str | None = None
    memory_labels: str | None = None
    proxies: str | None = None
    classes: str | None = None
    positive: Callable[..., Any] | None = None
    bias: str | None = None
    default_bias: float = 0.0
    defaults: Mapping[str, Any] = None
    options: Mapping[str, tuple[Any, ...]] = None
    numbers: tuple[float, ...] = ()  # other values of `number`
    biases: tuple[float, ...] = ()  # and of `bias`
    combined_options: tuple[Mapping[str, Any], ...] = ()
    golden: tuple[SimilarityCase, ...] = ()

    @property
    def rows(self) -> tuple[str, ...]:
        """The operands that are rows of features."""
        return (*self.embeddings, *([self.memory] if self.memory else []))

    @property
    def scalars(self) -> tuple[str, ...]:
        """The operands that are numbers."""
        return (self.number, *([self.bias] if self.bias else []))

    def default_of(self, scalar) -> float:
        """Of an operand that is a number."""
        return self.default if scalar == self.number else self.default_bias

    def option_sets(self) -> list[dict]:
        """The defaults, then each option with each of its other values, then the combinations worth trying."""
        alone = [{name: value} for name, values in self.options.items() for value in values]
        alone += [{self.number: x} for x in self.numbers] + [{self.bias: x} for x in self.biases]
        return [{}, *alone, *map(dict, self.combined_options)]


class Batch:
    """The rows of all operands, one below the other: `rows[name]` are those of an operand."""

    def __init__(self, reference, operands, kept):
        self.samples = len(operands[reference.embeddings[0]])
        self.names = [name for name in reference.rows if name in operands]
        self.rows, first = {}, 0
        for name in self.names:
            count = int(np.prod(np.shape(operands[name])[:-1]))
            self.rows[name] = np.arange(first, first + count)
            first += count
        self.count = first
        labels = [np.asarray(operands[n]) for n in (reference.labels, reference.memory_labels) if n in operands]
        self.labels = np.concatenate([x.astype(object) for x in labels]) if labels else None
        # Rows of units that are masked take no part; further negatives and the memory belong to none.
        self.takes_part = np.ones(first, bool)
        each = len(kept) // max(self.samples, 1) == 2
        paired = [name for name in reference.embeddings[:2] if name in operands and name != reference.proxies]
        for i, name in enumerate(paired):
            self.takes_part[self.rows[name]] = kept.reshape(2, -1)[i] if each else kept
        # Further negatives, where each sample has its own.
        self.classes = None if reference.classes is None else np.asarray(operands[reference.classes])
        self.of_each = len(self.names) > 2 and np.ndim(operands[self.names[2]]) == 3


def log_sum_exp(s, mask):
    """Over the masked entries of each row, minus infinity over none; and the softmax over them."""
    most = np.max(s, axis=1, where=mask, initial=-np.inf, keepdims=True)
    shifted = np.where(mask, s - np.where(np.isfinite(most), most, 0), -np.inf)
    e = np.exp(shifted)
    total = e.sum(axis=1, keepdims=True)
    return (np.log(total) + np.where(np.isfinite(most), most, 0))[:, 0], np.where(
        total > 0, e / np.where(total > 0, total, 1), 0
    )


class SimilarityLoss(Units):
    """The loss of every unit before any reduction, and the way back to the embeddings and the scale.

    `real` is the dtype of it all: float64 for batches that would take minutes otherwise.
    """

    def __init__(self, reference, operands, options=None, *, where=None, real=LONG, ignore_index=-100):
        self.reference, self.operands, self.real, self.ignored = reference, operands, real, ignore_index
        self.given = dict(options or {})
        self.options = {**reference.defaults, **{k: v for k, v in self.given.items() if k not in reference.scalars}}
        number, *bias = (
            self.given.get(name, operands.get(name, reference.default_of(name))) for name in reference.scalars
        )
        dtypes = [np.asarray(operands[name]).dtype for name in reference.rows if name in operands]
        floating = [dtype for dtype in dtypes if dtype.kind not in "biu"]
        wide = dtypes[0].kind in "biu" or np.dtype(np.float64) in floating
        self.dtype = np.dtype(np.float64 if wide else np.float32)
        samples = len(operands[reference.embeddings[0]])
        counted = np.ones(samples, bool)
        if reference.classes is not None:
            counted = np.asarray(operands[reference.classes]) != ignore_index
        units = samples if reference.labels in operands else reference.units(samples)
        kept = np.ones(units, bool) if where is None else leading(where, (units,)).astype(bool)
        if reference.classes is not None:
            kept = kept & counted
        self.samples, self.number, self.bias = samples, real(number), real(*bias)
        with np.errstate(all="ignore"):
            self._evaluate(Batch(reference, operands, kept), units, kept)

    def _evaluate(self, batch, units, kept):
        self.batch = batch
        features = np.shape(self.operands[batch.names[0]])[-1]
        rows = {n: (len(indices), features) for n, indices in batch.rows.items()}
        x = np.concatenate([np.asarray(self.operands[n]).astype(self.real).reshape(rows[n]) for n in batch.names])
        x[~batch.takes_part] = 0
        self.length = np.sqrt((x * x).sum(axis=1, keepdims=True))
        self.z = np.where(self.length == 0, 0, x / np.where(self.length == 0, 1, self.length))
        self.scale, self.scale_slope = self.reference.scale(self.number)
        a = self.reference.anchors(batch, self.options)
        self.cosines = cosines = self.z[a.row] @ self.z.T
        positives, candidates = a.positives & batch.takes_part, a.candidates & batch.takes_part
        if self.options.get("subcenters", 1) > 1:
            nearest = self._nearest_of_each_class(batch, cosines)
            positives, candidates = positives & nearest, candidates & nearest
        cosines, inner = self._transformed(cosines, positives)
        s = self.scale * cosines
        count = positives.sum(axis=1)
        share = np.where(count > 0, 1 / np.maximum(count, 1).astype(self.real), 0)[:, np.newaxis] * positives
        emphasis, emphasis_rounding = self._emphasis(batch, a, positives)
        share = share * emphasis
        if self.reference.bias is None:
            lse, softmax = log_sum_exp(s, candidates)
            losses = lse - np.where(share == 0, 0, share * s).sum(axis=1)
            slopes, sizes = softmax - share, softmax + np.abs(share)
        else:
            side = np.where(positives, -1, 1)
            u = side * (s + self.bias)
            losses = np.where(candidates, np.logaddexp(0, u), 0).sum(axis=1)
            slopes = np.where(candidates, side / (1 + np.exp(-u)), 0)
            sizes = np.abs(slopes)
        base = self.options.get("base_temperature")
        self.factor = 1 if base is None else self.number / self.real(base)
        counts = batch.takes_part[a.row] & (count > 0) & (losses != -np.inf)
        losses = np.where(counts, losses, 0)
        self.anchors, self.slopes, self.sizes = a, slopes * inner, sizes * np.maximum(1, np.abs(inner))
        self.in_scale = slopes * cosines
        self.counts = kept.copy()
        self.counts[np.setdiff1d(np.arange(units), a.unit)] = False
        self.counts[a.unit[~counts]] = False
        self.values = np.zeros(units, self.real)
        np.add.at(self.values, a.unit, np.ravel(a.share) * self.factor * losses)
        self.values = np.where(self.counts, self.values, 0)
        # A similarity is rounded relative to the scale, and by as much more as what stands for a cosine is steeper.
        rounding = (1 + 2 * np.abs(self.scale) + np.abs(self.bias)) * emphasis_rounding
        steepness = np.maximum(1, np.abs(inner).max(axis=1, initial=0))
        self.rounding = rounding * steepness[:, np.newaxis]
        steepest = np.ones(units, self.real)
        np.maximum.at(steepest, a.unit, steepness)
        self.magnitudes = np.abs(self.values) + np.abs(self.factor) * rounding * steepest
        self.terms = {None: np.ones(units, LONG), "weight": np.ones(units, LONG)}

    def _nearest_of_each_class(self, batch, cosines):
        """A mask of the proxies: of each class the first of those that are most like the anchor."""
        columns = batch.rows[self.reference.proxies]
        groups = cosines[:, columns].reshape(len(cosines), -1, self.options["subcenters"])
        nearest = groups.argmax(axis=2)[:, :, np.newaxis] == np.arange(groups.shape[2])
        mask = np.zeros(cosines.shape, bool)
        mask[:, columns] = nearest.reshape(len(cosines), -1)
        return mask

    def _transformed(self, cosines, positives):
        """The cosines, with what stands for those with positives in their place; and how they change with them."""
        if self.reference.positive is None:
            return cosines, np.ones_like(cosines)
        value, slope = self.reference.positive(self.options)(np.where(positives, cosines, 0.5))
        return np.where(positives, value, cosines), np.where(positives, slope, 1)

    def _emphasis(self, batch, a, positives):
        """Weights of positives by their cosines (Yeh et al. 2022), which have no derivative; and their rounding."""
        sigma = self.options.get("sigma")
        if sigma is None:
            return 1, 1
        cosine = (self.cosines * positives).sum(axis=1)
        there = batch.takes_part[a.row] & positives.any(axis=1)
        e = np.exp(cosine / self.real(sigma))
        ratio = e / e[there].mean()
        return (2 - ratio)[:, np.newaxis], 1 + (2 + ratio[there].max(initial=0)) / self.real(sigma)

    def _pulled(self, flow, slopes):
        """What flows into the cosine of each anchor with each row, over the scale."""
        flow = flow.astype(self.real)[self.anchors.unit, np.newaxis]
        return self.factor * flow * np.asarray(self.anchors.share, self.real) * slopes

    def _at_either_end(self, g, z):
        """What flows into the rows, of what flows into their cosines."""
        rows = g.T @ z[self.anchors.row]
        np.add.at(rows, self.anchors.row, g @ z)
        return rows

    def pull_back(self, flow):
        """Through the cosines and the lengths."""
        flow = np.where(self.counts, np.broadcast_to(flow, self.values.shape), 0)
        g, size = self._pulled(flow, self.slopes), self._pulled(np.abs(flow), self.sizes) * self.rounding
        own, own_size = self._at_either_end(g, self.z), self._at_either_end(size, np.abs(self.z))
        along = (own * self.z).sum(axis=1, keepdims=True)
        length = np.where(self.length == 0, 1, self.length)
        by_length = np.where(self.length == 0, 0, self.scale / length)
        gradient = by_length * (own - self.z * along)
        whole = np.abs(by_length) * (own_size + np.abs(self.z) * (own_size * np.abs(self.z)).sum(axis=1, keepdims=True))
        shapes = {name: np.shape(self.operands[name]) for name in self.batch.rows}
        found = {
            name: Sized(gradient[rows].reshape(shapes[name]), whole[rows].reshape(shapes[name]))
            for name, rows in self.batch.rows.items()
        }
        by_scale = self._pulled(flow, self.in_scale).sum() * self.scale_slope
        by_scale_size = (size * (1 + np.abs(self.cosines))).sum() * np.abs(self.scale_slope)
        if self.options.get("base_temperature") is not None:
            by_scale = by_scale + (flow * self.values).sum() / self.number
            by_scale_size = by_scale_size + (np.abs(flow) * self.magnitudes).sum() / self.number
        found[self.reference.number] = Sized(by_scale, by_scale_size)
        if self.reference.bias is not None:
            found[self.reference.bias] = Sized(g.sum(), size.sum())
        return found

    def _denominator(self, reduction, normalizer, s, counts):
        """A batch is of samples, of which each may be two units."""
        if reduction == "batchmean":
            return LONG(self.samples), None
        return super()._denominator(reduction, normalizer, s, counts)

    def masked(self, where):
        """The loss of the units that are left."""
        given = {"where": where, "real": self.real, "ignore_index": self.ignored}
        return SimilarityLoss(self.reference, self.operands, self.given, **given)

    def reduce(self, reduction="mean", *, where=None, **arguments):
        """Whoever is masked is nobody's negative."""
        if where is not None:
            return self.masked(where).reduce(reduction, **arguments)
        return super().reduce(reduction, **arguments)

    def statistics(self, *, where=None, **arguments):
        """The same."""
        if where is not None:
            return self.masked(where).statistics(**arguments)
        return super().statistics(**arguments)
