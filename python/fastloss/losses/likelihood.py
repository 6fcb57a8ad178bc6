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
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    *,
    full: bool = False,
    eps: float = 1e-6,
    beta: float = 0.0,
) -> None:
    """Negative log-likelihood of a normal distribution with a predicted mean and variance.

    ::

        v = max(var, eps)
        l = (log(v) + (input - target)**2 / v) / 2      plus log(2 pi) / 2 if full
        l = v**beta * l                                 with v**beta as a constant, if beta > 0

    Use it for regression where the noise differs from one point to the next, or where the model has
    to know how sure it is.

    Parameters
    ----------
    input : array_like
        Predicted means, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    var : array_like
        Predicted variances (not standard deviations), at least 0, in squared units of the target.
        Of input's shape; of its rank with extents of 1 where they are broadcast; of input's shape without
        the last axis; or one number. **A var of one rank less aligns to the leading axes**, as in
        PyTorch and unlike NumPy: for an input of shape (2, 2), a var of shape (2,) holds one number
        for each *row*.
    full : bool, default False
        Whether to add the constant log(2 pi) / 2, which makes the values of different losses
        comparable.
    eps : float, default 1e-6
        The smallest variance that enters the formula; above 0.
    beta : float, default 0.0
        From 0 to 1: how much of the weight that a small variance gives to its error is taken back.
        0 is the likelihood itself; 0.5 is what its authors recommend where the means do not fit; at 1
        the means are fitted as by the squared error.

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
    broadcast its gradient is summed over the broadcast axes. The second derivative in input is 1 /
    v. With beta all of them are multiplied by v**beta, which has no gradient of its own: the gradient
    in var is then not the slope of the value.

    A network usually predicts log(var) or softplus of something, to keep var positive; the chain
    rule then takes the gradient in var on (``wrt=("input", "var")`` gives both gradients at once).

    References
    ----------
    D. A. Nix and A. S. Weigend, "Estimating the Mean and Variance of the Target Probability
    Distribution", IEEE International Conference on Neural Networks, 1994.

    M. Seitzer, A. Tavakoli, D. Antic and G. Martius, "On the Pitfalls of Heteroscedastic Uncertainty
    Estimation with Probabilistic Neural Networks", ICLR 2022 (beta).

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


@declare(
    family="likelihood",
    task="probabilistic regression",
    convex="in the mean",
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="nats",
    kinks={"input = target": "0"},
    reference="P. S. de Laplace, Memoire sur la probabilite des causes par les evenemens, 1774",
    aliases=("Laplace negative log-likelihood", "heteroscedastic absolute error"),
)
def laplace_nll_loss(
    input: ArrayLike, target: ArrayLike, scale: ArrayLike, *, full: bool = False, eps: float = 1e-6
) -> None:
    """Negative log-likelihood of a Laplace distribution with a predicted median and scale.

    ::

        b = max(scale, eps)
        l = log(b) + |input - target| / b      plus log(2) if full

    Use it like `gaussian_nll_loss` where the errors have heavier tails: it is to the absolute error
    what that is to the squared one.

    Parameters
    ----------
    input : array_like
        Predicted medians, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    scale : array_like
        Predicted scales: mean absolute deviations, at least 0, in units of the target. Of input's
        shape; of its rank with extents of 1 where they are broadcast; of input's shape without the last
        axis; or one number. **A scale of one rank less aligns to the leading axes**, as the variance
        of `gaussian_nll_loss` does: for an input of shape (2, 2), shape (2,) holds one number for
        each *row*.
    full : bool, default False
        Whether to add the constant log(2), which makes the values of different losses comparable.
    eps : float, default 1e-6
        The smallest scale that enters the formula; above 0.

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
        If a scale is negative, in every call (the other losses check their data only on request).

    Notes
    -----
    Gradients, with r = input - target: sign(r) / b in input, 0 at r = 0; minus that in target; (1 -
    |r| / b) / b in scale. The clamp at eps is applied and not differentiated, as in
    `gaussian_nll_loss`: below eps the gradient in scale is that at eps. The second derivative in
    input is 0.

    References
    ----------
    P. S. de Laplace, "Memoire sur la probabilite des causes par les evenemens", 1774.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.laplace_nll_loss([0.0, 1.5], [0.0, 1.0], [1.0, 0.25])  # (0 + log(0.25) + 2) / 2
    np.float64(0.3068528194400547)
    >>> fl.laplace_nll_loss.grad([0.0, 1.5], [0.0, 1.0], [1.0, 0.25], wrt=("input", "scale"), reduction="sum")
    (array([0., 4.]), array([ 1., -4.]))
    """


@declare(
    family="likelihood",
    task="probabilistic regression of positive targets",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=False,
    units="nats",
    reference="F. Galton, The Geometric Mean in Vital and Social Statistics, 1879",
    aliases=("log-normal negative log-likelihood",),
)
def log_normal_nll_loss(
    input: ArrayLike, target: ArrayLike, scale: ArrayLike, *, full: bool = False, eps: float = 1e-6
) -> None:
    """Negative log-likelihood of a log-normal distribution: the logarithm of the target is normal.

    ::

        s = max(scale, eps)
        l = log(target) + log(s) + ((log(target) - input) / s)**2 / 2      plus log(2 pi) / 2 if full

    Use it for positive targets that spread over orders of magnitude: incomes, durations,
    concentrations.

    Parameters
    ----------
    input : array_like
        Predicted means of the *logarithm* of the target, of any shape. The median of the target is
        exp(input).
    target : array_like
        Targets, above 0, of input's shape; of its rank with extents of 1 where they are broadcast; or one
        number.
    scale : array_like
        Predicted standard deviations of the logarithm, at least 0. Of input's shape; of its rank with
        extents of 1 where they are broadcast; of input's shape without the last axis; or one number. **A
        scale of one rank less aligns to the leading axes**, as the variance of `gaussian_nll_loss`
        does: for an input of shape (2, 2), shape (2,) holds one number for each *row*.
    full : bool, default False
        Whether to add the constant log(2 pi) / 2, which makes the values of different losses
        comparable.
    eps : float, default 1e-6
        The smallest scale that enters the formula; above 0.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

        At target = 0, which has no density, l is infinite.

    Raises
    ------
    ValueError
        If a scale is negative, in every call; under ``errstate(domain="raise")``, if a target is not
        above 0.

    Notes
    -----
    Gradients, with z = (log(target) - input) / s: -z / s in input, (1 + z / s) / target in target, (1
    - z**2) / s in scale. The clamp at eps is applied and not differentiated: below eps the gradient
    in scale is that at eps. The second derivative in input is 1 / s**2. A negative target gives NaN.

    References
    ----------
    F. Galton, "The Geometric Mean in Vital and Social Statistics", Proceedings of the Royal Society
    29, 1879.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.log_normal_nll_loss([0.0, 1.0], [1.0, 1.0], [1.0, 0.5]).round(10)  # (0 + log(0.5) + 2) / 2
    np.float64(0.6534264097)
    >>> fl.log_normal_nll_loss.grad([0.0, 1.0], [1.0, 1.0], [1.0, 0.5], wrt=("input", "target"), reduction="sum")
    (array([-0.,  4.]), array([ 1., -3.]))
    """


@declare(
    family="likelihood",
    task="probabilistic regression",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="nats",
    reference="K. L. Lange, R. J. Little and J. M. Taylor, Robust Statistical Modeling Using the t Distribution, 1989",
    aliases=("Student's t negative log-likelihood",),
)
def student_t_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike,
    df: ArrayLike,
    *,
    full: bool = False,
    eps: float = 1e-6,
) -> None:
    """Negative log-likelihood of Student's t distribution, from Cauchy's to the normal one.

    ::

        s = max(scale, eps)
        l = log(s) + (df + 1) / 2 * log(1 + ((input - target) / s)**2 / df)
            + log(gamma(df / 2) / gamma((df + 1) / 2) * sqrt(df / 2))      plus log(2 pi) / 2 if full

    Use it where the noise has heavy tails; how heavy may itself be learned, as `df` has a gradient.
    At df = 1 it is Cauchy's distribution, at df = inf exactly `gaussian_nll_loss` with var = s**2.

    Parameters
    ----------
    input : array_like
        Predicted locations, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    scale : array_like
        Predicted scales, at least 0, in units of the target: the standard deviation where df is
        infinite. Of input's shape; of its rank with extents of 1 where they are broadcast; of input's shape
        without the last axis; or one number. **A scale or df of one rank less aligns to the leading
        axes**, as the variance of `gaussian_nll_loss` does: for an input of shape (2, 2), shape (2,)
        holds one number for each *row*.
    df : array_like
        Degrees of freedom, at least 0, of any size and of the shapes that scale may have.
    full : bool, default False
        Whether to add the constant log(2 pi) / 2, which makes the values of different losses
        comparable.
    eps : float, default 1e-6
        The smallest scale that enters the formula; above 0.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements of input)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

        At df = 0, which has no density, l is infinite.

    Raises
    ------
    ValueError
        If a scale or df is negative, in every call (the other losses check their data only on
        request).

    Notes
    -----
    Gradients, with r = input - target, z = r / s and q = z**2 / df: (df + 1) r / (df s**2 + r**2) in
    input, minus that in target, (1 - z**2) / (1 + q) / s in scale, and in df

    ::

        (log(1 + q) - (df + 1) / df * q / (1 + q) + 1 / df + digamma(df / 2) - digamma((df + 1) / 2)) / 2

    which is computed without the cancellation of its terms and falls to 0 as 1 / df**2. The gradient
    in input is bounded: it grows up to |r| = sqrt(df) s and falls beyond. The clamp at eps is applied
    and not differentiated: below eps the gradient in scale is that at eps.

    References
    ----------
    K. L. Lange, R. J. A. Little and J. M. G. Taylor, "Robust Statistical Modeling Using the t
    Distribution", Journal of the American Statistical Association 84, 1989.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.student_t_nll_loss([0.0, 2.0], [0.0, 1.0], 1.0, 1.0, full=True).round(10)  # log(pi) + log(2) / 2
    np.float64(1.4913034761)
    >>> fl.student_t_nll_loss([0.0, 2.0], [0.0, 1.0], 1.0, float("inf"))  # the Gaussian one
    np.float64(0.25)
    >>> fl.student_t_nll_loss.grad([0.0, 2.0], [0.0, 1.0], 1.0, 1.0, reduction="sum")
    array([0., 1.])
    """
