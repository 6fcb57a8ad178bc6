"""References of the losses of regions by distances: Kervadec et al. (2019), Karimi and Salcudean (2020)."""

from __future__ import annotations

import numpy as np

from references.regions import COMMON, MERGE, options
from references.regions_schema import Head, Index, RegionCase, RegionLoss, RegionReference
from references.signed_distance import signed_distance
from references.units import LONG, times


def mean_product(sums, **options):
    """The mean of p d; nothing of no pixels."""
    n = np.where(sums.n == 0, 1, sums.n)
    none = np.zeros_like(sums.i)
    return Index(sums.i / n, 1 / n, none, none)


def as_it_is(index, **options):
    """It is the loss."""
    return Head(*index)


# Four pixels, two of which are in the region: -1.8 - 0.8 + 0.2 + 0.2 = -2.2.
FOUR = ((0.9, 0.8, 0.2, 0.1), (-2.0, -1.0, 1.0, 2.0))
# One sample of two classes: -2.2 and -0.1 + 0.4 + 0.6 - 1.8.
PAIR = (np.array([[[0.9, 0.8, 0.2, 0.1], [0.1, 0.4, 0.3, 0.9]]]), np.array([[[-2, -1, 1, 2], [-1, 1, 2, -2]]]))
# Predicted are three of four pixels, two of which are in the region: d_p is 3, 2, 1, 1 and d_t 2, 1, 1, 2, and so the
# sum is 0.01 * 13 + 0.04 * 5 + 0.49 * 2 + 0.01 * 5.
ERRORS = ((0.9, 0.8, 0.7, 0.1), (1, 1, 0, 0))

DISTANCE_REFERENCES = {
    "boundary_loss": RegionReference(
        name="boundary_loss",
        index=mean_product,
        head=as_it_is,
        **options(COMMON, MERGE),
        combined_options=(
            {"batch": True, "merge_classes": True},
            {"from_logits": "softmax", "include_background": False, "batch": True},
        ),
        golden=(
            RegionCase(FOUR, {}, -0.55),
            RegionCase(PAIR, {"reduction": "none"}, ((-0.55, -0.225),)),
            RegionCase(PAIR, {"merge_classes": True}, -0.3875),
            RegionCase(PAIR, {"include_background": False}, -0.225),
            RegionCase(((0.0, 0.0), (3, -4)), {"from_logits": True}, -0.25),
        ),
    ),
    "hausdorff_dt_loss": RegionReference(
        name="hausdorff_dt_loss",
        index=mean_product,
        head=as_it_is,
        **options(COMMON, MERGE, {"alpha": (2.0, (1.0, 0.5, 3.0)), "spacing": (1.0, (0.25, 3.0))}),
        combined_options=(
            {"from_logits": "sigmoid", "alpha": 1.5, "spacing": 2.0},
            {"from_logits": "softmax", "include_background": False, "batch": True},
        ),
        golden=(
            RegionCase(ERRORS, {}, 0.34),
            RegionCase(ERRORS, {"alpha": 1.0}, 0.295),  # (0.01 * 5 + 0.04 * 3 + 0.49 * 2 + 0.01 * 3) / 4
            RegionCase(ERRORS, {"spacing": 2.0}, 1.36),
            RegionCase(((0.9, 0.8), (0, 0)), {}, 0.0),
        ),
    ),
}


def distances_on_a_line(region):
    """Of every pixel to the nearest one of the other kind; 0 where there is none."""
    found = np.zeros(region.size, LONG)
    for kind in (False, True):
        there = np.flatnonzero(region == kind)
        places = np.flatnonzero(region != kind)
        if there.size and places.size:
            after = np.searchsorted(there, places)
            right, left = there[np.minimum(after, there.size - 1)], there[np.maximum(after - 1, 0)]
            found[places] = np.minimum(np.abs(right - places), np.abs(left - places))
    return found


class HausdorffLoss(RegionLoss):
    """The mean of squared errors that are weighted by their distances from the boundaries."""

    def _sum(self):
        super()._sum()
        p, t, w = self.p, self.t, self.counts_pixel
        weights = self._powers(w & (p > 0.5)) + self._powers(w & (t > 0.5))
        difference, around = p - t, np.abs(p) + np.abs(t)
        self.i_of_p, self.i_of_t = 2 * weights * difference, -2 * weights * difference
        self.i_of_p_size = self.i_of_t_size = 2 * weights * around
        self.cells = self.cells._replace(i=times(w, weights * difference**2).sum(axis=2))
        sizes = weights * np.abs(difference) * (np.abs(difference) + around)
        self.sizes = self.sizes._replace(i=times(w, sizes).sum(axis=2))

    def _powers(self, regions):
        shape = self.layout.of_pixels[int(self.layout.has_samples) :]
        found = np.zeros(regions.shape, LONG)
        for cell in np.ndindex(regions.shape[:2]):
            region = regions[cell]
            found[cell] = (
                distances_on_a_line(region)
                if len(shape) == 1
                else np.abs(signed_distance(region.reshape(shape))).ravel()
            )
        return np.where(found == 0, 0, (self.options["spacing"] * found) ** self.options["alpha"])

    def masked(self, where):
        """The same loss of the pixels that are left."""
        return HausdorffLoss(
            self.reference, self.operands, self.given, axis=self.axis, where=where, ignore_index=self.ignore_index
        )


class RegionDistanceLoss(RegionLoss):
    """A loss of regions whose target is a map of distances, of which no integer is ignored."""

    def __init__(self, reference, operands, options=None, **arguments):
        self.named = operands
        given = {name: x for name, x in operands.items() if name != "distance_map"}
        super().__init__(
            reference, {**given, "target": operands["distance_map"]}, options, ignore_index=0.5, **arguments
        )

    def pull_back(self, flow):
        """With the gradient in the distances under their name."""
        found = super().pull_back(flow)
        return {"distance_map" if name == "target" else name: g for name, g in found.items()}

    def masked(self, where):
        """The same loss of the pixels that are left."""
        return RegionDistanceLoss(self.reference, self.named, self.given, axis=self.axis, where=where)
