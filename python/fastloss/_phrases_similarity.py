"""What the documentation of contrastive losses and of losses of class proxies shares."""

from __future__ import annotations

from fastloss._phrases import ELEMENTS_PARAMETERS, METHODS, REGIONS_OUT_FORMS, Phrases

PAIRS_PARAMETERS = {
    **ELEMENTS_PARAMETERS,
    "reduction": """reduction : {"mean", "none", "sum", "batchmean"}, default "mean"
    How the losses of the units become the value: their mean, nothing, their sum, or their sum divided by the
    number of samples N. Gradients are those of the reduced value.""",
    "sample_weight": """sample_weight : array_like, optional
    Weights of units, as anchors, of the units' shape; as negatives and positives of others they all count alike.
    They multiply the losses in every reduction and count in the denominator of the mean, which is then a weighted
    average.""",
    "where": """where : array_like of bool, optional
    True for the units that take part, of the units' shape. The loss is that of the batch without the others: they
    are nobody's negatives or positives, 0 in "none" and in gradients, in no denominator, and their data are
    never used.""",
    "ignore_index": """ignore_index : int, default -100
    Class index of embeddings that take no part, as if masked.""",
    "normalizer": """normalizer : float, "count" or "weight", optional
    Replaces the denominator of the mean: by a number above 0, by the number of units that count, or by the sum
    of their weights. Only with ``reduction="mean"``.""",
    "grad_output": """grad_output : float or array_like, optional
    Gradient flowing in, which multiplies the result: a number or, with ``reduction="none"``, an array of
    the units' shape. Default: ones.""",
    "wrt": """wrt : str, int or sequence of them, optional
    The operands to differentiate in, by name or position. One gives an array, a sequence gives a
    tuple. Default: all embeddings that are given, a tuple where there are several.""",
}

PAIRS_REDUCTIONS = """scalar or ndarray
    Over the units that count:

    ============  =====================================================
    "none"        l, of the units' shape
    "sum"         sum(l)
    "mean"        sum(l) / (number of units)
    "batchmean"   sum(l) / N, the number of samples
    ============  ====================================================="""

# What a declaration's section `Parameters` may say as {name}, on a line of its own.
PAIRS_DECLARED = {
    "temperature": """temperature : array_like, default 0.1
    What similarities are divided by, above 0: a number, or an array of shape (). Negatives that are nearly as
    similar as the positive count the more, the smaller it is. It has a gradient, for those who learn it.""",
    "proxy_input": """input : array_like
    Embeddings, of shape (N, D).""",
    "proxy_weight": """weight : array_like
    Proxies of the classes, of shape (C, D), or of subcenters (C * subcenters, D), those of a class one after the
    other.""",
    "proxy_target": """target : array_like
    Class indices of the embeddings, (N,), of any integer dtype: from 0 to C - 1, or `ignore_index`.""",
    "proxy_scale": """scale : array_like, default 64.0
    What cosines are multiplied with, above 0: a number, or an array of shape (). It has a gradient.""",
    "subcenters": """subcenters : int, default 1
    How many proxies a class has, from 1 to 64. That which is most like an embedding counts, of each class.""",
}

# What a declaration's other sections may say.
PAIRS_NOTES = {
    "pair_rules": """Similarities are cosines: rows are divided by their lengths, and a gradient is at right angles
to its row. A row of zeros has no direction: its cosines are 0, and so is its gradient. NaN in one row makes the
losses of all anchors that meet it NaN, and with them the gradients.

The matrix of similarities is never held: its tiles are computed twice, of which each stays in a cache, and memory
beside the results is some multiple of the embeddings. Sums of exponentials have the maximum of the row subtracted,
where the temperature needs that, so that no temperature overflows or loses all terms. The sums of tiles are added in
double, in an order that does not depend on the number of threads.""",
    "proxy_units": """Units are the embeddings, (N,). One whose class index is `ignore_index` counts nowhere.""",
    "proxy_rules": """Embeddings and proxies are divided by their lengths, and gradients are at right angles to their
rows. A row of zeros has no direction: its cosines are 0, and so is its gradient. NaN in a proxy makes the losses of
all embeddings NaN.

Proxies are read some 4000 at a time, twice, and what is held beside the results does not grow with their number. With
one class a loss is 0.""",
}

OF_PAIRS = Phrases(PAIRS_PARAMETERS, PAIRS_REDUCTIONS, REGIONS_OUT_FORMS, METHODS, "")
