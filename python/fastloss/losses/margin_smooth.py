"""Smooth losses of the margin: the product of a score and a label."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="margin",
    task="binary classification",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="nats",
    reference="torch.nn.functional.soft_margin_loss",
    aliases=("logistic loss", "log loss of signed labels"),
)
def soft_margin_loss(input: ArrayLike, target: ArrayLike, *, labels: Literal["signed", "01"] = "signed") -> None:
    """Logistic loss of a score and a label of -1 or 1.

    ::

        l = log(1 + exp(-y * input))     with y = target (-1 or 1), or 2 * target - 1 for labels 0 and 1

    Use it for classification with labels of -1 and 1 where probabilities are wanted: sigmoid(input)
    estimates that of label 1. It is `binary_cross_entropy_with_logits` in other labels; for soft
    targets use that one.

    Parameters
    ----------
    input : array_like
        Scores (logits), of any shape.
    target : array_like
        Labels, of any numeric dtype. Of input's shape; of its rank with extents of 1 where they
        are broadcast; or one number. Other values than the two labels are an error only under
        ``errstate(domain="raise")``; otherwise they enter the formula.
    labels : {"signed", "01"}, default "signed"
        Whether target holds -1 and 1, or 0 and 1. It is never guessed from the data.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients, with s = sigmoid(-y * input): -y * s in input, -input * s in target (twice that for
    labels 0 and 1). The second derivative is s * (1 - s).

    Unlike PyTorch's, the value does not overflow: from a score of 89 in the wrong direction, where
    PyTorch has inf with a gradient of NaN in float32, it is 89 with a gradient of 1. PyTorch has no
    gradient in target.

    References
    ----------
    ``torch.nn.functional.soft_margin_loss``; D. R. Cox, "The Regression Analysis of Binary
    Sequences", Journal of the Royal Statistical Society B 20(2), 1958.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.soft_margin_loss([2.0, -0.5], [1, -1]).round(10)
    np.float64(0.3005024976)
    >>> fl.soft_margin_loss.grad([2.0, -0.5, 1000.0], [1, -1, -1], reduction="sum").round(4)
    array([-0.1192,  0.3775,  1.    ])
    >>> fl.soft_margin_loss([2.0, -0.5], [1, 0], labels="01").round(10)
    np.float64(0.3005024976)
    """


@declare(
    family="margin",
    task="binary classification",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=False,
    units="unitless",
    reference="Y. Freund and R. E. Schapire, A Decision-Theoretic Generalization of On-Line Learning, 1997",
    aliases=("AdaBoost loss",),
)
def exponential_loss(input: ArrayLike, target: ArrayLike, *, labels: Literal["signed", "01"] = "signed") -> None:
    """Exponential loss, of AdaBoost.

    ::

        l = exp(-y * input)     with y = target (-1 or 1), or 2 * target - 1 for labels 0 and 1

    Use it for boosting. Mislabelled examples soon dominate everything else; `soft_margin_loss` has
    the same minimiser and grows in proportion.

    Parameters
    ----------
    input : array_like
        Scores, of any shape: half the log-odds of label 1 at the optimum.
    target : array_like
        Labels, of any numeric dtype. Of input's shape; of its rank with extents of 1 where they
        are broadcast; or one number. Other values than the two labels are an error only under
        ``errstate(domain="raise")``; otherwise they enter the formula.
    labels : {"signed", "01"}, default "signed"
        Whether target holds -1 and 1, or 0 and 1. It is never guessed from the data.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / input.shape[0]
        ============  =====================================================

        The value is infinite where -y * input exceeds 88.7 in float32, or 709.7 in float64.

    Notes
    -----
    Gradients: -y * l in input, -input * l in target (twice that for labels 0 and 1). The second
    derivative is l.

    scikit-learn's loss of the same name is t * exp(-x) + (1 - t) * exp(x), for t in [0, 1]: the
    same at labels of 0 and 1, another between them.

    References
    ----------
    Y. Freund and R. E. Schapire, "A Decision-Theoretic Generalization of On-Line Learning and an
    Application to Boosting", Journal of Computer and System Sciences 55(1), 1997.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.exponential_loss([0.0, 1.0, -1.0], [1, 1, 1], reduction="none").round(4)
    array([1.    , 0.3679, 2.7183])
    >>> fl.exponential_loss.grad([0.0, 1.0, -1.0], [1, -1, 1], reduction="sum").round(4)
    array([-1.    ,  2.7183, -2.7183])
    >>> fl.exponential_loss([0.0, 1.0, -1.0], [1, 0, 1], labels="01", reduction="sum").round(4)
    np.float64(6.4366)
    """
