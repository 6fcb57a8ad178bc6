"""Negative log-likelihoods of distributions on the circle."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="likelihood",
    task="regression of angles",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="nats",
    reference="R. von Mises, Ueber die Ganzzahligkeit der Atomgewichte und verwandte Fragen, 1918",
    aliases=("von Mises negative log-likelihood", "circular normal likelihood"),
)
def von_mises_nll_loss(input: ArrayLike, target: ArrayLike, concentration: ArrayLike, *, full: bool = False) -> None:
    """Negative log-likelihood of a von Mises distribution, the normal distribution of angles.

    ::

        l = log(I0(concentration)) - concentration * cos(input - target)      plus log(2 pi) if full

    with the modified Bessel function I0. Use it where targets are angles, times of day or other
    places on a circle, and full turns do not count.

    Parameters
    ----------
    input : array_like
        Predicted angles in radians, of any shape.
    target : array_like
        Targets in radians, of input's shape; of its rank with extents of 1 where they are broadcast; or one
        number.
    concentration : array_like
        Predicted concentrations, at least 0: 0 is the uniform distribution, and large ones are 1 over
        the variance. Of input's shape; of its rank with extents of 1 where they are broadcast; of input's
        shape without the last axis; or one number. **A concentration of one rank less aligns to the
        leading axes**, as the variance of `gaussian_nll_loss` does: for an input of shape (2, 2),
        shape (2,) holds one number for each *row*.
    full : bool, default False
        Whether to add the constant log(2 pi), which makes the values of different losses comparable.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

        Negative values are ordinary: a density may exceed 1. An infinite angle gives NaN.

    Raises
    ------
    ValueError
        If a concentration is negative, in every call (the other losses check their data only on
        request).

    Notes
    -----
    Gradients, with r = input - target: concentration * sin(r) in input, minus that in target, and
    I1(concentration) / I0(concentration) - cos(r) in concentration. The second derivative in input
    is concentration * cos(r). Nothing overflows or cancels where the concentration is large: the
    value is computed as 2 * concentration * sin(r / 2)**2 + log(exp(-concentration) * I0).

    References
    ----------
    R. von Mises, "Ueber die Ganzzahligkeit der Atomgewichte und verwandte Fragen", Physikalische
    Zeitschrift 19, 1918.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.von_mises_nll_loss([0.0, 3.0], [0.0, 3.0], 0.0, full=True).round(10)  # uniform: log(2 pi)
    np.float64(1.8378770664)
    >>> fl.von_mises_nll_loss([0.0, 1.0], [6.283185307179586, 0.0], 2.0, reduction="none").round(4)
    array([-1.176 , -0.2566])
    >>> fl.von_mises_nll_loss.grad([0.0, 1.0], [0.0, 0.0], 2.0, reduction="sum").round(4)
    array([0.    , 1.6829])
    """
