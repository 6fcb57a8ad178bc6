"""The IoU of every box of one set with every box of another, by definition, in the precision of the arguments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from references.boxes_schema import corners, formats_of

EPS = 1e-7


@dataclass(frozen=True)
class Products:
    """Gradients of sum(flow * IoU) in both sets, and the sums of magnitudes that rounding errors are relative to."""

    input: np.ndarray
    target: np.ndarray
    input_size: np.ndarray
    target_size: np.ndarray


def in_corners(fmt, boxes):
    return np.stack(corners(fmt, *np.moveaxis(boxes, -1, 0)), axis=-1)


class Matrix:
    """All pairs; arrays of pairs have the axes (N, M)."""

    def __init__(self, input, target, *, eps=EPS, fmt="xyxy"):
        self.formats = formats_of(fmt)
        boxes = [in_corners(each, x) for each, x in zip(self.formats, (input, target), strict=True)]
        self.a, self.b = boxes[0][:, None, :], boxes[1][None, :, :]
        self.sides = [np.maximum(x[..., 2:] - x[..., :2], 0) for x in (self.a, self.b)]
        self.shared = np.minimum(self.a[..., 2:], self.b[..., 2:]) - np.maximum(self.a[..., :2], self.b[..., :2])
        self.overlap = (self.shared > 0).all(axis=-1)
        self.intersection = np.where(self.overlap, self.shared.prod(axis=-1), 0)
        self.areas = sum(side.prod(axis=-1) for side in self.sides)
        self.denominator = self.areas - self.intersection + np.asarray(eps, self.areas.dtype)
        self.missing = ~np.isfinite(self.areas)
        self.value = np.where(self.missing, np.nan, self.intersection / self.denominator)

    def products(self, flow=1.0):
        """Rows and columns of what the IoU is differentiated in: overlap, and the area of either box."""
        flow = np.broadcast_to(np.asarray(flow, self.value.dtype), self.value.shape)
        in_overlap = (1 + self.value) / self.denominator
        in_area = -self.value / self.denominator
        found = {}
        for k, (own, other) in enumerate(((self.a, self.b), (self.b, self.a))):
            terms = np.zeros((2, *self.value.shape, 4), self.value.dtype)
            for axis in range(2):
                along = np.where(self.overlap, in_overlap * self.shared[..., 1 - axis], 0)
                # Where edges coincide, the overlap moves with input's.
                first, last = own[..., axis] - other[..., axis], other[..., axis + 2] - own[..., axis + 2]
                first, last = (first >= 0, last >= 0) if k == 0 else (first > 0, last > 0)
                grows = own[..., axis + 2] >= own[..., axis]
                extent = np.where(grows, in_area * self.sides[k][..., 1 - axis], 0)
                terms[0, ..., axis], terms[0, ..., axis + 2] = np.where(first, -along, 0), np.where(last, along, 0)
                terms[1, ..., axis], terms[1, ..., axis + 2] = -extent, extent
            terms = np.where(self.missing[..., None], np.nan, terms)
            some = flow[..., None] != 0
            weighted = np.where(some, flow[..., None] * terms, 0)
            turn = in_corners(self.formats[k], np.eye(4)).T  # corners are this times the numbers
            total, size = weighted.sum(axis=0).sum(axis=1 - k), np.abs(weighted).sum(axis=0).sum(axis=1 - k)
            name = ("input", "target")[k]
            found[name], found[f"{name}_size"] = total @ turn, size @ np.abs(turn)
        return Products(**found)
