"""The signed distance transform from its definition: every pixel against every other one."""

from __future__ import annotations

import numpy as np


def signed_distance(mask, spacing=1.0, axes=None):
    """In wider arithmetic than any result has; `spacing` is one number or one for each of the measured axes."""
    inside = np.asarray(mask) != 0
    measured = range(inside.ndim) if axes is None else [axis % inside.ndim for axis in axes]
    batch = [axis for axis in range(inside.ndim) if axis not in measured]
    order = [*batch, *measured]
    masks = inside.transpose(order)
    pixels = masks.shape[len(batch) :]
    steps = np.broadcast_to(np.asarray(spacing, np.longdouble), len(pixels))
    places = np.indices(pixels).reshape(len(pixels), -1)
    apart = np.zeros((places.shape[1],) * 2, np.longdouble)
    for place, step in zip(places, steps, strict=True):
        apart += (step * (place[:, None] - place[None, :])) ** 2
    found = np.zeros(masks.shape, np.longdouble)
    for k in np.ndindex(masks.shape[: len(batch)]):
        region = masks[k].ravel()
        if region.any() and not region.all():
            other = region[:, None] != region[None, :]
            nearest = np.sqrt(np.where(other, apart, np.inf).min(axis=1))
            found[k] = np.where(region, -nearest, nearest).reshape(pixels)
    return found.transpose(np.argsort(order))
