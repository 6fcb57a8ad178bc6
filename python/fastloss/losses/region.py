"""Losses of regions in images and volumes: by how much a predicted region overlaps the true one."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from fastloss._annotations import FromLogits
from fastloss._declare import declare


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={
        'p = t, with intersection="l1"': "the mean of both sides",
        "an index of 1e-7, with log_loss": "as if above",
    },
    reference="F. Milletari et al., V-Net, 2016",
    aliases=("soft Dice loss", "Dice coefficient loss", "Sørensen-Dice loss", "F1 loss"),
)
def dice_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    from_logits: FromLogits = False,
    include_background: bool = True,
    batch: bool = False,
    merge_classes: bool = False,
    squared: bool = False,
    intersection: Literal["product", "l1"] = "product",
    smooth: float = 1e-6,
    absent: Literal["count", "zero", "skip"] = "count",
    log_loss: bool = False,
) -> None:
    """Dice loss: one minus twice what two regions share, over what both have.

    ::

        I = sum(p * t),  P = sum(p),  T = sum(t)      over the pixels of a unit
        l = 1 - (2 * I + smooth) / (P + T + smooth)

    It does not depend on how many pixels are in neither region, and so goes with rare classes, where the mean of
    a cross-entropy over pixels is nearly all background. Its gradients are noisy where a region has few pixels;
    the sum with `cross_entropy` is usual.

    Parameters
    ----------
    {predicted_region}
    {true_region}
    {region_weight}
    {from_logits}
    {include_background}
    {batch_of_regions}
    {merge_classes}
    {squared_regions}
    {intersection}
    {region_smooth}
    {absent}
    {log_loss}

    Returns
    -------
    {reductions}

    Notes
    -----
    The gradient in a probability is -2 t / D + (2 I + smooth) / D**2, with D = P + T + smooth.

    {region_rules}

    Other libraries are this with

    - MONAI's ``DiceLoss``: ``smooth=1e-5``; ``from_logits="sigmoid"`` or ``"softmax"`` as there; ``squared=True``
      for squared_pred; ``intersection="l1"`` for soft_label without it; ``normalizer="count"`` beside `weight`.
    - segmentation-models-pytorch's ``DiceLoss``: ``batch=True, absent="zero"`` and twice its smooth, which is 0;
      ``from_logits=True`` in the mode "multiclass", "sigmoid" in the others; ``merge_classes=True`` in "binary".
    - Keras' ``Dice``: ``batch=True, merge_classes=True, smooth=0.0``, but for 1e-7 below the fraction.
    - Optax's ``dice_loss``: ``axis=-1, from_logits="softmax"``, twice its smooth, ``normalizer="count"`` beside
      `weight`; it is `tversky_loss` where its alpha or beta is not 0.5, with its smooth.
    - Kornia's ``dice_loss``: ``from_logits=True, smooth=0.0``, but for 1e-8 below the fraction, and
      ``merge_classes=True`` unless its average is "macro".

    References
    ----------
    F. Milletari, N. Navab and S.-A. Ahmadi, "V-Net: Fully Convolutional Neural Networks for Volumetric Medical
    Image Segmentation", 3DV 2016 (squared); Z. Wang, T. Popordanoska, J. Bertels, R. Lemmens and M. B. Blaschko,
    "Dice Semimetric Losses: Optimizing the Dice Score with Soft Labels", MICCAI 2023 (``intersection="l1"``).

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[0.9, 0.8, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]]
    >>> mask = [[1, 1, 0, 0], [1, 0, 0, 0]]
    >>> fl.dice_loss(predicted, mask, reduction="none").round(4)  # 1 - 3.4 / 4, 1 - 0.8 / 2
    array([0.15, 0.6 ])
    >>> fl.dice_loss(predicted, mask, batch=True).round(4)  # 1 - 4.2 / 6
    np.float64(0.3)
    >>> fl.dice_loss.grad(predicted, mask, reduction="sum").round(4)
    array([[-0.2875, -0.2875,  0.2125,  0.2125],
           [-0.8   ,  0.2   ,  0.2   ,  0.2   ]])
    >>> logits = [[[2.0, 1.0, -1.0], [-1.0, 0.5, 1.0]]]  # one sample of two classes and three pixels
    >>> fl.dice_loss(logits, [[0, 0, 1]], from_logits=True, reduction="none").round(4)
    array([[0.1473, 0.236 ]])
    >>> fl.dice_loss(logits, [[0, 0, 1]], from_logits=True, where=[[True, False, True]], reduction="none").round(4)
    array([[0.0804, 0.0864]])
    """


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={
        'p = t, with intersection="l1"': "the mean of both sides",
        "an index of 1e-7, with log_loss": "as if above",
    },
    reference="M. A. Rahman and Y. Wang, Optimizing Intersection-Over-Union for Image Segmentation, 2016",
    also_named=("iou_loss",),
    aliases=("soft IoU loss", "intersection over union loss", "Jaccard index loss"),
)
def jaccard_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    from_logits: FromLogits = False,
    include_background: bool = True,
    batch: bool = False,
    merge_classes: bool = False,
    intersection: Literal["product", "l1"] = "product",
    smooth: float = 1e-6,
    absent: Literal["count", "zero", "skip"] = "count",
    log_loss: bool = False,
) -> None:
    """Jaccard loss: one minus the intersection over the union of two regions.

    ::

        I = sum(p * t),  P = sum(p),  T = sum(t)      over the pixels of a unit
        l = 1 - (I + smooth) / (P + T - I + smooth)

    Use it where the IoU is what a model is measured by. It orders single predictions as `dice_loss` does, but is
    larger, and so weighs bad ones more in a mean. Of boxes it is `box_iou_loss`.

    Parameters
    ----------
    {predicted_region}
    {true_region}
    {region_weight}
    {from_logits}
    {include_background}
    {batch_of_regions}
    {merge_classes}
    {intersection}
    {region_smooth}
    {absent}
    {log_loss}

    Returns
    -------
    {reductions}

    Notes
    -----
    The gradient in a probability is -t / U + (I + smooth) * (1 - t) / U**2, with U = P + T - I + smooth.

    {region_rules}

    MONAI's ``DiceLoss(jaccard=True)`` is this with half its smooth, ``smooth=0.5e-5``; segmentation-models-pytorch's
    ``JaccardLoss`` with ``batch=True, absent="zero"`` and its own, 0. With ``intersection="l1"`` it is the Jaccard
    metric loss.

    References
    ----------
    M. A. Rahman and Y. Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation",
    ISVC 2016; Z. Wang, X. Ning and M. B. Blaschko, "Jaccard Metric Losses: Optimizing the Jaccard Index with Soft
    Labels", NeurIPS 2023 (``intersection="l1"``).

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[0.9, 0.8, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]]
    >>> mask = [[1, 1, 0, 0], [1, 0, 0, 0]]
    >>> fl.jaccard_loss(predicted, mask, reduction="none").round(4)  # 1 - 1.7 / 2.3, 1 - 0.4 / 1.6
    array([0.2609, 0.75  ])
    >>> fl.jaccard_loss.grad(predicted, mask, reduction="sum").round(3)
    array([[-0.435, -0.435,  0.321,  0.321],
           [-0.625,  0.156,  0.156,  0.156]])
    >>> soft = [[0.75, 0.5, 0.25, 0.0]]
    >>> fl.jaccard_loss(soft, soft).round(4), fl.jaccard_loss(soft, soft, intersection="l1")
    (np.float64(0.5882), np.float64(0.0))
    """


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={
        'p = t, with intersection="l1"': "the mean of both sides",
        "an index of 1e-7, with log_loss": "as if above",
    },
    reference="S. S. M. Salehi et al., Tversky Loss Function for Image Segmentation, 2017",
    aliases=("Tversky index loss",),
)
def tversky_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    from_logits: FromLogits = False,
    include_background: bool = True,
    batch: bool = False,
    merge_classes: bool = False,
    alpha: float = 0.5,
    beta: float = 0.5,
    intersection: Literal["product", "l1"] = "product",
    smooth: float = 1e-6,
    absent: Literal["count", "zero", "skip"] = "count",
    log_loss: bool = False,
) -> None:
    """Tversky loss: an overlap in which false positives and false negatives have weights of their own.

    ::

        I = sum(p * t),  P = sum(p),  T = sum(t)      over the pixels of a unit
        l = 1 - (I + smooth) / (I + alpha * (P - I) + beta * (T - I) + smooth)

    Use it where to miss a part of a region is worse than to predict too much, with a larger beta, or the other
    way round. With alpha = beta = 0.5 it is `dice_loss`, with 1 and 1 `jaccard_loss`.

    Parameters
    ----------
    {predicted_region}
    {true_region}
    {region_weight}
    {from_logits}
    {include_background}
    {batch_of_regions}
    {merge_classes}
    alpha : float, default 0.5
        Weight of false positives, P - I; at least 0.
    beta : float, default 0.5
        Weight of false negatives, T - I; at least 0. Salehi et al. take alpha = 0.3 and beta = 0.7.
    {intersection}
    {region_smooth}
    {absent}
    {log_loss}

    Returns
    -------
    {reductions}

    Notes
    -----
    The gradient in a probability is -t / D + (I + smooth) * (alpha + (1 - alpha - beta) * t) / D**2, with D as
    below the fraction. As the other formulas, it adds `smooth` once: with alpha = beta = 0.5 it is `dice_loss`
    with twice that.

    {region_rules}

    MONAI's ``TverskyLoss`` is this with ``smooth=1e-5`` (and ``intersection="l1"`` for soft_label),
    segmentation-models-pytorch's with ``batch=True, absent="zero", smooth=0.0``, Optax's ``dice_loss`` with
    ``axis=-1, from_logits="softmax"`` and its smooth, Kornia's ``tversky_loss`` with ``from_logits=True,
    merge_classes=True, smooth=0.0``, but for 1e-8 below the fraction. Keras' ``Tversky`` calls alpha what is beta
    here, against its documentation.

    References
    ----------
    S. S. M. Salehi, D. Erdogmus and A. Gholipour, "Tversky Loss Function for Image Segmentation Using 3D Fully
    Convolutional Deep Networks", MLMI 2017.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[0.9, 0.8, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]]
    >>> mask = [[1, 1, 0, 0], [1, 1, 1, 0]]
    >>> fl.tversky_loss(predicted, mask, alpha=0.3, beta=0.7, reduction="none").round(4)  # 1 - 1.7 / 2, 1 - 0.9 / 2.4
    array([0.15 , 0.625])
    >>> fl.tversky_loss(predicted, mask, alpha=0.0, beta=1.0, reduction="none").round(4)  # 1 - 1.7 / 2, 1 - 0.9 / 3
    array([0.15, 0.7 ])
    >>> fl.tversky_loss.grad(predicted, mask, alpha=0.3, beta=0.7, reduction="sum").round(4)
    array([[-0.3725, -0.3725,  0.1275,  0.1275],
           [-0.3698, -0.3698, -0.3698,  0.0469]])
    """


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={"an index of 1": "0", 'p = t, with intersection="l1"': "the mean of both sides"},
    reference="N. Abraham and N. M. Khan, A Novel Focal Tversky Loss Function, 2019",
    aliases=("FTL",),
)
def focal_tversky_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    from_logits: FromLogits = False,
    include_background: bool = True,
    batch: bool = False,
    merge_classes: bool = False,
    alpha: float = 0.5,
    beta: float = 0.5,
    gamma: float = 0.75,
    intersection: Literal["product", "l1"] = "product",
    smooth: float = 1e-6,
    absent: Literal["count", "zero", "skip"] = "count",
) -> None:
    """Focal Tversky loss: a power of the Tversky loss of each unit.

    ::

        I = sum(p * t),  P = sum(p),  T = sum(t)      over the pixels of a unit
        index = (I + smooth) / (I + alpha * (P - I) + beta * (T - I) + smooth)
        l = (1 - index)**gamma

    A gamma below 1 keeps the gradient of regions that are nearly right from vanishing; above 1 it leaves those to
    the bad ones.

    Parameters
    ----------
    {predicted_region}
    {true_region}
    {region_weight}
    {from_logits}
    {include_background}
    {batch_of_regions}
    {merge_classes}
    alpha : float, default 0.5
        Weight of false positives, P - I; at least 0.
    beta : float, default 0.5
        Weight of false negatives, T - I; at least 0.
    gamma : float, default 0.75
        The exponent, above 0. The paper writes 1 / gamma, which is 4/3 there.
    {intersection}
    {region_smooth}
    {absent}

    Returns
    -------
    {reductions}

    Notes
    -----
    The gradient is that of `tversky_loss` times gamma * (1 - index)**(gamma - 1), and 0 where the index is 1. The
    exponent is on the loss of each unit, before any mean; segmentation-models-pytorch's ``TverskyLoss(gamma=...)``
    has it on the mean.

    {region_rules}

    References
    ----------
    N. Abraham and N. M. Khan, "A Novel Focal Tversky Loss Function with Improved Attention U-Net for Lesion
    Segmentation", ISBI 2019.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[0.9, 0.8, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]]
    >>> mask = [[1, 1, 0, 0], [1, 0, 0, 0]]
    >>> fl.focal_tversky_loss(predicted, mask, reduction="none").round(4)  # 0.15**0.75, 0.6**0.75
    array([0.241 , 0.6817])
    >>> fl.focal_tversky_loss(predicted, mask, gamma=2.0, reduction="none").round(4)
    array([0.0225, 0.36  ])
    >>> fl.focal_tversky_loss.grad(predicted, mask, reduction="sum").round(4)
    array([[-0.3465, -0.3465,  0.2561,  0.2561],
           [-0.6817,  0.1704,  0.1704,  0.1704]])
    """


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={"an index of 1e-7, with log_loss": "as if above"},
    reference="C. H. Sudre et al., Generalised Dice Overlap as a Deep Learning Loss Function, 2017",
    aliases=("generalised Dice loss", "GDL"),
)
def generalized_dice_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    from_logits: FromLogits = False,
    include_background: bool = True,
    batch: bool = False,
    weighting: Literal["square", "simple", "uniform"] = "square",
    squared: bool = False,
    smooth: float = 1e-6,
    absent: Literal["zero", "largest"] = "zero",
    log_loss: bool = False,
) -> None:
    """Generalised Dice loss: one index of all classes, in which each has a weight by its size.

    ::

        I_c = sum(p_c * t_c),  P_c = sum(p_c),  T_c = sum(t_c)      over the pixels of a sample
        w_c = 1 / T_c**2                                            weighting="square"
              1 / T_c                                               weighting="simple"
              1                                                     weighting="uniform"
        l = 1 - (2 * sum(w_c * I_c) + smooth) / (sum(w_c * (P_c + T_c)) + smooth)

    The mean of `dice_loss` over classes counts each alike but has a fraction for each, which is noisy where it is
    small; here the fraction is of all, and a class still has as much to say as the others however rare it is.

    Parameters
    ----------
    {predicted_region}
    {true_region}
    {from_logits}
    {include_background}
    {batch_of_regions}
    weighting : {"square", "simple", "uniform"}, default "square"
        How a class is weighted, as above.
    {squared_regions}
    {region_smooth}
    absent : {"zero", "largest"}, default "zero"
        The weight of a class whose T is 0: none, or the largest that another class of the sample has.
    {log_loss}

    Returns
    -------
    {reductions}

    Notes
    -----
    The gradient in a probability is w_c * (-2 t / D + (2 sum(w_c I_c) + smooth) / D**2), with D as below the
    fraction. The weights are constants, in the gradient in target too.

    {region_rules}

    A unit here is a sample, (N,), or all of them, with ``batch=True`` or where there is one without an axis. A
    class without a weight has no part in it: what is predicted of it is neither seen nor punished. Weights of 1 / T**2
    are as small as `smooth` where classes have a thousand pixels: use a smaller one, or 0, for large images.

    MONAI's ``GeneralizedDiceLoss`` is this with ``smooth=1e-5, absent="largest"``; its w_type is `weighting`.

    References
    ----------
    C. H. Sudre, W. Li, T. Vercauteren, S. Ourselin and M. J. Cardoso, "Generalised Dice Overlap as a Deep Learning
    Loss Function for Highly Unbalanced Segmentations", DLMIA 2017.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[[0.7, 0.6, 0.5, 0.8, 0.2], [0.3, 0.4, 0.5, 0.2, 0.8]]]  # two classes, five pixels
    >>> classes = [[0, 0, 0, 0, 1]]
    >>> fl.generalized_dice_loss(predicted, classes).round(4)
    np.float64(0.469)
    >>> fl.generalized_dice_loss(predicted, classes, weighting="uniform").round(4)
    np.float64(0.32)
    >>> fl.generalized_dice_loss.grad(predicted, classes).round(4)
    array([[[-0.0253, -0.0253, -0.0253, -0.0253,  0.0092],
            [ 0.1465,  0.1465,  0.1465,  0.1465, -0.4052]]])
    """


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="smooth",
    twice_differentiable=True,
    robust=True,
    units="unitless",
    reference="K. Abhishek and G. Hamarneh, Matthews Correlation Coefficient Loss, 2021",
    aliases=("Matthews correlation coefficient loss", "phi coefficient loss"),
)
def mcc_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    from_logits: FromLogits = False,
    include_background: bool = True,
    batch: bool = False,
    merge_classes: bool = False,
    eps: float = 1e-5,
    absent: Literal["count", "zero", "skip"] = "count",
) -> None:
    """One minus Matthews' correlation coefficient of two regions.

    ::

        TP = sum(p * t) + eps,          FP = sum(p * (1 - t)) + eps      over the pixels of a unit
        FN = sum((1 - p) * t) + eps,    TN = sum((1 - p) * (1 - t)) + eps
        l = 1 - (TP * TN - FP * FN) / sqrt((TP + FP) * (TP + FN) * (TN + FP) * (TN + FN))

    Unlike `dice_loss` it counts what is rightly in neither region, and treats both sides alike: it is the same if
    region and background change places. It goes from 0 to 2.

    Parameters
    ----------
    {predicted_region}
    {true_region}
    {region_weight}
    {from_logits}
    {include_background}
    {batch_of_regions}
    {merge_classes}
    eps : float, default 1e-05
        Added to each count; at least 0.
    {absent}

    Returns
    -------
    {reductions}

    Notes
    -----
    Where no pixel is in the region, or all are, the coefficient says nothing: with eps above 0 the loss is then 0.5
    for a prediction that is all right, 1.5 for one that is all wrong, and about 1 between. With ``eps=0`` it is
    0 / 0, as where nothing or everything is predicted: the loss is then 0 where nothing is wrong, otherwise 1, as by
    chance, and the gradient 0. Of probabilities outside [0, 1] the root may be of a negative number, and the loss NaN.

    {region_rules}

    segmentation-models-pytorch's ``MCCLoss`` is this with ``batch=True, merge_classes=True``.

    References
    ----------
    K. Abhishek and G. Hamarneh, "Matthews Correlation Coefficient Loss for Deep Convolutional Networks: Application
    to Skin Lesion Segmentation", ISBI 2021.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[0.9, 0.8, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]]
    >>> mask = [[1, 1, 0, 0], [1, 0, 0, 0]]
    >>> fl.mcc_loss(predicted, mask, reduction="none").round(4)  # 1 - 2.8 / 4, 1 - 0.6 / 3
    array([0.3, 0.8])
    >>> fl.mcc_loss.grad(predicted, mask, reduction="sum").round(4)
    array([[-0.5   , -0.5   ,  0.5   ,  0.5   ],
           [-0.9333,  0.4   ,  0.4   ,  0.4   ]])
    """


@declare(
    family="region",
    task="segmentation",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={"an index of 1e-7, with log_loss": "as if above"},
    reference="C. J. van Rijsbergen, Information Retrieval, 1979",
    aliases=("soft F-beta loss", "soft F1 loss", "F-measure loss"),
)
def soft_fbeta_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    from_logits: FromLogits = False,
    include_background: bool = True,
    batch: bool = False,
    merge_classes: bool = False,
    beta: float = 1.0,
    smooth: float = 1e-6,
    absent: Literal["count", "zero", "skip"] = "count",
    log_loss: bool = False,
) -> None:
    """One minus the F-measure of a prediction that is not yet decided.

    ::

        I = sum(p * t),  P = sum(p),  T = sum(t)      over the pixels of a unit
        b = beta**2
        l = 1 - ((1 + b) * I + smooth) / ((1 + b) * I + b * (T - I) + (P - I) + smooth)

    The F-measure counts decisions, and so has no gradient; here each counts by its probability. Recall has beta
    times the importance of precision. With beta = 1 it is `dice_loss`.

    Parameters
    ----------
    {predicted_region}
    {true_region}
    {region_weight}
    {from_logits}
    {include_background}
    {batch_of_regions}
    {merge_classes}
    beta : float, default 1.0
        The importance of recall, above 0.
    {region_smooth}
    {absent}
    {log_loss}

    Returns
    -------
    {reductions}

    Notes
    -----
    The gradient in a probability is -(1 + b) * t / D + ((1 + b) * I + smooth) / D**2, with D = P + b T + smooth.
    For labels of samples, and not of pixels, ``axis=1, batch=True`` has a unit for each label of (N, C), whose mean
    is the macro average, and `merge_classes` beside it the micro average.

    {region_rules}

    References
    ----------
    C. J. van Rijsbergen, "Information Retrieval", Butterworths, 1979; G. Bénédict, V. Koops, D. Odijk and M. de
    Rijke, "sigmoidF1: A Smooth F1 Score Surrogate Loss for Multilabel Classification", TMLR 2022.

    Examples
    --------
    >>> import fastloss as fl
    >>> predicted = [[0.9, 0.8, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]]
    >>> mask = [[1, 1, 0, 0], [1, 0, 0, 0]]
    >>> fl.soft_fbeta_loss(predicted, mask, beta=2.0, reduction="none").round(4)  # 1 - 8.5 / 10, 1 - 2 / 5
    array([0.15, 0.6 ])
    >>> fl.soft_fbeta_loss(predicted, mask, axis=1, batch=True, reduction="none").round(4)  # of each label
    array([0.2121, 0.2381, 1.    , 1.    ])
    >>> fl.soft_fbeta_loss.grad(predicted, mask, beta=2.0, reduction="sum").round(4)
    array([[-0.415, -0.415,  0.085,  0.085],
           [-0.92 ,  0.08 ,  0.08 ,  0.08 ]])
    """
