"""Losses between the squared and the absolute error: mild with small errors, and linear in large ones."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="regression",
    task="regression",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="target",
    kinks={"input = target, with beta = 0": "0"},
    reference="R. Girshick, Fast R-CNN, 2015",
    aliases=("Smooth L1",),
)
def smooth_l1_loss(input: ArrayLike, target: ArrayLike, *, beta: float = 1.0) -> None:
    """Smooth L1 loss: absolute error with a parabola in place of its kink.

    ::

        r = input - target
        l = r**2 / (2 * beta)   where |r| < beta
            |r| - beta / 2      elsewhere

    Use it as `l1_loss` without the jump of its gradient; it is the regression loss of object detectors.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    beta : float, default 1.0
        Where the loss turns from quadratic to linear, in the units of the target; at least 0. With
        beta = 0 this is `l1_loss`.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients: r / beta clipped to [-1, 1] in input, the opposite in target. The second derivative is
    1 / beta where |r| < beta, and 0 elsewhere, at |r| = beta too.

    `huber_loss` is not the same: with delta = beta it is beta times this one. As beta grows this loss
    goes to 0 near the target, where Huber's becomes half the squared error.

    References
    ----------
    R. Girshick, "Fast R-CNN", IEEE International Conference on Computer Vision, 2015.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.smooth_l1_loss([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])
    np.float64(0.1875)
    >>> fl.smooth_l1_loss([1.0, 5.0], [0.0, 0.0], beta=2.0, reduction="none")
    array([0.25, 4.  ])
    >>> fl.smooth_l1_loss.grad([1.0, 5.0], [0.0, 0.0], beta=2.0, reduction="sum")
    array([0.5, 1. ])
    """


@declare(
    family="regression",
    task="regression",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="target squared",
    reference="P. Charbonnier et al., Deterministic edge-preserving regularization in computed imaging, 1997",
    aliases=("pseudo-Huber", "smooth Huber"),
)
def pseudo_huber_loss(input: ArrayLike, target: ArrayLike, *, delta: float = 1.0) -> None:
    """Pseudo-Huber loss: a Huber loss that can be differentiated any number of times.

    ::

        r = input - target
        l = delta**2 * (sqrt(1 + (r / delta)**2) - 1)

    Use it as `huber_loss` where second derivatives must not jump, as in Newton's method and boosting. It
    is r**2 / 2 near the target and delta |r| - delta**2 far from it.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    delta : float, default 1.0
        The bound of the gradient, and about where the loss turns from quadratic to linear, in the units
        of the target; above 0 and finite.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients: r / sqrt(1 + (r / delta)**2) in input, the opposite in target; they lie between -delta
    and delta. The second derivative is (1 + (r / delta)**2)**(-3 / 2).

    Neither small nor huge r lose digits: the root minus 1 is not formed, and (r / delta)**2 does not
    overflow. PyTorch has no such loss; XGBoost calls delta `huber_slope`.

    References
    ----------
    P. Charbonnier, L. Blanc-Féraud, G. Aubert and M. Barlaud, "Deterministic edge-preserving
    regularization in computed imaging", IEEE Transactions on Image Processing 6(2), 1997.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.pseudo_huber_loss([0.75, 0.0, 1e-8], [0.0, 0.0, 0.0], reduction="none")
    array([2.5e-01, 0.0e+00, 5.0e-17])
    >>> fl.pseudo_huber_loss([8.0], [0.0], delta=6.0)  # 36 (10 / 6 - 1)
    np.float64(24.0)
    >>> fl.pseudo_huber_loss.grad([0.75, 0.0, 1e200], [0.0, 0.0, 0.0], reduction="sum")
    array([0.6, 0. , 1. ])
    """


@declare(
    family="regression",
    task="regression",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="target",
    kinks={"input = target, with eps = 0": "0"},
    reference="W.-S. Lai et al., Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution, 2017",
    aliases=("L1-L2 loss", "generalised Charbonnier loss"),
)
def charbonnier_loss(input: ArrayLike, target: ArrayLike, *, eps: float = 1e-3) -> None:
    """Charbonnier loss: absolute error that a small eps keeps differentiable.

    ::

        l = sqrt((input - target)**2 + eps**2)

    Use it as `l1_loss` where a smooth gradient is needed; it is common in image restoration.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    eps : float, default 0.001
        The value at a perfect fit, and the width of the rounded tip, in the units of the target; at
        least 0. With eps = 0 this is `l1_loss`.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients: r / l in input with r = input - target, the opposite in target. The second derivative is
    eps**2 / l**3. With eps = 0 the gradient at r = 0 is 0, a subgradient.

    Some write eps where eps**2 stands here, and some subtract eps, so that a perfect fit is 0: see
    `pseudo_huber_loss`, which is delta (l - delta) for eps = delta.

    References
    ----------
    W.-S. Lai, J.-B. Huang, N. Ahuja and M.-H. Yang, "Deep Laplacian Pyramid Networks for Fast and
    Accurate Super-Resolution", IEEE Conference on Computer Vision and Pattern Recognition, 2017.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.charbonnier_loss([3.0, 0.0], [0.0, 0.0], eps=4.0, reduction="none")
    array([5., 4.])
    >>> fl.charbonnier_loss.grad([3.0, 0.0], [0.0, 0.0], eps=4.0, reduction="sum")
    array([0.6, 0. ])
    >>> fl.charbonnier_loss([2.5, 0.0], [2.5, 0.0])
    np.float64(0.001)
    """


@declare(
    family="regression",
    task="regression",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="target",
    reference="R. Neuneier and H. G. Zimmermann, How to Train Neural Networks, 1998",
    aliases=("log-cosh", "logarithm of the hyperbolic cosine"),
)
def log_cosh_loss(input: ArrayLike, target: ArrayLike) -> None:
    """Log-cosh loss: squared near the target, absolute far from it, and smooth throughout.

    ::

        l = log(cosh(input - target))

    Use it as `huber_loss` where nothing is to be tuned: it is r**2 / 2 for small errors and |r| - log 2
    for large ones.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients: tanh(input - target) in input, the opposite in target. The second derivative is
    1 - tanh(input - target)**2, formed without cancellation.

    cosh itself is not computed, which overflows from r = 89 in float32, and small errors keep their
    digits: the usual |r| + log1p(exp(-2 |r|)) - log(2) is 0 at r = 1e-4 in float32, where 5e-9 is right.

    References
    ----------
    R. Neuneier and H. G. Zimmermann, "How to Train Neural Networks", in Neural Networks: Tricks of the
    Trade, Springer, 1998.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.log_cosh_loss([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0]).round(10)
    np.float64(0.1685024611)
    >>> fl.log_cosh_loss([1e-8, 1000.0], [0.0, 0.0], reduction="none").round(20)
    array([5.00000000e-17, 9.99306853e+02])
    >>> fl.log_cosh_loss.grad([1e-8, -1000.0], [0.0, 0.0], reduction="sum")
    array([ 1.e-08, -1.e+00])
    """


@declare(
    family="regression",
    task="regression",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust="unless squared",
    units="target, or target squared if squared",
    kinks={"|input - target| = epsilon, unless squared": "0"},
    reference="V. N. Vapnik, The Nature of Statistical Learning Theory, 1995",
    aliases=("support vector regression loss", "SVR loss"),
)
def epsilon_insensitive_loss(
    input: ArrayLike, target: ArrayLike, *, epsilon: float = 0.1, squared: bool = False
) -> None:
    """Epsilon-insensitive loss: absolute or squared error beyond a tolerance, nothing within it.

    ::

        l = max(|input - target| - epsilon, 0)      or its square, if squared

    Use it where errors up to epsilon do not matter; it is the loss of support vector regression.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    epsilon : float, default 0.1
        The error that costs nothing, in the units of the target; at least 0.
    squared : bool, default False
        Square what exceeds epsilon.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients, with r = input - target: sign(r) in input where |r| > epsilon and 0 elsewhere, at |r| =
    epsilon too; if squared, 2 (|r| - epsilon) sign(r) and 0. The opposite in target. The second
    derivative is 0, or 2 where |r| > epsilon if squared.

    References
    ----------
    V. N. Vapnik, "The Nature of Statistical Learning Theory", Springer, 1995.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.epsilon_insensitive_loss([1.0, 2.25, 4.0], [1.0, 2.0, 3.0], epsilon=0.25, reduction="none")
    array([0.  , 0.  , 0.75])
    >>> fl.epsilon_insensitive_loss.grad([1.0, 2.25, 4.0], [1.0, 2.0, 3.0], epsilon=0.25, reduction="sum")
    array([0., 0., 1.])
    >>> fl.epsilon_insensitive_loss([1.0, 2.25, 4.0], [1.0, 2.0, 3.0], epsilon=0.25, squared=True, reduction="sum")
    np.float64(0.5625)
    """
