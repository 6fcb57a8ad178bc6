"""Contrastive losses, whose units are compared with one another."""

from __future__ import annotations

import numpy as np

from engines.adapter import FLOATS, INTEGERS, Adapter, Shape
from references import SIMILARITY_REFERENCES, similarity
from references.similarity_schema import SimilarityLoss

NEGATIVES = 5
MEMORY = 9


class Similarity(Adapter):
    """A unit is a sample with so many features, or one of its two views: then input's rows are half of the units."""

    # Of one block of rows and of several, more features than a pack has lanes and fewer.
    shapes = (Shape((12,), 7), Shape((140,), 33), Shape((260,), 2), Shape((16,), 70))
    large_shapes = (Shape((2_400,), 40), Shape((1_100,), 300))
    empty_shapes = (Shape((0,), 3), Shape((0,), 1))
    units_are_apart = False

    @classmethod
    def of(cls, loss):
        """One way, with or without further negatives; with those of each sample; or two views, or labels."""
        if loss not in SIMILARITY_REFERENCES:
            return []
        reference = SIMILARITY_REFERENCES[loss]
        if reference.proxies:
            return [cls(loss, "proxies")]
        takes_both = reference.labels is not None and len(reference.embeddings) > 1
        first = [cls(loss, "views"), cls(loss, "labels")] if takes_both else [cls(loss)]
        more = [cls(loss, "negatives of each")] if len(reference.embeddings) > 2 else []
        return [*first, *more, *([cls(loss, "memory")] if reference.memory else [])]

    @property
    def reference(self):
        """What the loss is."""
        return SIMILARITY_REFERENCES[self.loss]

    @property
    def of_any_length(self):
        """Further negatives, unless each sample has its own; the memory; and proxies."""
        names = {"": ("negative",), "memory": ("memory", "memory_labels"), "proxies": (self.reference.proxies,)}
        return frozenset(names.get(self.kind, ()))

    @property
    def labels(self):
        """Class indices, of which one is ignored."""
        return self.reference.classes

    @property
    def integers(self):
        """Operands that are labels or class indices."""
        return (self.reference.labels, self.reference.memory_labels, self.reference.classes)

    @property
    def has_labels(self):
        """Positives are rows of one label."""
        return self.kind in ("labels", "memory") or len(self.reference.embeddings) == 1

    @property
    def has_views(self):
        """Two units share a sample."""
        return not self.has_labels and self.reference.units(1) == 2

    @property
    def stands_for_others(self):
        """One loss of two sets, and one of one set."""
        return (self.loss, self.kind) == ("info_nce_loss", "") or self.kind == "views"

    def shape_of(self, count, width):
        """Views come in pairs."""
        return Shape((count + count % 2 if self.has_views else count,), width)

    def presences(self):
        """Further negatives may be left out. The scale is tried as an option."""
        first, *others = self.reference.embeddings
        if self.kind == "negatives of each":
            return [(first, *others)]
        if self.kind == "proxies":
            return [(first, *others, self.reference.classes)]
        if self.has_labels:
            memory = (self.reference.memory, self.reference.memory_labels) if self.kind == "memory" else ()
            return [(first, self.reference.labels, *memory)]
        return [(first, *others[:n]) for n in range(1, len(others) + 1)]

    def option_sets(self):
        """Those of the reference."""
        return self.reference.option_sets()

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Positives that are near their rows, or labels."""
        (units,) = shape.units
        negatives = NEGATIVES if present is None or "negative" in present else None
        samples = (units + 1) // 2 if self.has_views else units
        return similarity.draw(
            self.reference,
            rng,
            samples,
            shape.width,
            dtype,
            negatives=negatives,
            labels=self.has_labels,
            of_each=self.kind == "negatives of each",
            memory=MEMORY if self.kind == "memory" else None,
        )

    def draw_as(self, rng, shape, dtypes):
        """Halves, of which no row is 0; labels stay integers."""
        operands = self.draw(rng, shape, np.float32)
        for name, x in operands.items():
            dtype = dtypes[name]
            if name in self.integers:
                if dtype in INTEGERS and dtype.kind != "b":
                    operands[name] = x.astype(dtype)
            elif dtype in FLOATS:
                operands[name] = (rng.integers(1, 9, x.shape) * 0.5).astype(dtype)
            else:
                operands[name] = rng.integers(0, 2, x.shape).astype(dtype)
        return operands

    def computation(self, operands):
        """That of the widest floating embeddings; float64 where the first are integers."""
        return SimilarityLoss(self.reference, operands).dtype

    def wrt(self, operands):
        """All embeddings."""
        return tuple(name for name in self.reference.embeddings if name in operands)

    def exact(self, operands, options=None, **of_units):
        """The loss of each unit."""
        return SimilarityLoss(self.reference, operands, options, **of_units)

    def is_shared(self, name):
        """Further negatives belong to all, unless each sample has its own; and so does the memory."""
        return name in self.of_any_length

    def of_units(self, name, x, chosen):
        """The first half of the views are rows of the first operand."""
        if not self.has_views:
            return x, chosen
        return x, chosen.reshape(2, -1)[self.reference.embeddings.index(name)]

    def repeated(self, operands, index):
        """Samples that lie at these places, of which there may be half as many as units."""
        if self.has_views and not isinstance(index, slice):
            index = index[: len(index) // 2] % len(operands[self.reference.embeddings[0]])
        return super().repeated(operands, index)

    def room(self, exact, magnitude, dtype, scale):
        """By what was rounded on the way to each number, relative to the largest of an array."""
        most = np.max(np.nan_to_num(magnitude), initial=0)
        return 8 * np.finfo(dtype).eps * (np.abs(exact) + most) + np.finfo(dtype).smallest_normal
