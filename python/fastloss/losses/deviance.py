"""Deviances of targets that are not negative: the gamma distribution, and the Tweedie family that it belongs to."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="deviance",
    task="regression of positive amounts",
    convex="with the log link",
    differentiable="smooth",
    twice_differentiable=True,
    robust=False,
    units="nats",
    reference="P. McCullagh and J. A. Nelder, Generalized Linear Models, 1989",
    aliases=("gamma negative log-likelihood", "half gamma deviance", "gamma regression loss"),
)
def gamma_nll_loss(
    input: ArrayLike, target: ArrayLike, *, link: Literal["log", "identity"] = "log", full: bool = False
) -> None:
    """Negative log-likelihood of positive amounts that have a gamma distribution.

    ::

        l = input + target * exp(-input)          with link="log"
            log(input) + target / input           with link="identity"

        plus, if full, -log(target) - 1

    Use it for amounts whose standard deviation grows in proportion to their mean: sizes of claims,
    durations, amounts of rain. The shape of the distribution is a factor of the loss and left out;
    `full` gives half the deviance of the literature, which is 0 where mean and target agree.

    Parameters
    ----------
    input : array_like
        Logarithms of the predicted means, any real numbers; the means themselves, above 0, with
        ``link="identity"``. Of any shape.
    target : array_like
        Amounts, at least 0, and above 0 if full, of any integer or floating dtype. Of input's
        shape; of its rank with extents of 1 where they are broadcast; or one number.
    link : {"log", "identity"}, default "log"
        What input is: the logarithm of the mean, or the mean.
    full : bool, default False
        Whether to add -log(target) - 1: l is then q - 1 - log(q) for the quotient q of target and
        mean, is never negative, and keeps its digits where q is close to 1.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

        Without `full` negative values are ordinary.

    Notes
    -----
    With q = target / mean. Gradients with the log link: 1 - q in input, 1 / mean in target. With
    the identity link: (1 - q) / mean in input, 1 / mean in target. In target 1 / mean - 1 / target
    if full. The second derivative in input is q, or (2 q - 1) / mean**2, which is negative where
    the mean is more than twice the target: with the identity link the loss is not convex.

    A target of 0 has the loss log(mean), and an infinite one if full. A negative mean gives NaN in
    value and gradients.

    References
    ----------
    P. McCullagh and J. A. Nelder, "Generalized Linear Models", Chapman and Hall, 2nd edition, 1989,
    chapter 8.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> means, amounts = np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 5.0])
    >>> fl.gamma_nll_loss(np.log(means), amounts).round(6)
    np.float64(1.609814)
    >>> fl.gamma_nll_loss(means, amounts, link="identity", full=True, reduction="none").round(6)
    array([0.      , 0.193147, 0.026856])
    >>> fl.gamma_nll_loss.grad(np.log(means), amounts, reduction="none").round(6)
    array([ 0.  ,  0.5 , -0.25])
    """


@declare(
    family="deviance",
    task="regression of amounts that are often 0",
    convex="with the log link, power from 1 to 2",
    differentiable="smooth",
    twice_differentiable=True,
    robust=False,
    units="nats",
    reference="B. Jorgensen, The Theory of Dispersion Models, 1997",
    aliases=("half Tweedie deviance", "compound Poisson-gamma loss"),
)
def tweedie_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    power: float = 1.5,
    link: Literal["log", "identity"] = "log",
    full: bool = False,
) -> None:
    """Deviance of amounts whose variance is a power of their mean.

    ::

        m = exp(input)          with link="log"
            input               with link="identity"
        l = m**(2 - p) / (2 - p) - target * m**(1 - p) / (1 - p)

        plus, if full, target**(2 - p) / ((1 - p) * (2 - p))

    p is the power. Between 1 and 2 it is the loss of sums of a random number of positive amounts,
    many of them 0: the claims of a policy, the rain of a day, the purchases of a visitor.

    Parameters
    ----------
    input : array_like
        Logarithms of the predicted means, any real numbers; the means themselves, above 0, with
        ``link="identity"``. Of any shape.
    target : array_like
        Amounts, of any integer or floating dtype: at least 0, above 0 for a power of 2 or more, any
        real number for a power of 0 or less. Of input's shape; of its rank with extents of 1 where
        they are broadcast; or one number.
    power : float, default 1.5
        The variance is proportional to the mean to this power: 0 is the normal distribution, 1 the
        Poisson, 2 the gamma, 3 the inverse Gaussian distribution. Between 0 and 1 there is no such
        distribution, but the loss still has its minimum at the mean.
    link : {"log", "identity"}, default "log"
        What input is: the logarithm of the mean, or the mean.
    full : bool, default False
        Whether to add what makes l half the deviance of the literature: never negative, and 0 where
        mean and target agree.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

    Notes
    -----
    At a power of exactly 1 it is m - target * log(m), at 2 log(m) + target / m: the formula without
    the constant that would be infinite. So without `full` the *values* of powers close to 1 or 2 do
    not approach these (the gradients do); with `full` they do, and nothing cancels near them: l is
    computed as G(2 - p) - target G(1 - p) for G(c) = (m**c - target**c) / c, which is
    log(m / target) at c = 0.

    Gradients: m**(2 - p) - target * m**(1 - p) in input with the log link, m**(1 - p) - target *
    m**(-p) with the identity link. In target -m**(1 - p) / (1 - p), or if full
    -G(1 - p).

    A negative mean gives NaN in value and gradients, except for a power of 0. So does, if full, a
    negative target where the power is 1 or more.

    References
    ----------
    B. Jorgensen, "The Theory of Dispersion Models", Chapman and Hall, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> means, amounts = np.array([1.0, 4.0, 4.0]), np.array([0.0, 1.0, 4.0])
    >>> fl.tweedie_loss(np.log(means), amounts, reduction="none").round(12)
    array([2., 5., 8.])
    >>> fl.tweedie_loss(means, amounts, link="identity", full=True, reduction="none").round(12)
    array([2., 1., 0.])
    >>> fl.tweedie_loss.grad(np.log(means), amounts, reduction="none").round(12)
    array([1. , 1.5, 0. ])
    >>> fl.tweedie_loss([0.0], [1.5], power=2.0) == fl.gamma_nll_loss([0.0], [1.5])
    np.True_
    """
