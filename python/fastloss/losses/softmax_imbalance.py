"""Losses of softmax probabilities that know how often each class occurs."""

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
    reference="A. K. Menon et al., Long-Tail Learning via Logit Adjustment, 2021",
)
def logit_adjusted_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    prior: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    tau: float = 1.0,
    label_smoothing: float = 0.0,
) -> None:
    """Cross-entropy of logits that are moved by how often each class occurs.

    ::

        cross_entropy(input + tau * log(prior), target, weight)

    Use it where classes are rare, and as important as the others: the logits that it trains are right for
    classes that are equally frequent. Add nothing when predicting. It contains the softmax: pass logits.

    Parameters
    ----------
    {logits}
    {class_target}
    prior : array_like
        How often each class occurs, of shape (C,): frequencies or counts, at least 0. A common factor does
        not matter. A class with a prior of 0 is impossible.
    {class_weight}
    tau : float, default 1.0
        How far logits are moved, at least 0. At 0 it is `cross_entropy`.
    {label_smoothing}

    Returns
    -------
    {weighted_reductions}

    Notes
    -----
    Gradient in input as that of `cross_entropy`, with p = softmax(input + tau * log(prior)); in prior: its
    sum over the rows, times tau / prior, and 0 where the prior is 0.

    References
    ----------
    A. K. Menon, S. Jayasumana, A. S. Rawat, H. Jain, A. Veit and S. Kumar, "Long-Tail Learning via Logit
    Adjustment", ICLR 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.logit_adjusted_cross_entropy([[0.0, 0.0]], [0], [0.25, 0.75]).round(6)  # -log(1 / 4)
    np.float64(1.386294)
    >>> fl.logit_adjusted_cross_entropy.grad([[0.0, 0.0]], [0], [0.25, 0.75])
    array([[-0.75,  0.75]])
    >>> fl.logit_adjusted_cross_entropy([[0.0, 0.0]], [0], [0.25, 0.75], tau=0.0).round(6)
    np.float64(0.693147)

    """


@declare(
    family="softmax",
    task="classification with rare classes",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="J. Ren et al., Balanced Meta-Softmax for Long-Tailed Visual Recognition, 2020",
    aliases=("balanced softmax",),
)
def balanced_softmax_loss(
    input: ArrayLike,
    target: ArrayLike,
    counts: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    label_smoothing: float = 0.0,
) -> None:
    """Cross-entropy of a softmax in which each class counts as often as it occurs.

    ::

        p_c = counts_c * exp(z_c) / sum_k(counts_k * exp(z_k))
        l = -w_t * log(p_t)                  for the class index t
            -sum_c w_c * t_c * log(p_c)      for the probabilities t

    Use it where classes are rare, and as important as the others. It is `logit_adjusted_cross_entropy` at
    tau = 1. It contains the softmax: pass logits.

    Parameters
    ----------
    {logits}
    {class_target}
    counts : array_like
        How many samples each class has, of shape (C,), at least 0. A class without any is impossible.
    {class_weight}
    {label_smoothing}

    Returns
    -------
    {weighted_reductions}

    Notes
    -----
    Gradient in input as that of `cross_entropy`, with the p above.

    References
    ----------
    J. Ren, C. Yu, S. Sheng, X. Ma, H. Zhao, S. Yi and H. Li, "Balanced Meta-Softmax for Long-Tailed Visual
    Recognition", NeurIPS 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.balanced_softmax_loss([[0.0, 0.0]], [0], [100, 300]).round(6)  # -log(1 / 4)
    np.float64(1.386294)
    >>> fl.balanced_softmax_loss.grad([[0.0, 0.0]], [0], [100, 300])
    array([[-0.75,  0.75]])
    >>> fl.balanced_softmax_loss([[0.0, 0.0]], [1], [100, 300]).round(6)
    np.float64(0.287682)

    """
