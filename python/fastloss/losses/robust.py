"""Losses of a difference that bound the pull of outliers."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="robust",
    task="regression",
    convex="for alpha >= 1",
    differentiable="smooth",
    twice_differentiable=True,
    robust="for alpha <= 1",
    units="unitless",
    reference="J. T. Barron, A General and Adaptive Robust Loss Function, 2019",
    aliases=("Barron loss", "adaptive robust loss", "Charbonnier loss"),
)
def general_robust_loss(input: ArrayLike, target: ArrayLike, alpha: ArrayLike = 1.0, scale: ArrayLike = 1.0) -> None:
    """Barron's general robust loss: one formula with the shape alpha, from squared error to Welsch's loss.

    ::

        q = (input - target) / scale
        l = |alpha - 2| / alpha * ((q**2 / |alpha - 2| + 1)**(alpha / 2) - 1)

    =========  ==============================================
    alpha      l
    =========  ==============================================
    2          q**2 / 2
    1          sqrt(q**2 + 1) - 1, as pseudo-Huber
    0          log(1 + q**2 / 2), `cauchy_loss`
    -2         2 q**2 / (q**2 + 4), `geman_mcclure_loss`
    -inf       1 - exp(-q**2 / 2), `welsch_loss`
    inf        exp(q**2 / 2) - 1
    =========  ==============================================

    Use it to choose, or to learn, how much outliers count: the smaller alpha, the less.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    alpha : array_like, default 1.0
        The shape, any number or an infinity. One number; or an array, aligned to the *trailing* axes
        of input: for an input of shape (N, C), (C,) holds one shape for each column.
    scale : array_like, default 1.0
        The width of the quadratic part, in the units of the target; above 0. Aligned as alpha is.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients, with e = (q**2 / |alpha - 2| + 1)**(alpha / 2 - 1): q e / scale in input, the
    opposite in target, and -q**2 e / scale in scale. The gradient in alpha is never negative; it
    grows with the sixth power of small q, and **at alpha = 2 it is inf wherever q is not 0**. The
    second derivative in input is e (1 + (alpha - 1) u) / (1 + u) / scale**2 with u = q**2 /
    |alpha - 2|.

    Limits are exact, and nothing cancels near them. Learning alpha by descent on this loss alone
    drives it down without end; Barron adds the normalising constant of the matching distribution.

    The one number alpha = 1 is much the fastest.

    References
    ----------
    J. T. Barron, "A General and Adaptive Robust Loss Function", CVPR, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> fl.general_robust_loss([0.75, 3.0], [0.0, 0.0], reduction="none").round(4)
    array([0.25  , 2.1623])
    >>> fl.general_robust_loss(3.0, 0.0, alpha=2.0)
    np.float64(4.5)
    >>> fl.general_robust_loss(np.full((1, 3), 2.0), np.zeros((1, 3)), [2.0, 0.0, -2.0], reduction="none").round(4)
    array([[2.    , 1.0986, 1.    ]])
    >>> fl.general_robust_loss.grad([3.0, -3.0], [0.0, 0.0], 0.0, reduction="none").round(4)
    array([ 0.5455, -0.5455])
    """


@declare(
    family="robust",
    task="regression",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="unitless",
    reference="M. J. Black and P. Anandan, The Robust Estimation of Multiple Motions, 1996",
    aliases=("Lorentzian loss", "log-quadratic loss"),
)
def cauchy_loss(input: ArrayLike, target: ArrayLike, *, c: float = 1.0) -> None:
    """Cauchy, or Lorentzian, loss: the logarithm of a squared error.

    ::

        l = log(1 + ((input - target) / c)**2 / 2)

    Use it where many errors are gross: it grows with the logarithm of the error, and the pull of an
    outlier dies away with its distance.

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
    Gradients, with r = input - target: r / (c**2 + r**2 / 2) in input, which is largest, 0.71 / c,
    at |r| = 1.41 c and tends to 2 / r; the opposite in target. The second derivative in input is
    (c**2 - r**2 / 2) / (c**2 + r**2 / 2)**2, negative beyond |r| = 1.41 c.

    It is `general_robust_loss` for alpha = 0, and up to a constant the negative log-likelihood of a
    Student t distribution. The squares of large errors are never formed.

    References
    ----------
    M. J. Black and P. Anandan, "The Robust Estimation of Multiple Motions: Parametric and
    Piecewise-Smooth Flow Fields", Computer Vision and Image Understanding 63(1), 1996.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.cauchy_loss([1.0, 2.0, 100.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.4055, 1.0986, 8.5174])
    >>> fl.cauchy_loss.grad([1.0, 2.0, 100.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.6667, 0.6667, 0.02  ])
    """


@declare(
    family="robust",
    task="regression",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="unitless",
    reference="J. E. Dennis and R. E. Welsch, Techniques for nonlinear least squares and robust regression, 1978",
    aliases=("Leclerc loss", "correntropy loss"),
)
def welsch_loss(input: ArrayLike, target: ArrayLike, *, c: float = 1.0) -> None:
    """Welsch, or Leclerc, loss: one minus a Gaussian of the error, from 0 to 1.

    ::

        l = 1 - exp(-((input - target) / c)**2 / 2)

    Use it where gross errors are to be ignored: beyond some four widths an element has practically
    no gradient. Start near a solution, since far from the targets nothing pulls.

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
    With q = (input - target) / c, gradients are q exp(-q**2 / 2) / c in input and the opposite in
    target. The second derivative in input is (1 - q**2) exp(-q**2 / 2) / c**2, negative beyond |q|
    = 1.

    It is the limit of `general_robust_loss` for alpha to minus infinity.

    References
    ----------
    J. E. Dennis and R. E. Welsch, "Techniques for nonlinear least squares and robust regression",
    Communications in Statistics: Simulation and Computation 7(4), 1978.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.welsch_loss([0.0, 1.0, 100.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.    , 0.3935, 1.    ])
    >>> fl.welsch_loss.grad([0.0, 1.0, 100.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.    , 0.6065, 0.    ])
    """


@declare(
    family="robust",
    task="regression",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="unitless",
    reference="S. Geman and D. E. McClure, Bayesian image analysis, 1985",
)
def geman_mcclure_loss(input: ArrayLike, target: ArrayLike, *, c: float = 1.0) -> None:
    """Geman-McClure loss: a squared error that levels off at 2.

    ::

        q = (input - target) / c
        l = 2 * q**2 / (q**2 + 4)

    Use it as `welsch_loss`, where outliers should keep a small pull: the gradient falls with the
    cube of the error, not like a Gaussian.

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
    Gradients: 16 q / ((q**2 + 4)**2 c) in input, the opposite in target. The second derivative in
    input is 16 (4 - 3 q**2) / ((q**2 + 4)**3 c**2), negative beyond |q| = 1.15.

    It is `general_robust_loss` for alpha = -2. Geman and McClure's own form, q**2 / (1 + q**2), is
    half of this one with c / 2 in place of c.

    References
    ----------
    S. Geman and D. E. McClure, "Bayesian image analysis: An application to single photon emission
    tomography", Proceedings of the Statistical Computing Section, American Statistical Association,
    1985.

    J. T. Barron, "A General and Adaptive Robust Loss Function", CVPR, 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.geman_mcclure_loss([1.0, 2.0, 100.0], [0.0, 0.0, 0.0], reduction="none").round(4)
    array([0.4   , 1.    , 1.9992])
    >>> fl.geman_mcclure_loss.grad([1.0, 2.0], [0.0, 0.0], reduction="none")
    array([0.64, 0.5 ])
    """


@declare(
    family="robust",
    task="regression",
    convex=False,
    differentiable="C1",
    twice_differentiable=True,
    robust=True,
    units="target squared",
    reference="A. E. Beaton and J. W. Tukey, The Fitting of Power Series, 1974",
    aliases=("Tukey's biweight", "bisquare loss"),
)
def tukey_loss(input: ArrayLike, target: ArrayLike, *, c: float = 4.685) -> None:
    """Tukey's biweight loss: squared near the target, constant beyond c.

    ::

        r = input - target
        l = c**2 / 6 * (1 - (1 - (r / c)**2)**3)   where |r| <= c
            c**2 / 6                               elsewhere

    Use it where gross errors are to have no influence at all. Divide residuals by a robust estimate
    of their spread first: the default c is for errors of standard deviation 1, where it has 95 % of
    the efficiency of least squares.

    Parameters
    ----------
    input : array_like
        Predictions, of any shape.
    target : array_like
        Targets, of input's shape; of its rank with extents of 1 where they are broadcast; or one number.
    c : float, default 4.685
        Where the loss becomes constant, in the units of the target; above 0.

    Returns
    -------
    {reductions}

    Notes
    -----
    With q = r / c, gradients are r (1 - q**2)**2 in input and the opposite in target; the second
    derivative in input is (1 - q**2) (1 - 5 q**2). All are 0 beyond c, and none jumps there.

    Start near a solution: an element that is further than c from its target has no gradient.

    References
    ----------
    A. E. Beaton and J. W. Tukey, "The Fitting of Power Series, Meaning Polynomials, Illustrated on
    Band-Spectroscopic Data", Technometrics 16(2), 1974.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.tukey_loss([1.0, 3.0, 100.0], [0.0, 0.0, 0.0], c=2.0, reduction="none").round(4)
    array([0.3854, 0.6667, 0.6667])
    >>> fl.tukey_loss.grad([1.0, 3.0, 100.0], [0.0, 0.0, 0.0], c=2.0, reduction="none")
    array([0.5625, 0.    , 0.    ])
    """
