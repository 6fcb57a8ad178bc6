"""Losses of a yes-or-no prediction."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="binary",
    task="binary and multi-label classification, from probabilities",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="I. J. Good, Rational Decisions, 1952",
    aliases=("BCE", "log loss of probabilities"),
)
def binary_cross_entropy(
    input: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, *, label_smoothing: float = 0.0
) -> None:
    """Binary cross-entropy of a probability.

    ::

        l = -target * max(log(input), -100) - (1 - target) * max(log(1 - input), -100)

    It takes *probabilities*. If a sigmoid makes them from logits, leave it out and use
    `binary_cross_entropy_with_logits`: a probability rounded to 0 or 1 has lost what a logit still
    knows, and training stalls there.

    Parameters
    ----------
    input : array_like
        Predicted probabilities, of any shape. Checked in every call: a number outside [0, 1] is a
        ValueError. NaN comes back as NaN.
    target : array_like
        Probabilities of the positive class: hard labels 0 and 1 (of any integer or bool dtype too)
        or soft ones. Of input's shape; of its rank with extents of 1 where they are broadcast; or one
        number. Checked in every call, as input is.
    weight : array_like, optional
        torch's element weights, w: they multiply l. Aligned to the *trailing* axes of input, so not
        weights of samples: those are `sample_weight`.
    label_smoothing : float, default 0.0
        Moves the target towards one half: target (1 - s) + s / 2. From 0 to 1.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        w l, of input's shape
        "sum"         sum(w l)
        "mean"        sum(w l) / (number of elements), *not* / sum(w)
        "batchmean"   sum(w l) / input.shape[0]
        ============  =====================================================

    Notes
    -----
    As in PyTorch, no logarithm counts below -100, and the gradient in input is (input - target) /
    max(input (1 - input), 1e-12). The two bounds do not belong together: at input 1e-13 and target
    1 the value is 29.93, unbounded, and the gradient is -1e12 where the slope is -1e13. The second
    derivative is that of the bounded gradient.

    The gradient in target is log(1 - input) - log(input), which is infinite at 0 and 1. There
    PyTorch bounds it by 100.

    References
    ----------
    I. J. Good, "Rational Decisions", Journal of the Royal Statistical Society B 14(1), 1952.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.binary_cross_entropy([0.9, 0.2], [1, 0]).round(10)
    np.float64(0.1642520335)
    >>> fl.binary_cross_entropy.grad([0.5, 0.75], [1, 0], reduction="sum")
    array([-2.,  4.])
    >>> fl.binary_cross_entropy([0.0, 1.0], [1, 1], reduction="none")
    array([100.,   0.])
    >>> fl.binary_cross_entropy([0.5], [1], label_smoothing=0.1).round(10)
    np.float64(0.6931471806)
    """


@declare(
    family="binary",
    task="binary and multi-label classification",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="D. R. Cox, The Regression Analysis of Binary Sequences, 1958",
    aliases=("BCE with logits", "log loss", "logistic loss", "sigmoid cross-entropy"),
)
def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    pos_weight: ArrayLike | None = None,
    *,
    label_smoothing: float = 0.0,
) -> None:
    """Binary cross-entropy of a logit: log loss, with the sigmoid inside.

    ::

        p = 1 / (1 + exp(-input))
        l = -pos_weight * target * log(p) - (1 - target) * log(1 - p)

    It takes logits (any real number), *not* probabilities. Use it for binary classification and,
    one column for each label, for multi-label classification.

    Parameters
    ----------
    input : array_like
        Logits, of any shape.
    target : array_like
        Probabilities of the positive class, in [0, 1]: hard labels 0 and 1 (of any integer or bool
        dtype too) or soft ones. Of input's shape; of its rank with extents of 1 where they are broadcast;
        or one number. Values outside [0, 1] are an error only under ``errstate(domain="raise")``.
    weight : array_like, optional
        torch's element weights, w: they multiply l. Aligned to the *trailing* axes of input. **It
        is not a weight of samples**: for an input of shape (N, C), a weight of shape (C,) holds one
        number for each column, and (N,) is an error unless N equals C, when it still means columns.
        Samples are weighted by `sample_weight`, which aligns to the leading axes.
    pos_weight : array_like, optional
        Multiplies the positive term alone, q: above 1 it raises recall, below 1 precision; (number
        of negatives) / (number of positives) balances the classes. Aligned to the *trailing* axes
        of input: **for an input of shape (N, C, H, W), give one of shape (C, 1, 1)**, because (C,)
        means the last axis.
    label_smoothing : float, default 0.0
        Moves the target towards one half: target (1 - s) + s / 2, so that no logit can be too sure.
        From 0 to 1. PyTorch has none here.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        w l, of input's shape
        "sum"         sum(w l)
        "mean"        sum(w l) / (number of elements), *not* / sum(w)
        "batchmean"   sum(w l) / input.shape[0]
        ============  =====================================================

        For the weighted average sum(w l) / sum(w), pass the weights as `sample_weight`, or say
        ``normalizer="weight"``.

    Notes
    -----
    With x = input, t = target and q = pos_weight, it is computed as (1 - t) softplus(x) + q t
    softplus(-x), which neither overflows nor cancels: the loss of a confident, right prediction is
    tiny but not zero.

    Gradients, each times w: in input (1 + (q - 1) t) p - q t, which is p - t without pos_weight; in
    target (1 - s) (q softplus(-x) - softplus(x)), s being the label smoothing; in pos_weight
    t softplus(-x); and l in weight. PyTorch has none in weight and pos_weight. The second derivative
    in input is w (1 + (q - 1) t) p (1 - p).

    At infinite logits: 0 where the target agrees (+inf with 1, -inf with 0), inf elsewhere. PyTorch
    gives NaN at +inf with target 1 and at -inf.

    References
    ----------
    I. J. Good, "Rational Decisions", Journal of the Royal Statistical Society B 14(1), 1952.

    D. R. Cox, "The Regression Analysis of Binary Sequences", Journal of the Royal Statistical
    Society B 20(2), 1958.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> logits = np.array([2.0, -1.0, 0.5])
    >>> labels = np.array([1, 0, 1])
    >>> fl.binary_cross_entropy_with_logits(logits, labels).round(10)
    np.float64(0.3047555609)
    >>> fl.binary_cross_entropy_with_logits(logits, labels, pos_weight=3.0).round(8)
    np.float64(0.70542556)
    >>> fl.binary_cross_entropy_with_logits(logits, labels, label_smoothing=0.1).round(10)
    np.float64(0.3630888942)
    >>> fl.binary_cross_entropy_with_logits.grad(np.zeros(2), [0.0, 1.0], reduction="none")
    array([ 0.5, -0.5])
    >>> fl.binary_cross_entropy_with_logits([np.inf, -np.inf, np.inf], [1, 0, 0], reduction="none")
    array([ 0.,  0., inf])
    """
