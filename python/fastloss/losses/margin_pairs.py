"""Losses of the difference of two scores, of which it is known which one is to be higher, and of their distance."""

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


@declare(
    family="margin",
    task="recommendation",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="nats",
    reference="S. Rendle et al., BPR: Bayesian Personalized Ranking from Implicit Feedback, 2009",
    aliases=("Bayesian personalized ranking", "BPR-Opt"),
)
def bpr_loss(positive: ArrayLike, negative: ArrayLike) -> None:
    """Bayesian personalised ranking: an item that was chosen is to have a higher score than one that was not.

    ::

        l = -log(sigmoid(positive - negative))

    Use it to learn recommendations from what users did, with another item drawn for each that they chose.

    Parameters
    ----------
    positive : array_like
        Scores of the items that were chosen, of any shape.
    negative : array_like
        Scores of the others. Of positive's shape; of its rank with extents of 1 where they are broadcast; or one
        number.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of positive's shape
        "sum"         sum(l)
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / positive.shape[0]
        ============  =====================================================

    Notes
    -----
    Gradients, with s = sigmoid(negative - positive): -s in positive, s in negative. The second derivative is
    s * (1 - s). It is `bradley_terry_loss` without a margin. The paper adds a penalty on the sizes of factors.

    References
    ----------
    S. Rendle, C. Freudenthaler, Z. Gantner and L. Schmidt-Thieme, "BPR: Bayesian Personalized Ranking from Implicit
    Feedback", UAI 2009.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.bpr_loss([1.0, 2.0], [0.5, 3.0], reduction="none").round(4)
    array([0.4741, 1.3133])
    >>> fl.bpr_loss.grad([1.0, 2.0], [0.5, 3.0], reduction="sum").round(4)
    array([-0.3775, -0.7311])
    """


@declare(
    family="margin",
    task="learning embeddings from pairs",
    convex=True,
    differentiable="C1",
    twice_differentiable=False,
    robust=False,
    units="distance squared",
    reference="R. Hadsell, S. Chopra and Y. LeCun, Dimensionality Reduction by Learning an Invariant Mapping, 2006",
    aliases=("contrastive loss of distances", "Siamese loss of distances"),
)
def contrastive_distance_loss(
    input: ArrayLike, target: ArrayLike, *, margin: float = 1.0, positive_label: float = 1.0
) -> None:
    """Contrastive loss of distances: those of pairs that are alike shrink, others grow up to a margin.

    ::

        l = input**2                    where target = positive_label
            max(0, margin - input)**2   elsewhere

    Use it where distances of embeddings are known already, or are none of those that `contrastive_loss` measures.

    Parameters
    ----------
    input : array_like
        Distances, of any shape.
    target : array_like
        Whether the two are alike, of any numeric dtype: 1 for those that are and 0 for those that are not, or the
        other way round, as `positive_label` says. Other numbers are an error in every call. Of input's shape; of its
        rank with extents of 1 where it is broadcast; or one number.
    margin : float, default 1.0
        The distance from which a pair that is not alike costs nothing; above 0.
    positive_label : float, default 1.0
        Which target means that the two are alike: 1, as in Keras, TensorFlow and sentence-transformers, or 0, as in
        Hadsell's paper, **whose labels mean the opposite**.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If a target is neither 0 nor 1.

    Notes
    -----
    Gradient: 2 * input of a pair that is alike, -2 * max(0, margin - input) of another. The second derivative is 2,
    and 0 beyond the margin of a pair that is not alike.

    References
    ----------
    R. Hadsell, S. Chopra and Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006;
    TensorFlow Addons' ``contrastive_loss``.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.contrastive_distance_loss([0.5, 0.25, 2.0], [1, 0, 0], reduction="none")
    array([0.25  , 0.5625, 0.    ])
    >>> fl.contrastive_distance_loss([0.5, 0.25, 2.0], [0, 1, 1], positive_label=0, reduction="none")
    array([0.25  , 0.5625, 0.    ])
    >>> fl.contrastive_distance_loss.grad([0.5, 0.25, 2.0], [1, 0, 0], reduction="sum")
    array([ 1. , -1.5,  0. ])
    """
