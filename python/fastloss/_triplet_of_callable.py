"""The triplet loss of a distance that the caller computes.

The distances and their gradients come from the caller; the hinge, the reductions and all that is checked are the
core's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastloss import _core
from fastloss._function import described

# A distance of pairs, and how each one changes with either embedding.
_Distance = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]

# max(0, margin - (nearest negative - positive)), under the name of the loss.
_hinge = described("triplet_of_distances")

OPERANDS = ("anchor", "positive", "negative")


def triplet_of_callable(
    loss: _core.Loss,
    method: str,
    *operands: Any,
    distance_function: Callable[..., Any],
    swap: bool = False,
    wrt: Any = None,
    out: Any = None,
    accumulate: bool = False,
    axis: int | None = None,
    **keywords: Any,
) -> Any:
    """What the loss, or a method of it, gives where its `distance_function` is called and not named."""
    arrays = [np.asarray(x) for x in (*operands, *(keywords.pop(name) for name in OPERANDS[len(operands) :]))]
    keywords.setdefault("margin", loss.info.defaults["margin"])
    of_gradients = {} if method in ("__call__", "statistics") else {"wrt": wrt, "accumulate": accumulate}
    of_out = {} if method == "statistics" else {"out": out}
    _check(loss, method, arrays, axis, {"swap": swap, **of_gradients, **of_out, **keywords})
    place = -1 if axis is None else operator.index(axis)

    def distance(i: int, j: int) -> _Distance:
        return _called(loss, distance_function, (arrays[i], arrays[j]), place)

    of_positive, of_negative = distance(0, 1), distance(0, 2)
    apart, nearest, share = of_negative[0], of_negative[0], np.ones(())
    if swap:
        of_other = distance(1, 2)
        nearest = np.minimum(apart, of_other[0])
        share = np.where(apart == of_other[0], 0.5, nearest == apart)  # half of each, where they are equal
    distances = (nearest, of_positive[0], 1.0)
    if method == "__call__":
        return _hinge(*distances, out=out, **keywords)
    if method == "statistics":
        return _hinge.statistics(*distances, **keywords)
    value, flows = _hinge.value_and_grad(*distances, wrt=(0, 1), **keywords)
    in_nearest, in_positive = (np.expand_dims(flow, place) for flow in flows)
    share = np.expand_dims(share, place) if swap else share

    with np.errstate(all="ignore"):  # as the core does
        in_negative = share * in_nearest
        gradients = [_times(in_positive, of_positive[1]), _times(in_positive, of_positive[2])]
        gradients[0] = gradients[0] + _times(in_negative, of_negative[1])
        gradients.append(_times(in_negative, of_negative[2]))
        if swap:
            in_other = (1 - share) * in_nearest
            gradients[1] = gradients[1] + _times(in_other, of_other[1])
            gradients[2] = gradients[2] + _times(in_other, of_other[2])
    one = isinstance(wrt, str) or (wrt is not None and not isinstance(wrt, (tuple, list)))
    chosen = [_position(which) for which in ((wrt,) if one else range(3) if wrt is None else wrt)]
    targets = (out,) if one else out or (None,) * len(chosen)
    results = [_stored(gradients[i], arrays[i], to, accumulate) for i, to in zip(chosen, targets, strict=True)]
    result = results[0] if one else tuple(results)
    return result if method == "grad" else (value, result)


def _check(loss: _core.Loss, method: str, arrays: Sequence[NDArray[Any]], axis: Any, keywords: dict[str, Any]) -> None:
    """Have the core refuse what it would refuse with a named distance: with arrays that have no features, if they fit.

    What does not fit is handed over as it is, so that messages show what was given.
    """
    out = keywords.get("out")
    outs = list(out) if isinstance(out, (tuple, list)) else [out]
    place = -1 if axis is None else axis
    of_gradients = "wrt" in keywords
    fitting = [x for x in (*arrays, *(outs if of_gradients else [])) if x is not None]
    ndim = arrays[0].ndim
    fits = isinstance(place, (int, np.integer)) and not isinstance(place, bool) and -ndim <= place < ndim
    if fits and all(isinstance(x, np.ndarray) and x.shape == arrays[0].shape for x in fitting):
        nothing = (*[slice(None)] * (place % ndim), slice(0, 0))
        arrays = [x[nothing] for x in arrays]
        if of_gradients:
            views = [None if x is None else x[nothing] for x in outs]
            keywords = {**keywords, "out": views[0] if out is None or isinstance(out, np.ndarray) else tuple(views)}
    if not of_gradients and out is not None:
        # The value's place is no gradient's: an array like it is written in its stead.
        keywords = {**keywords, "out": np.empty_like(out) if isinstance(out, np.ndarray) else out}
    (loss if method == "__call__" else getattr(loss, method))(*arrays, axis=axis, **keywords)


def _called(
    loss: _core.Loss, distance_function: Callable[..., Any], pair: tuple[NDArray[Any], NDArray[Any]], place: int
) -> _Distance:
    """Distances of pairs and their gradients, or an error that says what the function should have returned."""
    name = f"{loss.__name__}: distance_function"
    # A function of the library computes both in one pass.
    found = getattr(distance_function, "value_and_grad", distance_function)(*pair)
    try:
        distances, (in_first, in_second) = found
    except (TypeError, ValueError):
        raise TypeError(f"{name} must return (distances, (gradient in x, gradient in y)), not {found!r:.80}") from None
    shape = pair[0].shape
    units = shape[: place % len(shape)] + shape[place % len(shape) + 1 :]
    result = []
    for what, given, needed in (
        ("distances", distances, units),
        ("gradients in x", in_first, shape),
        ("gradients in y", in_second, shape),
    ):
        array = np.asarray(given)
        if array.dtype.kind not in "fiu":
            raise TypeError(f"{name} must return {what} that are real numbers, not of dtype {array.dtype}")
        if array.shape != needed:
            raise ValueError(f"{name} must return {what} of shape {needed}, not {array.shape}")
        result.append(array)
    return result[0], result[1], result[2]


def _times(flow: NDArray[Any], gradient: NDArray[Any]) -> NDArray[Any]:
    """0 where nothing flows back, whatever the gradient is there."""
    return np.where(flow == 0, 0, flow * gradient)


def _position(which: Any) -> int:
    return OPERANDS.index(which) if isinstance(which, str) else operator.index(which)


def _stored(gradient: NDArray[Any], operand: NDArray[Any], out: NDArray[Any] | None, accumulate: bool) -> NDArray[Any]:
    """In the dtype that gradients in the operand have, or where it is to go."""
    if out is None:
        return gradient.astype(operand.dtype if operand.dtype.kind not in "biu" else np.float64)
    out[...] = out + gradient if accumulate else gradient
    return out
