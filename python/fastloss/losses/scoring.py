"""Scoring rules: what a forecast distribution is worth once the outcome is known."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="scoring",
    task="probabilistic regression",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="target",
    reference="T. Gneiting, A. E. Raftery, A. H. Westveld and T. Goldman, Calibrated Probabilistic Forecasting, 2005",
    aliases=(
        "CRPS",
        "normal CRPS",
    ),
)
def crps_gaussian(input: ArrayLike, target: ArrayLike, scale: ArrayLike) -> None:
    """Continuous ranked probability score of a normal forecast.

    ::

        z = (input - target) / scale
        l = scale * (z * erf(z / sqrt(2)) + sqrt(2 / pi) * exp(-z**2 / 2) - 1 / sqrt(pi))

    Use it for regression with a predicted uncertainty where `gaussian_nll_loss` is too harsh: it is a
    proper score too, but in units of the target and without the logarithm, so that a few gross errors
    do not decide everything. It generalises the absolute error, which it is for scale = 0.

    Parameters
    ----------
    input : array_like
        Means of the forecasts, of any shape.
    target : array_like
        What came, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    scale : array_like
        Standard deviations of the forecasts, at least 0, in units of the target. Of input's shape; of its
        rank with extents of 1 where they are broadcast; of input's shape without the last axis; or one
        number. **A scale of one rank less aligns to the leading axes**, as the variance of
        `gaussian_nll_loss` does: for an input of shape (2, 2), shape (2,) holds one number for each
        *row*. At 0 the forecast is one number, and l is |input - target|.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

    Raises
    ------
    ValueError
        If a scale is negative, in every call (the other losses check their data only on request).

    Notes
    -----
    Gradients: erf(z / sqrt(2)) in input, minus that in target, and sqrt(2 / pi) exp(-z**2 / 2) - 1 /
    sqrt(pi) in scale. The second derivative in input is sqrt(2 / pi) exp(-z**2 / 2) / scale, twice
    the density. Where input equals target z counts as 0, for a scale of 0 too.

    References
    ----------
    T. Gneiting, A. E. Raftery, A. H. Westveld and T. Goldman, "Calibrated Probabilistic Forecasting
    Using Ensemble Model Output Statistics and Minimum CRPS Estimation", Monthly Weather Review 133,
    2005.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.crps_gaussian([0.0, 2.0], [0.0, 1.0], 1.0).round(10)
    np.float64(0.4180681674)
    >>> fl.crps_gaussian([0.0, 2.0], [0.0, 1.0], 0.0)  # the absolute error
    np.float64(0.5)
    >>> fl.crps_gaussian.grad([0.0, 2.0], [0.0, 1.0], 1.0, reduction="sum").round(4)
    array([0.    , 0.6827])
    """


@declare(
    family="scoring",
    task="probabilistic regression",
    convex=True,
    differentiable="C1",
    twice_differentiable=True,
    robust=True,
    units="target",
    reference="A. Jordan, F. Krueger and S. Lerch, Evaluating Probabilistic Forecasts with scoringRules, 2019",
    aliases=("Laplace CRPS",),
)
def crps_laplace(input: ArrayLike, target: ArrayLike, scale: ArrayLike) -> None:
    """Continuous ranked probability score of a Laplace forecast.

    ::

        z = (input - target) / scale
        l = scale * (|z| + exp(-|z|) - 3 / 4)

    Use it like `crps_gaussian` where the errors have heavier tails.

    Parameters
    ----------
    input : array_like
        Medians of the forecasts, of any shape.
    target : array_like
        What came, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    scale : array_like
        Scales of the forecasts, at least 0, in units of the target. Of input's shape; of its
        rank with extents of 1 where they are broadcast; of input's shape without the last axis; or one
        number. **A scale of one rank less aligns to the leading axes**, as the variance of
        `gaussian_nll_loss` does: for an input of shape (2, 2), shape (2,) holds one number for each
        *row*. At 0 the forecast is one number, and l is |input - target|.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

    Raises
    ------
    ValueError
        If a scale is negative, in every call (the other losses check their data only on request).

    Notes
    -----
    Gradients: sign(z) (1 - exp(-|z|)) in input, minus that in target, and (1 + |z|) exp(-|z|) - 3 / 4
    in scale. The second derivative in input is exp(-|z|) / scale, twice the density: there is no kink
    at z = 0, only the third derivative jumps. Where input equals target z counts as 0, for a scale of
    0 too.

    References
    ----------
    A. Jordan, F. Krueger and S. Lerch, "Evaluating Probabilistic Forecasts with scoringRules",
    Journal of Statistical Software 90(12), 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.crps_laplace([0.0, 2.0], [0.0, 1.0], 1.0).round(10)  # (1 / 4 + exp(-1) + 1 / 4) / 2
    np.float64(0.4339397206)
    >>> fl.crps_laplace.grad([0.0, 2.0], [0.0, 1.0], 1.0, reduction="sum").round(4)
    array([0.    , 0.6321])
    """


@declare(
    family="scoring",
    task="probabilistic regression",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="target",
    reference="M. Taillardat, O. Mestre, M. Zamo and P. Naveau, Calibrated Ensemble Forecasts, 2016",
    aliases=("logistic CRPS",),
)
def crps_logistic(input: ArrayLike, target: ArrayLike, scale: ArrayLike) -> None:
    """Continuous ranked probability score of a logistic forecast.

    ::

        z = (input - target) / scale
        l = scale * (log(1 + exp(z)) + log(1 + exp(-z)) - 1)

    Use it like `crps_gaussian`; its tails are a little heavier, and it takes less time. The scale is
    sqrt(3) / pi times the standard deviation.

    Parameters
    ----------
    input : array_like
        Means of the forecasts, of any shape.
    target : array_like
        What came, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    scale : array_like
        Scales of the forecasts, at least 0, in units of the target. Of input's shape; of its
        rank with extents of 1 where they are broadcast; of input's shape without the last axis; or one
        number. **A scale of one rank less aligns to the leading axes**, as the variance of
        `gaussian_nll_loss` does: for an input of shape (2, 2), shape (2,) holds one number for each
        *row*. At 0 the forecast is one number, and l is |input - target|.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

    Raises
    ------
    ValueError
        If a scale is negative, in every call (the other losses check their data only on request).

    Notes
    -----
    Gradients: tanh(z / 2) in input, minus that in target, and l / scale - z tanh(z / 2) in scale. The
    second derivative in input is 1 / (2 scale cosh(z / 2)**2), twice the density. Where input equals
    target z counts as 0, for a scale of 0 too.

    References
    ----------
    M. Taillardat, O. Mestre, M. Zamo and P. Naveau, "Calibrated Ensemble Forecasts Using Quantile
    Regression Forests and Ensemble Model Output Statistics", Monthly Weather Review 144, 2016.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.crps_logistic([0.0, 2.0], [0.0, 1.0], 1.0).round(10)
    np.float64(0.5064088681)
    >>> fl.crps_logistic.grad([0.0, 2.0], [0.0, 1.0], 1.0, reduction="sum").round(4)
    array([0.    , 0.4621])
    """
