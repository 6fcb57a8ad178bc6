"""Losses of the difference between a prediction and a real target."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="regression",
    task="regression",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=False,
    units="target squared",
    reference="A.-M. Legendre, Nouvelles méthodes pour la détermination des orbites des comètes, 1805",
    aliases=("mean squared error", "MSE", "L2 loss", "squared error"),
)
def mse_loss(input: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> None:
    """Squared error, or L2 loss.

    ::

        l = (input - target)**2

    Use it where large errors are much worse than small ones and outliers are rare: the fitted value
    is the mean. Where they are not rare, `huber_loss` and `l1_loss` bound the pull of each of them.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    weight : array_like, optional
        torch's element weights, w: they multiply l. Aligned to the *trailing* axes of input: for an
        input of shape (N, C), a weight of shape (C,) holds one number for each column.
        `sample_weight`, by contrast, aligns to the leading axes.

    Returns
    -------
    scalar or ndarray
        With r = input - target:

        ============  =====================================================
        "none"        w l, of input's shape
        "sum"         sum(w l)
        "mean"        sum(w l) / sum(w); without weight, sum(l) / (number of elements)
        "batchmean"   sum(w l) / input.shape[0]
        ============  =====================================================

    Notes
    -----
    Gradients: 2 w r in input, -2 w r in target, and l in weight (with "mean" (l - mean) / sum(w),
    since the denominator depends on the weights). The second derivative in input is 2 w.

    The gradient is computed from r, not from the value, so it stays finite where r**2 overflows.

    PyTorch has the same mean of weighted elements. It also lets (N,) against (N, 1) broadcast to
    (N, N); here that is a ValueError.

    The gradient scales with the reduction: with "sum" it is as many times larger as there are
    elements, and a learning rate tuned for one does not suit the other.

    References
    ----------
    A.-M. Legendre, "Nouvelles méthodes pour la détermination des orbites des comètes", Paris, 1805
    (the method of least squares).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mse_loss([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])
    np.float64(0.375)
    >>> fl.mse_loss.grad([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])
    array([-0.25,  0.25,  0.  ,  0.5 ])
    >>> fl.mse_loss([1.0, 2.0], [0.0, 0.0], weight=[1.0, 3.0])  # (1 * 1 + 3 * 4) / (1 + 3)
    np.float64(3.25)
    """


@declare(
    family="regression",
    task="regression",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="target",
    kinks={"input = target": "0"},
    reference="P. Bloomfield and W. L. Steiger, Least Absolute Deviations, 1983",
    aliases=("mean absolute error", "MAE", "absolute error"),
)
def l1_loss(input: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None) -> None:
    """Absolute error, or L1 loss.

    ::

        l = |input - target|

    Use it where the data have outliers, or where the median is wanted: every error pulls with the
    same force.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    weight : array_like, optional
        torch's element weights, w: they multiply l. Aligned to the *trailing* axes of input: for an
        input of shape (N, C), a weight of shape (C,) holds one number for each column.
        `sample_weight`, by contrast, aligns to the leading axes.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        w l, of input's shape
        "sum"         sum(w l)
        "mean"        sum(w l) / sum(w); without weight, sum(l) / (number of elements)
        "batchmean"   sum(w l) / input.shape[0]
        ============  =====================================================

    Notes
    -----
    Gradients: w sign(r) in input with r = input - target, the opposite in target, and l in weight
    (with "mean" (l - mean) / sum(w)). At the kink, r = 0, the subgradient is 0, as in PyTorch. The
    second derivative is 0 everywhere.

    Where r is NaN, so is the gradient; in PyTorch the value is NaN there but the gradient is 0.

    References
    ----------
    P. Bloomfield and W. L. Steiger, "Least Absolute Deviations: Theory, Applications, and
    Algorithms", Birkhäuser, 1983.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.l1_loss([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])
    np.float64(0.5)
    >>> fl.l1_loss.grad([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])  # 0 at the kink
    array([-0.25,  0.25,  0.  ,  0.25])
    """


@declare(
    family="regression",
    task="regression",
    convex=True,
    differentiable="C1",
    twice_differentiable=False,
    robust=True,
    units="target",
    reference="P. J. Huber, Robust Estimation of a Location Parameter, 1964",
)
def huber_loss(input: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, delta: float = 1.0) -> None:
    """Huber loss: squared near the target, absolute far from it.

    ::

        r = input - target
        l = r**2 / 2                    where |r| <= delta
            delta * (|r| - delta / 2)   elsewhere

    Use it where most errors are small and well behaved and a few are gross: it is smooth like
    `mse_loss` near the target, and no single element pulls harder than delta.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    weight : array_like, optional
        torch's element weights, w: they multiply l. Aligned to the *trailing* axes of input: for an
        input of shape (N, C), a weight of shape (C,) holds one number for each column.
        `sample_weight`, by contrast, aligns to the leading axes.
    delta : float, default 1.0
        Where the loss turns from quadratic to linear, in the units of the target; above 0.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        w l, of input's shape
        "sum"         sum(w l)
        "mean"        sum(w l) / (number of elements), *not* / sum(w)
        "batchmean"   sum(w l) / input.shape[0]
        ============  =====================================================

        The mean with `weight` is PyTorch's, which differs from that of `mse_loss` and `l1_loss`.
        For the weighted average sum(w l) / sum(w), pass the weights as `sample_weight`, or say
        ``normalizer="weight"``.

    Notes
    -----
    Gradients: w min(max(r, -delta), delta) in input, the opposite in target, and l in weight. They
    have no jump; the second derivative jumps from w to 0 at |r| = delta, and is w on the boundary
    itself.

    The Smooth L1 loss of the literature on object detection, which is often called Huber, is this
    one divided by its threshold.

    References
    ----------
    P. J. Huber, "Robust Estimation of a Location Parameter", The Annals of Mathematical Statistics
    35(1), 1964.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.huber_loss([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])
    np.float64(0.1875)
    >>> value, gradient = fl.huber_loss.value_and_grad([3.2, 100.0, 2.1], [3.0, 6.0, 2.0], reduction="sum")
    >>> value.round(6)  # 0.02 + (94 - 0.5) + 0.005
    np.float64(93.525)
    >>> gradient.round(6)  # the outlier pulls with a force of 1, not 94
    array([0.2, 1. , 0.1])
    >>> fl.huber_loss([0.0, 4.0], [0.0, 0.0], delta=2.0, reduction="none")
    array([0., 6.])
    """


@declare(
    family="regression",
    task="regression",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=False,
    units="target",
    kinks={"input = target everywhere, with eps = 0": "0"},
    reference="T. Chai and R. R. Draxler, Root mean square error (RMSE) or mean absolute error (MAE)?, 2014",
    aliases=("root mean squared error", "RMSE"),
)
def rmse_loss(input: ArrayLike, target: ArrayLike, *, eps: float = 0.0) -> None:
    """Root mean squared error: the square root of the reduced squared error.

    ::

        l = sqrt(reduced (input - target)**2 + eps)

    It is in the units of the target and has the same minimum as `mse_loss`, but a gradient that
    does not shrink as the fit improves.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    eps : float, default 0.0
        Added under the root, in squared units of the target; at least 0. A positive eps makes the
        gradient smooth at a perfect fit.

    Returns
    -------
    scalar or ndarray
        With r = input - target:

        ============  =====================================================
        "none"        sqrt(r**2 + eps), of input's shape
        "sum"         sqrt(sum(r**2) + eps)
        "mean"        sqrt(sum(r**2) / (number of elements) + eps)
        "batchmean"   sqrt(sum(r**2) / input.shape[0] + eps)
        ============  =====================================================

        Sample weights act under the root: the mean is sqrt(sum(s r**2) / sum(s) + eps). With "none" there is
        one root for each element, and they multiply it.

    Notes
    -----
    Gradient of the mean in input: r / (n rmse) for n elements; the opposite in target. At a perfect
    fit with eps = 0 it is 0, a subgradient; writing sqrt(mse_loss(...)) in an automatic
    differentiator gives NaN there. PyTorch has no such loss.

    The loss of one element depends on all the others, so there is no diagonal second derivative:
    `hess`, `grad_and_hess`, `ufunc` and `grad_ufunc` do not exist. Its gradient needs the value
    first, so `value_and_grad` reads the input twice.

    References
    ----------
    T. Chai and R. R. Draxler, "Root mean square error (RMSE) or mean absolute error (MAE)?
    Arguments against avoiding RMSE in the literature", Geoscientific Model Development 7(3), 2014.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.rmse_loss([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])
    np.float64(0.6123724356957945)
    >>> fl.rmse_loss.grad([3.0, 4.0], [0.0, 0.0], reduction="sum")
    array([0.6, 0.8])
    >>> fl.rmse_loss.grad([1.0, 2.0], [1.0, 2.0])  # a perfect fit
    array([0., 0.])
    """
