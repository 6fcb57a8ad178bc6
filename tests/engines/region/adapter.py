"""Losses of regions."""

from __future__ import annotations

import numpy as np

from engines.adapter import FLOATS, INTEGERS, Adapter, Shape
from references import COMPOUND_REFERENCES, DISTANCE_REFERENCES, REGION_REFERENCES, region_draws
from references.region_compounds import CompoundLoss
from references.region_distance import HausdorffLoss, RegionDistanceLoss
from references.regions_schema import RegionLoss

CLASSES = 3  # where they are no axis of the units


class Region(Adapter):
    """A unit is a cell: a class of a sample, or a sample, of so many pixels on the last axis of the input."""

    @classmethod
    def of(cls, loss):
        """One for each kind of target."""
        if loss in COMPOUND_REFERENCES:
            return [Compound(loss, kind) for kind in region_draws.KINDS]
        if loss == "hausdorff_dt_loss":
            return [Hausdorff(loss, kind) for kind in region_draws.KINDS]
        if loss in DISTANCE_REFERENCES:
            return [RegionDistance(loss, kind) for kind in RegionDistance.KINDS]
        return [cls(loss, kind) for kind in region_draws.KINDS] if loss in REGION_REFERENCES else []

    @property
    def reference(self):
        """What the loss is."""
        return REGION_REFERENCES[self.loss]

    @property
    def merges(self):
        """The classes of a sample are one unit, whatever the options are."""
        return self.reference.class_weights is not None

    @property
    def shapes(self):
        """With an axis of classes and, where the target may have none, without one."""
        if self.merges:
            return (Shape((9,), 31), Shape((5,), 200), Shape((12,), 7))
        without = () if self.kind == "index" else (Shape((23,), 17),)
        return (Shape((9, 3), 31), Shape((4, 5), 200), *without, Shape((2, 21), 7))

    @property
    def large_shapes(self):
        """Many samples, and a few of many pixels."""
        if self.merges:
            return (Shape((60,), 4_001), Shape((1,), 300_000))
        return (Shape((60, 3), 4_001), Shape((1, 2), 300_000), Shape((3_000, 2), 50))

    @property
    def empty_shapes(self):
        """Those of other engines, where units may have one axis and any number of classes."""
        if self.merges:
            return (Shape((0,), 3), Shape((0,), 1))
        return (Shape((0, 2), 3), Shape((0, 5), 4)) if self.kind == "index" else super().empty_shapes

    @property
    def stands_for_others(self):
        """One loss of cells and that of whole samples."""
        return self.loss in ("dice_loss", "generalized_dice_loss")

    @property
    def labels(self):
        """Masks of integers and class indices."""
        return None if self.kind == "soft" else "target"

    def shape_of(self, count, width):
        """Class indices need classes."""
        return Shape((count, CLASSES), width) if self.kind == "index" and not self.merges else Shape((count,), width)

    def presences(self):
        """With and without weights of the classes."""
        given = ("input", "target")
        return [given, (*given, "weight")] if "weight" in self.reference.operands else [given]

    def option_sets(self):
        """Those that go with classes and this kind of target."""
        found = self.reference.option_sets()
        return [o for o in found if o.get("from_logits") is not True or self.kind == "index"]

    def _input_shape(self, shape):
        """That of the input, and the axis of its classes."""
        classes = (CLASSES,) if self.merges else ()
        whole = (*shape.units, *classes, shape.width)
        return whole, 1 if len(whole) == 3 else None

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Probabilities or logits; weights where there are classes, each with an index of its own."""
        options = options or {}
        whole, axis = self._input_shape(shape)
        weighs = (present is None or "weight" in present) and axis is not None
        weighs = weighs and "weight" in self.reference.operands and not options.get("merge_classes")
        logits = bool(options.get("from_logits"))
        return region_draws.ordinary(rng, whole, axis, self.kind, dtype, from_logits=logits, weight=weighs)

    def draw_as(self, rng, shape, dtypes):
        """Quarters of 1, and 0 and 1 where that is all a dtype has of probabilities."""
        operands = self.draw(rng, shape, np.float32)
        for name, x in operands.items():
            dtype = dtypes[name]
            if name == "weight":
                operands[name] = rng.integers(1, 2 if dtype.kind == "b" else 4, x.shape).astype(dtype)
            elif name == "target" and self.kind != "soft":
                if dtype in INTEGERS and (self.kind == "mask" or dtype.kind != "b"):
                    operands[name] = x.astype(dtype)
            elif dtype in FLOATS:
                operands[name] = (rng.integers(0, 5, x.shape) * 0.25).astype(dtype)
            elif name == "input":
                operands[name] = rng.integers(0, 2, x.shape).astype(dtype)
        return operands

    def computation(self, operands):
        """That of the widest floating operand but the weights; float64 where predictions are integers."""
        dtypes = {operands[name].dtype for name in ("input", "target")}
        narrow = operands["input"].dtype in FLOATS and np.dtype(np.float64) not in dtypes
        return np.dtype(np.float32 if narrow else np.float64)

    def wrt(self, operands):
        """The input, and targets that are numbers."""
        return ("input", "target") if self.kind == "soft" else ("input",)

    def exact(self, operands, options=None, **of_units):
        """The loss of each unit."""
        return RegionLoss(self.reference, operands, options, axis=self._axis(operands), **of_units)

    def _axis(self, operands):
        return 1 if operands["input"].ndim == 3 else None

    def is_shared(self, name):
        """The weights of classes."""
        return name == "weight"

    def masked_shape(self, shape):
        """That of the input: pixels of each class."""
        return self._input_shape(shape)[0]

    def mask_of(self, kept, shape):
        """All pixels of a unit."""
        whole = self.masked_shape(shape)
        return kept.reshape(kept.shape + (1,) * (len(whole) - kept.ndim))

    def apart(self, chosen):
        """A class index belongs to all classes of its sample."""
        if self.kind == "index" and chosen.ndim == 2:
            return np.broadcast_to(chosen.all(axis=1, keepdims=True), chosen.shape).copy()
        return chosen

    def of_units(self, name, x, chosen):
        """Pixels lie behind the axes of units."""
        if name == "target" and self.kind == "index" and chosen.ndim == 2:
            return x, chosen.all(axis=1)
        return x, chosen

    def without_terms(self, operands):
        """Weights of zero."""
        return {**operands, "weight": np.zeros_like(operands["weight"])} if "weight" in operands else None

    def room(self, exact, magnitude, dtype, scale):
        """By what was rounded on the way to each number."""
        return 8 * np.finfo(dtype).eps * (np.abs(exact) + np.nan_to_num(magnitude)) + np.finfo(dtype).smallest_normal


class Compound(Region):
    """A loss that is the sum of two: of samples of logits, with classes on axis 1 where the target is class indices."""

    has_units = False
    shapes = (Shape((9,), 31), Shape((5,), 200), Shape((12,), 7))
    large_shapes = (Shape((60,), 4_001), Shape((1,), 300_000))
    empty_shapes = (Shape((0,), 3), Shape((0,), 1))

    @property
    def reference(self):
        """What the loss is."""
        return COMPOUND_REFERENCES[self.loss]

    @property
    def merges(self):
        """There are classes where the target may name them."""
        return self.kind == "index"

    @property
    def stands_for_others(self):
        """The first of them."""
        return self.loss == "dice_ce_loss"

    def presences(self):
        """With and without weights, where there are classes."""
        return super().presences() if self.merges else [("input", "target")]

    def option_sets(self):
        """Without classes there is no softmax and no background."""
        found = self.reference.option_sets()
        if self.merges:
            return found
        return [o for o in found if o.get("from_logits") != "softmax" and o.get("include_background", True)]

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Logits, whatever the options are."""
        return super().draw(rng, shape, dtype, present, {**(options or {}), "from_logits": True})

    def exact(self, operands, options=None, **of_units):
        """Two losses and their sum."""
        return CompoundLoss(self.reference, operands, options, axis=self._axis(operands), **of_units)

    def masked_shape(self, shape):
        """That of the pixels, without classes."""
        return (*shape.units, shape.width)


class RegionDistance(Region):
    """A unit is a cell, as in other losses of regions; `kind` is that of the distances."""

    KINDS = ("floating", "integer")

    @property
    def reference(self):
        """What the loss is."""
        return DISTANCE_REFERENCES[self.loss]

    @property
    def stands_for_others(self):
        """All but the distances is as in other losses."""
        return False

    @property
    def labels(self):
        """None: integers are distances as well."""
        return None

    def presences(self):
        """With and without weights of the classes."""
        given = ("input", "distance_map")
        return [given, (*given, "weight")]

    def option_sets(self):
        """Those that go with classes."""
        return [o for o in self.reference.option_sets() if o.get("from_logits") is not True]

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Distances inside and outside."""
        region = Region("dice_loss", "mask").draw(rng, shape, dtype, present, options)
        distances = rng.standard_normal(region["input"].shape) * 4
        distances = distances.astype(dtype) if self.kind == "floating" else np.rint(distances).astype(np.int32)
        return {
            "input": region.pop("input"),
            "distance_map": distances,
            **{k: x for k, x in region.items() if k != "target"},
        }

    def draw_as(self, rng, shape, dtypes):
        """Quarters of 1, and whole distances that every dtype has."""
        operands = self.draw(rng, shape, np.float32)
        region = Region("dice_loss", "mask").draw_as(rng, shape, {**dtypes, "target": np.dtype(bool)})
        dtype = dtypes["distance_map"]
        whole = rng.integers(0, 2 if dtype.kind == "b" else 9, operands["distance_map"].shape)
        if (dtype in FLOATS) == (self.kind == "floating"):
            operands["distance_map"] = whole.astype(dtype)
        return {name: region.get(name, x) for name, x in operands.items()}

    def computation(self, operands):
        """That of the widest floating operand but the weights; float64 where predictions are integers."""
        return super().computation({**operands, "target": operands["distance_map"]})

    def wrt(self, operands):
        """The input, and distances that are floating."""
        return ("input", "distance_map") if self.kind == "floating" else ("input",)

    def exact(self, operands, options=None, **of_units):
        """The loss of each unit."""
        return RegionDistanceLoss(self.reference, operands, options, axis=self._axis(operands), **of_units)


class Hausdorff(Region):
    """Distances are measured in regions that the operands make."""

    @property
    def reference(self):
        """What the loss is."""
        return DISTANCE_REFERENCES[self.loss]

    @property
    def stands_for_others(self):
        """All but the distances is as in other losses."""
        return False

    def exact(self, operands, options=None, **of_units):
        """The loss of each unit."""
        return HausdorffLoss(self.reference, operands, options, axis=self._axis(operands), **of_units)
