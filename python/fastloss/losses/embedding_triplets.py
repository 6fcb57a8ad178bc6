"""Losses of triplets and quadruplets of embeddings, one of which is to be near another and the rest not."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from fastloss._annotations import Distance
from fastloss._declare import declare
from fastloss._triplet_of_callable import triplet_of_callable


@declare(
    family="embedding",
    task="learning embeddings from triplets",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="distance",
    kinks={
        "d(a, p) - d(a, n) + margin = 0": "as if above",
        "d = 0": "0",
        "d(a, n) = d(p, n), with swap": "half of each",
    },
    reference="F. Schroff, D. Kalenichenko and J. Philbin, FaceNet, 2015",
    aliases=("triplet loss", "ranking loss of triplets", "FaceNet loss"),
)
def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    smooth: bool = False,
) -> None:
    """Triplet loss: an anchor is to be nearer to the positive than to the negative, by a margin.

    ::

        d(x, y) = sum(abs(x - y + eps)**p)**(1 / p)
        l = max(0, d(anchor, positive) - d(anchor, negative) + margin)
            log(1 + exp(d(anchor, positive) - d(anchor, negative) + margin))   with smooth

    Use it to learn embeddings in which what is of one kind is near, such as faces of one person. Which triplets are
    chosen matters more than the margin: most of those that are drawn at random soon cost nothing.

    Parameters
    ----------
    {embedding_triplet}
    margin : float, default 1.0
        By how much the positive is to be nearer; above 0, with `smooth` at least 0.
    p : float, default 2.0
        The exponent of the distance, above 0, or inf for the largest difference.
    {distance_eps}
    swap : bool, default False
        Whether the negative's distance is the lesser of that from the anchor and that from the positive.
    smooth : bool, default False
        Whether the hinge is a softplus, of which every triplet has a gradient.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If the margin is 0 without `smooth`, or p is so small that D**(1 / p) overflows.

    Notes
    -----
    With g = 1 where the hinge is not below 0 and 0 elsewhere, or with `smooth` the sigmoid of its argument, and D the
    gradient of d in its first argument, the gradient in the anchor is g * (D(a, p) - D(a, n)), that in the positive
    -g * D(a, p), and that in the negative g * D(a, n). D is sign(r) * (abs(r) / d)**(p - 1) with r = x - y + eps.

    {hinge_rules}

    {distance_rules}

    {embedding_rules}

    torch is the same, and overflows for large p. optax adds eps to the sum of the powers.

    References
    ----------
    F. Schroff, D. Kalenichenko and J. Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
    CVPR 2015; with `swap`: V. Balntas, E. Riba, D. Ponsa and K. Mikolajczyk, "Learning Local Feature Descriptors with
    Triplets and Shallow Convolutional Neural Networks", BMVC 2016; with `smooth`: A. Hermans, L. Beyer and B. Leibe,
    "In Defense of the Triplet Loss for Person Re-Identification", 2017. ``torch.nn.functional.triplet_margin_loss``.

    Examples
    --------
    >>> import fastloss as fl
    >>> anchor, positive, negative = [[0.0, 0.0], [0.0, 4.0]], [[3.0, 4.0], [0.0, 3.0]], [[0.0, 1.0], [0.0, 1.0]]
    >>> fl.triplet_margin_loss(anchor, positive, negative, eps=0, reduction="none")  # 5 - 1 + 1, and 1 - 3 + 1
    array([5., 0.])
    >>> fl.triplet_margin_loss(anchor, positive, negative, eps=0, swap=True, margin=2, reduction="none")
    array([6., 1.])
    >>> in_anchor, in_positive, in_negative = fl.triplet_margin_loss.grad(
    ...     anchor, positive, negative, eps=0, reduction="sum"
    ... )
    >>> in_positive.round(4)
    array([[0.6, 0.8],
           [0. , 0. ]])
    """


@declare(
    family="embedding",
    task="learning embeddings from triplets",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust="but of squared distances",
    units="distance",
    kinks={
        "d(a, p) - d(a, n) + margin = 0": "as if above",
        "d = 0, of l2 and l1": "0",
        "d(a, n) = d(p, n), with swap": "half of each",
    },
    reference="torch.nn.functional.triplet_margin_with_distance_loss",
    aliases=("triplet loss with a custom distance", "cosine triplet loss"),
    composition=triplet_of_callable,
)
def triplet_margin_with_distance_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    distance_function: Distance = "l2",
    margin: float = 1.0,
    swap: bool = False,
) -> None:
    """Triplet loss of a distance of choice: an anchor is to be nearer to the positive, by a margin.

    ::

        l = max(0, d(anchor, positive) - d(anchor, negative) + margin)
        d(x, y) = norm(x - y + 1e-6)                                           l2
                  sum(abs(x - y + 1e-6))                                       l1
                  sum((x - y)**2)                                              sqeuclidean
                  1 - sum(x * y) / (max(norm(x), 1e-8) * max(norm(y), 1e-8))   cosine
                  -sum(x * y)                                                  dot

    Use it where the Euclidean distance of `triplet_margin_loss` is not the one that embeddings are compared by later.

    Parameters
    ----------
    {embedding_triplet}
    distance_function : {"l2", "l1", "sqeuclidean", "cosine", "dot"} or callable, default "l2"
        The distance, as above: that of torch's default, `pairwise_distance`; the same with p=1; its square without
        eps, as in FaceNet; and two that similarities make. Or a function f(x, y) of two arrays of embeddings that
        returns ``(distances, (gradient in x, gradient in y))``, the distance of each pair and how it changes with
        either; or an object with such a function as its ``value_and_grad``, as `pairwise_distance` is.
    margin : float, default 1.0
        By how much the positive is to be nearer; above 0. Cosine distances go from 0 to 2.
    swap : bool, default False
        Whether the negative's distance is the lesser of that from the anchor and that from the positive.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError, TypeError
        If a distance_function returns anything else: distances of the shape of the units, and gradients of that of
        its arguments, of real numbers.

    Notes
    -----
    With g = 1 where the hinge is not below 0 and 0 elsewhere, the gradient is g times that of d(anchor, positive) -
    d(anchor, negative), in each of the three.

    A function is called with anchor and positive, with anchor and negative, and with `swap` with positive and
    negative: whole arrays, as they were given. `partial` binds named distances alone.

    {hinge_rules}

    {distance_rules}

    {embedding_rules}

    References
    ----------
    ``torch.nn.functional.triplet_margin_with_distance_loss``, whose function returns distances alone; F. Schroff,
    D. Kalenichenko and J. Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering", CVPR 2015.

    Examples
    --------
    >>> import fastloss as fl
    >>> anchor, positive, negative = [[0.0, 2.0]], [[3.0, 4.0]], [[0.0, 1.0]]
    >>> fl.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function="sqeuclidean")  # 13 - 1 + 1
    np.float64(13.0)
    >>> fl.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function="cosine").round(4)
    np.float64(1.2)
    >>> in_anchor, in_positive, in_negative = fl.triplet_margin_with_distance_loss.grad(
    ...     anchor, positive, negative, distance_function="sqeuclidean"
    ... )
    >>> in_anchor
    array([[-6., -6.]])
    >>> def chebyshev(x, y):
    ...     return fl.pairwise_distance.value_and_grad(x, y, p=float("inf"), eps=0.0)
    >>> fl.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=chebyshev)  # 3 - 1 + 1
    np.float64(3.0)
    """


@declare(
    family="embedding",
    task="distillation of rankers",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=False,
    units="similarity squared",
    reference="S. Hofstätter et al., Improving Efficient Neural Ranking Models with Cross-Architecture KD, 2020",
    aliases=("MarginMSE", "margin distillation loss"),
)
def margin_mse_loss(
    query: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    target: ArrayLike,
    *,
    similarity: Literal["dot", "cosine"] = "dot",
) -> None:
    """Squared error of by how much a query is more similar to one passage than to another.

    ::

        s(x, y) = sum(x * y)                                               dot
                  sum(x * y) / (max(norm(x), 1e-8) * max(norm(y), 1e-8))   cosine
        l = (s(query, positive) - s(query, negative) - target)**2

    Use it to teach a ranker of embeddings the margins of a better and slower one, whose scores may be of another size.

    Parameters
    ----------
    query : array_like
        Embeddings of queries, of shape (..., D), or (D,) for one; or with the features on any other `axis`.
    positive : array_like
        Embeddings of passages that answer them, of query's shape.
    negative : array_like
        Embeddings of passages that do not, of query's shape.
    target : array_like
        The margin of the teacher: its score of the positive less that of the negative, of the units' shape. It has a
        gradient where it is asked for.
    similarity : {"dot", "cosine"}, default "dot"
        What embeddings are compared by.

    Returns
    -------
    {reductions}

    Notes
    -----
    With e = s(query, positive) - s(query, negative) - target and the dot product, the gradient in the query is
    2 * e * (positive - negative), that in the positive 2 * e * query, in the negative -2 * e * query, and in target
    -2 * e.

    {embedding_rules}

    References
    ----------
    S. Hofstätter, S. Althammer, M. Schröder, M. Sertkan and A. Hanbury, "Improving Efficient Neural Ranking Models with
    Cross-Architecture Knowledge Distillation", 2020; sentence-transformers' ``MarginMSELoss``.

    Examples
    --------
    >>> import fastloss as fl
    >>> query, positive, negative = [[1.0, 2.0]], [[3.0, 4.0]], [[1.0, 1.0]]
    >>> fl.margin_mse_loss(query, positive, negative, [5.0])  # 11 - 3 - 5
    np.float64(9.0)
    >>> fl.margin_mse_loss(query, positive, negative, [0.0], similarity="cosine").round(4)
    np.float64(0.0012)
    >>> in_query, in_positive, in_negative = fl.margin_mse_loss.grad(query, positive, negative, [5.0])
    >>> in_query
    array([[12., 18.]])
    """


@declare(
    family="embedding",
    task="learning embeddings from quadruplets",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=False,
    units="distance squared",
    kinks={
        "d(a, p)**2 - d(a, n)**2 + margin = 0": "as if above",
        "d(a, p)**2 - d(n, n2)**2 + margin2 = 0": "as if above",
    },
    reference="W. Chen et al., Beyond Triplet Loss, 2017",
)
def quadruplet_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    negative2: ArrayLike,
    *,
    margin: float = 1.0,
    margin2: float = 0.5,
) -> None:
    """Quadruplet loss: two embeddings of one kind are to be nearer than the anchor and a negative, or two negatives.

    ::

        d2(x, y) = sum((x - y)**2)
        l = (max(0, d2(anchor, positive) - d2(anchor, negative) + margin)
             + max(0, d2(anchor, positive) - d2(negative, negative2) + margin2))

    Use it where embeddings of one kind are to lie closer together than a triplet loss brings them, whose distances
    compare only with others from the same anchor.

    Parameters
    ----------
    {embedding_triplet}
    negative2 : array_like
        Embeddings of a third kind, which are to be near neither of the others, of anchor's shape.
    margin : float, default 1.0
        By how much the positive is to be nearer to the anchor than the negative, in squared distances; above 0.
    margin2 : float, default 0.5
        The same compared with the distance of the two negatives, which usually is the less; above 0.

    Returns
    -------
    {reductions}

    Notes
    -----
    With g and g2 = 1 where the hinges are not below 0 and 0 elsewhere, the gradient in the anchor is
    2 * (g + g2) * (anchor - positive) - 2 * g * (anchor - negative), that in the positive 2 * (g + g2) * (positive -
    anchor), in the negative 2 * g * (anchor - negative) - 2 * g2 * (negative - negative2), and in the second
    2 * g2 * (negative - negative2).

    {hinge_rules}

    {embedding_rules}

    References
    ----------
    W. Chen, X. Chen, J. Zhang and K. Huang, "Beyond Triplet Loss: A Deep Quadruplet Network for Person
    Re-Identification", CVPR 2017.

    Examples
    --------
    >>> import fastloss as fl
    >>> anchor, positive, negative, negative2 = [[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 1.0]], [[2.0, 1.0]]
    >>> fl.quadruplet_loss(anchor, positive, negative, negative2)  # 25 - 1 + 1, and 25 - 4 + 1/2
    np.float64(46.5)
    >>> fl.quadruplet_loss([0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [0.0, 2.0], margin=0.5, margin2=1.0)  # 0, and 1 - 1 + 1
    np.float64(1.0)
    >>> gradients = fl.quadruplet_loss.grad(anchor, positive, negative, negative2)
    >>> gradients[3]
    array([[-4.,  0.]])
    """
