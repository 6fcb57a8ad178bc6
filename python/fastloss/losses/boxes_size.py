"""Losses of pairs of boxes that compare widths and heights, or corners, beside the overlap."""

from __future__ import annotations

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
    reference="Y.-F. Zhang et al., Focal and Efficient IOU Loss for Accurate Bounding Box Regression, 2021",
    aliases=("EIoU loss", "efficient IoU loss"),
)
def eiou_loss(input: ArrayLike, target: ArrayLike, *, eps: float = 1e-7, fmt: BoxFormat = "xyxy") -> None:
    """EIoU loss: the DIoU loss, and the squared differences of widths and of heights.

    ::

        c_w, c_h = width and height of the smallest box around both
        l = 1 - IoU + rho**2 / (c**2 + eps)
            + (w - target_w)**2 / (c_w**2 + eps) + (h - target_h)**2 / (c_h**2 + eps)

    Use it as `complete_box_iou_loss`, whose penalty for other proportions does not say which of width and
    height is wrong; this one pulls at each. It goes from 0 to 4.

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
    IoU, rho and c are those of `distance_box_iou_loss`.

    {box_rules}

    The `eiou_loss` of mmdetection is another one, of the extended IoU. The focal version of the paper is this
    one with ``sample_weight=iou**gamma``.

    References
    ----------
    Y.-F. Zhang, W. Ren, Z. Zhang, Z. Jia, L. Wang and T. Tan, "Focal and Efficient IOU Loss for Accurate
    Bounding Box Regression", 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0]]
    >>> target = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> fl.eiou_loss(predicted, target, reduction="none").round(6)  # equal sizes; a DIoU loss of 0.697917 + 1/4 + 1/4
    array([0.968254, 1.197917])
    >>> fl.eiou_loss.grad(predicted, target, reduction="sum").round(4)
    array([[-0.0593, -0.0593, -0.178 , -0.178 ],
           [-0.1727,  0.4627,  0.1727, -0.3924]])
    >>> fl.eiou_loss(predicted, target, sample_weight=[1.0, 3.0]).round(6)
    np.float64(1.140501)
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
        "centres above or beside each other": "0 of |dy| or |dx|",
        "equal widths or heights": "0 of their distance",
    },
    reference="Z. Gevorgyan, SIoU Loss: More Powerful Learning for Bounding Box Regression, 2022",
    aliases=("SIoU loss", "SCYLLA-IoU loss"),
)
def siou_loss(
    input: ArrayLike, target: ArrayLike, *, theta: float = 4.0, eps: float = 1e-7, fmt: BoxFormat = "xyxy"
) -> None:
    """SIoU loss: that of the IoU, of the distance and direction of the centres, and of the shapes.

    ::

        dx, dy = differences of the centres,  rho**2 = dx**2 + dy**2
        gamma = 2 - 2 * |dx| * |dy| / (rho**2 + eps)
        distance = 2 - exp(-gamma * dx**2 / (c_w**2 + eps)) - exp(-gamma * dy**2 / (c_h**2 + eps))
        shape = (1 - exp(-|w - target_w| / (max(w, target_w) + eps)))**theta
                + (1 - exp(-|h - target_h| / (max(h, target_h) + eps)))**theta
        l = 1 - IoU + (distance + shape) / 2

    Use it as `complete_box_iou_loss`: widths and heights are compared by themselves, and the direction counts.
    At the same distance it costs less to be off in both coordinates alike than in one of them.

    Parameters
    ----------
    {predicted_boxes}
    {true_boxes}
    theta : float, default 4.0
        How little small differences of the shapes count, from 1 to 1000; the author takes 2 to 6.
    {box_eps}
    {box_format}

    Returns
    -------
    {reductions}

    Notes
    -----
    IoU is that of `box_iou_loss`; c_w and c_h are width and height of the smallest box around both. The term
    2 |dx| |dy| / rho**2 is the angle cost of the paper, 1 - 2 sin(arcsin(|dy| / rho) - pi / 4)**2.

    {box_rules}

    mmdetection computes this with ``neg_gamma=True``; by default its exponents have the other sign.

    References
    ----------
    Z. Gevorgyan, "SIoU Loss: More Powerful Learning for Bounding Box Regression", 2022.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0]]
    >>> target = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> fl.siou_loss(predicted, target, reduction="none").round(6)  # 1 - 1/7 + (1 - exp(-1/9)), ...
    array([0.962304, 0.749387])
    >>> fl.siou_loss(predicted, target, theta=2.0, reduction="none").round(6)
    array([0.962304, 0.880236])
    >>> fl.siou_loss.grad(predicted, target, reduction="sum").round(4)
    array([[-0.0574, -0.0574, -0.1722, -0.1722],
           [-0.0648,  0.102 ,  0.0648, -0.1847]])
    """


@declare(
    family="boxes",
    task="object detection",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=False,
    units="unitless",
    kinks={
        "an edge of both boxes": "as if it were input's alone",
        "boxes that touch": "as if apart",
        "a width or height of 0": "as if above",
    },
    reference="S. Ma and Y. Xu, MPDIoU: A Loss for Efficient and Accurate Bounding Box Regression, 2023",
    aliases=("MPDIoU loss", "minimum point distance IoU loss"),
)
def mpdiou_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    image_width: float = 1.0,
    image_height: float = 1.0,
    eps: float = 1e-7,
    fmt: BoxFormat = "xyxy",
) -> None:
    """MPDIoU loss: that of the IoU, and the squared distances of the corners in diagonals of the image.

    ::

        d1, d2 = distances of the corners (x1, y1) and (x2, y2) of the boxes
        l = 1 - IoU + (d1**2 + d2**2) / (image_width**2 + image_height**2)

    Use it as `distance_box_iou_loss`, with the size of the image as the scale of distances: it pulls at
    places, widths and heights alike, from anywhere.

    Parameters
    ----------
    {predicted_boxes}
    {true_boxes}
    image_width : float, default 1.0
        Width of the image that the boxes are in, in the units of the boxes; at least 1e-15. The default is for boxes
        in parts of the image.
    image_height : float, default 1.0
        Its height, likewise.
    {box_eps}
    {box_format}

    Returns
    -------
    {reductions}

    Notes
    -----
    IoU is that of `box_iou_loss`. The corners are those of boxes as they are given, inverted ones too.

    {box_rules}

    References
    ----------
    S. Ma and Y. Xu, "MPDIoU: A Loss for Efficient and Accurate Bounding Box Regression", 2023.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 4.0, 2.0]]
    >>> target = [[2.0, 2.0, 4.0, 4.0], [1.0, 0.0, 3.0, 4.0]]
    >>> in_image = fl.mpdiou_loss.partial(image_width=8.0, image_height=6.0)
    >>> in_image(predicted, target, reduction="none").round(6)  # 1 - 1/7 + (2 + 2) / 100, 1 - 4/12 + (1 + 5) / 100
    array([0.897143, 0.726667])
    >>> in_image.grad(predicted, target, reduction="sum").round(4)
    array([[-0.0608, -0.0608, -0.1424, -0.1424],
           [-0.0756,  0.1111,  0.0756, -0.1511]])
    >>> fl.mpdiou_loss([[0.25, 0.25, 0.75, 0.75]], [[0.5, 0.5, 1.0, 1.0]]).round(6)  # 1 - 1/7 + 2/16
    np.float64(0.982143)
    """
