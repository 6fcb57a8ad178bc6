"""Likelihoods of classes and of rankings."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="softmax",
    task="classification",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="torch.nn.functional.nll_loss",
    aliases=("negative log-likelihood",),
)
def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
) -> None:
    """Negative log-likelihood of classes, from log-probabilities.

    ::

        l = -w_t * x_t

    Use it on the result of a log-softmax, or of any model that gives log-probabilities. From logits
    `cross_entropy` is the same in one step.

    Parameters
    ----------
    input : array_like
        Logarithms of probabilities, of shape (N, C), (C,) or (N, C, d1, ...), or with the classes on any
        other `axis`; at most 0, which is checked only under ``errstate(domain="raise")``.
    {class_indices}
    {class_weight}

    Returns
    -------
    {weighted_reductions}

    Notes
    -----
    Gradient in input: -w_t at the target, 0 elsewhere. The second derivative is 0. A weight of 0 makes a
    sample cost nothing, even if its log-probability is -inf.

    References
    ----------
    ``torch.nn.functional.nll_loss``.

    Examples
    --------
    >>> import fastloss as fl
    >>> x = [[-0.5, -1.0], [-2.0, -0.25]]
    >>> fl.nll_loss(x, [0, 1])
    np.float64(0.375)
    >>> fl.nll_loss(x, [0, 1], [1.0, 3.0])  # (0.5 + 3 * 0.25) / (1 + 3)
    np.float64(0.3125)
    >>> fl.nll_loss.grad(x, [0, 1])
    array([[-0.5,  0. ],
           [ 0. , -0.5]])

    """


@declare(
    family="softmax",
    task="ranking",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="Z. Cao et al., Learning to Rank: From Pairwise Approach to Listwise Approach, 2007",
    aliases=("ListNet loss", "softmax ranking loss"),
)
def ranking_softmax_loss(
    input: ArrayLike,
    target: ArrayLike,
) -> None:
    """Cross-entropy between the relevance of documents and the softmax of their scores (ListNet).

    ::

        l = -sum_c t_c * log(p_c)      with p = softmax(z)

    Use it to learn to rank: a row is the documents of one query. It contains the softmax: pass scores.

    Parameters
    ----------
    input : array_like
        Scores of the documents, of shape (N, C) for N queries, or with the documents on any other `axis`.
        Documents that are not there have the score -inf and the relevance 0.
    target : array_like
        Relevances, at least 0 and of input's shape. They are taken as they are: a query with more relevant
        documents counts more, and one without any counts nothing. Divide them by their sum for ListNet's
        original loss.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradient in input: p * sum(t) - t; in target: -log(p).

    References
    ----------
    Z. Cao, T. Qin, T.-Y. Liu, M.-F. Tsai and H. Li, "Learning to Rank: From Pairwise Approach to Listwise
    Approach", ICML 2007; without its normalisation of the relevances, as in rax.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.ranking_softmax_loss([[0.0, 0.0]], [[1.0, 2.0]]).round(6)  # 3 log(2)
    np.float64(2.079442)
    >>> fl.ranking_softmax_loss.grad([[0.0, 0.0]], [[1.0, 2.0]])
    array([[ 0.5, -0.5]])
    >>> fl.ranking_softmax_loss([[3.0, 1.0, 2.0]], [[1.0, 0.0, 0.0]]).round(6)
    np.float64(0.407606)

    """
