"""References of sums of two losses of logits and regions: the Dice loss, and one of pixels.

Each part is the reference of the loss that it is, called by itself: with a softmax that of rows of class scores, with a
sigmoid that of elements. MONAI's DiceCELoss and DiceFocalLoss are of this kind; Taghanaki et al. (2019), Isensee et al.
(2021), Zhu et al. (2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from references.binary import BINARY_CROSS_ENTROPY_WITH_LOGITS
from references.focal import SIGMOID_FOCAL
from references.reductions import Unreduced
from references.regions import ABSENT, COMMON, INTERSECTION, MERGE, REGION_REFERENCES, SMOOTH, SQUARED, options
from references.regions_schema import DEFAULT, Layout, RegionCase, RegionLoss, activation_of
from references.row_reductions import RowLoss
from references.rows_schema import RowReference
from references.schema import Reference
from references.softmax import CROSS_ENTROPY
from references.softmax_losses import SOFTMAX_FOCAL
from references.units import LONG, Reduced, Sized, times

DICE = next(reference for reference in REGION_REFERENCES if reference.name == "dice_loss")
SHARED = tuple(name for name in DICE.defaults if name != "log_loss")  # the options that reach the Dice part
# The difference of a probability and its target is rounded as these are.
OF_ELEMENTS = 6


@dataclass(frozen=True)
class CompoundReference:
    """A loss that is the sum of two, as they are called by themselves.

    Parameters
    ----------
    of_rows, of_elements
        The loss of the pixels under a softmax and under a sigmoid.
    own
        Its options, and those that it is called with in any case.
    part_weight
        The option that multiplies it.
    """

    name: str
    of_rows: RowReference
    of_elements: Reference
    own: tuple[str, ...]
    fixed: Mapping[str, Mapping[str, Any]]
    part_weight: str
    defaults: Mapping[str, Any]
    options: Mapping[str, tuple[Any, ...]]
    combined_options: tuple[Mapping[str, Any], ...] = ()
    golden: tuple[RegionCase, ...] = ()
    operands: tuple[str, ...] = ("input", "target", "weight")

    def option_sets(self) -> list[dict]:
        """The defaults, then each option with each of its other values, then the combinations worth trying."""
        alone = ({name: value} for name, values in self.options.items() for value in values)
        return [{}, *alone, *map(dict, self.combined_options)]


class CompoundLoss:
    """Two losses, each of which reduces itself, and their sum."""

    def __init__(self, reference, operands, options=None, *, axis=DEFAULT, where=None, ignore_index=-100):
        self.reference, self.operands, self.given = reference, operands, dict(options or {})
        self.axis, self.ignore_index = axis, ignore_index
        self.options = {**reference.defaults, **self.given}
        self.layout = layout = Layout(np.shape(operands["input"]), axis)
        target = np.asarray(operands["target"])
        self.has_indices = layout.axis is not None and target.ndim == np.ndim(operands["input"]) - 1
        self.soft_target = not self.has_indices and target.dtype.kind not in "biu"
        self.activation = activation_of(self.options["from_logits"], layout, self.has_indices)
        dice = {name: self.options[name] for name in SHARED} | {"from_logits": self.activation}
        kept, ignored = (True if where is None else where), self._ignored(target)
        self.dice = RegionLoss(
            DICE, operands, dice, axis=axis, where=self._left(kept, ignored), ignore_index=ignore_index
        )
        self.of_pixels = self._rows(kept, ignored) if self.activation == "softmax" else self._elements(kept, ignored)
        self.weights = LONG(self.options["dice_weight"]), LONG(self.options[reference.part_weight])

    def _ignored(self, target):
        """Of pixels under a softmax, which its classes share, and else of places."""
        if target.dtype.kind not in "biu":
            return np.zeros(target.shape, bool)
        ignored = target == self.ignore_index
        if not self.has_indices and self.activation == "softmax":
            ignored = ignored.any(axis=self.layout.axis)
        return ignored

    def _left(self, kept, ignored):
        """The mask of the pixels, or places, that are neither masked nor ignored."""
        layout = self.layout
        of_places = ignored.shape == layout.shape
        ignored = layout.arrange(ignored) if of_places else layout.arrange_pixels(ignored)
        return layout.back(layout.arrange_mask(kept) & ~ignored)

    def _own(self):
        return {name: self.options[name] for name in self.reference.own} | self.reference.fixed[self.activation]

    def _rows(self, kept, ignored):
        """A mask that is one of the input's shape has the same for all classes of a pixel."""
        target, axis = np.asarray(self.operands["target"]), self.layout.axis
        target = target if self.has_indices else target.astype(np.result_type(target, np.float32))
        left = self._left(kept, ignored).take(0, axis) if self.layout.classes else np.zeros(self.layout.of_pixels, bool)
        operands = {**self.operands, "target": target}
        return RowLoss(
            self.reference.of_rows, operands, self._own(), axis=axis, ignore_index=self.ignore_index, where=left
        )

    def _elements(self, kept, ignored):
        """Class indices are one-hot, and the weights of classes those of elements."""
        layout, target = self.layout, np.asarray(self.operands["target"])
        if self.has_indices:
            hot = layout.arrange_pixels(target) == np.arange(layout.classes)[:, np.newaxis]
            target = layout.back(hot)
        left = self._left(kept, ignored)
        operands = {"input": self.operands["input"], "target": np.where(left, target, 0)}
        if self.operands.get("weight") is not None:
            weight = np.broadcast_to(np.asarray(self.operands["weight"]), (layout.classes,))
            whole = np.broadcast_to(weight[:, np.newaxis], (layout.samples, layout.classes, layout.pixels))
            operands["weight"] = layout.back(whole)
        found = Unreduced(self.reference.of_elements, operands, self._own())
        found.counts = left
        return found

    @property
    def weighted(self):
        """The shape of the samples, unless they are all one."""
        if self.options["batch"]:
            return None
        return (self.layout.samples,) if self.layout.has_samples else ()

    def masked(self, where):
        """The same loss of the pixels that are left."""
        return CompoundLoss(
            self.reference, self.operands, self.given, axis=self.axis, where=where, ignore_index=self.ignore_index
        )

    def reduce(self, reduction="mean", *, where=None, **arguments) -> Reduced:
        """Each part by itself; one that has no weight has no part in anything."""
        assert reduction != "none"
        if where is not None:
            return self.masked(where).reduce(reduction, **arguments)
        parts = [self.dice.reduce(reduction, **arguments), self._of_pixels(reduction, **arguments)]
        names = ["input", *(["target"] if self.soft_target else [])]
        gradients = {name: self._sum([self._sized(part, name) for part in parts]) for name in names}
        value = self._sum([Sized(part.value, part.magnitudes["value"]) for part in parts])
        magnitudes = {"value": value.magnitude} | {name: g.magnitude for name, g in gradients.items()}
        exact = {name: g.exact for name, g in gradients.items()}
        return Reduced(value.exact, exact, None, lambda vector: None, lambda vector: None, magnitudes)

    def _of_pixels(self, reduction, **arguments):
        """All pixels are of one sample where there is no axis of samples."""
        one_sample = reduction == "batchmean" and not self.layout.has_samples
        return self.of_pixels.reduce("sum" if one_sample else reduction, **arguments)

    def _sized(self, part, name):
        """Of elements, whose errors are relative to the numbers that they are differences of, as large as any."""
        size = part.magnitudes[name]
        if self.activation == "sigmoid":
            size = size + OF_ELEMENTS * np.max(np.nan_to_num(size), initial=0)
        return Sized(part.gradients[name], size)

    def _sum(self, parts):
        with np.errstate(all="ignore"):
            scaled = [
                Sized(times(w, part.exact), times(w, part.magnitude))
                for w, part in zip(self.weights, parts, strict=True)
            ]
            return scaled[0] + scaled[1]

    def statistics(self, *, where=None, **arguments):
        """There is one number, and nothing that it is a sum of."""
        if where is not None:
            return self.masked(where).statistics(**arguments)
        denominators = [part.statistics(**arguments)[1] for part in (self.dice, self.of_pixels)]
        if not any(denominators):
            return Sized(LONG(0), LONG(0)), LONG(0)
        found = self.reduce("mean", **arguments)
        return Sized(found.value, found.magnitudes["value"]), LONG(1)


LOGITS = {**COMMON, "from_logits": (True, ("sigmoid", "softmax"))}
WEIGHT_OF_DICE = {"dice_weight": (1.0, (0.0, 0.25))}

# Probabilities 0.9, 0.8, 0.8 and 0.9 of what is true, by logits of two classes and of one: S26 has the index 0.85.
P = np.array([0.9, 0.8, 0.2, 0.1])
FOUR = (tuple(np.log(P / (1 - P))), (1, 1, 0, 0))
PAIR = (np.log(np.stack([P, 1 - P]))[np.newaxis], np.array([[0, 0, 1, 1]]))
TWO = (np.log(np.stack([P / (1 - P), (1 - P) / P]))[np.newaxis], np.array([[0, 0, 1, 1]]))
PAIR_SOFT = (PAIR[0], np.array([[[1.0, 1, 0, 0], [0, 0, 1, 1]]]))
NATS = -(np.log(0.9) + np.log(0.8)) / 2
FOCAL_NATS = -(0.01 * np.log(0.9) + 0.04 * np.log(0.8)) / 2
# Weights 1 and 3 of the classes: one of each class has 0.9, one 0.8.
WEIGHTED = (*PAIR, np.array([1.0, 3.0]))
WEIGHTED_SOFT = (*PAIR_SOFT, np.array([1.0, 3.0]))

COMPOUND_REFERENCES = (
    CompoundReference(
        name="dice_ce_loss",
        of_rows=CROSS_ENTROPY,
        of_elements=BINARY_CROSS_ENTROPY_WITH_LOGITS,
        own=(),
        fixed={"softmax": {}, "sigmoid": {}},
        part_weight="ce_weight",
        **options(
            LOGITS, MERGE, SQUARED, INTERSECTION, SMOOTH, ABSENT, WEIGHT_OF_DICE, {"ce_weight": (1.0, (0.0, 2.5))}
        ),
        combined_options=(
            {"from_logits": "sigmoid", "batch": True, "include_background": False, "ce_weight": 0.5},
            {"squared": True, "merge_classes": True, "batch": True, "smooth": 1.0},
            {"dice_weight": 0.0, "ce_weight": 0.0},
        ),
        golden=(
            RegionCase(FOUR, {"smooth": 0.0}, 0.15 + NATS),
            RegionCase(PAIR, {"smooth": 0.0}, 0.15 + NATS),
            RegionCase(PAIR, {"smooth": 0.0, "dice_weight": 0.5, "ce_weight": 2.0}, 0.075 + 2 * NATS),
            RegionCase(PAIR_SOFT, {"smooth": 0.0, "from_logits": "softmax"}, 0.15 + NATS),
            RegionCase(WEIGHTED, {"smooth": 0.0}, 0.15 + NATS),  # both means are over the weights
            RegionCase(WEIGHTED_SOFT, {"smooth": 0.0, "from_logits": "softmax"}, 0.15 + 2 * NATS),  # over the pixels
            RegionCase((*TWO, np.array([1.0, 3.0])), {"smooth": 0.0, "from_logits": "sigmoid"}, 0.15 + 2 * NATS),
        ),
    ),
    CompoundReference(
        name="dice_focal_loss",
        of_rows=SOFTMAX_FOCAL,
        of_elements=replace(
            SIGMOID_FOCAL,
            operands=(*SIGMOID_FOCAL.operands, BINARY_CROSS_ENTROPY_WITH_LOGITS.operand("weight")),
        ),
        own=("gamma",),
        fixed={"softmax": {"alpha": None}, "sigmoid": {"alpha": -1.0}},
        part_weight="focal_weight",
        **options(
            LOGITS,
            MERGE,
            SQUARED,
            INTERSECTION,
            SMOOTH,
            ABSENT,
            {"gamma": (2.0, (0.0, 0.5, 3.0))},
            WEIGHT_OF_DICE,
            {"focal_weight": (1.0, (0.0, 2.5))},
        ),
        combined_options=(
            {"from_logits": "sigmoid", "batch": True, "include_background": False, "focal_weight": 0.5},
            {"squared": True, "merge_classes": True, "gamma": 1.5},
            {"dice_weight": 0.0, "gamma": 0.0},
        ),
        golden=(
            RegionCase(FOUR, {"smooth": 0.0}, 0.15 + FOCAL_NATS),
            RegionCase(FOUR, {"smooth": 0.0, "gamma": 0.0}, 0.15 + NATS),
            RegionCase(PAIR, {"smooth": 0.0}, 0.15 + FOCAL_NATS),
            RegionCase(PAIR, {"smooth": 0.0, "dice_weight": 0.5, "focal_weight": 2.0}, 0.075 + 2 * FOCAL_NATS),
            RegionCase(PAIR_SOFT, {"smooth": 0.0, "from_logits": "softmax"}, 0.15 + FOCAL_NATS),
            RegionCase(WEIGHTED_SOFT, {"smooth": 0.0, "from_logits": "softmax"}, 0.15 + 2 * FOCAL_NATS),
            RegionCase((*TWO, np.array([1.0, 3.0])), {"smooth": 0.0, "from_logits": "sigmoid"}, 0.15 + 2 * FOCAL_NATS),
        ),
    ),
)
