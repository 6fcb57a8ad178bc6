"""The sentences that much of the documentation shares: parameters, results and errors, method by method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

ELEMENTS_PARAMETERS = {
    "reduction": """reduction : {"mean", "none", "sum", "batchmean"}, default "mean"
    How the losses of the elements become the value: their mean, nothing, their sum, or their sum
    divided by the first extent of the first operand. Gradients are those of the reduced value.""",
    "sample_weight": """sample_weight : array_like, optional
    Weights of samples, aligned to the *leading* axes of the first operand: shape (N,), (N, 1, ...) or
    the full shape. They multiply the losses in every reduction and count in the denominator of the
    mean, which is then a weighted average.""",
    "where": """where : array_like of bool, optional
    True for the elements that count; aligned as `sample_weight` is. The others are 0 in "none" and in
    gradients, are in no denominator, and their data are never used.""",
    "normalizer": """normalizer : float, "count" or "weight", optional
    Replaces the denominator of the mean: by a number above 0, by the number of elements that count, or by
    the sum of their weights. Only with ``reduction="mean"``.""",
    "grad_output": """grad_output : float or array_like, optional
    Gradient flowing in, which multiplies the result: a number or, with ``reduction="none"``, an array of
    the first operand's shape. Default: ones.""",
    "wrt": """wrt : str, int or sequence of them, optional
    The operands to differentiate in, by name or position. One gives an array, a sequence gives a
    tuple. Default: the first operand.""",
    "out": """out : ndarray or tuple of ndarray, optional
    Where the {what} goes: {form}.
    Of any floating dtype, to which it is rounded once. It may be exactly one of the operands, or share no
    memory with any. It is returned.""",
    "accumulate": """accumulate : bool, default False
    Add to `out` instead of overwriting it.""",
}

# What a declaration's section `Returns` may say as {reductions}: a loss whose mean is over the number of elements.
ELEMENTS_REDUCTIONS = """scalar or ndarray
    ============  =====================================================
    "none"        l, of input's shape
    "sum"         sum(l)
    "mean"        sum(l) / (number of elements)
    "batchmean"   sum(l) / input.shape[0]
    ============  ====================================================="""

ELEMENTS_OUT_FORMS = {
    "__call__": (
        "value",
        'an array of the first operand\'s shape with ``reduction="none"``, else one of\n    shape ()',
    ),
    "grad": ("gradient", "an array of the operand's shape, or a tuple like `wrt`"),
    "value_and_grad": ("gradient", "an array of the operand's shape, or a tuple like `wrt`"),
    "hess": ("second derivative", "an array of the first operand's shape"),
    "grad_and_hess": ("result", "a tuple of two arrays of the first operand's shape"),
    "statistics": ("", ""),  # it has no out
}

COMMON_RAISES = """ValueError
    If shapes do not fit, an option is out of range, `reduction`, `normalizer` or another choice is
    unknown, or an output has the wrong shape or overlaps an operand. Under
    ``fastloss.errstate`` also for data out of range, results that are not finite, or a mean of nothing.
TypeError
    If an argument has an unsupported dtype (complex, object, string, longdouble; for an output, one that
    is not floating), is a masked array, or has an unknown name."""

GRADIENT_DTYPE = """
    An array has the shape of its operand, and its dtype (for an integer operand that of the computation:
    float64 or float32)."""

METHODS = {
    "grad": (
        "Gradient of `{loss}` in any of its operands.",
        """Returns
-------
ndarray or tuple of ndarray
    The gradient of the reduced loss in the operands of `wrt`, times `grad_output`."""
        + GRADIENT_DTYPE,
    ),
    "value_and_grad": (
        "Value and gradient of `{loss}`, both in one pass.",
        """Returns
-------
value : scalar or ndarray
    As the loss itself returns it, bit for bit.
gradient : ndarray or tuple of ndarray
    As `grad` returns it."""
        + GRADIENT_DTYPE,
    ),
    "hess": (
        "Diagonal second derivative of `{loss}` in its first operand.",
        """Returns
-------
ndarray
    The second derivative of the reduced loss in each element of the first operand, of its shape and dtype.""",
    ),
    "grad_and_hess": (
        "Gradient and diagonal second derivative of `{loss}`, as boosting needs them.",
        """Returns
-------
gradient, hessian : ndarray
    The first and second derivative of the reduced loss in each element of the first operand, of its
    shape and dtype.""",
    ),
    "statistics": (
        "Sum of the losses of `{loss}` and the denominator of their mean, as float64.",
        """Returns
-------
sum, denominator : float
    What the mean is made of, whatever dtype computes, before anything is divided: those of parts of the
    data add up to those of the whole. Both are 0 over nothing, which is no error here.""",
    ),
}

ROWS_PARAMETERS = {
    **ELEMENTS_PARAMETERS,
    "axis": """axis : int, optional
    The axis of the classes; may be negative. Default: 1, or 0 where the first operand has one axis. Every
    place on the other axes is a row.""",
    "ignore_index": """ignore_index : int, default -100
    Rows whose class index is this number count nowhere, as if they were masked; their data are never
    used. Only for class indices: for probabilities use `where`.""",
    "reduction": """reduction : {"mean", "none", "sum", "batchmean"}, default "mean"
    How the losses of the rows become the value: their mean, nothing, their sum, or their sum divided by
    the first extent of the rows' shape. Gradients are those of the reduced value.""",
    "sample_weight": """sample_weight : array_like, optional
    Weights of rows, aligned to the *leading* axes of the rows' shape (that of the first operand without the
    axis of the classes), or of that shape. They multiply the losses in every reduction and count in the
    denominator of the mean, which is then a weighted average.""",
    "where": """where : array_like of bool, optional
    True for the rows that count; aligned as `sample_weight` is. The others are 0 in "none" and in
    gradients, are in no denominator, and their data are never used.""",
    "normalizer": """normalizer : float, "count" or "weight", optional
    Replaces the denominator of the mean: by a number above 0, by the number of rows that count, or by the
    sum of their weights. Only with ``reduction="mean"``.""",
    "grad_output": """grad_output : float or array_like, optional
    Gradient flowing in, which multiplies the result: a number or, with ``reduction="none"``, an array of
    the rows' shape. Default: ones.""",
    "return_": """return_ : str, sequence of str or dict, optional
    More results of the same pass, as a dict from name to array behind the others: "lse" (of the rows' shape
    and the computation dtype: the logarithm of the sum of the exponentials of the logits),
    "probabilities" and "log_probabilities" (of the first operand's shape and dtype), "prediction" (int64: the
    first class with the largest logit), "correct" (bool: whether that is the target, which must be class
    indices; False where a row is masked or ignored). A dict from name to array, in any byte order and layout
    (and of any floating dtype for the first three), says where each goes; None makes a new one.""",
    "vector": """vector : array_like
    What the second derivative is multiplied with, of the first operand's shape.""",
}

BOXES_PARAMETERS = {
    **ELEMENTS_PARAMETERS,
    "reduction": """reduction : {"mean", "none", "sum", "batchmean"}, default "mean"
    How the losses of the pairs of boxes become the value: their mean, nothing, their sum, or their sum
    divided by the first extent of the pairs' shape. Gradients are those of the reduced value.""",
    "sample_weight": """sample_weight : array_like, optional
    Weights of pairs, aligned to the *leading* axes of the pairs' shape (that of the first operand without its
    last axis), or of that shape. They multiply the losses in every reduction and count in the denominator
    of the mean, which is then a weighted average.""",
    "where": """where : array_like of bool, optional
    True for the pairs that count; aligned as `sample_weight` is. The others are 0 in "none" and in
    gradients, are in no denominator, and their data are never used.""",
    "normalizer": """normalizer : float, "count" or "weight", optional
    Replaces the denominator of the mean: by a number above 0, by the number of pairs that count, or by the
    sum of their weights. Only with ``reduction="mean"``.""",
    "grad_output": """grad_output : float or array_like, optional
    Gradient flowing in, which multiplies the result: a number or, with ``reduction="none"``, an array of
    the pairs' shape. Default: ones.""",
}

KEYPOINTS_PARAMETERS = {
    **ELEMENTS_PARAMETERS,
    "reduction": """reduction : {"mean", "none", "sum", "batchmean"}, default "mean"
    How the losses of the instances become the value: their mean, nothing, their sum, or their sum
    divided by the first extent of the instances' shape. Gradients are those of the reduced value.""",
    "sample_weight": """sample_weight : array_like, optional
    Weights of instances, aligned to the *leading* axes of the instances' shape (that of the first operand
    without its last two axes), or of that shape. They multiply the losses in every reduction and count in the
    denominator of the mean, which is then a weighted average.""",
    "where": """where : array_like of bool, optional
    True for the instances that count; aligned as `sample_weight` is. The others are 0 in "none" and in
    gradients, are in no denominator, and their data are never used.""",
    "normalizer": """normalizer : float, "count" or "weight", optional
    Replaces the denominator of the mean: by a number above 0, by the number of instances that count, or by
    the sum of their weights. Only with ``reduction="mean"``.""",
    "grad_output": """grad_output : float or array_like, optional
    Gradient flowing in, which multiplies the result: a number or, with ``reduction="none"``, an array of
    the instances' shape. Default: ones.""",
}

REGIONS_PARAMETERS = {
    **ELEMENTS_PARAMETERS,
    "axis": """axis : int, None or "auto", default "auto"
    The axis of the classes; may be negative. None: there are none, whatever the axes are. "auto" is 1 where the
    input has three axes or more, and None where it has one or two. Samples are on the first axis of the input,
    unless it is that of the classes or the only one: then there is one sample. All other axes are of pixels.""",
    "ignore_index": """ignore_index : int, default -100
    Pixels whose class index is this number, and places of a mask that hold it, are left out as those that
    `where` masks. Only for targets of an integer dtype.""",
    "reduction": """reduction : {"mean", "none", "sum", "batchmean"}, default "mean"
    How the losses of the units become the value: their mean, nothing, their sum, or their sum divided by the
    number of samples. Gradients are those of the reduced value.""",
    "sample_weight": """sample_weight : array_like, optional
    Weights of units, aligned to the *leading* axes of the units' shape, such as (N,), or of that shape. They
    multiply the losses in every reduction and count in the denominator of the mean, which is then a weighted
    average.""",
    "where": """where : array_like of bool, optional
    True for the pixels that count: aligned to the leading axes of the input's shape without that of the
    classes, such as (N, H, W) or (N,); or of as many axes as the input, for each class by itself; with 1 where
    it is broadcast. The others are in no sum, and 0 in gradients; their data are never used. A unit that has
    no pixel left counts nowhere.""",
    "normalizer": """normalizer : float, "count" or "weight", optional
    Replaces the denominator of the mean: by a number above 0, by the number of units that count, or by the sum
    of their weights. Only with ``reduction="mean"``.""",
    "grad_output": """grad_output : float or array_like, optional
    Gradient flowing in, which multiplies the result: a number or, with ``reduction="none"``, an array of
    the units' shape. Default: ones.""",
}

IMAGES_PARAMETERS = {
    **REGIONS_PARAMETERS,
    "axis": """axis : int, optional
    The axis of the classes; may be negative. Default: 1, and 0 of an input with one axis. Samples are on the first
    axis of the input, unless it is that of the classes: then there is one sample. All other axes are of pixels.""",
    "ignore_index": """ignore_index : int, default -100
    Pixels whose target is this number are left out as those that `where` masks. Only for targets of an integer
    dtype.""",
    "where": """where : array_like of bool, optional
    True for the pixels that count: aligned to the leading axes of the target's shape, such as (N, H, W) or (N,),
    with 1 where it is broadcast. The others have no part in the loss, and are 0 in gradients; their data are never
    used. A unit that has no pixel left counts nowhere.""",
}

# What a declaration's section `Parameters` may say as {name}, on a line of its own: parameters of many losses.
DECLARED_PARAMETERS = {
    "logits": """input : array_like
    Logits, of shape (N, C), (C,) or (N, C, d1, ...), or with the classes on any other `axis`.""",
    "scores": """input : array_like
    Scores, of shape (N, C), (C,) or (N, C, d1, ...), or with the classes on any other `axis`.""",
    "class_indices": """target : array_like
    Class indices from 0 to C - 1, of any integer dtype and of input's shape without the axis of the
    classes.""",
    "class_target": """target : array_like
    Class indices from 0 to C - 1, of any integer dtype and of input's shape without the axis of the
    classes; or probabilities of the classes, of a floating dtype and of input's shape.""",
    "class_weight": """weight : array_like, optional
    Weight of each class, of shape (C,) or a number. Default: ones.""",
    "label_smoothing": """label_smoothing : float, default 0.0
    The share of each target that is spread over all classes evenly, from 0 to 1: t becomes
    (1 - label_smoothing) * t + label_smoothing / C.""",
    "predicted_boxes": """input : array_like
    Predicted boxes, of shape (..., 4), or (4,) for one box.""",
    "true_boxes": """target : array_like
    The boxes that they should be, of input's shape: two boxes at the same place are a pair.""",
    "predicted_rotated_boxes": """input : array_like
    Predicted boxes, of shape (..., 5), or (5,) for one box: centre x and y, width, height, and the angle in
    radians, which turns the x axis towards the y axis.""",
    "true_rotated_boxes": """target : array_like
    The boxes that they should be, of input's shape: two boxes at the same place are a pair.""",
    "smallest_side": """eps : float, default 1e-7
    The smallest width and height, from 1e-9 to 1: what is below counts as eps.""",
    "distance_tau": """tau : float, default 1.0
    From 1 to 1e6. l goes from 1 - 1 / tau, between equal boxes, to 1: the larger it is, the less distances
    count.""",
    "distance_fun": """fun : {"log1p", "sqrt"}, default "log1p"
    The function f of the distance, as above.""",
    "box_eps": """eps : float, default 1e-7
    Added to what is divided by, so that boxes without an area are no special case; at least 1e-30.""",
    "predicted_region": """input : array_like
    Predicted probabilities p, or logits: of shape (N, C, ...) with C classes; (N, L) or (L,) without; or with
    the classes on any other `axis`.""",
    "true_region": """target : array_like
    What t is: a mask of 0 and 1, bool or of any integer dtype, or probabilities, of a floating dtype, of
    input's shape; or class indices from 0 to C - 1, of any integer dtype and of input's shape without the axis
    of the classes. It has a gradient where it is floating.""",
    "region_weight": """weight : array_like, optional
    Weight of each class, of shape (C,) or a number, the background's included. It multiplies the losses and
    counts in the denominator of the mean. Not with `merge_classes`, nor without an axis of classes. Default:
    ones.""",
    "from_logits": """from_logits : bool, "sigmoid" or "softmax", default False
    What makes probabilities of the input; nothing, by default. "softmax" goes over the classes. True is
    "sigmoid" where there is one class or no axis of them, and "softmax" where the target is indices of several;
    otherwise one of the two has to be named.""",
    "include_background": """include_background : bool, default True
    Whether the class 0 counts. If not, there is one unit less in a sample, and its data are not used, but in a
    softmax.""",
    "batch_of_regions": """batch : bool, default False
    Whether sums are over all samples together, and not of each.""",
    "merge_classes": """merge_classes : bool, default False
    Whether sums are over all classes together, and not of each.""",
    "squared_regions": """squared : bool, default False
    Whether P and T are sums of squares.""",
    "intersection": """intersection : {"product", "l1"}, default "product"
    What I is: sum(p * t), or (sum(p) + sum(t) - sum(abs(p - t))) / 2, which is the same for targets of 0 and 1,
    and by which a soft target agrees with itself.""",
    "region_smooth": """smooth : float, default 1e-06
    Added above and below in the fraction, so that nothing predicted of nothing is right; at least 0.""",
    "absent": """absent : {"count", "zero", "skip"}, default "count"
    What becomes of a unit whose T is 0, such as that of a class that a sample does not have: nothing; its loss
    is 0, and counted; or it counts nowhere.""",
    "log_loss": """log_loss : bool, default False
    Whether l is -log(max(index, 1e-7)), and not 1 - index, index being the fraction.""",
    "region_logits": """input : array_like
    Logits, of shape (N, C, ...) with C classes; (N, L) or (L,) without; or with the classes on any other `axis`.""",
    "region_of_logits": """target : array_like
    What t is: class indices from 0 to C - 1, of any integer dtype and of input's shape without the axis of the
    classes; or, of input's shape, a mask of 0 and 1, bool or of any integer dtype, or probabilities, of a floating
    dtype. Under a softmax a mask is one-hot. It has a gradient where it is floating.""",
    "weight_of_both_parts": """weight : array_like, optional
    Weight of each class, of shape (C,) or a number, the background's included; in both parts. Not with
    `merge_classes`, nor without an axis of classes. Default: ones.""",
    "which_logits": """from_logits : True, "sigmoid" or "softmax", default True
    What makes probabilities of the input. "softmax" goes over the classes. True is "sigmoid" where there is one
    class or no axis of them, and "softmax" where the target is indices of several; otherwise one of the two has to
    be named.""",
    "background_of_dice": """include_background : bool, default True
    Whether the class 0 counts in the Dice part. In the other it always does.""",
    "keywords_of_parts": """ignore_index : int, default -100
    Pixels whose class index is this number count in neither part, as those that `where` masks; nor do places of a
    mask that hold it, with a softmax the whole pixel. Only for targets of an integer dtype.
reduction : {"mean", "sum", "batchmean"}, default "mean"
    How each part becomes a number: the mean of its losses, their sum, or their sum divided by the number of
    samples. Gradients are those of the sum of the two.
sample_weight : array_like, optional
    Weights of samples, of shape (N,); not with ``batch=True``. They multiply the losses of both parts in every
    reduction and count in the denominators of their means, which are then weighted averages.
where : array_like of bool, optional
    True for the pixels that count, in both parts: aligned to the leading axes of the input's shape without that of
    the classes, such as (N, H, W) or (N,), with 1 where it is broadcast; with a sigmoid it may have as many axes as
    the input, for each class by itself. The data of the others are never used, and their gradients are 0.
normalizer : float, "count" or "weight", optional
    Replaces the denominators of both means: by a number above 0, by how many units or pixels count, or by the sum
    of their weights. Only with ``reduction="mean"``.
grad_output : float, optional
    Gradient flowing in, which multiplies the result. Default: 1.
out : ndarray or tuple of ndarray, optional
    Where the {what} goes: of its shape and of any floating dtype, to which it is rounded once. It may be exactly one
    of the operands, or share no memory with any. It is returned.""",
    "dice_weight": """dice_weight : float, default 1.0
    What multiplies the Dice part; at least 0, which leaves it out.""",
    "box_format": """fmt : {"xyxy", "xywh", "cxcywh"} or tuple of two of these, default "xyxy"
    What the four numbers of a box are: two opposite corners x1, y1, x2, y2; the corner x1, y1, width and
    height; or the centre, width and height. A tuple has the format of input and that of target.""",
}

# What its section `Notes` may say in the same way.
DECLARED_NOTES = {
    "box_rules": """Gradients, in either box, are in the numbers that `fmt` names. Where both boxes have an edge at the
same place, input's counts: overlap and enclosing box move with it. Boxes that only touch do not overlap. A
width or height below 0 counts as 0, with the gradient 0 there; in ``fastloss.errstate(domain="raise")`` it is
an error. Boxes without an area have finite values and gradients.""",
    "region_rules": """Units are the classes of the samples, (N, C); samples, (N,), without an axis of classes or with
`merge_classes`; classes, (C,), with ``batch=True`` or in a single sample that has no axis; or all is one unit. Sums
are in double, whatever computes, and so is what is made of them.

With ``smooth=0``, nothing predicted of nothing, which is 0 / 0, has the loss 0 and the gradient 0; with more, the
gradient of the formula. Places that are masked, ignored or a background that does not count are never used, but
as logits in the softmax of others; a unit without any other place counts nowhere: the mean over none is NaN. NaN
in another place makes its unit NaN, value and gradient, unless the unit is left out or has no weight; in a softmax
those of its sample. Probabilities outside of [0, 1]
are taken as they are, and an error in ``fastloss.errstate(domain="raise")``; a mask of integers other
than 0, 1 and `ignore_index` always is one.""",
    "lovasz_rules": """Units are the samples, (N,), with ``per_image=True``; otherwise all together are one, (). A
unit whose pixels are all masked or ignored counts nowhere: the mean over none is NaN.

The gradient in an error is J_k - J_(k - 1), at its place. The value does not depend on the order of equal errors;
the gradient does, and is that of the order of pixels in the target's shape: one of the subgradients. What is not
above 0 is left out of the sort, and has the gradient 0. Errors are computed in the dtype of the computation,
everything that is made of them in double. NaN in a pixel that counts makes the value NaN, and the gradient of all
pixels whose errors are above 0.

The sort takes memory for 16 bytes for each pixel of a unit, 32 in float64; of several small units or classes,
for some of them at once: up to 34 and 68 MB. A gradient that is converted to another dtype, added to another or
written backwards takes a quarter more.""",
    "compound_rules": """Each part reduces itself, as it does alone: the value is the sum of two calls with the same
arguments, in one pass over the data. No sample or class has a loss of its own: ``reduction="none"`` is an error, and
`statistics` gives the mean and 1. A part whose mean is over nothing is NaN, and so is then the value, but its gradient
is 0. A part with the weight 0 is left out.""",
    "rotated_box_rules": """Gradients, in either box, are in the five numbers. Boxes whose angles differ by half a turn
are the same, as are those with width and height exchanged and a quarter turn between them; the angle of a square
has the gradient 0. A width or height below eps counts as eps, with the gradient 0 there; one below 0 is an error
in ``fastloss.errstate(domain="raise")``. A pair with NaN or an angle that is not finite, or whose sides and
distance have no squares in the dtype, has the value and the gradients NaN.""",
}

ROWS_REDUCTIONS = """scalar or ndarray
    ============  =====================================================
    "none"        l, of input's shape without the axis of the classes
    "sum"         sum(l)
    "mean"        sum(l) / (number of rows)
    "batchmean"   sum(l) / (first extent of the rows' shape)
    ============  ====================================================="""

# The same as {weighted_reductions}: a loss of class indices whose mean is over the weights of the targets.
ROWS_WEIGHTED_REDUCTIONS = """scalar or ndarray
    With sample weights s, 1 where they are not given, over the rows that count:

    ============  =====================================================
    "none"        l * s, of input's shape without the axis of the classes
    "sum"         sum(s * l)
    "mean"        class indices: sum(s * l) / sum(s * weight[target]);
                  probabilities: sum(s * l) / sum(s)
    "batchmean"   sum(s * l) / (first extent of the rows' shape)
    ============  ====================================================="""

ROWS_OUT_FORMS = {
    **ELEMENTS_OUT_FORMS,
    "__call__": (
        "value",
        'an array of the rows\' shape with ``reduction="none"``, else one of\n    shape ()',
    ),
    "hvp": ("product", "an array of the first operand's shape"),
}

# What a declaration of a loss of boxes may say as {reductions}.
BOXES_REDUCTIONS = """scalar or ndarray
    ============  =====================================================
    "none"        l, of the pairs' shape: input's without its last axis
    "sum"         sum(l)
    "mean"        sum(l) / (number of pairs)
    "batchmean"   sum(l) / (first extent of the pairs' shape)
    ============  ====================================================="""

BOXES_OUT_FORMS = {
    **ELEMENTS_OUT_FORMS,
    "__call__": (
        "value",
        'an array of the pairs\' shape with ``reduction="none"``, else one of\n    shape ()',
    ),
}

# The same of a loss of keypoints.
KEYPOINTS_REDUCTIONS = """scalar or ndarray
    ============  =================================================================
    "none"        l, of the instances' shape: input's without its last two axes
    "sum"         sum(l)
    "mean"        sum(l) / (number of instances)
    "batchmean"   sum(l) / (first extent of the instances' shape)
    ============  ================================================================="""

KEYPOINTS_OUT_FORMS = {
    **ELEMENTS_OUT_FORMS,
    "__call__": (
        "value",
        'an array of the instances\' shape with ``reduction="none"``, else one of\n    shape ()',
    ),
}

# The same of a loss of regions.
REGIONS_REDUCTIONS = """scalar or ndarray
    With the weights w of the classes, 1 where there are none, over the units that count:

    ============  =================================================================
    "none"        w * l, of the units' shape: (N, C), (N,), (C,) or ()
    "sum"         sum(w * l)
    "mean"        sum(w * l) / sum(w)
    "batchmean"   sum(w * l) / N, the number of samples
    ============  ================================================================="""

REGIONS_OUT_FORMS = {
    **ELEMENTS_OUT_FORMS,
    "__call__": (
        "value",
        'an array of the units\' shape with ``reduction="none"``, else one of\n    shape ()',
    ),
}

# The same of a loss of whole images.
IMAGES_REDUCTIONS = """scalar or ndarray
    Over the units that count:

    ============  =====================================================
    "none"        l, of the units' shape: (N,) or ()
    "sum"         sum(l)
    "mean"        sum(l) / (number of units)
    "batchmean"   sum(l) / N, the number of samples
    ============  ====================================================="""

# Of a loss that takes class indices.
INDEX_ERROR = """IndexError
    If a class index is below 0 or not below the number of classes, and not `ignore_index`."""

ROWS_METHODS = {
    **METHODS,
    "hess": (
        "Diagonal of the second derivative of `{loss}` in its first operand.",
        """Returns
-------
ndarray
    The second derivative of the reduced loss in each element of the first operand, of its shape and dtype.
    `hvp` multiplies with the whole second derivative.""",
    ),
    "grad_and_hess": (
        "Gradient and diagonal of the second derivative of `{loss}`, as boosting needs them.",
        METHODS["grad_and_hess"][1],
    ),
    "hvp": (
        "Second derivative of `{loss}` in its first operand, times a vector.",
        """Returns
-------
ndarray
    The product of the second derivative of the reduced loss with `vector`, of the first operand's shape and
    dtype. It is exact, and the matrix is never formed.""",
    ),
}


@dataclass(frozen=True)
class Phrases:
    """What the documentation of one kind of loss says."""

    parameters: Mapping[str, str]
    reductions: str
    out_forms: Mapping[str, tuple[str, str]]
    methods: Mapping[str, tuple[str, str]]
    ufunc: str  # empty where no loss has one


OF_ELEMENTS = Phrases(
    ELEMENTS_PARAMETERS,
    ELEMENTS_REDUCTIONS,
    ELEMENTS_OUT_FORMS,
    METHODS,
    "Operands broadcast as NumPy does. The result is NaN where an option\nis out of range.\n",
)
OF_ROWS = Phrases(
    ROWS_PARAMETERS,
    ROWS_REDUCTIONS,
    ROWS_OUT_FORMS,
    ROWS_METHODS,
    "Classes are on the last axis, or on that given as ``axis``;\nthe others broadcast as NumPy does. "
    "The result is NaN in rows where an option or a class index is out of range.\n",
)
OF_LINEAR_SCORES = replace(
    OF_ROWS,
    parameters={
        **ROWS_PARAMETERS,
        "sample_weight": """sample_weight : array_like, optional
    Weights of rows, aligned to the *leading* axes of the rows' shape (that of class indices), or of that
    shape. They multiply the losses in every reduction and count in the denominator of the mean, which is
    then a weighted average.""",
    },
)
OF_BOXES = Phrases(BOXES_PARAMETERS, BOXES_REDUCTIONS, BOXES_OUT_FORMS, METHODS, "")
OF_KEYPOINTS = Phrases(KEYPOINTS_PARAMETERS, KEYPOINTS_REDUCTIONS, KEYPOINTS_OUT_FORMS, METHODS, "")
OF_REGIONS = Phrases(REGIONS_PARAMETERS, REGIONS_REDUCTIONS, REGIONS_OUT_FORMS, METHODS, "")
OF_IMAGES = Phrases(IMAGES_PARAMETERS, IMAGES_REDUCTIONS, REGIONS_OUT_FORMS, METHODS, "")

# What the documentation of a function may say as {name}, on a line of its own.
FUNCTION_PHRASES = {
    **{name: DECLARED_PARAMETERS[name] for name in ("box_eps", "box_format")},
    **DECLARED_NOTES,
    "box_matrix_errors": """ValueError
    If input or target has another shape, `eps` is out of range, `fmt` is unknown, or `out` has the wrong shape
    or overlaps an operand.
TypeError
    If an array has an unsupported dtype (complex, object, string, longdouble), `out` has none that is
    floating, or an argument is of the wrong kind.""",
}

# What the documentation of a function of rows may say as {name}, on a line of its own. In these, {function} is its name
# and {axis} that of its parameter for the axis of a row.
ROW_FUNCTION_PHRASES = {
    "scores": """input : array_like
    Scores z (logits), of any shape but ().""",
    "out": """out : ndarray, optional
    Where the result goes: an array of its shape, of any floating dtype, to which it is rounded once. It may
    be exactly `input`, or share no memory with it. It is returned.""",
    "result": """ndarray
    Of input's shape and dtype; float64 for integers. float16 and bfloat16 are computed in float32.""",
    "errors": """ValueError
    If input has no axes, `{axis}` is not one of them, or `out` has another shape or overlaps input.
TypeError
    If an array has an unsupported dtype (complex, object, string, longdouble), `out` has none that is
    floating, or an argument is of the wrong kind.""",
    "accuracy_reference": """P. Blanchard, D. J. Higham and N. J. Higham, "Accurately Computing the Log-Sum-Exp and
Softmax Functions", IMA Journal of Numerical Analysis 41(4), 2021.""",
    "product_of_function": "Vector-Jacobian product of `{function}`: "
    "the gradient of sum(grad_output * {function}(input)) in input.",
    "given_scores": """input : array_like
    Scores, as `{function}` takes them.""",
    "grad_output": """grad_output : array_like
    The gradient g flowing in, of input's shape and any real dtype.""",
    "given_axis": """{axis} : int, default -1
    The axis of a row, as `{function}` takes it.""",
    "out_of_product": """out : ndarray, optional
    Where the gradient goes: an array of its shape, of any floating dtype, to which it is rounded once. It may
    be exactly `input` or `grad_output`, or share no memory with them. It is returned.""",
    "product": """Returns
-------
ndarray
    Of input's shape and dtype; float64 for integers.

Raises
------
ValueError, TypeError
    As `{function}` does, and if the shape of grad_output does not fit.""",
    "value_and_product": """Parameters
----------
input, grad_output, {axis}
    As `grad` takes them.
out : ndarray, optional
    Where the gradient goes, as for `grad`.

Returns
-------
value, gradient : ndarray
    As `{function}` and `{function}.grad` return them, bit for bit.

Raises
------
ValueError, TypeError
    As `grad` does.""",
}
