"""Losses of pairs of boxes that let good boxes or far ones count more, or bound the overlap by each coordinate."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from fastloss._annotations import BoxFormat
from fastloss._declare import declare


@declare(
    family="boxes",
    task="object detection",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={
        "an edge of both boxes": "as if it were input's alone",
        "boxes that touch": "as if apart",
        "a width or height of 0": "as if above",
    },
    reference="J. He et al., Alpha-IoU: A Family of Power Intersection over Union Losses, 2021",
    aliases=("alpha-IoU loss", "power IoU loss"),
)
def alpha_iou_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 3.0,
    base: Literal["iou", "giou", "diou", "ciou"] = "iou",
    eps: float = 1e-7,
    fmt: BoxFormat = "xyxy",
) -> None:
    """Alpha-IoU loss: the loss of the IoU, or one of its relatives, with each term raised to a power.

    ::

        l = 1 - IoU**alpha                                                    base="iou"
            1 - IoU**alpha + ((C - U) / (C + eps))**alpha                     base="giou"
            1 - IoU**alpha + (rho**2 / (c**2 + eps))**alpha                   base="diou"
            1 - IoU**alpha + (rho**2 / (c**2 + eps))**alpha + (a * v)**alpha  base="ciou"

    Use it where boxes are to be accurate: with an alpha above 1, pairs that overlap well have larger
    gradients, and those that hardly overlap smaller ones.

    Parameters
    ----------
    {predicted_boxes}
    {true_boxes}
    alpha : float, default 3.0
        The power, from 1 to 100. With 1 it is `box_iou_loss`, `generalized_box_iou_loss`, `distance_box_iou_loss`
        or `complete_box_iou_loss`.
    base : {"iou", "giou", "diou", "ciou"}, default "iou"
        Which of these.
    {box_eps}
    {box_format}

    Returns
    -------
    {reductions}

    Notes
    -----
    The terms are those of the losses with alpha = 1; a is a constant in the gradient here, too. With base "iou"
    boxes that do not overlap have the gradient 0.

    {box_rules}

    References
    ----------
    J. He, S. Erfani, X. Ma, J. Bailey, Y. Chi and X.-S. Hua, "Alpha-IoU: A Family of Power Intersection over
    Union Losses for Bounding Box Regression", NeurIPS 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0]]
    >>> target = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> fl.alpha_iou_loss(predicted, target, reduction="none").round(6)  # 1 - 1/7**3, 1 - 1/3**3
    array([0.997085, 0.962963])
    >>> fl.alpha_iou_loss(predicted, target, base="giou", reduction="none").round(6)  # the same + (2/9)**3, + 1/4**3
    array([1.008058, 0.978588])
    >>> fl.alpha_iou_loss.grad(predicted, target, reduction="sum").round(4)
    array([[-0.0025, -0.0025, -0.0075, -0.0075],
           [-0.0185,  0.037 ,  0.0185, -0.037 ]])
    >>> fl.alpha_iou_loss(predicted, target, alpha=1.0, base="ciou").round(6)
    np.float64(0.849961)
    """


@declare(
    family="boxes",
    task="object detection",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={
        "an edge of both boxes": "as if it were input's alone",
        "boxes that touch": "as if apart",
        "a width or height of 0": "as if above",
    },
    reference="Z. Tong et al., Wise-IoU: Bounding Box Regression Loss with Dynamic Focusing Mechanism, 2023",
    aliases=("Wise-IoU loss", "WIoU v1"),
)
def wiou_loss(input: ArrayLike, target: ArrayLike, *, eps: float = 1e-7, fmt: BoxFormat = "xyxy") -> None:
    """Wise-IoU loss (v1): that of the IoU, times a factor that grows with the distance of the centres.

    ::

        c = diagonal of the smallest box around both, a constant in the gradient
        l = exp(rho**2 / (c**2 + eps)) * (1 - IoU)

    Use it as `distance_box_iou_loss`, which it resembles, without a penalty that remains where boxes overlap
    well: the distance counts less the better they do. It goes from 0 to e.

    Parameters
    ----------
    {predicted_boxes}
    {true_boxes}
    {box_eps}
    {box_format}

    Returns
    -------
    {reductions}

    Notes
    -----
    IoU and rho are those of `distance_box_iou_loss`. Because c is a constant in it, the gradient moves boxes
    and is not the slope of the value: that would also let them grow, so that c is large.

    {box_rules}

    The versions 2 and 3 of the paper multiply each pair by a number that depends on a running mean of the
    losses: pass it as ``sample_weight``, with a number as ``normalizer``.

    References
    ----------
    Z. Tong, Y. Chen, Z. Xu and R. Yu, "Wise-IoU: Bounding Box Regression Loss with Dynamic Focusing
    Mechanism", 2023.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0]]
    >>> target = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> fl.wiou_loss(predicted, target, reduction="none").round(6)  # exp(2/18) * 6/7, exp(1/32) * 2/3
    array([0.957873, 0.687829])
    >>> fl.wiou_loss.grad(predicted, target, reduction="sum").round(4)
    array([[-0.0988, -0.0988, -0.1901, -0.1901],
           [-0.0573,  0.0931,  0.0573, -0.1361]])
    >>> fl.wiou_loss([0.0, 0.0, 1.0, 1.0], [3.0, 0.0, 4.0, 1.0]).round(6)  # one pair, apart: exp(9/17)
    np.float64(1.697933)
    """


@declare(
    family="boxes",
    task="object detection",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={
        "equal centres": "0 of |dx| or |dy|",
        "2 |dx| = target_w, 2 |dy| = target_h": "0",
        "equal widths or heights": "as if input's were larger",
        "a width or height of 0": "as if above",
    },
    reference="L. Tychsen-Smith and L. Petersson, Improving Object Localization with Fitness NMS and Bounded IoU, 2018",
    aliases=("bounded IoU loss", "BIoU loss"),
)
def bounded_iou_loss(
    input: ArrayLike, target: ArrayLike, *, beta: float = 0.2, eps: float = 1e-3, fmt: BoxFormat = "xyxy"
) -> None:
    """Bounded IoU loss: of each coordinate, what overlap there could be if all others were right.

    ::

        dx, dy = differences of the centres
        l_x = 1 - max((target_w - 2 * |dx|) / (target_w + 2 * |dx| + eps), 0)    and l_y likewise
        l_w = 1 - min(target_w / (w + eps), w / (target_w + eps))                and l_h likewise
        smooth(z) = z**2 / (2 * beta)  where z < beta
                    z - beta / 2       elsewhere
        l = smooth(l_x) + smooth(l_y) + smooth(l_w) + smooth(l_h)

    Use it where `smooth_l1_loss` of coordinates would do, but is to be relative to the size of the boxes. Each
    term bounds the IoU, and place and size do not disturb each other. A centre that is not within its target is
    not moved.

    Parameters
    ----------
    {predicted_boxes}
    {true_boxes}
    beta : float, default 0.2
        Where the terms turn from quadratic to linear; at least 1e-30.
    eps : float, default 1e-3
        Added to lengths before anything is divided by them; at least 1e-30.
    {box_format}

    Returns
    -------
    {reductions}

    Notes
    -----
    Gradients, in either box, are in the numbers that `fmt` names. |dx| has the derivative 0 at 0, and the
    maximum where it is 0; of equal widths or heights, input's is taken to be the larger. A width or height
    below 0 counts as 0, with the gradient 0 there; in ``fastloss.errstate(domain="raise")`` it is an error.

    Equal boxes have a loss of about ((eps / w)**2 + (eps / h)**2) / beta, and a small gradient. The default of
    eps is meant for pixels: take a smaller one for boxes in parts of an image.

    mmdetection keeps the four terms apart, so that its mean is a quarter of this one, and has no gradient in
    target.

    References
    ----------
    L. Tychsen-Smith and L. Petersson, "Improving Object Localization with Fitness NMS and Bounded IoU Loss",
    CVPR 2018, as mmdetection computes it.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0]]
    >>> target = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> fl.bounded_iou_loss(predicted, target, reduction="none").round(6)
    array([1.800001, 1.366973])
    >>> fl.bounded_iou_loss(predicted, target, beta=1.0, reduction="none").round(6)
    array([1.      , 0.472384])
    >>> fl.bounded_iou_loss.grad(predicted[1], target[1]).round(4)
    array([-0.1249,  0.0278,  0.1249, -0.4721])
    """
