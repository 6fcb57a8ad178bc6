"""Losses of a yes-or-no prediction."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


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
    input: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, pos_weight: ArrayLike | None = None
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
        dtype too) or soft ones. Of input's shape; of its rank with extents of 1 where they stretch;
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
    target q softplus(-x) - softplus(x); in pos_weight t softplus(-x); and l in weight. PyTorch has
    none in weight and pos_weight. The second derivative in input is w (1 + (q - 1) t) p (1 - p).

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
    >>> fl.binary_cross_entropy_with_logits.grad(np.zeros(2), [0.0, 1.0], reduction="none")
    array([ 0.5, -0.5])
    >>> fl.binary_cross_entropy_with_logits([np.inf, -np.inf, np.inf], [1, 0, 0], reduction="none")
    array([ 0.,  0., inf])
    """
