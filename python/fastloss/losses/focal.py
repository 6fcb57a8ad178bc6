"""Losses that turn down what a model already gets right, for rare positives and dense detection."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="focal",
    task="binary classification with rare positives, dense detection",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="T.-Y. Lin et al., Focal Loss for Dense Object Detection, 2017",
    aliases=("focal loss", "binary focal loss", "RetinaNet loss"),
)
def sigmoid_focal_loss(input: ArrayLike, target: ArrayLike, *, alpha: float | None = 0.25, gamma: float = 2.0) -> None:
    """Focal loss of a logit: cross-entropy turned down where the prediction is already good.

    ::

        p = 1 / (1 + exp(-input)),  1 - p_t = p (1 - target) + (1 - p) target
        alpha_t = alpha target + (1 - alpha) (1 - target)
        l = alpha_t * (1 - p_t)**gamma * BCE(input, target)

    Use it where easy negatives outnumber positives by thousands. It takes logits, *not*
    probabilities, and any target in [0, 1], soft ones too.

    Parameters
    ----------
    input : array_like
        Logits, of any shape.
    target : array_like
        Probabilities of the positive class, in [0, 1]. Of input's shape; of its rank with extents
        of 1 where they are broadcast; or one number.
    alpha : float or None, default 0.25
        Weight of the positive class, 1 - alpha that of the negative one; from 0 to 1. None and, as
        in torchvision, any negative number down to -1: no weights.
    gamma : float, default 2.0
        How strongly good predictions are turned down, at least 0; 0 is the weighted cross-entropy.

    Returns
    -------
    scalar or ndarray
        "mean" is sum(l) / (number of elements), the default here as for every loss; torchvision's
        default is "none". Detectors divide by the number of positives instead: pass it as
        `normalizer`.

    Notes
    -----
    (1 - p_t)**gamma and its derivatives are right at any logit and for any gamma: the derivative
    is a bounded multiple of the power itself, so there is no NaN at saturation for gamma below 1.
    The gradient in target follows the same formula through alpha_t, p_t and the cross-entropy; it
    is infinite only where the logit is.

    The loss is not convex: its second derivative is negative where a prediction is very wrong.
    Boosting needs a positive one; bound it from below.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, "Focal Loss for Dense Object Detection",
    ICCV 2017.

    Examples
    --------
    >>> import numpy as np
    >>> import fastloss as fl
    >>> logits, labels = np.array([2.0, -1.0, 0.5]), np.array([1, 0, 1])
    >>> fl.sigmoid_focal_loss(logits, labels).round(10)
    np.float64(0.0114459355)
    >>> fl.sigmoid_focal_loss(logits, labels, alpha=None, gamma=0.0).round(10)
    np.float64(0.3047555609)
    >>> fl.sigmoid_focal_loss.grad([100.0, -100.0], [1, 1], gamma=0.5, reduction="none")
    array([-2.69066099e-66, -2.50000000e-01])
    """


@declare(
    family="focal",
    task="dense detection with a quality as target",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="X. Li et al., Generalized Focal Loss, 2020",
    aliases=("QFL",),
)
def quality_focal_loss(input: ArrayLike, target: ArrayLike, *, beta: float = 2.0) -> None:
    """Cross-entropy with a soft target, turned down where the probability is near it.

    ::

        p = 1 / (1 + exp(-input))
        l = abs(p - target)**beta * BCE(input, target)

    Use it where one logit is to predict a class and how good its box is: the target is the quality
    (the IoU of the box) of a positive, and 0 for a negative.

    Parameters
    ----------
    input : array_like
        Logits, of any shape.
    target : array_like
        Qualities, in [0, 1]. Of input's shape; of its rank with extents of 1 where they are broadcast; or
        one number.
    beta : float, default 2.0
        How strongly good predictions are turned down, at least 0; 0 is the cross-entropy.

    Returns
    -------
    scalar or ndarray
        "mean" is sum(l) / (number of elements). Detectors divide by the number of positives
        instead: pass it as `normalizer`.

    Notes
    -----
    The difference p - target is taken where it loses nothing, so the loss is right near p = target
    and at saturation. There it is 0, with gradient 0. Below beta = 2 the loss has a sharp point
    there: for beta up to 1 the gradient jumps and is 0 at the point itself, between 1 and 2 the
    second derivative is infinite.

    References
    ----------
    X. Li, W. Wang, L. Wu, S. Chen, X. Hu, J. Li, J. Tang and J. Yang, "Generalized Focal Loss:
    Learning Qualified and Distributed Bounding Boxes for Dense Object Detection", NeurIPS 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.quality_focal_loss([0.0, 0.0], [0.5, 1.0], reduction="none").round(10)
    array([0.       , 0.1732868])
    >>> fl.quality_focal_loss.grad([0.0, 0.0], [0.5, 1.0], reduction="none").round(10)
    array([ 0.       , -0.2982868])
    """


@declare(
    family="focal",
    task="dense detection with a quality as target",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=None,
    units="nats",
    reference="H. Zhang et al., VarifocalNet, 2021",
    aliases=("VFL",),
)
def varifocal_loss(
    input: ArrayLike, target: ArrayLike, *, alpha: float = 0.75, gamma: float = 2.0, iou_weighted: bool = True
) -> None:
    """Cross-entropy that weights positives by their quality and turns down easy negatives.

    ::

        p = 1 / (1 + exp(-input))
        l = target * BCE(input, target)                where target > 0
        l = alpha * p**gamma * BCE(input, 0)           where target = 0

    Use it where one logit is to predict a class and how good its box is, and every positive counts:
    unlike `quality_focal_loss` it turns down negatives only.

    Parameters
    ----------
    input : array_like
        Logits, of any shape.
    target : array_like
        Qualities (IoU of the box) of positives, in (0, 1]; 0 for negatives. Of input's shape; of
        its rank with extents of 1 where they are broadcast; or one number. It has no gradient: the two
        formulas do not meet at 0.
    alpha : float, default 0.75
        Weight of negatives, at least 0.
    gamma : float, default 2.0
        How strongly easy negatives are turned down, at least 0.
    iou_weighted : bool, default True
        Positives have the weight `target`; otherwise 1.

    Returns
    -------
    scalar or ndarray
        "mean" is sum(l) / (number of elements). Detectors divide by the number of positives
        instead: pass it as `normalizer`.

    Notes
    -----
    The gradient follows p**gamma too. A negative is the focal loss with target 0.

    References
    ----------
    H. Zhang, Y. Wang, F. Dayoub and N. Suenderhauf, "VarifocalNet: An IoU-aware Dense Object
    Detector", CVPR 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.varifocal_loss([0.0, 0.0], [0.8, 0.0], reduction="none").round(10)
    array([0.55451774, 0.1299651 ])
    >>> fl.varifocal_loss.grad([0.0, 0.0], [0.8, 0.0], reduction="none").round(10)
    array([-0.24     ,  0.2237151])
    """


@declare(
    family="focal",
    task="multi-label classification with rare positives",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=None,
    units="nats",
    kinks={
        "sigmoid(input) = clip, gamma_neg < 2": "0",
        "sigmoid(input) = eps": "as if above",
        "1 - sigmoid(input) + clip = eps": "as if above",
    },
    reference="T. Ridnik et al., Asymmetric Loss For Multi-Label Classification, 2021",
    aliases=("ASL",),
)
def asymmetric_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    gamma_neg: float = 4.0,
    gamma_pos: float = 1.0,
    clip: float = 0.05,
    eps: float = 1e-08,
) -> None:
    """Focal loss with an exponent for each class, and no loss at all for very easy negatives.

    ::

        p = 1 / (1 + exp(-input)),  q = max(p - clip, 0)
        l = -target (1 - p)**gamma_pos log(p) - (1 - target) q**gamma_neg log(1 - q)

    Use it for multi-label classification, one column for each label, where most labels are absent
    from most samples.

    Parameters
    ----------
    input : array_like
        Logits, of any shape.
    target : array_like
        Labels 0 and 1, or probabilities between them. Of input's shape; of its rank with extents of
        1 where they are broadcast; or one number.
    gamma_neg : float, default 4.0
        How strongly easy negatives are turned down, at least 0.
    gamma_pos : float, default 1.0
        How strongly easy positives are turned down, at least 0.
    clip : float, default 0.05
        Negatives with a probability up to this count nothing; from 0 to 1.
    eps : float, default 1e-08
        No logarithm is taken of a smaller number; from 0 to 1. Where it acts, only the power has a
        slope, so a very wrong logit hardly learns: 0 is exact.

    Returns
    -------
    scalar or ndarray
        "mean" is sum(l) / (number of elements), the default here as for every loss; the authors'
        code returns the sum.

    Notes
    -----
    The formula is linear in target, as in the paper. The authors' code mixes the exponents of soft
    targets instead; with targets 0 and 1 the two agree.

    References
    ----------
    T. Ridnik, E. Ben-Baruch, N. Zamir, A. Noy, I. Friedman, M. Protter and L. Zelnik-Manor,
    "Asymmetric Loss For Multi-Label Classification", ICCV 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.asymmetric_loss([0.0, 0.0, -3.0], [1, 0, 0], reduction="none").round(10)
    array([0.34657359, 0.02451505, 0.        ])
    >>> fl.asymmetric_loss([0.0], [1], gamma_pos=0.0).round(10)
    np.float64(0.6931471806)
    """
