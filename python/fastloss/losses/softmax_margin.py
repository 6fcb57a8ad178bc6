"""Cross-entropies of scores of which the right one must be ahead by a margin."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="softmax",
    task="classification with rare classes",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="K. Cao et al., Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss, 2019",
    aliases=("label-distribution-aware margin loss",),
)
def ldam_loss(
    input: ArrayLike,
    target: ArrayLike,
    class_counts: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    max_margin: float = 0.5,
    scale: float = 30.0,
) -> None:
    """Cross-entropy of scores of which the right one must be ahead by a margin: the rarer its class, the larger.

    ::

        margin = max_margin * (min(class_counts) / class_counts)**(1/4)
        l = cross_entropy(scale * (input - onehot(target) * margin), target, weight)

    Use it where classes are rare, with scores that are bounded, such as cosines: `scale` makes logits of
    them.

    Parameters
    ----------
    {scores}
    {class_indices}
    class_counts : array_like
        How many samples each class has, of shape (C,); above 0. A common factor does not matter. Where one
        is NaN, or not above 0, no margin is known and the loss is NaN.
    {class_weight}
    max_margin : float, default 0.5
        The margin of the rarest class, at least 0.
    scale : float, default 30.0
        Multiplies the scores; above 0.

    Returns
    -------
    {weighted_reductions}

    Notes
    -----
    Gradient in input: scale * w_t * (p - onehot(t)), with p the softmax of scale times the scores less the
    margin. Those are the logits that `return_` tells of; rows that are masked or ignored have no target, and no
    margin is taken from their scores. scale * input must be finite: what is too large for input's dtype is an
    infinite logit, and the loss of its row NaN.

    References
    ----------
    K. Cao, C. Wei, A. Gaidon, N. Arechiga and T. Ma, "Learning Imbalanced Datasets with Label-Distribution-
    Aware Margin Loss", NeurIPS 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.ldam_loss([[0.5, 0.0]], [0], [1, 16]).round(6)  # log(2): the lead is the margin
    np.float64(0.693147)
    >>> fl.ldam_loss.grad([[0.5, 0.0]], [0], [1, 16])
    array([[-15.,  15.]])
    >>> fl.ldam_loss([[0.0, 0.0]], [1], [1, 16], scale=1.0).round(6)  # log(1 + exp(1 / 4))
    np.float64(0.825939)

    """
