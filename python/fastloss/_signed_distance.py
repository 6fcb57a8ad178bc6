"""How far every pixel of a mask is from the boundary of its region."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastloss import _core

_MOST_AXES = 64  # of any array


def signed_distance(
    mask: ArrayLike,
    spacing: ArrayLike | None = None,
    *,
    axes: SupportsIndex | Sequence[SupportsIndex] | None = None,
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Signed Euclidean distance of every pixel to the boundary of a region.

    Outside of the region, where the mask is 0, the distance to the nearest pixel of the region; inside, minus
    the distance to the nearest pixel outside. Distances are measured between the centres of pixels, so that
    none is below the least spacing. A mask that is the same everywhere has no boundary, and its distances are 0.

    Parameters
    ----------
    mask : array_like
        The region: bool, or any real dtype with no numbers but 0 and 1.
    spacing : float or sequence of float, optional
        How far neighbouring pixels are from one another: a number, or one for each axis that is measured, in the
        order of `axes`; finite and above 0. By default 1.
    axes : int or sequence of int, optional
        Over which axes distances are measured; may be negative. The others are a batch: masks of shape
        (N, C, H, W) have ``axes=(2, 3)``. By default all.
    dtype : {float64, float32}, optional
        Of the result. By default that of `out`, or float64.
    out : ndarray, optional
        Where the result goes: an array of the mask's shape, of any floating dtype, to which it is rounded once.
        It shares no memory with the mask, and is returned.

    Returns
    -------
    ndarray
        Of the mask's shape, above 0 outside and below 0 inside of the region; 0 in a mask without a boundary.

    Raises
    ------
    ValueError
        If the mask has a number that is neither 0 nor 1, or no axis; if spacing has one that is not finite and
        above 0 or over 2**100 times another, another number of them than axes, or distances that the dtype cannot
        hold; if an axis is out of range or named twice; if `out` is read-only, has another shape, or shares memory
        with the mask or within itself.
    TypeError
        If an array has an unsupported dtype (complex, object, string, longdouble) or is a masked array, if `out` has
        another dtype than `dtype`, or if another argument is of the wrong type.
    MemoryError
        If there is no memory for the result, or for the squared distances of a mask. Then part of `out` may have
        been written, as also where a signal's handler raises.

    Notes
    -----
    With a spacing of 1 distances are exact: square roots of integers, rounded. With another for all axes they are
    these times the spacing, rounded again; with several, within an ulp and a half. The time is linear in the number
    of pixels, whatever the mask. The same call gives the same bits at any number of threads.

    The distance maps of `boundary_loss` as its authors compute them ("one_hot2dist") have 1 added inside:
    ``d + (mask == 1)``, for a mask that has a boundary. SciPy's ``distance_transform_edt(1 - mask) -
    distance_transform_edt(mask)`` is the same where there is a boundary.

    References
    ----------
    P. F. Felzenszwalb and D. P. Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing
    8(19), 2012. C. R. Maurer, R. Qi and V. Raghavan, "A Linear Time Algorithm for Computing Exact Euclidean
    Distance Transforms of Binary Images in Arbitrary Dimensions", IEEE Transactions on Pattern Analysis and
    Machine Intelligence 25(2), 2003.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.signed_distance([0, 0, 1, 1, 1, 0])
    array([ 2.,  1., -1., -2., -1.,  1.])
    >>> fl.signed_distance([[1, 0, 0], [0, 0, 0]], spacing=(3.0, 4.0))
    array([[-3.        ,  4.        ,  8.        ],
           [ 3.        ,  5.        ,  8.54400375]])
    """
    lengths = _spacing(spacing)
    measured = _axes(axes)
    if spacing is not None and np.ndim(spacing) == 1 and len(lengths) == 1:  # what the core would take for all axes
        count = len(measured) or np.ndim(mask)
        if count != 1:
            raise ValueError(f"signed_distance: spacing must be one number, or one for each of the {count} axes, got 1")
    if dtype is None:
        single = False
    else:
        wanted = _dtype(dtype)
        if wanted not in (np.float32, np.float64):
            raise TypeError(f"signed_distance: dtype must be float32 or float64, not {wanted}")
        if isinstance(out, np.ndarray) and out.dtype != wanted:
            raise TypeError(f"signed_distance: dtype is {wanted}, and out has dtype {out.dtype}")
        single = wanted == np.float32
    return _core.signed_distance(mask, lengths, measured, single, out)


def _dtype(given: DTypeLike) -> np.dtype[Any]:
    try:
        return np.dtype(given)
    except (TypeError, ValueError) as error:
        raise TypeError(f"signed_distance: dtype must be float32 or float64, got {given!r}") from error


def _spacing(given: ArrayLike | None) -> list[float]:
    """The numbers given; none for None."""
    if given is None:
        return []
    numbers = np.asarray(given)
    if numbers.dtype.kind not in "iuf" and numbers.size > 0:
        raise TypeError(f"signed_distance: spacing must be real numbers, got dtype {numbers.dtype}")
    if numbers.ndim > 1 or numbers.size == 0:
        raise ValueError(f"signed_distance: spacing must be a number, or one for each axis, got shape {numbers.shape}")
    return [float(x) for x in numbers.reshape(-1)]


def _axes(given: SupportsIndex | Iterable[SupportsIndex] | None) -> list[int]:
    """The axes given; none for None."""
    if given is None:
        return []
    if isinstance(given, np.ndarray):
        given = given.tolist()  # a number, without axes
    several = list(given) if isinstance(given, Iterable) else [given]
    if not several:
        raise ValueError("signed_distance: axes must name at least one axis, got none")
    return [_axis(k) for k in several]


def _axis(given: SupportsIndex) -> int:
    try:
        axis = operator.index(given)
    except TypeError:
        axis = None
    if axis is None or isinstance(given, bool):
        raise TypeError(f"signed_distance: axes must be integers, not {type(given).__name__}")
    if not -_MOST_AXES <= axis < _MOST_AXES:
        raise ValueError(f"signed_distance: axes must be from {-_MOST_AXES} to {_MOST_AXES - 1}, got {_text(axis)}")
    return axis


def _text(axis: int) -> str:
    # Python refuses to write out the longest integers.
    return str(axis) if axis.bit_length() <= 64 else f"an integer of {axis.bit_length()} bits"
