"""Losses of the difference of two scores, of which it is known which one is to be higher."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="margin",
    task="ranking",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=None,
    units="margin",
    kinks={"target * (input1 - input2) = margin": "-target"},
    reference="torch.nn.functional.margin_ranking_loss",
    aliases=("pairwise hinge loss", "ranking SVM loss"),
)
def margin_ranking_loss(input1: ArrayLike, input2: ArrayLike, target: ArrayLike, *, margin: float = 0.0) -> None:
    """Hinge loss of the difference of two scores.

    ::

        l = max(0, margin - target * (input1 - input2))

    Use it to learn an order from pairs of which it is known which one ranks higher. A pair that is
    in order by more than the margin adds nothing to the value or the gradient.

    Parameters
    ----------
    input1 : array_like
        Scores of the first of each pair, of any shape.
    input2 : array_like
        Scores of the second. Of input1's shape; of its rank with extents of 1 where they are broadcast;
        or one number.
    target : array_like
        1 where the first ranks higher and -1 where the second does, of any numeric dtype; shapes as
        input2. Other values are an error only under ``errstate(domain="raise")``; otherwise they
        enter the formula.
    margin : float, default 0.0
        The difference, in the right direction, from which a pair stops counting. **With the default
        of 0, scores that are all equal have no loss.**

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input1's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / input1.shape[0]
        ============  =====================================================

    Notes
    -----
    Gradients where target * (input1 - input2) <= margin: -target in input1, target in input2,
    input2 - input1 in target; 0 elsewhere. At the kink the gradient passes, as in PyTorch. The
    second derivative is 0 everywhere.

    References
    ----------
    ``torch.nn.functional.margin_ranking_loss``; R. Herbrich, T. Graepel and K. Obermayer, "Large
    Margin Rank Boundaries for Ordinal Regression", Advances in Large Margin Classifiers, 2000.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.margin_ranking_loss([2.0, 2.0], [0.5, 3.0], [1, 1], reduction="none")
    array([0., 1.])
    >>> fl.margin_ranking_loss.grad([2.0, 2.0], [0.5, 3.0], [1, 1], reduction="sum")
    array([ 0., -1.])
    >>> fl.margin_ranking_loss([2.0, 2.0], [0.5, 3.0], [1, 1], margin=2.0, reduction="sum")
    np.float64(3.5)
    """


@declare(
    family="margin",
    task="preference learning",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="nats",
    reference="R. A. Bradley and M. E. Terry, Rank Analysis of Incomplete Block Designs, 1952",
    aliases=("reward model loss", "pairwise logistic loss", "RankNet loss"),
)
def bradley_terry_loss(chosen: ArrayLike, rejected: ArrayLike, margin: ArrayLike = 0.0) -> None:
    """Negative log-likelihood that one item is preferred to another, from the scores of both.

    ::

        l = -log(sigmoid(chosen - rejected - margin))

    Use it to learn rewards or ratings from pairs of which it is known which one was preferred.

    Parameters
    ----------
    chosen : array_like
        Scores of the preferred items, of any shape.
    rejected : array_like
        Scores of the others. Of chosen's shape; of its rank with extents of 1 where they are broadcast; or
        one number.
    margin : array_like, default 0.0
        By how much the first ought to be ahead, such as a graded strength of the preference; shapes as
        rejected.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of chosen's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / chosen.shape[0]
        ============  =====================================================

    Notes
    -----
    Gradients, with s = sigmoid(rejected + margin - chosen): -s in chosen, s in rejected and in
    margin. The second derivative is s * (1 - s). Only differences of scores matter: add a penalty on
    their size if they must not drift.

    References
    ----------
    R. A. Bradley and M. E. Terry, "Rank Analysis of Incomplete Block Designs: I. The Method of Paired
    Comparisons", Biometrika 39(3/4), 1952; with a margin: H. Touvron et al., "Llama 2: Open Foundation
    and Fine-Tuned Chat Models", 2023.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.bradley_terry_loss([1.0, 2.0], [0.5, 3.0], reduction="none").round(4)
    array([0.4741, 1.3133])
    >>> fl.bradley_terry_loss([1.0, 2.0], [0.5, 3.0], margin=[0.5, 0.0], reduction="none").round(4)
    array([0.6931, 1.3133])
    >>> fl.bradley_terry_loss.grad([1.0, 2.0], [0.5, 3.0], reduction="sum").round(4)
    array([-0.3775, -0.7311])
    """
