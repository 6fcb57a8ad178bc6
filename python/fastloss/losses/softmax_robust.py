"""Losses of softmax probabilities that treat likely, or unlikely, classes otherwise than the cross-entropy does."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="softmax",
    task="classification with rare classes",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="T.-Y. Lin et al., Focal Loss for Dense Object Detection, 2017",
    aliases=("categorical focal cross-entropy", "multiclass focal loss"),
)
def softmax_focal_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    alpha: float | None = None,
    gamma: float = 2.0,
    label_smoothing: float = 0.0,
) -> None:
    """Focal loss of logits and classes: the cross-entropy, turned down where the right class is likely already.

    ::

        p = softmax(z)
        l = -alpha * w_t * (1 - p_t)**gamma * log(p_t)                   for the class index t
            -alpha * sum_c w_c * t_c * (1 - p_c)**gamma * log(p_c)       for the probabilities t

    Use it where most samples are easy and there are so many that they drown the others: dense detection,
    rare classes. It contains the softmax: pass logits. For independent labels there is
    `sigmoid_focal_loss`.

    Parameters
    ----------
    {logits}
    {class_target}
    {class_weight}
    alpha : float or None, default None
        Multiplies the loss; at least 0. None: nothing does. Classes have factors of their own in `weight`,
        which counts in the mean's denominator, as this does not.
    gamma : float, default 2.0
        How much likely classes are turned down, at least 0. At 0 it is `cross_entropy`.
    {label_smoothing}

    Returns
    -------
    {weighted_reductions}

    Notes
    -----
    Derivative in u = log(p_t): -(1 - p)**gamma * (1 + gamma * r) with r = -u / (exp(-u) - 1). It is bounded
    for every gamma; powers of gamma - 1, which are infinite at p = 1 for gamma < 1, do not occur. 1 - p is
    exact where p is close to 1, so that no loss near 0 loses its digits.

    Not convex for gamma > 0.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, "Focal Loss for Dense Object Detection", ICCV
    2017; for several classes as in keras and Kornia.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.softmax_focal_loss([[0.0, 0.0]], [0]).round(6)  # log(2) / 4
    np.float64(0.173287)
    >>> fl.softmax_focal_loss.grad([[2.0, 0.5, -1.0]], [0]).round(4)
    array([[-0.0273,  0.0223,  0.005 ]])
    >>> fl.softmax_focal_loss([[2.0, 0.5, -1.0]], [[0.5, 0.5, 0.0]], gamma=0.5).round(6)
    np.float64(0.846541)

    """


@declare(
    family="softmax",
    task="classification",
    convex="for epsilon = 0",
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="Z. Leng et al., PolyLoss, 2022",
    aliases=("Poly-1 loss",),
)
def poly_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    epsilon: float = 2.0,
    label_smoothing: float = 0.0,
) -> None:
    """Cross-entropy with another first coefficient of its series in 1 - p (Poly-1).

    ::

        p = softmax(z)
        l = w_t * (-log(p_t) + epsilon * (1 - p_t))                      for the class index t
            sum_c w_c * t_c * (-log(p_c) + epsilon * (1 - p_c))          for the probabilities t

    The cross-entropy is the series of (1 - p)**k / k; this adds epsilon to the coefficient of the first
    power, which decides what happens late in training. It contains the softmax: pass logits.

    Parameters
    ----------
    {logits}
    {class_target}
    {class_weight}
    epsilon : float, default 2.0
        What is added to the first coefficient, at least -1. At 0 it is `cross_entropy`; below, confident
        predictions are rewarded less.
    {label_smoothing}

    Returns
    -------
    {weighted_reductions}

    Notes
    -----
    Derivative in u = log(p_t): -1 - epsilon * p. The digits of small losses are right for every epsilon,
    for -1 too, where the terms of the formula cancel.

    References
    ----------
    Z. Leng, M. Tan, C. Liu, E. D. Cubuk, X. Shi, S. Cheng and D. Anguelov, "PolyLoss: A Polynomial Expansion
    Perspective of Classification Loss Functions", ICLR 2022; the default is that of optax.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.poly_loss([[0.0, 0.0]], [0]).round(6)  # log(2) + 2 / 2
    np.float64(1.693147)
    >>> fl.poly_loss.grad([[0.0, 0.0]], [0])
    array([[-1.,  1.]])
    >>> fl.poly_loss([[0.0, 0.0]], [0], epsilon=-1.0).round(6)
    np.float64(0.193147)

    """


@declare(
    family="softmax",
    task="classification with wrong labels",
    convex="for q = 0",
    differentiable="smooth",
    twice_differentiable=True,
    robust="for q > 0",
    units="unitless",
    reference="Z. Zhang and M. R. Sabuncu, Generalized Cross Entropy Loss, 2018",
    aliases=("GCE", "Lq loss"),
)
def generalized_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    q: float = 0.5,
) -> None:
    """Between the cross-entropy and the absolute error of probabilities, for labels that are partly wrong.

    ::

        p = softmax(z)
        l = w_t * (1 - p_t**q) / q                                       for the class index t
            sum_c w_c * t_c * (1 - p_c**q) / q                           for the probabilities t

    No sample costs more than 1 / q, so that samples with wrong labels cannot dominate, as they do in the
    cross-entropy. It contains the softmax: pass logits.

    Parameters
    ----------
    {logits}
    {class_target}
    {class_weight}
    q : float, default 0.5
        From 0, where it is `cross_entropy`, to 1, where it is 1 - p: robust, and slow to train. The paper
        uses 0.7.

    Returns
    -------
    {weighted_reductions}

    Notes
    -----
    Derivative in u = log(p_t): -p**q. The limit at q = 0 is not approached through a cancellation.

    References
    ----------
    Z. Zhang and M. R. Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy
    Labels", NeurIPS 2018; the default is that of keras.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> fl.generalized_cross_entropy([[0.0, 0.0]], [0]).round(6)  # 2 - sqrt(2)
    np.float64(0.585786)
    >>> fl.generalized_cross_entropy([[-np.inf, 0.0]], [0])  # 1 / q
    np.float64(2.0)
    >>> fl.generalized_cross_entropy([[0.0, 0.0]], [0], q=0.0).round(6)
    np.float64(0.693147)
    >>> fl.generalized_cross_entropy.grad([[0.0, 0.0]], [0], q=1.0)
    array([[-0.25,  0.25]])

    """


@declare(
    family="softmax",
    task="classification with wrong labels",
    convex="for beta = 0",
    differentiable="smooth",
    twice_differentiable=True,
    robust="for alpha = 0",
    units="nats",
    reference="Y. Wang et al., Symmetric Cross Entropy for Robust Learning with Noisy Labels, 2019",
    aliases=("SCE", "SL"),
)
def symmetric_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    alpha: float = 0.1,
    beta: float = 1.0,
    clip: float = 1e-4,
) -> None:
    """Cross-entropy and reverse cross-entropy, for labels that are partly wrong.

    ::

        p = softmax(z)
        l = w_t * (-alpha * log(p_t) - beta * log(clip) * (1 - p_t))

    The reverse cross-entropy has prediction and label exchanged, -sum_c p_c * log(onehot(t)_c), where the
    logarithm of 0 is that of `clip`. It is bounded, and so holds against wrong labels; the other part makes
    it train. It contains the softmax: pass logits.

    Parameters
    ----------
    {logits}
    {class_indices}
    {class_weight}
    alpha : float, default 0.1
        Factor of the cross-entropy, at least 0.
    beta : float, default 1.0
        Factor of the reverse cross-entropy, at least 0.
    clip : float, default 1e-4
        The probability that labels have instead of 0, between 0 and 1.

    Returns
    -------
    {weighted_reductions}

    Notes
    -----
    Derivative in u = log(p_t): -alpha + beta * log(clip) * p.

    References
    ----------
    Y. Wang, X. Ma, Z. Chen, Y. Luo, J. Yi and J. Bailey, "Symmetric Cross Entropy for Robust Learning with
    Noisy Labels", ICCV 2019; defaults as the paper has them for CIFAR-10.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.symmetric_cross_entropy([[0.0, 0.0]], [0]).round(6)  # log(2) / 10 - log(1e-4) / 2
    np.float64(4.674485)
    >>> fl.symmetric_cross_entropy.grad([[0.0, 0.0]], [0]).round(6)
    array([[-2.352585,  2.352585]])
    >>> fl.symmetric_cross_entropy([[0.0, 0.0]], [0], alpha=1.0, beta=0.0).round(6)
    np.float64(0.693147)

    """
