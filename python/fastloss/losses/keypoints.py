"""Losses of the keypoints of instances, such as the joints of people."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="keypoints",
    task="pose estimation",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="unitless",
    reference="D. Maji et al., YOLO-Pose, 2022",
    aliases=("object keypoint similarity loss", "OKS loss", "keypoint loss"),
)
def oks_loss(
    input: ArrayLike,
    target: ArrayLike,
    area: ArrayLike,
    sigmas: ArrayLike | None = None,
    visible: ArrayLike | None = None,
    *,
    eps: float = 1e-9,
) -> None:
    """Object keypoint similarity, by which COCO measures poses, turned into a loss.

    ::

        d_k = distance of keypoint k from its target
        e_k = d_k**2 / (2 * (2 * sigma_k)**2 * (area + eps))
        OKS = sum(visible_k * exp(-e_k)) / sum(visible_k)
        l = 1 - OKS

    Use it to train what COCO's keypoint metric judges: errors count relative to the size of the instance and to
    how exactly people place each keypoint. Keypoints that are far off have next to no gradient: begin with
    another loss, such as `smooth_l1_loss` of the coordinates, or near the targets.

    Parameters
    ----------
    input : array_like
        Predicted keypoints, x and y of each: of shape (..., K, 2), or (K, 2) for one instance.
    target : array_like
        Where they should be, of input's shape.
    area : array_like
        Area of each instance, at least 0, in the square of the unit of the coordinates: a number, or aligned to
        the leading axes of the instances' shape, as `sample_weight` is. It has no gradient.
    sigmas : array_like, optional
        Spread of each keypoint relative to the root of the area, of shape (K,) or a number for all; from 1e-10
        to 1e10. Default: COCO's, of 17 keypoints; for any other K they must be given.
    visible : array_like, optional
        True for the keypoints that count, or their weights, at least 0: of shape (..., K), with 1 where it is
        broadcast, of shape (K,), or a number. Default: all are visible.
    eps : float, default 1e-9
        Added to the area, so that one of 0 is no special case; at least 1e-30. COCO's evaluation adds 2.2e-16.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If sigmas are not in their range, or left out for keypoints other than 17.

    Notes
    -----
    The gradient in a coordinate x is visible_k / sum(visible) * exp(-e_k) * (x - target) / ((2 * sigma_k)**2 *
    (area + eps)), and that in target its negative; beyond e_k = 87 in float32, and 708 in float64, it is 0. The
    loss is summed from 1 - exp(-e_k), so that a small one has all its digits.

    An instance without a visible keypoint has the loss 0 and the gradient 0, and is counted. What stands at a
    keypoint that is not visible, NaN too, is never used; its gradient is 0. NaN in one that is visible, in its
    sigma or in the area makes the loss of the instance NaN, and the gradient in its visible keypoints. A
    keypoint that is infinitely far off has e_k = inf, with gradient 0; two that are infinite in the same
    coordinate have no distance, which is NaN, and so is an infinite one over an infinite area. An area or a
    weight below 0 is NaN as well, and an error in ``fastloss.errstate(domain="raise")``.

    float64 in `sigmas` or `visible` does not widen the computation.

    References
    ----------
    D. Maji, S. Nagori, M. Mathew and D. Poddar, "YOLO-Pose: Enhancing YOLO for Multi Person Pose Estimation
    Using Object Keypoint Similarity Loss", CVPR Workshops 2022; M. R. Ronchi and P. Perona, "Benchmarking and
    Error Diagnosis in Multi-Instance Pose Estimation", ICCV 2017; ``pycocotools.cocoeval.COCOeval.computeOks``.
    With a mask as `visible`, Ultralytics' ``KeypointLoss`` is the mean of this over the instances.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[[10.0, 10.0], [20.0, 12.0]], [[4.0, 4.0], [8.0, 8.0]]]
    >>> target = [[[13.0, 14.0], [20.0, 12.0]], [[4.0, 4.0], [8.0, 9.0]]]
    >>> fl.oks_loss(predicted, target, [100.0, 50.0], 0.25, reduction="none").round(6)  # e: 1/2 and 0, 0 and 1/25
    array([0.196735, 0.019605])
    >>> fl.oks_loss(predicted, target, [100.0, 50.0], [0.25, 0.5], [[1, 1], [1, 0]], reduction="none").round(6)
    array([0.196735, 0.      ])
    >>> fl.oks_loss.grad(predicted, target, [100.0, 50.0], 0.25, reduction="sum").round(4)
    array([[[-0.0364, -0.0485],
            [ 0.    ,  0.    ]],
    <BLANKLINE>
           [[ 0.    ,  0.    ],
            [ 0.    , -0.0384]]])
    """
