"""Weights of classes, from how often each occurs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def class_balanced_weights(counts: ArrayLike, beta: float = 0.999) -> NDArray[Any]:
    """Weights of classes by their effective number of samples.

    ::

        w = (1 - beta) / (1 - beta**counts)
        w * C / sum(w)

    The more samples a class has, the more of them repeat what others show: the effective number of n
    samples is (1 - beta**n) / (1 - beta), and the weight of a class its inverse. Give the result to a
    loss as `weight`.

    Parameters
    ----------
    counts : array_like
        How many samples each of the C classes has, of shape (C,); above 0.
    beta : float, default 0.999
        How soon samples begin to repeat one another, from 0 (no weights: all are 1) to 1 (never: the
        inverse frequencies).

    Returns
    -------
    ndarray of float64
        One weight for each class, of mean 1.

    Raises
    ------
    ValueError
        If counts is empty, has not one axis, or has a number that is not finite and above 0; if beta is
        not between 0 and 1.
    TypeError
        If counts or beta are not real numbers.

    References
    ----------
    Y. Cui, M. Jia, T.-Y. Lin, Y. Song and S. Belongie, "Class-Balanced Loss Based on Effective Number of
    Samples", CVPR 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.class_balanced_weights([1000, 100, 10]).round(4)
    array([0.0422, 0.28  , 2.6778])
    >>> fl.class_balanced_weights([3, 1], beta=1.0)
    array([0.5, 1.5])
    """
    n = _real("counts", counts)
    b = _real("beta", beta)
    if b.ndim != 0:
        raise TypeError(f"class_balanced_weights: beta must be a number, got an array of shape {b.shape}")
    if not 0 <= b <= 1:
        raise ValueError(f"class_balanced_weights: beta must be >= 0 and <= 1, got {b}")
    if n.ndim != 1 or n.size == 0:
        raise ValueError(f"class_balanced_weights: counts must have shape (C,) for C >= 1 classes, got shape {n.shape}")
    wrong = np.flatnonzero(~((n > 0) & (n < np.inf)))
    if wrong.size:
        i = wrong[0]
        raise ValueError(f"class_balanced_weights: counts must be finite and above 0, got {n[i]} for class {i}")
    with np.errstate(divide="ignore"):  # a beta of 0
        log_beta = np.log(b)
    # 1 - beta**n without cancellation, up to a factor that all classes have; in units of the rarest class no weight
    # overflows.
    effective = n if log_beta == 0 else -np.expm1(n * log_beta)
    weight = effective.min() / effective
    return np.asarray(weight * (n.size / weight.sum()))


def _real(name: str, values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"class_balanced_weights: {name} must be real numbers, got dtype {array.dtype}")
    return array.astype(np.float64)
