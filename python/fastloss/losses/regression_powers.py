"""Powers of the error."""

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
    aliases=("half squared error", "squared error"),
)
def l2_loss(input: ArrayLike, target: ArrayLike) -> None:
    """Half the squared error, whose gradient is the error itself.

    ::

        l = (input - target)**2 / 2

    It is half of `mse_loss`: the form of least squares in which the gradient is the residual and the
    second derivative is 1, as boosting objectives and textbooks have it.

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
    Gradients: input - target in input, the opposite in target. The second derivative is 1.

    PyTorch has no such loss; `optax.l2_loss` and scikit-learn's `HalfSquaredError` are the same.

    References
    ----------
    A.-M. Legendre, "Nouvelles méthodes pour la détermination des orbites des comètes", Paris, 1805
    (the method of least squares).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.l2_loss([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])
    np.float64(0.1875)
    >>> gradient, hessian = fl.l2_loss.grad_and_hess([2.5, 0.0, 8.0], [3.0, -0.5, 7.0], reduction="sum")
    >>> gradient
    array([-0.5,  0.5,  1. ])
    >>> hessian
    array([1., 1., 1.])
    """


@declare(
    family="regression",
    task="regression",
    convex="for p >= 1",
    differentiable="kinks",
    twice_differentiable=False,
    robust="for p <= 1",
    units="target to the power p",
    kinks={"input = target, with p <= 1": "0"},
    reference="A. H. Money et al., The Linear Regression Model: Lp Norm Estimation and the Choice of p, 1982",
    aliases=("Lp norm", "power loss"),
)
def lp_loss(input: ArrayLike, target: ArrayLike, *, p: float = 2.0) -> None:
    """A power of the absolute error.

    ::

        l = |input - target|**p

    Use it with p between 1 and 2 as a compromise of `l1_loss` and `mse_loss`, or with a larger p where
    the largest error matters most. It is those two exactly for p = 1 and p = 2.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    p : float, default 2.0
        The power; above 0 and finite.

    Returns
    -------
    scalar or ndarray
        ============  ==============================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / input.shape[0]
        ============  ==============================

        No root is taken.

    Notes
    -----
    Gradients: p |r|**(p - 1) sign(r) in input with r = input - target, the opposite in target. At r = 0
    they are 0 for every p, which is a subgradient for p = 1 and a convention for p < 1, where the slope
    is infinite on both sides. The second derivative is p (p - 1) |r|**(p - 2): at r = 0 it is 0 for
    p <= 1 and p > 2, and infinite between.

    The gradient is finite where the value overflows and the gradient itself does not.

    References
    ----------
    A. H. Money, J. F. Affleck-Graves, M. L. Hart and G. D. I. Barr, "The Linear Regression Model: Lp
    Norm Estimation and the Choice of p", Communications in Statistics - Simulation and Computation
    11(1), 1982.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.lp_loss([2.5, 0.0, 2.0, 8.0], [3.0, -0.5, 2.0, 7.0])
    np.float64(0.375)
    >>> fl.lp_loss([4.0, 0.25, 1.0], [0.0, 0.0, 1.0], p=1.5, reduction="none")
    array([8.   , 0.125, 0.   ])
    >>> fl.lp_loss.grad([4.0, 0.25, 1.0], [0.0, 0.0, 1.0], p=1.5, reduction="sum")
    array([3.  , 0.75, 0.  ])
    """
