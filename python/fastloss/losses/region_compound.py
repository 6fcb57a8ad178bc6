"""Sums of a loss of regions and one of pixels, of logits: what most models of segmentation are trained with."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=None,
    units="unitless",
    kinks={'p = t, with intersection="l1"': "the mean of both sides"},
    reference="S. A. Taghanaki et al., Combo Loss, 2019",
    aliases=("Dice and cross-entropy", "DiceCE", "combo loss", "BCE and Dice"),
)
def dice_ce_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    from_logits: Literal[True, "sigmoid", "softmax"] = True,
    include_background: bool = True,
    batch: bool = False,
    merge_classes: bool = False,
    squared: bool = False,
    intersection: Literal["product", "l1"] = "product",
    smooth: float = 1e-6,
    absent: Literal["count", "zero", "skip"] = "count",
    dice_weight: float = 1.0,
    ce_weight: float = 1.0,
) -> None:
    """Dice loss of logits, plus their cross-entropy.

    ::

        p = softmax(input):  dice_weight * dice_loss(p, target, weight) + ce_weight * CE(input, target, weight)
        p = sigmoid(input):  dice_weight * dice_loss(p, target, weight) + ce_weight * BCE(input, target, weight)

    The cross-entropy says of every pixel by how much it is wrong, which trains smoothly; the Dice loss keeps a rare
    class from being left out, where that costs next to nothing in a mean over pixels. CE is `cross_entropy`, BCE
    `binary_cross_entropy_with_logits` with `weight` along the axis of the classes.

    Parameters
    ----------
    {region_logits}
    {region_of_logits}
    {weight_of_both_parts}
    {which_logits}
    {background_of_dice}
    {batch_of_regions}
    {merge_classes}
    {squared_regions}
    {intersection}
    {region_smooth}
    {absent}
    {dice_weight}
    ce_weight : float, default 1.0
        What multiplies the cross-entropy; at least 0, which leaves it out.
    {keywords_of_parts}

    Returns
    -------
    scalar
        ============  ==========================================================================
        "sum"         dice_weight * sum(dice) + ce_weight * sum(ce)
        "mean"        dice_weight * mean(dice) + ce_weight * mean(ce), over units and over pixels
        "batchmean"   dice_weight * sum(dice) / N + ce_weight * sum(ce) / N, with N samples
        ============  ==========================================================================

        The means are those of the two losses: with `weight` over the weights of the units; of class indices over the
        weights of the targets, of probabilities over the number of pixels, and with a sigmoid over that of pixels
        and classes.

    Notes
    -----
    {compound_rules}

    Other libraries are this with

    - MONAI's ``DiceCELoss(softmax=True, to_onehot_y=True)``: ``smooth=1e-5``; `dice_weight` is its lambda_dice and
      `ce_weight` its lambda_ce. Beside `weight`, ``dice_weight=lambda_dice * mean(weight)``, of the classes that count,
      as its Dice part divides by their number. With ``sigmoid=True`` it is this for one channel; of several it takes
      the cross-entropy of a softmax beside the Dice loss of a sigmoid.
    - nnU-Net's ``DC_and_CE_loss``: ``smooth=1e-5, include_background=False`` and `batch` as there, less `dice_weight`:
      its Dice part is the negative index.

    References
    ----------
    S. A. Taghanaki et al., "Combo Loss: Handling Input and Output Imbalance in Multi-Organ Segmentation", Computerized
    Medical Imaging and Graphics 75, 2019; F. Isensee et al., "nnU-Net: A Self-Configuring Method for Deep
    Learning-Based Biomedical Image Segmentation", Nature Methods 18, 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> logits = [[[2.0, 1.0, -1.0], [-1.0, 0.5, 1.0]]]  # one sample of two classes and three pixels
    >>> classes = [[0, 0, 1]]
    >>> fl.dice_ce_loss(logits, classes).round(4)
    np.float64(0.4082)
    >>> (fl.dice_loss(logits, classes, from_logits=True) + fl.cross_entropy(logits, classes)).round(4)
    np.float64(0.4082)
    >>> fl.dice_ce_loss.grad(logits, classes).round(4)
    array([[[-0.0303, -0.2013,  0.08  ],
            [ 0.0303,  0.2013, -0.08  ]]])
    >>> fl.dice_ce_loss([[2.0, 1.0, -1.0, -2.0]], [[1, 1, 0, 0]]).round(4)  # one class, by a sigmoid
    np.float64(0.4142)
    >>> fl.dice_ce_loss(logits, [[0, -100, 1]]).round(4)  # the second pixel is in neither part
    np.float64(0.1712)
    """


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=None,
    units="unitless",
    kinks={'p = t, with intersection="l1"': "the mean of both sides"},
    reference="W. Zhu et al., AnatomyNet, 2019",
    aliases=("Dice and focal loss", "DiceFocal"),
)
def dice_focal_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    from_logits: Literal[True, "sigmoid", "softmax"] = True,
    include_background: bool = True,
    batch: bool = False,
    merge_classes: bool = False,
    squared: bool = False,
    intersection: Literal["product", "l1"] = "product",
    smooth: float = 1e-6,
    absent: Literal["count", "zero", "skip"] = "count",
    gamma: float = 2.0,
    dice_weight: float = 1.0,
    focal_weight: float = 1.0,
) -> None:
    """Dice loss of logits, plus their focal loss.

    ::

        p = softmax(input):  dice_weight * dice_loss(p, target, weight) + focal_weight * focal
                             focal = softmax_focal_loss(input, target, weight, gamma=gamma)
        p = sigmoid(input):  dice_weight * dice_loss(p, target, weight) + focal_weight * focal
                             focal = weight * sigmoid_focal_loss(input, target, alpha=None, gamma=gamma)

    As `dice_ce_loss`, but pixels that are right already count less and less: for regions that are small and hard to
    see.

    Parameters
    ----------
    {region_logits}
    {region_of_logits}
    {weight_of_both_parts}
    {which_logits}
    {background_of_dice}
    {batch_of_regions}
    {merge_classes}
    {squared_regions}
    {intersection}
    {region_smooth}
    {absent}
    gamma : float, default 2.0
        How strongly pixels that are right are turned down, at least 0; 0 is `dice_ce_loss`.
    {dice_weight}
    focal_weight : float, default 1.0
        What multiplies the focal loss; at least 0, which leaves it out.
    {keywords_of_parts}

    Returns
    -------
    scalar
        ============  ==================================================================================
        "sum"         dice_weight * sum(dice) + focal_weight * sum(focal)
        "mean"        dice_weight * mean(dice) + focal_weight * mean(focal), over units and over pixels
        "batchmean"   dice_weight * sum(dice) / N + focal_weight * sum(focal) / N, with N samples
        ============  ==================================================================================

        The means are those of the two losses: with `weight` over the weights of the units; of class indices over the
        weights of the targets, of probabilities over the number of pixels, and with a sigmoid over that of pixels
        and classes.

    Notes
    -----
    {compound_rules}

    MONAI's ``DiceFocalLoss`` is this with ``smooth=1e-5``; `dice_weight` is its lambda_dice and `focal_weight` its
    lambda_focal. With ``softmax=True`` its focal part is divided by the number of classes too:
    ``focal_weight=lambda_focal / C``. Beside `weight`, ``dice_weight=lambda_dice * mean(weight)``; with a softmax the
    target then has to be one-hot, as the mean of class indices is over their weights here. Its
    ``include_background=False`` leaves the background out of the focal part as well, which this does not.

    References
    ----------
    W. Zhu et al., "AnatomyNet: Deep Learning for Fast and Fully Automated Whole-Volume Segmentation of Head and Neck
    Anatomy", Medical Physics 46(2), 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> logits = [[[2.0, 1.0, -1.0], [-1.0, 0.5, 1.0]]]  # one sample of two classes and three pixels
    >>> classes = [[0, 0, 1]]
    >>> fl.dice_focal_loss(logits, classes).round(4)
    np.float64(0.2148)
    >>> (fl.dice_loss(logits, classes, from_logits=True) + fl.softmax_focal_loss(logits, classes)).round(4)
    np.float64(0.2148)
    >>> fl.dice_focal_loss.grad(logits, classes).round(4)
    array([[[-0.0146, -0.1214,  0.0419],
            [ 0.0146,  0.1214, -0.0419]]])
    >>> fl.dice_focal_loss(logits, classes, from_logits="sigmoid").round(4)
    np.float64(0.3842)
    """
