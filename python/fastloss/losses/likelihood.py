"""Negative log-likelihoods of a distribution whose parameters are predicted."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="likelihood",
    task="probabilistic regression",
    convex="in the mean",
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference=(
        "D. A. Nix and A. S. Weigend, Estimating the Mean and Variance of the Target Probability Distribution, 1994"
    ),
    aliases=("Gaussian negative log-likelihood", "heteroscedastic regression loss"),
)
def gaussian_nll_loss(
    input: ArrayLike, target: ArrayLike, var: ArrayLike, *, full: bool = False, eps: float = 1e-6
) -> None:
    """Negative log-likelihood of a normal distribution with a predicted mean and variance.

    ::

        v = max(var, eps)
        l = (log(v) + (input - target)**2 / v) / 2      plus log(2 pi) / 2 if full

    Use it for regression where the noise differs from one point to the next, or where the model has
    to know how sure it is.

    Parameters
    ----------
    input : array_like
        Predicted means, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they stretch; or one number.
    var : array_like
        Predicted variances (not standard deviations), at least 0, in squared units of the target.
        Of input's shape; of its rank with extents of 1 where they stretch; of input's shape without
        the last axis; or one number. **A var of one rank less aligns to the leading axes**, as in
        PyTorch and unlike NumPy: for an input of shape (2, 2), a var of shape (2,) holds one number
        for each *row*.
    full : bool, default False
        Whether to add the constant log(2 pi) / 2, which makes the values of different losses
        comparable.
    eps : float, default 1e-6
        The smallest variance that enters the formula; above 0.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

        Negative values are ordinary: a density may exceed 1.

    Raises
    ------
    ValueError
        If a variance is negative, in every call (the other losses check their data only on
        request).

    Notes
    -----
    Gradients, with r = input - target: r / v in input, -r / v in target, and (1 / v - (r / v)**2) /
    2 in var. Like PyTorch, the clamp at eps is applied and not differentiated: below eps the
    gradient in var is that at eps, so that a variance that fell to zero can recover. Where var was
    stretched its gradient is summed over the stretched axes. The second derivative in input is 1 /
    v.

    A network usually predicts log(var) or softplus of something, to keep var positive; the chain
    rule then takes the gradient in var on (``wrt=("input", "var")`` gives both gradients at once).

    References
    ----------
    D. A. Nix and A. S. Weigend, "Estimating the Mean and Variance of the Target Probability
    Distribution", IEEE International Conference on Neural Networks, 1994.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> fl.gaussian_nll_loss([0.0, 1.5], [0.0, 1.0], [1.0, 0.25]).round(10)
    np.float64(-0.0965735903)
    >>> mean_gradient, var_gradient = fl.gaussian_nll_loss.grad(
    ...     [0.0, 1.5], [0.0, 1.0], [1.0, 0.25], wrt=("input", "var"), reduction="sum")
    >>> mean_gradient, var_gradient
    (array([0., 2.]), array([0.5, 0. ]))
    >>> fl.gaussian_nll_loss(np.zeros((2, 2)), np.ones((2, 2)), [1.0, 4.0], reduction="none").round(4)  # one var a row
    array([[0.5   , 0.5   ],
           [0.8181, 0.8181]])
    """
