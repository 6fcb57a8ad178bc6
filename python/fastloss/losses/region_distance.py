"""Losses of regions by distances: how far predicted pixels are from the boundary of the true region."""

from __future__ import annotations

from numpy.typing import ArrayLike

from fastloss._annotations import FromLogits
from fastloss._declare import declare


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=False,
    units="distance",
    reference="H. Kervadec et al., Boundary loss for highly unbalanced segmentation, 2019",
    aliases=("surface loss",),
)
def boundary_loss(
    input: ArrayLike,
    distance_map: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    from_logits: FromLogits = False,
    include_background: bool = True,
    batch: bool = False,
    merge_classes: bool = False,
) -> None:
    """Boundary loss: the mean signed distance of what is predicted from the boundary of the true region.

    ::

        l = mean(p * d)      over the pixels of a unit

    With d from `signed_distance`, what is predicted outside of the region costs its distance to it, and what is
    predicted inside pays back its distance to the boundary, so that the loss is below 0 where the prediction is
    good. It is used beside a loss of overlap, with a weight that rises in training. Nothing predicted costs
    nothing.

    Parameters
    ----------
    {predicted_region}
    distance_map : array_like
        The distances d of each class, of input's shape: any numbers, integers included. It has a gradient where it
        is floating.
    {region_weight}
    from_logits : bool, "sigmoid" or "softmax", default False
        What makes probabilities of the input; nothing, by default. "softmax" goes over the classes. True is
        "sigmoid" where there is one class or no axis of them; otherwise one of the two has to be named.
    {include_background}
    {batch_of_regions}
    {merge_classes}

    Returns
    -------
    {reductions}

    Notes
    -----
    The gradient in a probability is d / n, with n pixels in a unit, and that in a distance p / n.

    Units are the classes of the samples, (N, C); samples, (N,), without an axis of classes or with
    `merge_classes`; classes, (C,), with ``batch=True`` or in a single sample that has no axis; or all is one unit.
    Sums are in double, whatever computes. Places that are masked or a background that does not count are never
    used, but as logits in the softmax of others; a unit without any other place counts nowhere: the mean over none
    is NaN. NaN in another place, or an infinite distance times 0, makes its unit NaN. Probabilities outside of
    [0, 1] are taken as they are, and an error in ``fastloss.errstate(domain="raise")``.

    The maps of the authors' code ("one_hot2dist") are ``d + mask``, with d from ``signed_distance(mask, axes=...)``,
    in each class that has a boundary; their loss is ``reduction="mean"`` of the classes they choose, with
    probabilities from a softmax.

    References
    ----------
    H. Kervadec, J. Bouchtiba, C. Desrosiers, E. Granger, J. Dolz and I. Ben Ayed, "Boundary loss for highly
    unbalanced segmentation", MIDL 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[0.9, 0.8, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]]
    >>> d = fl.signed_distance([[1, 1, 0, 0], [0, 1, 1, 1]], axes=1)
    >>> d
    array([[-2., -1.,  1.,  2.],
           [ 1., -1., -2., -3.]])
    >>> fl.boundary_loss(predicted, d, reduction="none").round(4)  # -2.2 / 4, -0.6 / 4
    array([-0.55, -0.15])
    >>> fl.boundary_loss.grad(predicted, d, reduction="sum")
    array([[-0.5 , -0.25,  0.25,  0.5 ],
           [ 0.25, -0.25, -0.5 , -0.75]])
    """


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=False,
    units="distance",
    kinks={"p = 0.5 or t = 0.5": "as if below: distances are constants"},
    reference="D. Karimi and S. E. Salcudean, Reducing the Hausdorff Distance in Medical Image Segmentation, 2019",
    aliases=("Hausdorff distance transform loss", "HDDT loss"),
)
def hausdorff_dt_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    from_logits: FromLogits = False,
    include_background: bool = True,
    batch: bool = False,
    merge_classes: bool = False,
    alpha: float = 2.0,
    spacing: float = 1.0,
) -> None:
    """Hausdorff loss by distance transforms: squared errors, weighted by how far they are from the boundaries.

    ::

        l = mean((p - t)**2 * (d_p**alpha + d_t**alpha))      over the pixels of a unit

    d_p and d_t are the distances of a pixel from the boundary of the region where p > 0.5, and where t > 0.5: to the
    nearest pixel of the other kind, inside and outside alike (`signed_distance` without its sign). Errors far from
    both boundaries cost most, which are what the Hausdorff distance is made of. It is used beside a loss of overlap.

    Parameters
    ----------
    {predicted_region}
    {true_region}
    {region_weight}
    {from_logits}
    {include_background}
    {batch_of_regions}
    {merge_classes}
    alpha : float, default 2.0
        The power of the distances; above 0.
    spacing : float, default 1.0
        How far neighbouring pixels are from one another, along every axis; above 0.

    Returns
    -------
    {reductions}

    Notes
    -----
    The gradient in a probability is 2 (p - t) (d_p**alpha + d_t**alpha) / n, with n pixels in a unit: distances are
    constants. A region that has no pixels, or all of them, has no boundary, and its distances are 0; so two of these
    have the loss 0, whatever they are.

    A pixel without an error costs 0, whatever its distance. Powers of distances are formed in the dtype that computes,
    but for what would make ``spacing**alpha`` leave it by itself, which is a factor of the sum, in double. A power
    beyond the dtype is infinite, and so are the loss and the gradient wherever there is an error; one that vanishes
    is 0. With ``alpha=2`` that takes distances of over 1e19 pixels in float32.

    The weights take as much memory as the input in the dtype that computes. While distances are measured it is three
    times as much, and 4 or 8 bytes for each pixel of an image.

    Units are the classes of the samples, (N, C); samples, (N,), without an axis of classes or with
    `merge_classes`; classes, (C,), with ``batch=True`` or in a single sample that has no axis; or all is one unit.
    Distances are always those within one class of one sample. Places that are masked, ignored or a background that
    does not count are outside of the regions, and never used but as logits in the softmax of others; a unit without
    any other place counts nowhere: the mean over none is NaN. NaN in another place makes its unit NaN. Probabilities
    outside of [0, 1] are taken as they are, and an error in ``fastloss.errstate(domain="raise")``; a mask of integers
    other than 0, 1 and `ignore_index` always is one.

    MONAI's ``HausdorffDTLoss`` is this with ``include_background=False`` where there are several classes, which is its
    default, and ``from_logits="sigmoid"`` or ``"softmax"`` as there.

    References
    ----------
    D. Karimi and S. E. Salcudean, "Reducing the Hausdorff Distance in Medical Image Segmentation with
    Convolutional Neural Networks", IEEE Transactions on Medical Imaging 39(2), 2020.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[0.9, 0.8, 0.7, 0.1], [0.2, 0.1, 0.2, 0.9]]
    >>> mask = [[1, 1, 0, 0], [1, 0, 0, 0]]
    >>> fl.hausdorff_dt_loss(predicted, mask, reduction="none").round(4)
    array([0.34  , 3.6875])
    """
