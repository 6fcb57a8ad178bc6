"""Losses of class scores: of the probabilities that a softmax makes of a row of them, and of how far one is ahead."""

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
    reference="J. S. Bridle, Probabilistic Interpretation of Feedforward Classification Network Outputs, 1990",
    aliases=("softmax cross-entropy", "categorical cross-entropy", "log loss", "multinomial logistic loss"),
)
def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    softcap: float | None = None,
    temperature: float = 1.0,
    from_logits: bool = True,
    eps: float = 1e-7,
) -> None:
    """Cross-entropy of logits and classes, or of logits and probabilities of classes.

    ::

        u_c = z_c - lse, the logarithm of a probability     with lse = log(sum_k exp(z_k))
        l = -w_t * u_t                       for the class index t
            -sum_c w_c * t_c * u_c           for the probabilities t
        z = input / temperature, or softcap * tanh(input / softcap) / temperature

    Use it for classification into one of several classes. It contains the softmax: pass logits, *not*
    probabilities, unless ``from_logits=False`` says so. A row is the scores of all classes for one
    sample; they lie along axis 1, as in torch, or along `axis`.

    Parameters
    ----------
    input : array_like
        Logits, of shape (N, C), (C,) or (N, C, d1, ...), or with the classes on any other `axis`. With
        ``from_logits=False`` amounts that are at least 0; divided by their sum they are probabilities.
    target : array_like
        Class indices from 0 to C - 1, of any integer dtype and of input's shape without the axis of the
        classes; or probabilities of the classes, of a floating dtype and of input's shape. They need not
        have the sum 1. One-hot targets must be floating.
    {class_weight}
    {label_smoothing}
    z_loss : float, default 0.0
        Adds z_loss * lse**2 to the loss of each row, which keeps logits from drifting; at least 0. It is
        not multiplied by `weight`.
    softcap : float or None, default None
        Bounds logits smoothly by this number, before anything else. None, or 0: they stay.
    temperature : float, default 1.0
        Divides the logits; above 0.
    from_logits : bool, default True
        Whether input is logits. If not, log(input) is taken for them, and u_c is not below log(eps).
    eps : float, default 1e-7
        The least probability with ``from_logits=False``, between 0 and 1. Below it the gradient is 0.

    Returns
    -------
    scalar or ndarray
        With sample weights s, 1 where they are not given, over the rows that count:

        ============  =====================================================
        "none"        l * s, of input's shape without the axis of the classes
        "sum"         sum(s * l)
        "mean"        class indices: sum(s * l) / sum(s * weight[target]);
                      probabilities: sum(s * l) / sum(s)
        "batchmean"   sum(s * l) / (first extent of the rows' shape)
        ============  =====================================================

        The mean over class indices is thus one over the weights of the targets, with label smoothing too,
        but not over probabilities: the same targets, one-hot, give another number. Both as in torch.

    Notes
    -----
    Gradient of a row in input, with p = softmax(input): w_t (p - onehot(t)) for a class index and
    p * sum_c(w_c t_c) - w * t for probabilities; in probabilities: -w * u; in weight: -t * u, to which
    a mean over class indices adds its part through the denominator.

    A loss near 0 keeps all its digits: logits (0, -20) of class 0 cost 2.06e-9, in float32 too, where
    frameworks return 0; and the gradient there is as exact.

    A logit of -inf is a class that is impossible. It has the probability 0 and no gradient; as a target
    it costs inf, with a finite gradient, unless its share of the target is 0. With label smoothing every
    class is a target, so the loss is inf. A row of nothing but -inf, or with +inf or NaN, gives NaN in
    that row alone.

    A row that is ignored or masked may hold anything. A mean over none, or with weights that sum to 0,
    is NaN with the gradient 0; see `fastloss.errstate`.

    `input` alone decides the dtype of the computation: float64 targets, NumPy's default, do not
    make float32 logits slower.

    References
    ----------
    J. S. Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs, with
    Relationships to Statistical Pattern Recognition", Neurocomputing, NATO ASI Series 68, 1990. Label
    smoothing: C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016.
    z-loss: A. Chowdhery et al., "PaLM: Scaling Language Modeling with Pathways", 2022.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> logits = np.array([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]])
    >>> fl.cross_entropy(logits, [0, 2]).round(10)
    np.float64(0.8963780053)
    >>> fl.cross_entropy.grad(logits, [0, 2]).round(4)
    array([[-0.1072,  0.0876,  0.0196],
           [ 0.106 ,  0.2881, -0.394 ]])
    >>> fl.cross_entropy([[2.0, 1.0, 0.1], [0.5, 2.5, 0.3]], [0, 1]).round(10)
    np.float64(0.3185397696)
    >>> fl.cross_entropy(logits, [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]).round(10)  # probabilities
    np.float64(1.0213780053)
    >>> fl.cross_entropy(logits, [0, 2], label_smoothing=0.1).round(10)
    np.float64(0.9547113386)
    >>> fl.cross_entropy(logits, [0, -100], reduction="none").round(4)  # ignored
    array([0.2413, 0.    ])
    >>> three = np.array([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0], [0.2, -0.1, 1.5]])
    >>> fl.cross_entropy(three, [0, 1, 2], weight=[1.0, 2.0, 3.0]).round(10)
    np.float64(0.4181686185)
    >>> value, more = fl.cross_entropy(logits, [0, 2], return_=("lse", "prediction", "correct"))
    >>> more["lse"].round(4), more["prediction"], more["correct"]
    (array([2.2413, 1.5514]), array([0, 1]), array([ True, False]))
    >>> fl.cross_entropy([[0.2, 0.5, 0.3]], [1], from_logits=False).round(10)
    np.float64(0.6931471806)
    >>> fl.cross_entropy.hvp(logits, [0, 2], [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]).round(4)
    array([[ 0.0842, -0.0689, -0.0154],
           [ 0.    ,  0.    ,  0.    ]])
    """
