"""Losses of pairs of embeddings: of their distance, or of the angle between them."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="embedding",
    task="learning embeddings from pairs",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=False,
    units="distance squared",
    kinks={"d = 0, of a pair that is not alike": "0"},
    reference="R. Hadsell, S. Chopra and Y. LeCun, Dimensionality Reduction by Learning an Invariant Mapping, 2006",
    aliases=("Siamese loss", "pair loss"),
)
def contrastive_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    eps: float = 1e-6,
    positive_label: float = 1.0,
) -> None:
    """Contrastive loss of two embeddings: pairs that are alike attract, others repel up to a margin.

    ::

        d = norm(input1 - input2 + eps)
        l = d**2                    where target = positive_label
            max(0, margin - d)**2   elsewhere

    Use it for Siamese networks, which see two examples and are told whether they are of one kind.

    Parameters
    ----------
    {embedding_pair}
    target : array_like
        Whether the two are alike, of the units' shape and any numeric dtype: 1 for those that are and 0 for
        those that are not, or the other way round, as `positive_label` says. Other numbers are an error in every
        call. It has no gradient.
    margin : float, default 1.0
        The distance from which a pair that is not alike costs nothing; above 0.
    {distance_eps}
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
    The gradient in input1 is 2 * r of a pair that is alike, with r = input1 - input2 + eps; -2 * max(0, margin -
    d) * r / d of another; in input2 it is the negative of either.

    {distance_rules}

    {embedding_rules}

    `contrastive_distance_loss` is the same of distances that are known already. Of peers, Caffe had max(0,
    margin - d**2), sentence-transformers halves the value, and pytorch-metric-learning takes distances and not
    their squares.

    References
    ----------
    R. Hadsell, S. Chopra and Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006.

    Examples
    --------
    >>> import fastloss as fl
    >>> one, other = [[1.0, 2.0], [0.0, 0.0]], [[1.5, 2.5], [0.3, 0.4]]
    >>> fl.contrastive_loss(one, other, [1, 0], eps=0, reduction="none").round(4)
    array([0.5 , 0.25])
    >>> fl.contrastive_loss(one, other, [0, 1], positive_label=0, eps=0, reduction="none").round(4)  # the same pairs
    array([0.5 , 0.25])
    >>> in_one, in_other = fl.contrastive_loss.grad(one, other, [1, 0], eps=0, reduction="sum")
    >>> in_one.round(4)
    array([[-1. , -1. ],
           [ 0.6,  0.8]])
    """


@declare(
    family="embedding",
    task="learning embeddings from pairs",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={"cos = margin, with target -1": "that of cos"},
    reference="torch.nn.functional.cosine_embedding_loss",
    aliases=("cosine contrastive loss",),
)
def cosine_embedding_loss(input1: ArrayLike, input2: ArrayLike, target: ArrayLike, *, margin: float = 0.0) -> None:
    """Loss of the angle between two embeddings: it closes where they are alike, and opens up to a margin where not.

    ::

        cos = sum(input1 * input2) / sqrt((norm(input1)**2 + 1e-12) * (norm(input2)**2 + 1e-12))
        l = 1 - cos                where target = 1
            max(0, cos - margin)   where target = -1

    Use it where only the directions of embeddings count, such as for texts.

    Parameters
    ----------
    {embedding_pair}
    target : array_like
        1 for pairs that are alike and -1 for those that are not, of the units' shape and any numeric dtype. Other
        numbers are an error in every call. It has no gradient.
    margin : float, default 0.0
        The cosine up to which a pair that is not alike costs nothing, from -1 to 1; torch recommends 0 to 0.5.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If a target is neither 1 nor -1.

    Notes
    -----
    The gradient of cos in input1 is input2 / D - cos * input1 / (norm(input1)**2 + 1e-12), D being what stands
    below the fraction; the loss has its negative with target 1, itself with target -1 where cos is not below the
    margin, and 0 elsewhere.

    A vector of zeros has the cosine 0, and a gradient of the size of 1e6, as in torch. Unlike there, long vectors
    and float16 have their cosine, and a target of 0 or 2 is no silent zero.

    {embedding_rules}

    References
    ----------
    ``torch.nn.functional.cosine_embedding_loss``.

    Examples
    --------
    >>> import fastloss as fl
    >>> one, other = [[3.0, 4.0], [3.0, 4.0]], [[4.0, 3.0], [4.0, 3.0]]
    >>> fl.cosine_embedding_loss(one, other, [1, -1], reduction="none").round(4)
    array([0.04, 0.96])
    >>> fl.cosine_embedding_loss(one, other, [1, -1], margin=0.5, reduction="none").round(4)
    array([0.04, 0.46])
    >>> in_one, in_other = fl.cosine_embedding_loss.grad(one, other, [1, -1], reduction="sum")
    >>> in_one.round(4)
    array([[-0.0448,  0.0336],
           [ 0.0448, -0.0336]])
    """


@declare(
    family="embedding",
    task="matching embeddings",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={"norm(input) = eps": "as if below"},
    reference="torch.nn.functional.cosine_similarity",
    aliases=("cosine distance", "cosine loss"),
)
def cosine_distance_loss(input: ArrayLike, target: ArrayLike, *, eps: float = 1e-8) -> None:
    """Cosine distance: one minus the cosine of the angle between two embeddings.

    ::

        cos = sum(input * target) / (max(norm(input), eps) * max(norm(target), eps))
        l = 1 - cos

    Use it to bring embeddings to the direction of others, whose lengths do not matter.

    Parameters
    ----------
    {embedding_and_target}
    {cosine_eps}

    Returns
    -------
    {reductions}

    Notes
    -----
    {cosine_rules}

    That of l is its negative. A vector of zeros has the loss 1. Optax, whose eps is 0, has NaN there.

    {embedding_rules}

    References
    ----------
    ``torch.nn.functional.cosine_similarity``, whose gradient below eps is not that of its value;
    ``optax.cosine_distance``.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.cosine_distance_loss([[3.0, 4.0], [1.0, 0.0]], [[4.0, 3.0], [-2.0, 0.0]], reduction="none").round(4)
    array([0.04, 2.  ])
    >>> fl.cosine_distance_loss([3.0, 4.0], [4.0, 3.0], eps=10).round(4)  # 24 / 100
    np.float64(0.76)
    >>> in_input, in_target = fl.cosine_distance_loss.grad([[3.0, 4.0]], [[4.0, 3.0]])
    >>> in_input.round(4)
    array([[-0.0448,  0.0336]])
    """


@declare(
    family="embedding",
    task="self-supervised learning",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={"norm(input) = eps": "as if below"},
    reference="X. Chen and K. He, Exploring Simple Siamese Representation Learning, 2021",
    aliases=("SimSiam loss", "BYOL loss", "cosine similarity loss"),
)
def negative_cosine_loss(input: ArrayLike, target: ArrayLike, *, eps: float = 1e-8) -> None:
    """Negative cosine of the angle between a prediction and a target that is a constant, as in SimSiam.

    ::

        l = -sum(input * target) / (max(norm(input), eps) * max(norm(target), eps))

    Use it where the one branch of a Siamese network predicts the other, and no gradient is to flow into that:
    the default is the gradient in `input` alone.

    Parameters
    ----------
    {embedding_and_target}
    {cosine_eps}
    wrt : str, int or sequence of them, optional
        The operands to differentiate in, by name or position. One gives an array, a sequence gives a tuple.
        Default: `input`; the target is the branch where the gradient stops.

    Returns
    -------
    {reductions}

    Notes
    -----
    {cosine_rules}

    That of l is its negative. SimSiam's loss is the mean of two calls, with the branches exchanged; BYOL's, the squared
    distance of unit vectors, is 2 + 2 * l. Keras calls it ``cosine_similarity``.

    {embedding_rules}

    References
    ----------
    X. Chen and K. He, "Exploring Simple Siamese Representation Learning", CVPR 2021; J.-B. Grill et al., "Bootstrap
    Your Own Latent: A New Approach to Self-Supervised Learning", NeurIPS 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.negative_cosine_loss([[3.0, 4.0], [1.0, 0.0]], [[4.0, 3.0], [-2.0, 0.0]], reduction="none").round(4)
    array([-0.96,  1.  ])
    >>> fl.negative_cosine_loss.grad([[3.0, 4.0]], [[4.0, 3.0]]).round(4)
    array([[-0.0448,  0.0336]])
    >>> fl.negative_cosine_loss.grad([[3.0, 4.0]], [[4.0, 3.0]], wrt="target").round(4)
    array([[ 0.0336, -0.0448]])
    """
