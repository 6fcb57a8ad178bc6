"""Divergences of two distributions from a mixture of them."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="divergence",
    task="matching distributions",
    convex="in the probabilities",
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="J. Lin, Divergence Measures Based on the Shannon Entropy, 1991",
    aliases=("Jensen-Shannon divergence", "generalised JSD", "jsd"),
)
def js_div(input: ArrayLike, target: ArrayLike, *, beta: float = 0.5, log_target: bool = False) -> None:
    """Jensen-Shannon divergence of predicted log-probabilities from a target distribution.

    ::

        s, t = exp(input), target                    with log_target: t = exp(target)
        m = (1 - beta) * s + beta * t
        l = beta * t * log(t / m) + (1 - beta) * s * log(s / m)

    Use it for distillation where neither `kl_div` nor `reverse_kl_div` will do: it is finite whatever
    the two distributions are, even if one is 0 where the other is not. **Input holds logarithms of
    probabilities**, such as a log-softmax; neither probabilities nor logits.

    Parameters
    ----------
    input : array_like
        Logarithms of predicted probabilities, of any shape; at most 0, which is checked only under
        ``errstate(domain="raise")``.
    target : array_like
        Probabilities, from 0 to 1, or their logarithms with `log_target`, which is checked only under
        ``errstate(domain="raise")``. Of input's shape; of its rank with extents of 1 where they
        are broadcast; or one number.
    beta : float, default 0.5
        The target's part of the mixture, between 0 and 1. At 0.5 the divergence is symmetric. Small
        values make it proportional to `kl_div`, values near 1 to `reverse_kl_div`: js_div / beta and
        js_div / (1 - beta) have these limits.
    log_target : bool, default False
        Whether target holds logarithms.

    Returns
    -------
    scalar or ndarray
        ============  =====================================================
        "none"        l, of input's shape
        "sum"         sum(l): the divergence of one pair of distributions
        "mean"        sum(l) / (number of elements)
        "batchmean"   sum(l) / input.shape[0]: the mean divergence of rows
        ============  =====================================================

    Notes
    -----
    Gradients: (1 - beta) * s * log(s / m) in input and beta * log(t / m) in target, or
    beta * t * log(t / m) with `log_target`. The second derivative in input is
    (1 - beta) * s * (log(s / m) + beta * t / m). Every element is at least 0, and 0 only where the two
    probabilities are equal; the sum over two distributions is at most log(2) at beta = 0.5.

    Where a probability is 0 the other one alone counts: t = 0 costs (1 - beta) * s * log(1 / (1 - beta)),
    s = 0 costs beta * t * log(1 / beta). The gradient in a target of 0 is 0 (it has no finite limit).

    The digits of small losses are right: where s and t are nearly equal, the formula above cancels,
    and it is not what is computed.

    References
    ----------
    J. Lin, "Divergence Measures Based on the Shannon Entropy", IEEE Transactions on Information Theory
    37(1), 1991; R. Agarwal et al., "On-Policy Distillation of Language Models: Learning from
    Self-Generated Mistakes", 2024, for the weight beta.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> q, p = np.array([[0.5, 0.5, 0.0]]), np.array([[0.5, 0.0, 0.5]])
    >>> with np.errstate(divide="ignore"):
    ...     log_q = np.log(q)
    >>> fl.js_div(log_q, p, reduction="batchmean").round(6)  # 0.5 * log(2)
    np.float64(0.346574)
    >>> fl.js_div.grad(log_q, p, reduction="batchmean").round(6) + 0.0
    array([[0.      , 0.173287, 0.      ]])
    >>> fl.js_div([-1.0], [-1.5], beta=0.1, log_target=True).round(6)
    np.float64(0.00303)
    """
