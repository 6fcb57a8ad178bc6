"""Losses of the error in proportion to the size of the target."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="relative",
    task="regression",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={"input = target": "0", "|target| = eps, in target": "that of |target| < eps"},
    reference="A. de Myttenaere et al., Mean Absolute Percentage Error for regression models, 2016",
    aliases=("mean absolute percentage error", "MAPE", "relative absolute error"),
)
def mape_loss(input: ArrayLike, target: ArrayLike, *, eps: float = 1e-7, scale: float = 1.0) -> None:
    """Absolute error in proportion to the target: mean absolute percentage error, as a fraction.

    ::

        l = scale * |input - target| / max(|target|, eps)

    Use it for targets that are all well away from 0 and whose errors matter in proportion: an error of
    10 counts as much for a target of 100 as one of 1 for a target of 10. Its optimum lies below the
    median.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    eps : float, default 1e-7
        The smallest denominator, in the units of the target; above 0. Targets nearer to 0 count as if
        they had this size in the denominator.
    scale : float, default 1.0
        Multiplies the loss; above 0. Keras multiplies by 100.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients, with r = input - target: scale sign(r) / max(|target|, eps) in input; in target -scale sign(r)
    (input / target) / |target|, or -scale sign(r) / eps where |target| <= eps. At the kink, r = 0, both are
    0. The second derivative in input is 0.

    **A target of 0 makes l as large as |input| / eps**: one such element drowns all others. Mask it
    (``where=``), choose an eps of the size that still matters, or take `smape_loss`.

    An infinite target is missed by all of itself by every finite input: the limit 1, with gradient 0.

    References
    ----------
    A. de Myttenaere, B. Golden, B. Le Grand and F. Rossi, "Mean Absolute Percentage Error for
    regression models", Neurocomputing 192, 2016.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mape_loss([90.0, 210.0, 290.0], [100.0, 200.0, 300.0]).round(10)  # (10 % + 5 % + 3.3 %) / 3
    np.float64(0.0611111111)
    >>> fl.mape_loss([90.0, 210.0, 290.0], [100.0, 200.0, 300.0], scale=100.0).round(8)
    np.float64(6.11111111)
    >>> fl.mape_loss.grad([90.0, 210.0], [100.0, 200.0], reduction="sum")
    array([-0.01 ,  0.005])
    """


@declare(
    family="relative",
    task="regression",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={
        "input = target": "0",
        "input = 0": "-sign(target) / |target|",
        "|input| + |target| = eps": "that of smaller ones",
    },
    reference="S. Makridakis, Accuracy measures: theoretical and practical concerns, 1993",
    aliases=("symmetric mean absolute percentage error", "sMAPE", "Canberra distance"),
)
def smape_loss(input: ArrayLike, target: ArrayLike, *, eps: float = 1e-8) -> None:
    """Absolute error in proportion to the sizes of prediction and target: symmetric MAPE, from 0 to 1.

    ::

        l = |input - target| / max(|input| + |target|, eps)

    Use it instead of `mape_loss` where targets may be 0. It is bounded, so no element drowns the
    others, but flat: a prediction of the wrong sign costs 1 whatever its size, and has no gradient.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    eps : float, default 1e-8
        The smallest denominator, in the units of the target; at least 0.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape; from 0 to 1
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

        Other definitions multiply by 2 (a range from 0 to 2) or by 200.

    Notes
    -----
    Gradient in input, with r = input - target and d = |input| + |target| > eps: 2 sign(r) |target| / d**2
    where input and target have the same sign, 0 where they differ, and the mean of the two sides, -sign(target) /
    |target|, at input = 0. Where d <= eps it is sign(r) / eps. At r = 0 it is 0, also for input = target = 0, where l
    is 0. The gradient in target is the same with the operands exchanged. The second derivative in input is -2
    sign(input) / d times the gradient.

    Where one operand is infinite, or both are with different signs, l is 1 with gradient 0.

    References
    ----------
    S. Makridakis, "Accuracy measures: theoretical and practical concerns", International Journal of
    Forecasting 9(4), 1993.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.smape_loss([3.0, 0.0, -2.0], [1.0, 0.0, 5.0], reduction="none")
    array([0.5, 0. , 1. ])
    >>> fl.smape_loss.grad([3.0, 0.0, -2.0], [1.0, 0.0, 5.0], reduction="none")
    array([ 0.125,  0.   , -0.   ])
    """


@declare(
    family="relative",
    task="regression of positive numbers",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="unitless",
    reference="C. Tofallis, A better measure of relative prediction accuracy, 2015",
    aliases=("mean squared logarithmic error", "MSLE", "squared log error"),
)
def msle_loss(input: ArrayLike, target: ArrayLike) -> None:
    """Squared difference of the logarithms of 1 + input and 1 + target.

    ::

        l = (log(1 + input) - log(1 + target))**2

    Use it for counts and other numbers from 0 upwards that spread over orders of magnitude: it measures
    ratios, not differences, and predictions that are too small cost more than those that are as much too large.

    Parameters
    ----------
    input : array_like
        Predictions above -1, of any shape. Smaller ones are an error only under ``errstate(domain="raise")``;
        otherwise -1 itself gives inf and anything below NaN, in value and gradient. Nothing is clipped.
    target : array_like
        Targets above -1, with the same meaning. Of input's shape; of its rank with extents of 1 where
        they are broadcast; or one number.

    Returns
    -------
    {reductions}

    Notes
    -----
    With d = log(1 + input) - log(1 + target), gradients are 2 d / (1 + input) in input and -2 d / (1 + target)
    in target; the second derivative in input is 2 (1 - d) / (1 + input)**2, negative where input is
    more than e times too large. d is computed as one logarithm, log(1 + (input - target) / (1 + target)), which keeps
    its digits where the two are close.

    scikit-learn has this mean as a metric; XGBoost's loss is half of it; Keras raises negative operands to 0 first.

    References
    ----------
    C. Tofallis, "A better measure of relative prediction accuracy for model selection and model
    estimation", Journal of the Operational Research Society 66(8), 2015.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.msle_loss([90.0, 210.0, 290.0], [100.0, 200.0, 300.0]).round(10)
    np.float64(0.0047897784)
    >>> fl.msle_loss.grad([0.0, 1.0, 3.0], [0.0, 3.0, 1.0], reduction="none").round(4)
    array([ 0.    , -0.6931,  0.3466])
    >>> fl.msle_loss([-1.0, -1.5], [0.0, 0.0], reduction="none")
    array([inf, nan])
    """
