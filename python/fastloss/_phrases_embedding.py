"""What the documentation of losses and functions of embeddings shares."""

from __future__ import annotations

from fastloss._phrases import ELEMENTS_OUT_FORMS, ELEMENTS_PARAMETERS, METHODS, Phrases

EMBEDDINGS_PARAMETERS = {
    **ELEMENTS_PARAMETERS,
    "axis": """axis : int, optional
    The axis of the features; may be negative. Default: the last. Every place on the other axes is a unit.""",
    "reduction": """reduction : {"mean", "none", "sum", "batchmean"}, default "mean"
    How the losses of the units become the value: their mean, nothing, their sum, or their sum divided by
    the first extent of the units' shape. Gradients are those of the reduced value.""",
    "sample_weight": """sample_weight : array_like, optional
    Weights of units, aligned to the *leading* axes of the units' shape (that of the first operand without the
    axis of the features), or of that shape. They multiply the losses in every reduction and count in the
    denominator of the mean, which is then a weighted average.""",
    "where": """where : array_like of bool, optional
    True for the units that count; aligned as `sample_weight` is. The others are 0 in "none" and in
    gradients, are in no denominator, and their data are never used.""",
    "normalizer": """normalizer : float, "count" or "weight", optional
    Replaces the denominator of the mean: by a number above 0, by the number of units that count, or by the
    sum of their weights. Only with ``reduction="mean"``.""",
    "grad_output": """grad_output : float or array_like, optional
    Gradient flowing in, which multiplies the result: a number or, with ``reduction="none"``, an array of
    the units' shape. Default: ones.""",
    "wrt": """wrt : str, int or sequence of them, optional
    The operands to differentiate in, by name or position. One gives an array, a sequence gives a
    tuple. Default: all embeddings, in their order.""",
}

# What a declaration of a loss of embeddings may say as {reductions}.
EMBEDDINGS_REDUCTIONS = """scalar or ndarray
    ============  =================================================================
    "none"        l, of the units' shape: that of an embedding without `axis`
    "sum"         sum(l)
    "mean"        sum(l) / (number of units)
    "batchmean"   sum(l) / (first extent of the units' shape)
    ============  ================================================================="""

EMBEDDINGS_OUT_FORMS = {
    **ELEMENTS_OUT_FORMS,
    "__call__": (
        "value",
        'an array of the units\' shape with ``reduction="none"``, else one of\n    shape ()',
    ),
    "grad": ("gradient", "a tuple like `wrt`, of an array of each operand's shape, or one array"),
    "value_and_grad": ("gradient", "a tuple like `wrt`, of an array of each operand's shape, or one array"),
}

OF_EMBEDDINGS = Phrases(EMBEDDINGS_PARAMETERS, EMBEDDINGS_REDUCTIONS, EMBEDDINGS_OUT_FORMS, METHODS, "")

_ANCHOR = """anchor : array_like
    Embeddings that the others are compared with, of shape (..., D), or (D,) for one; or with the features on any
    other `axis`."""
_POSITIVE = """positive : array_like
    Embeddings that are to be near them, of anchor's shape."""
_NEGATIVE = """negative : array_like
    Embeddings that are not to be near them, of anchor's shape."""

# What a declaration may say as {name}, as those of `_phrases`: parameters of many losses.
EMBEDDINGS_DECLARED = {
    "embedding_triplet": "\n".join([_ANCHOR, _POSITIVE, _NEGATIVE]),
    "embedding_pair": """input1 : array_like
    Embeddings, of shape (..., D), or (D,) for one; or with the features on any other `axis`.
input2 : array_like
    Those that they are compared with, of input1's shape.""",
    "embedding_and_target": """input : array_like
    Embeddings, of shape (..., D), or (D,) for one; or with the features on any other `axis`.
target : array_like
    Those that they are to point along, of input's shape.""",
    "cosine_eps": """eps : float, default 1e-08
    The least norm: a smaller one counts as eps; at least 0.""",
    "distance_eps": """eps : float, default 1e-06
    Added to each difference, as in torch; at least 0, which gives exact distances.""",
    "two_embeddings": """x1 : array_like
    Embeddings, of shape (..., D), or (D,) for one; or with the features on any other `axis`.
x2 : array_like
    Those that they are compared with, of x1's shape.""",
    "feature_axis": """axis : int, default -1
    The axis of the features; may be negative.""",
}

# And notes on them.
EMBEDDINGS_NOTES = {
    "embedding_rules": """Units are the places on all axes but that of the features. Sums over these and what is made of
them are computed in double, so that vectors of float32 of any length have their distance. NaN in a unit makes its
loss NaN, and its gradient; others are as they were.""",
    "distance_rules": """At distance 0, where no direction is the right one, the gradient is 0. With eps, equal
embeddings are at the distance eps * D**(1 / p), whose gradient is torch's.""",
    "cosine_rules": """The gradient in x is y / (max(abs(x), eps) * max(abs(y), eps)) - cos * x / abs(x)**2, without the
second term where the norm of x is not above eps: it is then a constant. A vector of zeros has the cosine 0.""",
    "hinge_rules": """Where a hinge is at 0 exactly, its gradient passes, as in torch.""",
}

# What the functions of embeddings say beside these.
EMBEDDINGS_FUNCTION_PHRASES = {
    **{name: EMBEDDINGS_DECLARED[name] for name in ("two_embeddings", "feature_axis", "cosine_eps", "distance_eps")},
    **EMBEDDINGS_NOTES,
    "distance_errors": """ValueError
    If the shapes differ, `axis` is none of theirs, an option is out of range, or `out` has the wrong shape or
    overlaps an operand.
TypeError
    If an array has an unsupported dtype (complex, object, string, longdouble), `out` has none that is
    floating, or an argument is of the wrong kind.""",
    "distance_result": """ndarray
    Of the shape of the operands without `axis`. Where both have the same floating dtype it has that, else the
    dtype of the computation, float64 or float32. float16 and bfloat16 are computed in float32.""",
    "distance_out": """out : ndarray, optional
    Where the result goes: an array of its shape, of any floating dtype, to which it is rounded once. It is
    returned.""",
    "distance_flow": """grad_output : float or array_like, optional
    The gradient flowing in: a number, or an array of the shape of the value. Default: ones.""",
    "distance_wrt": """wrt : str, int or sequence of them, optional
    The operands to differentiate in, by name or position. One gives an array, a sequence gives a tuple.
    Default: both.""",
    "distance_gradient_out": """out : ndarray or tuple of ndarray, optional
    Where the gradient goes: a tuple like `wrt`, of an array of each operand's shape, or one array. Of any
    floating dtype, to which it is rounded once. It may be exactly one of the operands, or share no memory with
    any. It is returned.""",
    "distance_gradient": """ndarray or tuple of ndarray
    An array has the shape of its operand, and its dtype (for an integer operand that of the computation:
    float64 or float32).""",
}
