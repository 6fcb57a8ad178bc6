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
        input's shape; of its rank with extents of 1 where they are broadcast; or one number.
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


@declare(
    family="count",
    task="regression of proportions",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="P. McCullagh and J. A. Nelder, Generalized Linear Models, 1989",
    aliases=("binomial negative log-likelihood", "half binomial deviance", "grouped logistic loss"),
)
def binomial_nll_loss(
    input: ArrayLike, target: ArrayLike, trials: ArrayLike | None = None, *, full: bool = False
) -> None:
    """Negative log-likelihood of a number of successes in a number of trials, from a logit.

    ::

        p = 1 / (1 + exp(-input))
        l = -target * log(p) - (trials - target) * log(1 - p)

        plus, if full, -log(binomial coefficient of trials over target)

    Use it where the outcomes of a group are known only together: clicks of so many views, survivors
    of so many patients.

    Parameters
    ----------
    input : array_like
        Logits of the predicted probability of success, of any shape.
    target : array_like
        Numbers of successes, from 0 to trials, of any integer or floating dtype. Of input's shape;
        of its rank with extents of 1 where they are broadcast; or one number.
    trials : array_like, optional
        Numbers of trials, at least 0. Shaped as the target. Without it there is one trial, and l is
        the binary cross-entropy.
    full : bool, default False
        Whether to add the logarithm of the binomial coefficient, so that l is minus the logarithm
        of a probability.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements), *not* / sum(trials)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

    Notes
    -----
    With x = input, t = target and n = trials, it is computed as (n - t) softplus(x) + t
    softplus(-x), which neither overflows nor cancels.

    Gradients: n p - t in x; -x in t; softplus(x) in n. If full, digamma(t + 1) - digamma(n - t + 1)
    is added in t, and digamma(n - t + 1) - digamma(n + 1) in n. The second derivative in input is
    n p (1 - p). At infinite logits l is 0 where all trials agree with it, and inf elsewhere.

    More successes than trials are not looked for: the formula is evaluated as it stands.

    References
    ----------
    P. McCullagh and J. A. Nelder, "Generalized Linear Models", Chapman and Hall, 2nd edition, 1989,
    chapter 4.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> logits, clicks, views = np.array([0.0, -2.0]), np.array([2, 10]), np.array([4, 100])
    >>> fl.binomial_nll_loss(logits, clicks, views, reduction="none").round(6)
    array([ 2.772589, 32.692801])
    >>> fl.binomial_nll_loss(logits[0], 2, 4, full=True).round(6)  # -log(6 / 16)
    np.float64(0.980829)
    >>> fl.binomial_nll_loss.grad(logits, clicks, views, reduction="none").round(6)
    array([0.      , 1.920292])
    """


@declare(
    family="count",
    task="count regression",
    convex="with log_input, for targets that are not negative",
    differentiable="smooth",
    twice_differentiable=True,
    robust=False,
    units="nats",
    reference="J. M. Hilbe, Negative Binomial Regression, 2011",
    aliases=("negative binomial negative log-likelihood", "NB2 regression loss"),
)
def negative_binomial_nll_loss(
    input: ArrayLike, target: ArrayLike, dispersion: ArrayLike, *, log_input: bool = True, full: bool = False
) -> None:
    """Negative log-likelihood of counts that vary more than those of a Poisson distribution.

    ::

        m = exp(input)       with log_input
            input            without
        r = 1 / dispersion
        l = r log(1 + m / r) + target log(1 + r / m) - log(Gamma(r + target) / Gamma(r))

        plus, if full, log(target!)

    The variance of a count is m + dispersion m**2. Use it for counts that come in bursts or differ
    from one unit to the next: visits to a doctor, reads of a gene, sales of an article.

    Parameters
    ----------
    input : array_like
        Logarithms of the predicted means, any real numbers; the means themselves, at least 0, with
        ``log_input=False``. Of any shape.
    target : array_like
        Counts, at least 0, of any integer or floating dtype; they need not be whole numbers. Of
        input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    dispersion : array_like
        What the variance has beyond the mean, over the squared mean; at least 0, where 0 is the
        Poisson distribution: the value approaches that of `poisson_nll_loss` without loss of
        digits. In other conventions it is 1 / total_count, 1 / theta or 1 / size. Aligned to the
        *trailing* axes of input: for an input of shape (N, C), a dispersion of shape (C,) holds one
        number for each column.
    log_input : bool, default True
        Whether input is the logarithm of the mean.
    full : bool, default False
        Whether to add log(target!), so that l is minus the logarithm of a probability.

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
    With a = dispersion and t = target. Gradients in input: (m - t) / (1 + a m) with log_input,
    (m - t) / (m (1 + a m)) without. In t: log(1 + a m) - log(m) - log(a) - digamma(1 / a + t), and
    digamma(t + 1) more if full. In a: (log((1 + a t) / (1 + a m)) + a (m - t) / (1 + a m)) / a**2 +
    (digamma(1 / a + t) - digamma(1 / a) - log(1 + a t)) / a**2, which is (t - (m - t)**2) / 2 at a
    = 0. Where the dispersion was broadcast its gradient is summed over the broadcast axes. The
    second derivative with log_input is m (1 + a t) / (1 + a m)**2.

    Everything is computed in float64, whatever the dtype: counts of a million and dispersions close
    to 0 lose nothing but what the terms of the formula themselves lose by their rounding. A
    negative mean gives NaN in value and gradients.

    References
    ----------
    J. M. Hilbe, "Negative Binomial Regression", Cambridge University Press, 2nd edition, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> means, counts = np.array([1.0, 2.0, 4.0]), np.array([0, 5, 3])
    >>> fl.negative_binomial_nll_loss(np.log(means), counts, 1.0, full=True, reduction="none").round(6)
    array([0.693147, 3.125938, 2.278869])
    >>> fl.negative_binomial_nll_loss(means, counts, 0.0, log_input=False).round(6)
    np.float64(-0.208206)
    >>> mean_gradient, dispersion_gradient = fl.negative_binomial_nll_loss.grad(
    ...     np.log(means), counts, 0.5, wrt=("input", "dispersion"), reduction="sum")
    >>> mean_gradient.round(6)
    array([ 0.666667, -1.5     ,  0.333333])
    """
