"""Losses of pairs of boxes: by how much they overlap, and how far they are from it."""

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
    robust='unless mode is "log"',
    units="unitless",
    kinks={
        "an edge of both boxes": "as if it were input's alone",
        "boxes that touch": "0",
        "a width or height of 0": "as if above",
        'IoU = eps, in mode "log"': "0",
    },
    reference="J. Yu et al., UnitBox: An Advanced Object Detection Network, 2016",
    aliases=("IoU loss", "Jaccard loss of boxes", "UnitBox loss"),
)
def box_iou_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    mode: Literal["linear", "log", "square"] = "linear",
    eps: float = 1e-7,
    fmt: BoxFormat = "xyxy",
) -> None:
    """Intersection over union of two boxes, turned into a loss.

    ::

        I = area of the overlap,  U = area(input) + area(target) - I
        IoU = I / (U + eps)
        l = 1 - IoU                   mode="linear"
            -log(max(IoU, eps))       mode="log"
            1 - IoU**2                mode="square"

    Detectors are measured by the IoU, which does not depend on the scale of the boxes. Where they do not
    overlap it has no gradient: use it for boxes that are close already, and `generalized_box_iou_loss` or
    `distance_box_iou_loss` from anywhere.

    Parameters
    ----------
    {predicted_boxes}
    {true_boxes}
    mode : {"linear", "log", "square"}, default "linear"
        The function of the IoU, as above. "log" pulls harder the less boxes overlap, "square" less.
    {box_eps}
    {box_format}

    Returns
    -------
    {reductions}

    Notes
    -----
    The gradient is that of the IoU times -1, -1 / IoU or -2 IoU; 0 where boxes do not overlap, and in mode "log"
    where the IoU is at most eps, the loss there being -log(eps).

    {box_rules}

    Equal boxes have a loss of about eps / area; those without an area have that of boxes that do not overlap.
    ``1 - fl.box_iou_loss(a, b, reduction="none")`` is the IoU of each pair.

    References
    ----------
    J. Yu, Y. Jiang, Z. Wang, Z. Cao and T. Huang, "UnitBox: An Advanced Object Detection Network", ACM
    Multimedia 2016 (mode "log"). mmdetection's `iou_loss` has the same modes, with eps=1e-6.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0]]
    >>> target = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> fl.box_iou_loss(predicted, target, reduction="none").round(6)  # 1 - 1/7, 1 - 4/12
    array([0.857143, 0.666667])
    >>> fl.box_iou_loss(predicted, target, mode="log", reduction="none").round(6)  # log(7), log(3)
    array([1.94591 , 1.098612])
    >>> fl.box_iou_loss.grad(predicted, target, reduction="sum").round(4)
    array([[-0.0408, -0.0408, -0.1224, -0.1224],
           [-0.0556,  0.1111,  0.0556, -0.1111]])
    >>> centred = [[2.0, 2.0, 2.0, 2.0], [2.0, 1.0, 4.0, 2.0]]
    >>> fl.box_iou_loss(centred, target, fmt=("cxcywh", "xyxy")).round(6)
    np.float64(0.761905)
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
    reference="H. Rezatofighi et al., Generalized Intersection over Union, 2019",
    aliases=("GIoU loss",),
)
def generalized_box_iou_loss(
    input: ArrayLike, target: ArrayLike, *, eps: float = 1e-7, fmt: BoxFormat = "xyxy"
) -> None:
    """GIoU loss: that of the IoU, and the share of the enclosing box that neither box fills.

    ::

        I = area of the overlap,  U = area(input) + area(target) - I
        C = area of the smallest box around both
        l = 1 - I / (U + eps) + (C - U) / (C + eps)

    Use it as `box_iou_loss` where boxes may not overlap: it pulls them together from anywhere. It goes from
    0 to 2, and first widens a box until it meets its target; `distance_box_iou_loss` moves it.

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
    {box_rules}

    Where one box contains the other, C is U and the loss that of the IoU, without a difference between the
    places inside. Equal boxes have a loss of about eps / area and, in input, the gradient 0; two boxes without
    an area at one point have 1.

    Values are those of torchvision, except of inverted boxes: there their area may be above 0, and the loss of
    two equal ones is 0.

    References
    ----------
    H. Rezatofighi, N. Tsoi, J. Gwak, A. Sadeghian, I. Reid and S. Savarese, "Generalized Intersection over
    Union: A Metric and a Loss for Bounding Box Regression", CVPR 2019;
    ``torchvision.ops.generalized_box_iou_loss``.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0]]
    >>> target = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> fl.generalized_box_iou_loss(predicted, target, reduction="none").round(6)  # 1 - 1/7 + 2/9, 1 - 4/12 + 4/16
    array([1.079365, 0.916667])
    >>> fl.generalized_box_iou_loss.grad(predicted, target, reduction="sum").round(4)
    array([[-0.0779, -0.0779, -0.2336, -0.2336],
           [-0.1181,  0.0486,  0.1181, -0.2361]])
    >>> apart, there = [0.0, 0.0, 1.0, 1.0], [3.0, 0.0, 4.0, 1.0]  # one pair: 1 + 2/4
    >>> fl.generalized_box_iou_loss(apart, there).round(6)
    np.float64(1.5)
    >>> fl.generalized_box_iou_loss.grad(apart, there).round(4)
    array([ 0.125, -0.25 , -0.25 ,  0.25 ])
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
    reference="Z. Zheng et al., Distance-IoU Loss, 2020",
    aliases=("DIoU loss",),
)
def distance_box_iou_loss(input: ArrayLike, target: ArrayLike, *, eps: float = 1e-7, fmt: BoxFormat = "xyxy") -> None:
    """DIoU loss: that of the IoU, and the squared distance of the centres in diagonals of the enclosing box.

    ::

        rho = distance of the centres
        c = diagonal of the smallest box around both
        l = 1 - IoU + rho**2 / (c**2 + eps)

    Use it as `generalized_box_iou_loss`: it moves boxes rather than widening them, also where one contains
    the other. It goes from 0 to 2.

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
    IoU is that of `box_iou_loss`.

    {box_rules}

    Values are those of torchvision, except of inverted boxes.

    References
    ----------
    Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye and D. Ren, "Distance-IoU Loss: Faster and Better Learning for
    Bounding Box Regression", AAAI 2020; ``torchvision.ops.distance_box_iou_loss``.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0]]
    >>> target = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> fl.distance_box_iou_loss(predicted, target, reduction="none").round(6)  # 1 - 1/7 + 2/18, 1 - 4/12 + 1/32
    array([0.968254, 0.697917])
    >>> fl.distance_box_iou_loss.grad(predicted, target, reduction="sum").round(4)
    array([[-0.0593, -0.0593, -0.178 , -0.178 ],
           [-0.0477,  0.0877,  0.0477, -0.1424]])
    >>> fl.distance_box_iou_loss([0.0, 0.0, 1.0, 1.0], [3.0, 0.0, 4.0, 1.0]).round(6)  # one pair: 1 + 9/17
    np.float64(1.529412)
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
    reference="Z. Zheng et al., Distance-IoU Loss, 2020",
    aliases=("CIoU loss",),
)
def complete_box_iou_loss(input: ArrayLike, target: ArrayLike, *, eps: float = 1e-7, fmt: BoxFormat = "xyxy") -> None:
    """CIoU loss: the DIoU loss, and a penalty for another ratio of width and height.

    ::

        v = 4 / pi**2 * (atan(target_w / target_h) - atan(w / h))**2
        a = v / (1 - IoU + v + eps)      a constant in the gradient
        l = 1 - IoU + rho**2 / (c**2 + eps) + a * v

    Use it as `distance_box_iou_loss` where the proportions of boxes matter. They count the more, the better
    boxes overlap.

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
    IoU, rho and c are those of `distance_box_iou_loss`. Because a is a constant in it, as in torchvision, the
    gradient is not quite the slope of the value.

    {box_rules}

    The angle of a box without width and height is 0. Its derivatives are h / (w**2 + h**2 + eps) in w and
    -w / (w**2 + h**2 + eps) in h: finite for a height of 0, where those of torchvision are NaN.

    References
    ----------
    Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye and D. Ren, "Distance-IoU Loss: Faster and Better Learning for
    Bounding Box Regression", AAAI 2020; ``torchvision.ops.complete_box_iou_loss``.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0]]
    >>> target = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> fl.complete_box_iou_loss(predicted, target, reduction="none").round(6)  # equal proportions, then others
    array([0.968254, 0.731668])
    >>> fl.complete_box_iou_loss.grad(predicted, target, reduction="sum").round(4)
    array([[-0.0593, -0.0593, -0.178 , -0.178 ],
           [-0.0582,  0.1087,  0.0582, -0.1633]])
    >>> gradients = fl.complete_box_iou_loss.grad([0.0, 0.0, 4.0, 2.0], [0.0, 0.0, 2.0, 4.0], wrt=("input", "target"))
    >>> gradients[0].round(4), gradients[1].round(4)
    (array([ 0.2031,  0.1165,  0.0817, -0.1633]), array([-0.1214, -0.0348, -0.1633,  0.0817]))
    """
