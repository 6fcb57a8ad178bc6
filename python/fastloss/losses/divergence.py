"""Divergences between distributions or measures, element by element."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="divergence",
    task="matching distributions",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="torch.nn.functional.kl_div",
    aliases=("Kullback-Leibler divergence", "relative entropy"),
)
def kl_div(input: ArrayLike, target: ArrayLike, *, log_target: bool = False) -> None:
    """Kullback-Leibler divergence of predicted log-probabilities from a target distribution.

    ::

        l = target * (log(target) - input)           with probabilities as target
            exp(target) * (target - input)           with log_target, their logarithms

    Use it for distillation and wherever the targets are distributions. **Input holds logarithms of
    probabilities**, such as a log-softmax; neither probabilities nor logits. **"mean" is not the
    divergence**: it divides by the number of elements; "batchmean" divides by the number of
    distributions, or "sum" for a single one.

    Parameters
    ----------
    input : array_like
        Logarithms of predicted probabilities, of any shape; at most 0, which is checked only under
        ``errstate(domain="raise")``.
    target : array_like
        Probabilities, from 0 to 1, or their logarithms with `log_target`, which is checked only under
        ``errstate(domain="raise")``. Of input's shape; of its rank with extents of 1 where they
        are broadcast; or one number.
    log_target : bool, default False
        Whether target holds logarithms.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l): the divergence of one distribution
        "mean"        sum(l) / (number of elements), as in PyTorch
        "batchmean"   sum(l) / input.shape[0]: the mean divergence of rows
        ============  =====================================================

        On a 1-D input "batchmean" divides by the number of classes, as in PyTorch.

    Notes
    -----
    Gradients: -target in input and log(target) + 1 - input in target; with `log_target`,
    -exp(target) and exp(target) * (target - input + 1). Single elements may be negative; the sum over
    a distribution is not. The second derivative in input is 0.

    Where the target probability is 0 the value and both gradients are 0, whatever input is: -inf too,
    where PyTorch gives NaN. (The gradient in target has no finite limit there.) Where it is positive
    and input is -inf, the value is inf.

    ``scipy.special.rel_entr(p, q)`` is kl_div(log(q), p), and ``scipy.special.kl_div`` is
    `generalized_kl_div`.

    References
    ----------
    ``torch.nn.functional.kl_div``; S. Kullback and R. A. Leibler, "On Information and Sufficiency",
    Annals of Mathematical Statistics 22(1), 1951.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> q, p = np.array([[0.5, 0.25, 0.25]]), np.array([[0.5, 0.5, 0.0]])
    >>> fl.kl_div(np.log(q), p, reduction="batchmean").round(6)  # 0.5 * log(2)
    np.float64(0.346574)
    >>> fl.kl_div.grad(np.log(q), p, reduction="batchmean")
    array([[-0.5, -0.5, -0. ]])
    >>> fl.kl_div([-np.inf], [-np.inf], log_target=True)
    np.float64(0.0)
    """


@declare(
    family="divergence",
    task="matching distributions",
    convex="in the probabilities",
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="T. Minka, Divergence Measures and Message Passing, 2005",
    aliases=("exclusive KL divergence", "mode-seeking KL divergence"),
)
def reverse_kl_div(input: ArrayLike, target: ArrayLike, *, log_target: bool = False) -> None:
    """Kullback-Leibler divergence with the roles of prediction and target exchanged.

    ::

        l = exp(input) * (input - log(target))       with probabilities as target
            exp(input) * (input - target)            with log_target, their logarithms

    Use it where the prediction should settle on some of the target's modes rather than cover them
    all: variational inference, distillation of language models, policies held near a reference. Takes
    what `kl_div` takes.

    Parameters
    ----------
    input : array_like
        Logarithms of predicted probabilities, of any shape; at most 0, which is checked only under
        ``errstate(domain="raise")``.
    target : array_like
        Probabilities, from 0 to 1, or their logarithms with `log_target`, which is checked only under
        ``errstate(domain="raise")``. Of input's shape; of its rank with extents of 1 where they
        are broadcast; or one number.
    log_target : bool, default False
        Whether target holds logarithms.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l): the divergence of one distribution
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / input.shape[0]: the mean divergence of rows
        ============  =====================================================

    Notes
    -----
    Gradients: exp(input) * (input - log(target) + 1) in input; -exp(input) / target in target, or
    -exp(input) with `log_target`. The second derivative in input is exp(input) * (input - log(target)
    + 2). Single elements may be negative; the sum over a distribution is not.

    Where exp(input) is 0 the value and both gradients are 0, whatever target is. Where it is positive
    and the target probability is 0, the value is inf.

    References
    ----------
    T. Minka, "Divergence Measures and Message Passing", Microsoft Research, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> q, p = np.array([[0.5, 0.5, 0.0]]), np.array([[0.5, 0.25, 0.25]])
    >>> with np.errstate(divide="ignore"):
    ...     log_q = np.log(q)
    >>> fl.reverse_kl_div(log_q, p, reduction="batchmean").round(6)  # 0.5 * log(2)
    np.float64(0.346574)
    >>> fl.reverse_kl_div.grad(log_q, p, reduction="batchmean").round(4)
    array([[0.5   , 0.8466, 0.    ]])
    >>> fl.reverse_kl_div([-1.0], [-1.5], log_target=True).round(6)
    np.float64(0.18394)
    """


@declare(
    family="divergence",
    task="matching measures",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="I. Csiszar, Why Least Squares and Maximum Entropy?, 1991",
    aliases=("I-divergence", "generalised KL divergence", "unnormalised KL divergence"),
)
def generalized_kl_div(input: ArrayLike, target: ArrayLike) -> None:
    """Kullback-Leibler divergence of measures that need not sum to 1.

    ::

        l = target * log(target / input) - target + input

    Use it for counts, intensities and spectra (non-negative matrix factorisation), and for
    probabilities: unlike those of `kl_div`, every element is at least 0, and 0 only where input and
    target are equal. **Input holds the numbers themselves, not their logarithms.**

    Parameters
    ----------
    input : array_like
        Predicted amounts, at least 0, of any shape.
    target : array_like
        Target amounts, at least 0. Of input's shape; of its rank with extents of 1 where they are broadcast;
        or one number. Negative values give NaN, and are an error under ``errstate(domain="raise")``.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients: 1 - target / input in input, log(target / input) in target. The second derivative in
    input is target / input**2. Where target is 0 the value is input, the gradient in input 1, and
    that in target 0 (it has no finite limit). Where input is 0 and target is not, the value is inf.

    The digits of small losses are right: near input = target, where the formula above cancels, it is
    not what is computed.

    It is ``scipy.special.kl_div(target, input)``.

    References
    ----------
    I. Csiszar, "Why Least Squares and Maximum Entropy? An Axiomatic Approach to Inference for Linear
    Inverse Problems", Annals of Statistics 19(4), 1991.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.generalized_kl_div([1.0, 2.0, 3.0], [2.0, 2.0, 0.0], reduction="none").round(6)
    array([0.386294, 0.      , 3.      ])
    >>> fl.generalized_kl_div.grad([1.0, 2.0, 3.0], [2.0, 2.0, 0.0], reduction="sum")
    array([-1.,  0.,  1.])
    >>> float(fl.generalized_kl_div(1.0, 1.0 + 2**-30))  # about 2**-61
    4.336808688595695e-19
    """


@declare(
    family="divergence",
    task="matching distributions",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="unitless",
    reference="E. Hellinger, Neue Begründung der Theorie quadratischer Formen, 1909",
    aliases=("squared Hellinger distance",),
)
def hellinger_loss(input: ArrayLike, target: ArrayLike) -> None:
    """Squared Hellinger distance.

    ::

        l = (sqrt(input) - sqrt(target))**2 / 2

    Use it to compare distributions where a probability of 0 must not cost infinitely much. Summed
    over two distributions it lies between 0 and 1, and its root is a metric.

    Parameters
    ----------
    input : array_like
        Predicted probabilities (not their logarithms) or amounts, at least 0, of any shape.
    target : array_like
        Target probabilities or amounts, at least 0. Of input's shape; of its rank with extents of 1
        where they are broadcast; or one number. Negative values give NaN, and are an error under
        ``errstate(domain="raise")``.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l): the distance of one pair of distributions
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / input.shape[0]: the mean over rows
        ============  =====================================================

    Notes
    -----
    Gradients: (1 - sqrt(target / input)) / 2 in input, (1 - sqrt(input / target)) / 2 in target:
    -inf where input is 0 and target is not, 1/2 where target is 0. The second derivative in input is
    sqrt(target / input) / (4 * input).

    The difference of the roots is formed as (input - target) / (sqrt(input) + sqrt(target)), which
    keeps its digits where the two are nearly equal.

    References
    ----------
    E. Hellinger, "Neue Begründung der Theorie quadratischer Formen von unendlichvielen
    Veränderlichen", Journal für die reine und angewandte Mathematik 136, 1909.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hellinger_loss([1.0, 0.25, 0.0], [0.25, 0.25, 0.25], reduction="none")
    array([0.125, 0.   , 0.125])
    >>> fl.hellinger_loss.grad([1.0, 0.25], [0.25, 0.25], reduction="sum")
    array([0.25, 0.  ])
    """


@declare(
    family="divergence",
    task="matching measures",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="unitless",
    reference="A. Cichocki and S. Amari, Families of Alpha- Beta- and Gamma-Divergences, 2010",
    aliases=("Amari divergence", "Cressie-Read power divergence", "chi-squared divergence"),
)
def alpha_divergence(input: ArrayLike, target: ArrayLike, *, alpha: float = 0.5) -> None:
    """Alpha-divergence: a family from the reverse to the ordinary Kullback-Leibler divergence, and beyond.

    ::

        l = (target**alpha * input**(1 - alpha) - alpha * target - (1 - alpha) * input)
            / (alpha * (alpha - 1))

    and its limits at alpha = 0 and alpha = 1. Every element is at least 0, and 0 only where input and
    target are equal; the amounts need not sum to 1.

    ======  ==========================================================================
    alpha   l
    ======  ==========================================================================
    -1      (input - target)**2 / (2 * target): half of Neyman's chi-squared
    0       input * log(input / target) - input + target: the reverse divergence
    0.5     2 * (sqrt(input) - sqrt(target))**2: four times `hellinger_loss`
    1       target * log(target / input) - target + input: `generalized_kl_div`
    2       (input - target)**2 / (2 * input): half of Pearson's chi-squared
    ======  ==========================================================================

    A large alpha punishes predictions that miss part of the target, a negative one predictions where
    the target has nothing.

    Parameters
    ----------
    input : array_like
        Predicted probabilities (not their logarithms) or amounts, at least 0, of any shape.
    target : array_like
        Target probabilities or amounts, at least 0. Of input's shape; of its rank with extents of 1
        where they are broadcast; or one number. Negative values give NaN, and are an error under
        ``errstate(domain="raise")``.
    alpha : float, default 0.5
        Which divergence; from -1000 to 1000.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / input.shape[0]: the mean over rows
        ============  =====================================================

    Notes
    -----
    Gradients: (1 - (target / input)**alpha) / alpha in input and
    ((target / input)**(alpha - 1) - 1) / (alpha - 1) in target, with log(input / target) and
    log(target / input) for exponents of 0. The second derivative in input is
    (target / input)**alpha / input.

    Where input is 0 the value is target / (1 - alpha) for alpha < 1, else inf; where target is 0 it is
    input / alpha for alpha > 0, else inf; where both are, 0. Gradients there are the limits, which may
    be infinite. Where both are 0 they are 1 / alpha (0 for alpha <= 0) and 1 / (1 - alpha) (0 for
    alpha >= 1). Two infinite amounts cannot be compared: NaN.

    Neither input near target nor alpha near 0 or 1 loses digits, although the formula above cancels
    there: it is not what is computed. The default, 0.5, needs roots only; any other alpha costs
    several times as much.

    References
    ----------
    A. Cichocki and S. Amari, "Families of Alpha- Beta- and Gamma-Divergences: Flexible and Robust
    Measures of Similarities", Entropy 12(6), 2010.

    N. Cressie and T. R. C. Read, "Multinomial Goodness-of-Fit Tests", Journal of the Royal Statistical
    Society B 46(3), 1984.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.alpha_divergence([1.0, 0.25, 0.0], [0.25, 0.25, 0.25], reduction="none")
    array([0.5, 0. , 0.5])
    >>> fl.alpha_divergence.grad([1.0, 4.0], [2.0, 2.0], alpha=2.0, reduction="sum")
    array([-1.5  ,  0.375])
    """
