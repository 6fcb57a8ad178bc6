"""What a loss of regions adds to the tests: its index, a function of the sums of a unit, and what to feed it.

What sums are of (samples, classes and pixels), softmax and sigmoid, masks, absent classes and the way back to the
operands are here, once for all losses, in `numpy.longdouble`. What a loss adds is `index`: one minus the index, and
the derivatives of the index in the sums I, P and T.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from references.units import LONG, Sized, Units, leading, times

DEFAULT = "default"  # an `axis` that is not given
# A step in a sum, relative to its size, for the question how much a result moves with it.
STEP = LONG(2) ** -20
LEAST_INDEX = LONG(1e-7)  # that a logarithm is taken of


class Sums(NamedTuple):
    """Of a unit: the intersection, what is predicted, what is true, and how many pixels there are."""

    i: np.ndarray
    p: np.ndarray
    t: np.ndarray
    n: np.ndarray

    def each(self, change) -> Sums:
        """The same change of every sum."""
        return Sums(*map(change, self))


class Index(NamedTuple):
    """By how much an index of overlap is below 1, and its derivatives in I, P and T."""

    missing: np.ndarray
    of_i: np.ndarray
    of_p: np.ndarray
    of_t: np.ndarray


class Head(NamedTuple):
    """A loss, and its derivatives in I, P and T."""

    value: np.ndarray
    of_i: np.ndarray
    of_p: np.ndarray
    of_t: np.ndarray


def ratio(sums, numerator, denominator, smooth) -> Index:
    """The index (a I + s) / (b I + c P + d T + s), of a and (b, c, d); 0 / 0 is 1, without a slope."""
    b, c, d = denominator
    with np.errstate(all="ignore"):
        above, below = numerator * sums.i + smooth, b * sums.i + c * sums.p + d * sums.t + smooth
        missing = ((b - numerator) * sums.i + c * sums.p + d * sums.t) / below
        index = above / below
        slopes = (numerator - index * b) / below, -index * c / below, -index * d / below
    nothing = (above == 0) & (below == 0)
    return Index(*(np.where(nothing, 0, x) for x in (missing, *slopes)))


def one_minus(index, log_loss=False, **options) -> Head:
    """1 - index, or the logarithm of its inverse."""
    if not log_loss:
        return Head(index.missing, -index.of_i, -index.of_p, -index.of_t)
    found = 1 - index.missing
    low = found < LEAST_INDEX
    with np.errstate(all="ignore"):
        value = np.where(low, -np.log(LEAST_INDEX), -np.log1p(-index.missing))
        return Head(value, *(np.where(low, 0, -slope / found) for slope in index[1:]))


@dataclass(frozen=True)
class RegionCase:
    """Operands, keywords, and the value that is known for them, right to ten decimals."""

    operands: tuple[Any, ...]
    keywords: Mapping[str, Any]
    value: Any


@dataclass(frozen=True)
class RegionReference:
    """A loss of regions as its literature defines it.

    Parameters
    ----------
    index
        `f(sums, **options) -> Index`.
    head
        `f(index, **options) -> Head`.
    class_weights
        `f(t, **options)`: what the sums of classes, which are on axis 1 of `t`, are multiplied with before they are
        added up; None: each class has an index of its own.
    """

    name: str
    index: Callable[..., Index]
    defaults: Mapping[str, Any]
    options: Mapping[str, tuple[Any, ...]]
    head: Callable[..., Head] = one_minus
    class_weights: Callable[..., np.ndarray] | None = None
    combined_options: tuple[Mapping[str, Any], ...] = ()
    golden: tuple[RegionCase, ...] = ()

    @property
    def operands(self) -> tuple[str, ...]:
        """Where classes have one index, none has a weight."""
        return ("input", "target") if self.class_weights else ("input", "target", "weight")

    def option_sets(self) -> list[dict]:
        """The defaults, then each option with each of its other values, then the combinations worth trying."""
        alone = ({name: value} for name, values in self.options.items() for value in values)
        return [{}, *alone, *map(dict, self.combined_options)]


class Layout:
    """Where the samples, classes and pixels of an input are."""

    def __init__(self, shape, axis=DEFAULT):
        rank = len(shape)
        if axis == DEFAULT:
            axis = 1 if rank >= 3 else None
        self.shape, self.axis = shape, None if axis is None else axis % rank
        self.has_samples = rank >= 2 if self.axis is None else self.axis > 0
        self.of_pixels = shape if self.axis is None else (*shape[: self.axis], *shape[self.axis + 1 :])
        self.samples = shape[0] if self.has_samples else 1
        self.classes = 1 if self.axis is None else shape[self.axis]
        self.pixels = int(np.prod(self.of_pixels[int(self.has_samples) :]))

    def arrange(self, x):
        """Numbers of every class, as (samples, classes, pixels)."""
        if self.axis is not None:
            x = np.moveaxis(x, self.axis, int(self.has_samples))
        return x.reshape(self.samples, self.classes, self.pixels)

    def arrange_pixels(self, x):
        """Numbers that the classes of a pixel share."""
        return np.broadcast_to(x.reshape(self.samples, 1, self.pixels), (self.samples, self.classes, self.pixels))

    def arrange_mask(self, where):
        """Of the input's rank it has classes; of less it is aligned to the leading axes of the pixels."""
        where = np.asarray(where)
        if where.ndim == len(self.shape):
            return self.arrange(np.broadcast_to(where, self.shape))
        return self.arrange_pixels(leading(where, self.of_pixels))

    def back(self, x):
        """From (samples, classes, pixels) to the input's shape."""
        if self.axis is None:
            return x.reshape(self.shape)
        moved = (*self.of_pixels[: int(self.has_samples)], self.classes, *self.of_pixels[int(self.has_samples) :])
        return np.moveaxis(x.reshape(moved), int(self.has_samples), self.axis)


def activation_of(from_logits, layout, has_indices) -> str | None:
    """What makes probabilities of the input; True leaves no choice open."""
    if from_logits is not True:
        return from_logits or None
    if has_indices and layout.classes != 1:
        return "softmax"
    assert layout.classes == 1, "from_logits=True does not say which"
    return "sigmoid"


class RegionLoss(Units):
    """The loss of every unit before any reduction, and the way back to the input and to a target that is floating."""

    def __init__(self, reference, operands, options=None, *, axis=DEFAULT, where=None, ignore_index=-100):
        self.reference, self.operands, self.given = reference, operands, dict(options or {})
        self.axis, self.ignore_index = axis, ignore_index
        self.options = {
            name: LONG(x) if isinstance(x, float) else x for name, x in {**reference.defaults, **self.given}.items()
        }
        self.layout = layout = Layout(np.shape(operands["input"]), axis)
        self.samples = layout.samples
        with np.errstate(all="ignore"):
            self._read(True if where is None else where)
            self._sum()
            self._evaluate()

    def _read(self, where):
        """Probabilities and targets, 0 where they do not count, and what depends on a softmax of which."""
        layout, options = self.layout, self.options
        input, target = (np.asarray(self.operands[name]) for name in ("input", "target"))
        has_indices = layout.axis is not None and target.ndim == input.ndim - 1
        ignored = (target == self.ignore_index) if target.dtype.kind in "biu" else np.zeros(target.shape, bool)
        if has_indices:
            labels, ignored = layout.arrange_pixels(target), layout.arrange_pixels(ignored)
            t = labels == np.arange(layout.classes)[:, np.newaxis]
        else:
            t, ignored = layout.arrange(target), layout.arrange(ignored)
        counts = layout.arrange_mask(where) & ~ignored
        if not options["include_background"]:
            counts[:, 0] = False
        self.activation = activation_of(options["from_logits"], layout, has_indices)
        softmax = self.activation == "softmax"
        self.read = np.broadcast_to(counts.any(axis=1, keepdims=True), counts.shape) if softmax else counts
        x = np.where(self.read, layout.arrange(input).astype(LONG), 0)
        self.counts_pixel = counts
        self.t = np.where(counts, t.astype(LONG), 0)
        self.soft_target = not has_indices and target.dtype.kind not in "biu"
        if softmax:
            e = np.exp(x - np.max(x, axis=1, keepdims=True, initial=-np.inf))
            self.p = e / e.sum(axis=1, keepdims=True)
        elif self.activation == "sigmoid":
            e = np.exp(-np.abs(x))
            self.p, self.slope = np.where(x < 0, e, 1) / (1 + e), e / (1 + e) ** 2
        else:
            self.p, self.slope = x, np.ones_like(x)

    def _sum(self):
        """The sums of every cell and of the absolute numbers, and what a place adds to them with its probability."""
        p, t, w = self.p, self.t, self.counts_pixel
        ones = np.ones_like(p)
        if self.options.get("squared"):
            predicted, true, self.p_of_p, self.t_of_t = p * p, t * t, 2 * p, 2 * t
        else:
            predicted, true, self.p_of_p, self.t_of_t = p, t, ones, ones
        if self.options.get("intersection") == "l1":
            common, sign = (p + t - np.abs(p - t)) / 2, np.sign(p - t)
            size = (np.abs(p) + np.abs(t) + np.abs(p - t)) / 2
            self.i_of_p, self.i_of_t = (1 - sign) / 2, (1 + sign) / 2
        else:
            common, size, self.i_of_p, self.i_of_t = p * t, np.abs(p * t), t, p
        # What the rounding of a place's slopes is measured by.
        self.i_of_p_size, self.i_of_t_size = np.abs(self.i_of_p), np.abs(self.i_of_t)
        self.cells = Sums(*(times(w, x).sum(axis=2) for x in (common, predicted, true, ones)))
        self.sizes = Sums(*(times(w, x).sum(axis=2) for x in (size, np.abs(predicted), np.abs(true), 0 * ones)))

    def _units_of(self, sums):
        """From the sums of cells to those of units."""
        if not self.options["include_background"]:
            sums = sums.each(lambda x: x[:, 1:])
        if self.options["batch"]:
            sums = sums.each(lambda x: x.sum(axis=0, keepdims=True))
        if self.reference.class_weights is not None:
            weighted = sums.each(lambda x: times(self.class_weights, x))
            sums = weighted._replace(n=sums.n)
        return sums.each(lambda x: x.sum(axis=1, keepdims=True)) if self.merges else sums

    def _evaluate(self):
        """Values and slopes of units, with what they move by where a sum moves by one of its roundings."""
        options, reference = self.options, self.reference
        self.merges = reference.class_weights is not None or options["merge_classes"]
        if reference.class_weights is not None:
            t = self.cells.t if options["include_background"] else self.cells.t[:, 1:]
            t = t.sum(axis=0, keepdims=True) if options["batch"] else t
            self.class_weights = reference.class_weights(t, **options)
        sums, sizes = self._units_of(self.cells), self._units_of(self.sizes)
        if reference.class_weights is not None:
            sizes = sizes.each(lambda x: 3 * x)  # a weight has twice the error of T
        head = self._head(sums)
        moved = [self._moved(sums, sizes, head, k) for k in range(3)]
        sensitive = [sum(x) for x in zip(*moved, strict=True)]
        absent = (sums.t == 0) if options.get("absent") in ("zero", "skip") else np.zeros(sums.t.shape, bool)
        if reference.class_weights is not None:
            absent[:] = False
        self.slopes = [np.where(absent, 0, x) for x in head[1:]]
        self.slope_errors = [np.where(absent, 0, np.abs(x) + e) for x, e in zip(head[1:], sensitive[1:], strict=True)]
        weight = np.ones(sums.t.shape, LONG)
        if self.operands.get("weight") is not None:
            given = np.asarray(self.operands["weight"]).astype(LONG)
            given = np.broadcast_to(given, (self.layout.classes,))
            weight = np.broadcast_to(given if options["include_background"] else given[1:], weight.shape)
        self.weight = weight
        shape = self._shape(weight.shape)
        self.values = times(weight, np.where(absent, 0, head.value)).reshape(shape)
        self.magnitudes = times(np.abs(weight), np.where(absent, 0, np.abs(head.value) + sensitive[0])).reshape(shape)
        self.counts = ((sums.n > 0) & ~(absent & (options.get("absent") == "skip"))).reshape(shape)
        self.terms = {None: weight.reshape(shape), "weight": weight.reshape(shape)}

    def _shape(self, inner):
        """That of the units: without the samples or the classes where these are one sum, or no axis at all."""
        samples, classes = inner
        has_samples = self.layout.has_samples and not self.options["batch"]
        has_classes = self.layout.axis is not None and not self.merges
        return (*((samples,) if has_samples else ()), *((classes,) if has_classes else ()))

    def _head(self, sums):
        return self.reference.head(self.reference.index(sums, **self.options), **self.options)

    def _moved(self, sums, sizes, head, k):
        """By how much each part of the head moves, relative to the step, where sum k does, to a possible side."""

        def to(side):
            changed = list(sums)
            changed[k] = sums[k] + side * STEP * sizes[k]
            return self._head(Sums(*changed))

        moved = [[np.abs(after - x) / STEP for after, x in zip(to(side), head, strict=True)] for side in (1, -1)]
        return [np.fmax(up, down) for up, down in zip(*moved, strict=True)]

    def _of_cells(self, x):
        """What belongs to units, for each of their cells."""
        layout = self.layout
        first = 0 if self.options["include_background"] else 1
        x = np.broadcast_to(x, (layout.samples, layout.classes - first))
        if self.reference.class_weights is not None:
            x = times(x, np.broadcast_to(self.class_weights, x.shape))
        return np.concatenate([np.zeros((layout.samples, first), LONG), x], axis=1)[..., np.newaxis]

    def pull_back(self, flow):
        """Through the sums, and sigmoid or softmax."""
        with np.errstate(all="ignore"):
            flow = times(np.reshape(flow, self.weight.shape), self.weight)
            of_i, of_p, of_t = (self._of_cells(times(flow, x)) for x in self.slopes)
            room_i, room_p, room_t = (self._of_cells(times(np.abs(flow), x)) for x in self.slope_errors)
            w = self.counts_pixel
            g = times(w, times(of_i, self.i_of_p) + times(of_p, self.p_of_p))
            size = times(w, times(room_i, self.i_of_p_size) + times(room_p, np.abs(self.p_of_p)))
            found = {"input": self._through_activation(g, size)}
            if self.soft_target:
                g = times(w, times(of_i, self.i_of_t) + times(of_t, self.t_of_t))
                size = times(w, times(room_i, self.i_of_t_size) + times(room_t, np.abs(self.t_of_t)))
                found["target"] = Sized(self.layout.back(g), self.layout.back(size))
            return found

    def _through_activation(self, g, size):
        if self.activation == "softmax":
            silent = ~np.any(g != 0, axis=1, keepdims=True)
            inner = times(g, self.p).sum(axis=1, keepdims=True)
            inner_size = times(size, self.p).sum(axis=1, keepdims=True)
            g = np.where(self.read & ~silent, self.p * (g - inner), 0)
            size = np.where(self.read, 4 * self.p * (size + inner_size), 0)
        else:
            g, size = times(g, self.slope), 4 * times(size, self.slope)
        return Sized(self.layout.back(g), self.layout.back(size))

    def masked(self, where):
        """The same loss of the pixels that are left."""
        return RegionLoss(
            self.reference, self.operands, self.given, axis=self.axis, where=where, ignore_index=self.ignore_index
        )

    def reduce(self, reduction="mean", *, where=None, **arguments):
        """A mask is of pixels, and so decides about sums."""
        if where is not None:
            return self.masked(where).reduce(reduction, **arguments)
        return super().reduce(reduction, **arguments)

    def statistics(self, *, where=None, **arguments):
        """The same."""
        if where is not None:
            return self.masked(where).statistics(**arguments)
        return super().statistics(**arguments)

    def _denominator(self, reduction, normalizer, s, counts):
        """There are as many samples as the input has, whatever becomes of them."""
        if reduction == "batchmean":
            return LONG(self.samples), None
        return super()._denominator(reduction, normalizer, s, counts)
