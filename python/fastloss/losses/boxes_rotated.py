"""Losses of pairs of rotated boxes: distances of the normal distributions that have their places, sizes and angles."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="boxes",
    task="oriented object detection",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust='unless mode is "l2"',
    units="unitless",
    kinks={'B = 0, in mode "l1"': "0", "a width or height of eps": "as if above"},
    reference="J. M. Llerena et al., Gaussian Bounding Boxes and Probabilistic Intersection-over-Union, 2021",
    aliases=("ProbIoU loss", "probabilistic IoU loss", "Hellinger distance of boxes", "Bhattacharyya loss"),
)
def probiou_loss(input: ArrayLike, target: ArrayLike, *, mode: Literal["l1", "l2"] = "l1", eps: float = 1e-7) -> None:
    """ProbIoU loss: how far two rotated boxes are from overlapping, as normal distributions.

    ::

        d = difference of the centres,  R = rotation by the angle of a box
        S = R diag(w**2, h**2) R^T / 12,  likewise S_target,  M = (S + S_target) / 2
        B = d^T M^-1 d / 8 + log(det M / sqrt(det S * det S_target)) / 2
        l = sqrt(1 - exp(-B))   mode="l1"
            B                   mode="l2"

    Use it for oriented detection, where the overlap of two rotated boxes is costly and has no gradient once
    they are apart. It does not depend on the scale of the boxes. The authors begin training with "l2" and
    go on with "l1".

    Parameters
    ----------
    {predicted_rotated_boxes}
    {true_rotated_boxes}
    mode : {"l1", "l2"}, default "l1"
        The Hellinger distance of the distributions, which is 1 - ProbIoU and goes from 0 to 1, or the
        Bhattacharyya distance B, which has no bound: it pulls at boxes that are far away, too.
    {smallest_side}

    Returns
    -------
    {reductions}

    Notes
    -----
    The covariance is that of points spread evenly over the box. B is computed from sums of what is not negative, so
    that the losses of boxes that nearly agree keep their digits. Where B is 0, "l1" has the tip of a cone, and
    the gradient 0. Squared distances and determinants of more than about 1e18 in units of the boxes count as that,
    with the gradient 0.

    {rotated_box_rules}

    Ultralytics' loss of oriented boxes is "l1", with an eps of 1e-7 added to what it divides by and under the
    roots, and with B within 1e-7 and 100.

    References
    ----------
    J. M. Llerena, L. F. Zeni, L. N. Kristen and C. Jung, "Gaussian Bounding Boxes and Probabilistic
    Intersection-over-Union for Object Detection", 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 4.0, 2.0, 0.0], [2.0, 3.0, 2.0, 2.0, 0.5]]
    >>> target = [[2.0, 1.0, 4.0, 2.0, 0.5], [2.0, 3.0, 4.0, 1.0, 0.0]]
    >>> fl.probiou_loss(predicted, target, reduction="none").round(6)  # ..., sqrt(1/5)
    array([0.397977, 0.447214])
    >>> fl.probiou_loss(predicted, target, mode="l2", reduction="none").round(6)  # ..., log(5/4)
    array([0.172433, 0.223144])
    >>> fl.probiou_loss.grad(predicted[0], target[0]).round(4)
    array([-0.2361,  0.1108, -0.0099, -0.0543, -0.1721])
    """


@declare(
    family="boxes",
    task="oriented object detection",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={'D = 0, with fun "sqrt"': "0", "a width or height of eps": "as if above"},
    reference="X. Yang et al., Rethinking Rotated Object Detection with Gaussian Wasserstein Distance Loss, 2021",
    aliases=("GWD loss", "Gaussian Wasserstein distance loss"),
)
def gwd_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    tau: float = 1.0,
    fun: Literal["log1p", "sqrt"] = "log1p",
    eps: float = 1e-7,
) -> None:
    """Gaussian Wasserstein distance loss: how far two rotated boxes are from each other, as normal distributions.

    ::

        d = difference of the centres,  R = rotation by the angle of a box
        S = R diag(w**2, h**2) R^T / 4,  likewise S_target
        D = d^T d + Tr(S + S_target - 2 * (S^1/2 S_target S^1/2)^1/2)
        f = log(1 + D)   fun="log1p"
            sqrt(D)      fun="sqrt"
        l = 1 - 1 / (tau + f)

    Use it for oriented detection: neither the period of angles nor boxes that are nearly square make it jump. It
    depends on the scale of the boxes; `kld_box_loss` does not.

    Parameters
    ----------
    {predicted_rotated_boxes}
    {true_rotated_boxes}
    {distance_tau}
    {distance_fun}
    {smallest_side}

    Returns
    -------
    {reductions}

    Notes
    -----
    D is the squared 2-Wasserstein distance of the distributions, in squared units of the boxes; of boxes with the
    same angle it is dx**2 + dy**2 + (dw**2 + dh**2) / 4. It is computed from differences of the sides, and l from f,
    so that the losses of boxes that nearly agree keep their digits with tau=1. Where D is 0, "sqrt" has the tip of
    a cone, and the gradient 0. A D above 1e18 counts as 1e18, with the gradient 0.

    {rotated_box_rules}

    mmrotate has this twice: ``GDLoss_v1(loss_type="gwd")`` with D at least 1e-6 and sides at most 1e7, by default
    with fun="sqrt"; ``GDLoss(loss_type="gwd")`` puts sqrt(D) in the place of D, divided by twice the fourth root of
    the product of the four deviations unless ``normalize=False``, and its loss is f itself where tau is below 1.

    References
    ----------
    X. Yang, J. Yan, Q. Ming, W. Wang, X. Zhang and Q. Tian, "Rethinking Rotated Object Detection with Gaussian
    Wasserstein Distance Loss", ICML 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 4.0, 2.0, 0.0], [2.0, 3.0, 2.0, 2.0, 0.5]]
    >>> target = [[2.0, 1.0, 4.0, 2.0, 0.5], [2.0, 3.0, 4.0, 1.0, 0.0]]
    >>> fl.gwd_loss(predicted, target, reduction="none").round(6)  # ..., f / (1 + f) with f = log(1 + 5/4)
    array([0.469458, 0.447798])
    >>> fl.gwd_loss(predicted, target, fun="sqrt", reduction="none").round(6)
    array([0.543952, 0.527864])
    >>> fl.gwd_loss.grad(predicted[0], target[0]).round(4)
    array([-0.2324,  0.    ,  0.0232, -0.0219, -0.1837])
    """


@declare(
    family="boxes",
    task="oriented object detection",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={'D = 0, with fun "sqrt"': "0", "a width or height of eps": "as if above"},
    reference="X. Yang et al., Learning High-Precision Bounding Box for Rotated Object Detection via "
    "Kullback-Leibler Divergence, 2021",
    aliases=("KLD loss", "Kullback-Leibler divergence loss of boxes"),
)
def kld_box_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    tau: float = 1.0,
    fun: Literal["log1p", "sqrt"] = "log1p",
    eps: float = 1e-7,
) -> None:
    """Kullback-Leibler divergence loss of two rotated boxes, as normal distributions.

    ::

        d = difference of the centres,  R = rotation by the angle of a box
        S = R diag(w**2, h**2) R^T / 4,  likewise S_target
        D = d^T S_target^-1 d / 2 + Tr(S_target^-1 S) / 2 + log(det S_target / det S) / 2 - 1
        f = log(1 + D)   fun="log1p"
            sqrt(D)      fun="sqrt"
        l = 1 - 1 / (tau + f)

    Use it for oriented detection where boxes are to be accurate: it does not depend on the scale of the boxes, a
    shift counts more across a narrow box than along it, and an angle counts more the longer the box is.

    Parameters
    ----------
    {predicted_rotated_boxes}
    {true_rotated_boxes}
    {distance_tau}
    {distance_fun}
    {smallest_side}

    Returns
    -------
    {reductions}

    Notes
    -----
    D is KL(input || target): the boxes may not change places. It is computed from the ratios of the sides less 1,
    and l from f, so that the losses of boxes that nearly agree keep their digits with tau=1. Where D is 0, "sqrt"
    has the tip of a cone, and the gradient 0. A D above 1e18 counts as 1e18, with the gradient 0.

    {rotated_box_rules}

    mmrotate's ``GDLoss_v1(loss_type="kld")`` leaves out the factor 1/2 of the divergence: it has 2 D, at least 1e-6,
    in the place of D. Its ``GDLoss(loss_type="kld")`` has the root of KL(target || input) in the place of D, and its
    loss is f itself where tau is below 1.

    References
    ----------
    X. Yang, X. Yang, J. Yang, Q. Ming, W. Wang, Q. Tian and J. Yan, "Learning High-Precision Bounding Box for
    Rotated Object Detection via Kullback-Leibler Divergence", NeurIPS 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[1.0, 1.0, 4.0, 2.0, 0.0], [2.0, 3.0, 2.0, 2.0, 0.5]]
    >>> target = [[2.0, 1.0, 4.0, 2.0, 0.5], [2.0, 3.0, 4.0, 1.0, 0.0]]
    >>> fl.kld_box_loss(predicted, target, reduction="none").round(6)  # ..., f / (1 + f) with f = log(1 + 9/8)
    array([0.278035, 0.4298  ])
    >>> fl.kld_box_loss(predicted, target, tau=2.0, reduction="none").round(6)  # ..., 1 - 1 / (2 + f)
    array([0.580732, 0.636862])
    >>> fl.kld_box_loss.grad(predicted[0], target[0]).round(4)
    array([-0.1498,  0.1119,  0.0611, -0.0306, -0.3357])
    """
