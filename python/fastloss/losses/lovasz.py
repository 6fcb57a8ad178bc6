"""Lovász losses of segmentation: the Jaccard loss of whole images, extended to predictions between right and wrong."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from fastloss._declare import declare


@declare(
    family="lovasz",
    task="segmentation",
    convex=True,
    differentiable="kinks",
    twice_differentiable=False,
    robust=False,
    units="input",
    kinks={"two equal errors": "as if the first pixel's were larger", "an error of 0": "0"},
    reference="M. Berman et al., The Lovász-Softmax loss, 2018",
    aliases=("Lovász hinge", "Lovasz hinge", "Lovász loss", "binary Lovász loss"),
)
def lovasz_hinge_loss(input: ArrayLike, target: ArrayLike, *, per_image: bool = False) -> None:
    """Lovász hinge loss: the Jaccard loss of a mask, made convex in the scores of its pixels.

    ::

        e = 1 - input * (2 * target - 1)
        l = sum_k max(e_k, 0) * (J_k - J_(k - 1)),  with e sorted, the largest first,
        J_k = 1 - (P - p_k) / (P + k - p_k)          P pixels are in the mask, of the first k it has p_k

    J_k is the Jaccard loss, one minus intersection over union, of a prediction that is wrong at the k pixels of the
    largest errors: the loss is its Lovász extension, and agrees with it where the errors are 0 and 1. It optimises
    the index that segmentations are judged by, whatever the share of pixels in the mask; use it behind some epochs
    of a cross-entropy, whose gradients do not depend on so few pixels.

    Parameters
    ----------
    input : array_like
        Scores of the pixels, of which the sign is the prediction: (N, ...) of N samples, or (L,) of one.
    target : array_like
        The mask, of input's shape: 0 and 1, bool, of any integer dtype, or floating. It has no gradient.
    per_image : bool, default False
        Whether each sample is a unit, and not all of them together.

    Returns
    -------
    {reductions}

    Raises
    ------
    ValueError
        If a pixel that counts is neither 0 nor 1 in the target.

    Notes
    -----
    {lovasz_rules}

    Other libraries are this with

    - segmentation-models-pytorch's ``LovaszLoss`` in the modes "binary" and "multilabel", whose classes are pixels of
      one mask, with its per_image. An image whose pixels are all ignored is 0 there and counted; here it counts
      nowhere.
    - Kornia's ``lovasz_hinge_loss``: ``per_image=True``, of input (N, 1, H, W) without its second axis.

    References
    ----------
    M. Berman, A. Rannen Triki and M. B. Blaschko, "The Lovász-Softmax Loss: A Tractable Surrogate for the
    Optimization of the Intersection-Over-Union Measure in Neural Networks", CVPR 2018; J. Yu and M. B. Blaschko,
    "Learning Submodular Losses with the Lovász Hinge", ICML 2015.

    Examples
    --------
    >>> import fastloss as fl
    >>> scores, mask = [[2.0, 0.5, -1.0, 0.5]], [[1, 1, 0, 0]]
    >>> fl.lovasz_hinge_loss(scores, mask)  # errors 1.5, 0.5, 0, -1: 1.5 * 1/3 + 0.5 * 1/3
    np.float64(0.6666666666666666)
    >>> fl.lovasz_hinge_loss.grad(scores, mask).round(4)
    array([[ 0.    , -0.3333,  0.    ,  0.3333]])
    >>> fl.lovasz_hinge_loss([[3.0, -1.0], [2.0, 1.5]], [[1, 1], [0, 255]], ignore_index=255, per_image=True,
    ...     reduction="none")
    array([1., 3.])
    """


@declare(
    family="lovasz",
    task="segmentation",
    convex=False,
    differentiable="kinks",
    twice_differentiable=False,
    robust=True,
    units="unitless",
    kinks={"two equal errors": "as if the first pixel's were larger", "an error of 0": "0"},
    reference="M. Berman et al., The Lovász-Softmax loss, 2018",
    aliases=("Lovász-Softmax", "Lovasz-Softmax", "multiclass Lovász loss"),
)
def lovasz_softmax_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    from_logits: bool = False,
    per_image: bool = False,
    classes: Literal["present", "all"] = "present",
) -> None:
    """Lovász-Softmax loss: the Jaccard loss of classes, extended to probabilities.

    ::

        e = abs((target == c) - p_c)                  of class c, with e sorted, the largest first
        l_c = sum_k e_k * (J_k - J_(k - 1))
        J_k = 1 - (P - p_k) / (P + k - p_k)           P pixels are of the class, of the first k are p_k
        l = mean of l_c over classes

    J_k is the Jaccard loss, one minus intersection over union, of a prediction of class c that is wrong at the k
    pixels of the largest errors: the mean over classes extends one minus the mean IoU, by which segmentations are
    judged. It suits fine-tuning behind a cross-entropy, or a sum of both.

    Parameters
    ----------
    input : array_like
        Probabilities p of the classes, or their logits: (N, C, ...), with the classes on any other `axis`, or (C,) of
        one pixel. In two dimensions, (N, C), each sample is a pixel.
    target : array_like
        Class indices from 0 to C - 1, of any integer dtype and of input's shape without the axis of the
        classes.
    from_logits : bool, default False
        Whether input is logits, of which the softmax is taken over the classes.
    per_image : bool, default False
        Whether each sample is a unit, and not all of them together.
    classes : {"present", "all"}, default "present"
        Whether the mean is over the classes that a unit has pixels of, or over all classes. One without pixels costs
        its largest probability.

    Returns
    -------
    {reductions}

    Notes
    -----
    {lovasz_rules}

    Probabilities are taken as they are, whether they are from 0 to 1 and sum to 1 or not. NaN makes the loss of its
    class NaN, and so that of the unit; gradients in other classes have their values, unless they come through a
    softmax. With ``from_logits=True``, memory for the scores of a unit is needed as well, and with a gradient for as
    many numbers again; of several small units, for some of them at once: up to 19 MB together, 38 in float64.

    Other libraries are this with

    - segmentation-models-pytorch's ``LovaszLoss`` in the mode "multiclass": ``from_logits=True``, with its per_image.
      An image whose pixels are all ignored is 0 there and counted; here it counts nowhere.
    - Kornia's ``lovasz_softmax_loss`` without weights: ``from_logits=True, per_image=True, classes="all"``.

    References
    ----------
    M. Berman, A. Rannen Triki and M. B. Blaschko, "The Lovász-Softmax Loss: A Tractable Surrogate for the
    Optimization of the Intersection-Over-Union Measure in Neural Networks", CVPR 2018.

    Examples
    --------
    >>> import fastloss as fl
    >>> p = [[[0.9, 0.4], [0.1, 0.6]]]  # one sample of two classes and two pixels
    >>> fl.lovasz_softmax_loss(p, [[0, 1]]).round(4)  # (0.4 * 1/2 + 0.1 * 1/2 + 0.4 * 1 + 0.1 * 0) / 2
    np.float64(0.325)
    >>> fl.lovasz_softmax_loss.grad(p, [[0, 1]])
    array([[[-0.25,  0.25],
            [ 0.  , -0.5 ]]])
    >>> fl.lovasz_softmax_loss(p, [[0, 0]]).round(4), fl.lovasz_softmax_loss(p, [[0, 0]], classes="all").round(4)
    (np.float64(0.35), np.float64(0.475))
    >>> fl.lovasz_softmax_loss([[2.0, 0.0], [0.0, 1.0]], [0, 1], from_logits=True).round(4)
    np.float64(0.2315)
    """
