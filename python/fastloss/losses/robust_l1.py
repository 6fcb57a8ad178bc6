"""Robust losses of a difference that grow as its size does: each outlier pulls with a constant force."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="robust",
    task="regression",
    convex=True,
    differentiable="C1",
    twice_differentiable=True,
    robust=True,
    units="target squared",
    reference="R. C. Fair, On the Robust Estimation of Econometric Models, 1974",
)
def fair_loss(input: ArrayLike, target: ArrayLike, *, c: float = 1.0) -> None:
    """Fair loss: squared near the target, nearly absolute far from it.

    ::

        x = |input - target| / c
        l = c**2 * (x - log(1 + x))

    Use it as `huber_loss`: convex, with a pull that is bounded by c, but with a second derivative
    that changes gradually instead of vanishing, which suits second-order methods such as boosting.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    c : float, default 1.0
        The width of the quadratic part, in the units of the target; above 0.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients, with r = input - target: c r / (|r| + c) in input, the opposite in target. The second
    derivative in input is (c / (|r| + c))**2; it is 1 at r = 0, where the third one jumps.

    Gradient and second derivative are those of LightGBM's objective of this name.

    References
    ----------
    R. C. Fair, "On the Robust Estimation of Econometric Models", Annals of Economic and Social
    Measurement 3(4), 1974.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.fair_loss([0.5, 1.0, 10.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.0945, 0.3069, 7.6021])
    >>> fl.fair_loss.grad([0.5, 1.0, 10.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.3333, 0.5   , 0.9091])
    """


@declare(
    family="robust",
    task="regression",
    convex="for beta = 1",
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="target",
    kinks={
        "input = target, with beta != 1": "0",
        "|input - target| = beta, with beta != 1": "gamma sign(input - target)",
    },
    reference="J. Pang et al., Libra R-CNN: Towards Balanced Learning for Object Detection, 2019",
)
def balanced_l1_loss(
    input: ArrayLike, target: ArrayLike, *, alpha: float = 0.5, gamma: float = 1.5, beta: float = 1.0
) -> None:
    """Balanced L1 loss, of bounding-box regression: an L1 loss with a lifted gradient for small errors.

    ::

        a, b = |input - target|, exp(gamma / alpha) - 1
        l = alpha / b * (b * a + 1) * log(b * a / beta + 1) - alpha * a   where a < beta
            gamma * a + gamma / b - alpha * beta                          elsewhere

    Use it for offsets of bounding boxes, in place of a smooth L1 loss: accurate boxes keep a larger
    share of the gradient, and inaccurate ones pull with the constant gamma.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    alpha : float, default 0.5
        How much the gradient of small errors is lifted: the smaller, the more; above 0.
    gamma : float, default 1.5
        The gradient of large errors; above 0.
    beta : float, default 1.0
        The error at which the gradient becomes constant, in the units of the target; above 0.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradient in input where a < beta: alpha log(b a / beta + 1) sign(r), with r = input - target,
    plus alpha (1 - beta) / (b a + beta) sign(r) unless beta = 1; gamma sign(r) elsewhere. The
    opposite in target. For beta = 1, the case of the paper, it has no jump, and the second
    derivative jumps from alpha b / (b + 1) to 0 at a = 1.

    **For other beta this is mmdetection's formula, and it has kinks** at a = 0, where the gradient
    here is 0, and at a = beta, where it is gamma.

    References
    ----------
    J. Pang, K. Chen, J. Shi, H. Feng, W. Ouyang and D. Lin, "Libra R-CNN: Towards Balanced Learning
    for Object Detection", CVPR, 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.balanced_l1_loss([0.1, 1.0, 3.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.0314, 1.0786, 4.0786])
    >>> fl.balanced_l1_loss.grad([0.1, 1.0, 3.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.5338, 1.5   , 1.5   ])
    """


@declare(
    family="robust",
    task="regression",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="target",
    kinks={"input = target": "0", "|input - target| = width": "sign(input - target)"},
    reference="Z.-H. Feng et al., Wing Loss for Robust Facial Landmark Localisation with CNNs, 2018",
)
def wing_loss(input: ArrayLike, target: ArrayLike, *, width: float = 5.0, curvature: float = 0.5) -> None:
    """Wing loss, of landmark localisation: logarithmic near the target, absolute far from it.

    ::

        a = |input - target|
        l = width * log(1 + a / curvature)                         where a < width
            a - width + width * log(1 + width / curvature)         elsewhere

    Use it for coordinates of landmarks, where many errors are already small: the smaller an error,
    the harder it pulls, up to width / curvature times as hard as a large one.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    width : float, default 5.0
        The error at which the loss becomes linear, in the units of the target; above 0.
    curvature : float, default 0.5
        How sharp the tip is, in the units of the target; above 0. The paper's epsilon.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradient in input, with r = input - target: width / (curvature + a) sign(r) where a < width,
    sign(r) elsewhere; the opposite in target. At the tip, r = 0, it is 0, and it jumps at a = width
    as well. The second derivative in input is -width / (curvature + a)**2 where a < width, r = 0
    included, and 0 elsewhere.

    References
    ----------
    Z.-H. Feng, J. Kittler, M. Awais, P. Huber and X.-J. Wu, "Wing Loss for Robust Facial Landmark
    Localisation with Convolutional Neural Networks", CVPR, 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.wing_loss([0.1, 1.0, 10.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([ 0.9116,  5.4931, 16.9895])
    >>> fl.wing_loss.grad([0.0, 1.0, 10.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.    , 3.3333, 1.    ])
    """
