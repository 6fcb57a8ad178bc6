"""Losses of one model that learns from another."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="softmax",
    task="distillation",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="G. Hinton, O. Vinyals and J. Dean, Distilling the Knowledge in a Neural Network, 2015",
    aliases=("knowledge distillation", "KD loss", "soft targets"),
)
def distillation_loss(
    input: ArrayLike,
    teacher: ArrayLike,
    target: ArrayLike | None = None,
    *,
    temperature: float = 1.0,
    alpha: float = 0.5,
) -> None:
    """Divergence of a student's probabilities from those of a teacher, both softened by a temperature.

    ::

        p = softmax(input / temperature),  q = softmax(teacher / temperature)
        soft = temperature**2 * sum_c q_c * log(q_c / p_c)
        l = soft                                                         without target
            alpha * soft + (1 - alpha) * cross_entropy(input, target)    with class indices

    Use it to train a small model on what a large one says, with or without labels. Pass logits of both:
    it contains the softmaxes. The factor temperature**2 keeps gradients at one size at all temperatures.

    Parameters
    ----------
    input : array_like
        Logits of the student, of shape (N, C), (C,) or (N, C, d1, ...), or with the classes on any other
        `axis`.
    teacher : array_like
        Logits of the teacher, of input's shape.
    target : array_like, optional
        Class indices from 0 to C - 1, of any integer dtype and of input's shape without the axis of the
        classes. Their cross-entropy is at temperature 1. Default: the loss is the divergence alone.
    temperature : float, default 1.0
        Divides the logits of both in the divergence; above 0.
    alpha : float, default 0.5
        The share of the divergence, from 0 to 1; the cross-entropy has the rest. Without `target` it has
        no effect.

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradient in input, without target: temperature * (p - q); in teacher: temperature * q * (log(q / p) -
    KL), with KL = soft / temperature**2. With target alpha times these, and the cross-entropy's
    1 - alpha times softmax(input) - onehot(target) in input. A teacher that is not to be trained needs
    nothing: its gradient is computed only if `wrt` names it.

    The divergence is summed as q * log(q / p) - q + p, of which no term is negative: a student close to
    its teacher has a small loss with its digits.

    A row whose class index is `ignore_index` counts nowhere, with its divergence. Where both logits are
    -inf a class is impossible and costs nothing. Where only the student's is, the loss is inf, the
    gradient in input finite, and that in teacher NaN. An alpha of 0 or 1 silences the other part, whatever
    it is.

    `return_` gives results of the student at the temperature: its logits are input / temperature. The ufuncs
    take a target always; with an alpha of 1 it does not matter which.

    Without target it is torch's ``kl_div(log_softmax(s / T), softmax(t / T), reduction="batchmean") * T**2``.
    Liger leaves the factor temperature**2 out.

    References
    ----------
    G. Hinton, O. Vinyals and J. Dean, "Distilling the Knowledge in a Neural Network", 2015.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> student, teacher = np.zeros((1, 2)), np.log([[3.0, 1.0]])  # (1/2, 1/2) and (3/4, 1/4)
    >>> fl.distillation_loss(student, teacher).round(10)
    np.float64(0.1308120359)
    >>> fl.distillation_loss.grad(student, teacher)
    array([[-0.25,  0.25]])
    >>> fl.distillation_loss(student, 2 * teacher, temperature=2.0).round(10)
    np.float64(0.5232481438)
    >>> fl.distillation_loss(student, teacher, [0]).round(10)  # (0.1308 + log(2)) / 2
    np.float64(0.4119796083)
    >>> fl.distillation_loss.grad(student, teacher, [0], alpha=0.25)
    array([[-0.4375,  0.4375]])
    >>> fl.distillation_loss.grad(student, teacher, wrt="teacher").round(4)
    array([[ 0.206, -0.206]])

    """
