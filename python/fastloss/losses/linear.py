"""Losses of the class scores that a linear layer gives. The scores are never held as a whole."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="linear",
    task="classification",
    convex=True,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="E. Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models, 2025",
    aliases=("fused linear cross-entropy", "cut cross-entropy", "language-model loss"),
)
def linear_cross_entropy(
    input: ArrayLike,
    linear_weight: ArrayLike,
    target: ArrayLike,
    linear_bias: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    *,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    temperature: float = 1.0,
) -> None:
    """Cross-entropy of the logits that a linear layer gives, which are never held as a whole.

    ::

        z_c = input . linear_weight_c + linear_bias_c
        l = cross_entropy(z, target)

    Use it for the last layer of a language model or of any classifier with many classes: the logits of
    2048 tokens and 32000 classes are 262 MB in float32, and their gradient as much again. Here some rows
    at a time are multiplied, turned into losses and gradients, and multiplied back, in at most 60 MB
    beside the results. The value and all gradients are those of `cross_entropy` of the logits.

    Parameters
    ----------
    input : array_like
        Features, of shape (..., D): any number of samples.
    linear_weight : array_like
        Weights of the layer, of shape (C, D): one line for each class. Of shape (C, d1, ..., D) it gives
        each sample several rows of logits, (C, d1, ...).
    target : array_like
        Class indices from 0 to C - 1, of any integer dtype and of the rows' shape: input's shape without
        its last axis, then d1, .... Or probabilities of the classes, of a floating dtype, with the axis of
        the classes behind those of input: (..., C, d1, ...).
    linear_bias : array_like, optional
        Added to the logits, of shape (C,) or (C, d1, ...). Default: none.
    weight : array_like, optional
        Weight of each class, of shape (C,) or a number. Default: ones. It has no gradient here.
    label_smoothing : float, default 0.0
        The share of each target that is spread over all classes evenly, from 0 to 1.
    z_loss : float, default 0.0
        Adds z_loss * lse**2 to the loss of each row; at least 0.
    softcap : float or None, default None
        Bounds logits smoothly by this number, before anything else. None, or 0: they stay.
    temperature : float, default 1.0
        Divides the logits; above 0.

    Returns
    -------
    scalar or ndarray
        As of `cross_entropy`. With sample weights s, 1 where they are not given, over the rows that count:

        ============  =====================================================
        "none"        l * s, of the rows' shape
        "sum"         sum(s * l)
        "mean"        class indices: sum(s * l) / sum(s * weight[target]);
                      probabilities: sum(s * l) / sum(s)
        "batchmean"   sum(s * l) / (first extent of the rows' shape)
        ============  =====================================================

    Notes
    -----
    Gradients, with g the gradient in the logits: g @ linear_weight in input, g.T @ input in linear_weight,
    and the sum of g over samples in linear_bias. Samples without a row that counts are left out of the
    products: padding costs nothing, and may hold anything.

    Computed in float64 if input or linear_weight is float64 or of an integer dtype, else in float32.
    Where linear_weight or its gradient is of another dtype, or its features do not lie side by side in
    memory, its gradient needs as much memory again.

    The products are of our own kernels: the same bits at any number of threads.

    References
    ----------
    E. Wijmans, B. Huval, A. Hertzberg, V. Koltun and P. Krähenbühl, "Cut Your Losses in Large-Vocabulary
    Language Models", ICLR 2025. Signature and meaning are those of `torch.nn.functional`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> x = np.array([[1.0, 2.0], [0.5, -1.0]])
    >>> w = np.array([[0.5, 0.0], [0.0, 1.0], [-1.0, 0.5]])
    >>> fl.linear_cross_entropy(x, w, [1, 2]).round(10)
    np.float64(1.0046732176)
    >>> fl.cross_entropy(x @ w.T, [1, 2]).round(10)
    np.float64(1.0046732176)
    >>> gx, gw, gb = fl.linear_cross_entropy.grad(
    ...     x, w, [1, 2], [0.0, 0.1, 0.2], wrt=("input", "linear_weight", "linear_bias")
    ... )
    >>> gw.round(4)
    array([[ 0.2247, -0.1506],
           [-0.0825, -0.3551],
           [-0.1422,  0.5057]])
    >>> gb.round(4)
    array([ 0.3747, -0.035 , -0.3397])
    """
