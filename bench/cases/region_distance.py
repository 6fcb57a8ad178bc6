"""Cases of losses of regions by distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case
from bench.judge import Problem
from bench.regions import IMAGES
from bench.sizes import Size, Sizes


@dataclass(frozen=True, kw_only=True)
class RegionsByDistances(Case):
    """A case of a mean over the cells of losses of probabilities and distances."""

    sizes: ClassVar[Sizes] = IMAGES

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Probabilities of any size, at distances of both signs."""
        rng = np.random.default_rng(size)
        operands = {"input": rng.random(size, dtype), "distance_map": rng.standard_normal(size, dtype) * 20}
        p, d = (x.astype(np.float64) for x in operands.values())
        return Problem(operands, np.float64(np.vdot(p, d) / p.size), {"input": d / p.size})


def boundary(mode, out, p, d):
    """A dot product, and a multiple of the distances."""
    value = np.vdot(p, d) / p.size if mode.value else None
    return value, np.multiply(d, p.dtype.type(1 / p.size), out=out) if mode.gradient else None


def boundary_formula(xp, p, d):
    return (p * d).mean()


# Squared errors weighted by distances from the boundaries, in images.

SMALL_IMAGES = Sizes(
    option="distance-regions",
    metavar="NxCxHxW",
    help="samples x classes x pixels, for losses of regions that measure distances",
    ranks=range(4, 5),
    meaning="the shape of masks such as 16x1x256x256",
    default="16x1x256x256",
    quick="3x2x20x20",
)


def squares_to(regions):
    """Squared distances of all pixels to the regions: along rows, and the least of these and the way along columns."""
    places = np.arange(regions.shape[-1])
    before = np.maximum.accumulate(np.where(regions, places, -np.inf), -1)
    behind = np.minimum.accumulate(np.where(regions, places, np.inf)[..., ::-1], -1)[..., ::-1]
    rows = np.ascontiguousarray(np.moveaxis(np.minimum(places - before, behind - places) ** 2, -2, 0))
    least = rows.copy()
    for d in range(1, len(rows)):
        np.minimum(least[d:], rows[:-d] + d**2, out=least[d:])
        np.minimum(least[:-d], rows[d:] + d**2, out=least[:-d])
    return np.moveaxis(least, 0, -2)


def squares(regions):
    """Squared distances of all pixels from the boundaries."""
    found = squares_to(regions) + squares_to(~regions)
    return np.where(np.isinf(found), 0.0, found)


def measured(regions):
    """Distances of all pixels from the boundaries, by SciPy, which has to be there: plain NumPy takes seconds."""
    from scipy.ndimage import distance_transform_edt

    found = np.zeros(regions.shape)
    for cell in np.ndindex(regions.shape[:2]):
        region = regions[cell]
        if region.any() and not region.all():
            found[cell] = distance_transform_edt(region) + distance_transform_edt(~region)
    return found


def hausdorff(mode, out, p, t):
    """With the transforms of SciPy, as MONAI has it."""
    weights = measured(p > 0.5) ** 2
    weights += measured(t > 0.5) ** 2
    weights = weights.astype(p.dtype)
    difference = p - t
    weights *= difference
    value = np.vdot(weights, difference) / p.size if mode.value else None
    return value, np.multiply(weights, p.dtype.type(2 / p.size), out=out) if mode.gradient else None


def hausdorff_formula(xp, p, t):
    """The least over all rows of the least over all columns, which compilers make loops of."""
    far = 1e8

    def squared(regions):
        found = xp.where(regions, 0.0, far)
        for last in (True, False):
            found = found if last else found.swapaxes(-1, -2)
            places = xp.arange(found.shape[-1])
            ways = ((places[:, None] - places[None, :]) ** 2) * 1.0
            found = xp.amin(found[..., None, :] + ways, -1)
            found = found if last else found.swapaxes(-1, -2)
        return xp.where(found >= far, 0.0, found)

    def weights(x):
        return squared(x > 0.5) + squared(x <= 0.5)

    return ((p - t) ** 2 * (weights(p) + weights(t))).mean()


def hausdorff_torch(torch, p, t):
    """MONAI's way on a CPU."""
    weights = sum(torch.from_numpy(measured(x.detach().numpy() > 0.5) ** 2) for x in (p, t))
    return ((p - t) ** 2 * weights.to(p)).mean()


@dataclass(frozen=True, kw_only=True)
class RegionsInImages(Case):
    """A case of a loss that measures the distances itself, of probabilities and masks, both floating."""

    sizes: ClassVar[Sizes] = SMALL_IMAGES

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """A square in each image, and predictions that are a few pixels off."""
        rng = np.random.default_rng(size)
        masks = np.zeros(size, dtype)
        masks[..., size[2] // 4 : size[2] // 2, size[3] // 4 : size[3] // 2] = 1
        predicted = np.roll(masks, 2, axis=3) * number_of(dtype, 0.8) + rng.random(size, dtype) * number_of(dtype, 0.2)
        operands = {"input": predicted, "target": masks}
        p, t = (x.astype(np.float64) for x in operands.values())
        weights = squares(p > 0.5) + squares(t > 0.5)
        value, gradient = np.vdot(weights, (p - t) ** 2) / p.size, 2 * weights * (p - t) / p.size
        return Problem(operands, np.float64(value), {"input": gradient})


def number_of(dtype, x):
    """A number of the dtype."""
    return np.dtype(dtype).type(x)


CASES = {
    "boundary_loss": RegionsByDistances(numpy=boundary, jax=boundary_formula, torch=boundary_formula),
    "hausdorff_dt_loss": RegionsInImages(
        numpy=hausdorff, jax=hausdorff_formula, torch=hausdorff_torch, torch_compiled=hausdorff_formula
    ),
}
