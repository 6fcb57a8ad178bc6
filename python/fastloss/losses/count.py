"""Likelihoods and deviances of counts and other non-negative targets."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="count",
    task="count regression",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=False,
    units="nats",
    reference="A. C. Cameron and P. K. Trivedi, Regression Analysis of Count Data, 2013",
    aliases=("Poisson negative log-likelihood", "Poisson regression loss", "half Poisson deviance"),
)
def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    log_factorial: bool = False,
) -> None:
    """Negative log-likelihood of counts of events that have a Poisson distribution.

    ::

        l = exp(input) - target * input                 with log_input
            input - target * log(input + eps)           without

        plus, if full, target * log(target) - target + log(2 pi target) / 2   where target > 1
        plus, if log_factorial instead, log(target!)

    Use it for regression on counts: calls an hour, photons a pixel, purchases a customer.

    Parameters
    ----------
    input : array_like
        Logarithms of the predicted rates, any real numbers; the rates themselves, at least 0, with
        ``log_input=False``. Of any shape.
    target : array_like
        Counts, at least 0, of any integer or floating dtype; they need not be whole numbers. Of
        input's shape; of its rank with extents of 1 where they stretch; or one number.
    log_input : bool, default True
        Whether input is the logarithm of the rate.
    full : bool, default False
        Whether to add Stirling's approximation of log(target!) where target is above 1. As in
        PyTorch it is 3% off at 2, jumps by -0.081 just above 1, and is 0 from there on down.
    eps : float, default 1e-8
        Keeps the logarithm of a rate of 0 finite; at least 0. At 0 the formula is exact. It has no
        meaning for logarithms of rates.
    log_factorial : bool, default False
        Whether to add log(target!) itself, lgamma(target + 1), in the place of what `full` adds. l
        is then minus the logarithm of a probability.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

        Without log(target!) negative values are ordinary, and the smallest value depends on the
        targets.

    Notes
    -----
    Gradients with log_input: exp(x) - t in x = input, and -x in t = target. Without: 1 - t / (x +
    eps) in x, and -log(x + eps) in t. The gradient in the target has besides log(t) + 1 / (2 t)
    where t > 1 if full, or digamma(t + 1) if log_factorial. The second derivative in input is
    exp(x), or t / (x + eps)**2.

    A count of 0 has no logarithm in it: its loss is the rate, also at a rate of 0 with ``eps=0``,
    where PyTorch gives NaN. A negative rate gives NaN in the value and in the gradients; PyTorch's
    gradient is a number there. At a log-rate of inf value and gradient are inf, where PyTorch's
    value is NaN.

    References
    ----------
    A. C. Cameron and P. K. Trivedi, "Regression Analysis of Count Data", Cambridge University
    Press, 2nd edition, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> rates, counts = np.array([1.5, 0.5, 3.0]), np.array([2, 0, 4])
    >>> fl.poisson_nll_loss(rates, counts, log_input=False, eps=0.0).round(10)
    np.float64(-0.0684597903)
    >>> fl.poisson_nll_loss(np.log(rates), counts).round(10)
    np.float64(-0.0684597903)
    >>> fl.poisson_nll_loss.grad(np.log(rates), counts, reduction="none").round(4)
    array([-0.5,  0.5, -1. ])
    >>> fl.poisson_nll_loss(np.log(rates), counts, log_factorial=True).round(6)  # -log(probability)
    np.float64(1.221941)
    """
