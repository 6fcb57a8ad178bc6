"""References of the losses of regions: indices of overlap as functions of sums over pixels.

Milletari et al. (2016), Rahman and Wang (2016), Salehi et al. (2017), Abraham and Khan (2019), Sudre et al. (2017),
Abhishek and Hamarneh (2021), Wang et al. (2023) for the intersection of soft targets.
"""

import numpy as np

from references.regions_schema import Head, Index, RegionCase, RegionReference, ratio


def dice(sums, smooth, **options):
    """(2 I + s) / (P + T + s)."""
    return ratio(sums, 2, (0, 1, 1), smooth)


def jaccard(sums, smooth, **options):
    """(I + s) / (P + T - I + s)."""
    return ratio(sums, 1, (-1, 1, 1), smooth)


def tversky(sums, alpha, beta, smooth, **options):
    """(I + s) / (I + alpha (P - I) + beta (T - I) + s)."""
    return ratio(sums, 1, (1 - alpha - beta, alpha, beta), smooth)


def fbeta(sums, beta, smooth, **options):
    """((1 + b) I + s) / ((1 + b) I + b (T - I) + (P - I) + s), b = beta^2."""
    return ratio(sums, 1 + beta**2, (0, 1, beta**2), smooth)


def power_of_missing(index, gamma, **options):
    """(1 - index)^gamma, which has no slope at 0."""
    missing = np.where(index.missing < 0, 0, index.missing)
    slope = np.where(missing == 0, 0, -gamma * missing ** (gamma - 1))
    return Head(missing**gamma, slope * index.of_i, slope * index.of_p, slope * index.of_t)


def inverse_volumes(t, weighting, absent, **options):
    """1 / T^2, 1 / T or 1; 0 of an absent class, or the largest weight that a present one has."""
    present = t != 0
    power = {"square": 2, "simple": 1, "uniform": 0}[weighting]
    weights = np.where(present, 1 / np.where(present, t, 1) ** power, 0)
    if absent == "largest":
        weights = np.where(present, weights, weights.max(axis=1, keepdims=True, initial=0))
    return weights


def mcc(sums, eps, **options):
    """(TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN)), of counts with eps in each."""
    tp, fp, fn = sums.i + eps, sums.p - sums.i + eps, sums.t - sums.i + eps
    tn = sums.n - sums.p - sums.t + sums.i + eps
    a, b, c, d = tp + fp, tp + fn, tn + fp, tn + fn
    with np.errstate(all="ignore"):
        above, below = tp * tn - fp * fn, np.sqrt(a * b * c * d)
        index = above / below
        of_i = (tp + fp + fn + tn) / below
        of_p = -b / below - index * (1 / a - 1 / d) / 2
        of_t = -a / below - index * (1 / b - 1 / c) / 2
        found = Index(1 - index, of_i, of_p, of_t)
    nothing = (above == 0) & (below == 0)
    unlike = np.where((fp == 0) & (fn == 0), 0, 1)  # the coefficient is that of chance, unless nothing is wrong
    return Index(np.where(nothing, unlike, found.missing), *(np.where(nothing, 0, x) for x in found[1:]))


# What every loss has beside its own options, with the values to try.
COMMON = {
    "from_logits": (False, (True, "sigmoid", "softmax")),
    "include_background": (True, (False,)),
    "batch": (False, (True,)),
}
MERGE = {"merge_classes": (False, (True,))}
SQUARED = {"squared": (False, (True,))}
INTERSECTION = {"intersection": ("product", ("l1",))}
SMOOTH = {"smooth": (1e-6, (0.0, 1.0))}
ABSENT = {"absent": ("count", ("zero", "skip"))}
LOG = {"log_loss": (False, (True,))}
WEIGHTS = {"alpha": (0.5, (0.0, 0.3, 2.0)), "beta": (0.5, (0.7, 1.0))}


def options(*groups):
    """The defaults and the other values of several groups of options."""
    found = {name: both for group in groups for name, both in group.items()}
    return {
        "defaults": {name: default for name, (default, _) in found.items()},
        "options": {name: others for name, (_, others) in found.items()},
    }


# The example of the literature's code: four pixels, two of which are in the region. I = 1.7, P = 2, T = 2.
FOUR = ((0.9, 0.8, 0.2, 0.1), (1.0, 1.0, 0.0, 0.0))
# The same as a mask, of two samples of two classes; and as indices of two classes with probabilities that sum to 1.
PAIR = (np.array([[0.9, 0.8, 0.2, 0.1], [0.1, 0.2, 0.8, 0.9]])[np.newaxis], np.array([[0, 0, 1, 1]]))
# Of five pixels the second class has one, the third none: I is 2.6, 0.6 and 0, P is 2.8, 1.6 and 0.6.
RARE = (
    np.array([[[0.7, 0.6, 0.5, 0.8, 0.2], [0.2, 0.3, 0.4, 0.1, 0.6], [0.1, 0.1, 0.1, 0.1, 0.2]]]),
    np.array([[0, 0, 0, 0, 1]]),
)

REGION_REFERENCES = (
    RegionReference(
        name="dice_loss",
        index=dice,
        **options(COMMON, MERGE, SQUARED, INTERSECTION, SMOOTH, ABSENT, LOG),
        combined_options=(
            {"squared": True, "intersection": "l1"},
            {"batch": True, "merge_classes": True, "log_loss": True},
            {"from_logits": "softmax", "include_background": False, "absent": "skip"},
            {"from_logits": "sigmoid", "squared": True, "smooth": 0.0, "absent": "zero"},
        ),
        golden=(
            RegionCase(FOUR, {}, 0.1499999625),
            RegionCase(FOUR, {"smooth": 1.0}, 0.12),  # 1 - 4.4 / 5
            RegionCase(FOUR, {"squared": True, "smooth": 0.0}, 0.0285714286),  # 1 - 3.4 / (1.5 + 2)
            RegionCase(FOUR, {"log_loss": True, "smooth": 0.0}, -np.log(0.85)),
            RegionCase(PAIR, {"smooth": 0.0}, 0.15),
            RegionCase(RARE, {"smooth": 0.0}, (3 - 5.2 / 6.8 - 1.2 / 2.6) / 3),
            RegionCase(RARE, {"smooth": 0.0, "absent": "zero"}, (2 - 5.2 / 6.8 - 1.2 / 2.6) / 3),
            RegionCase(RARE, {"smooth": 0.0, "absent": "skip"}, (2 - 5.2 / 6.8 - 1.2 / 2.6) / 2),
            RegionCase(RARE, {"smooth": 0.0, "merge_classes": True}, 0.36),  # 1 - 2 * 3.2 / 10
        ),
    ),
    RegionReference(
        name="jaccard_loss",
        index=jaccard,
        **options(COMMON, MERGE, INTERSECTION, SMOOTH, ABSENT, LOG),
        combined_options=({"from_logits": "softmax", "intersection": "l1", "batch": True},),
        golden=(
            RegionCase(FOUR, {}, 0.2608694518),
            RegionCase(FOUR, {"smooth": 0.0}, 1 - 1.7 / 2.3),
            RegionCase(((0.25, 0.5), (0.5, 0.5)), {"smooth": 0.0, "intersection": "l1"}, 0.25),  # 1 - 0.75 / 1
        ),
    ),
    RegionReference(
        name="tversky_loss",
        index=tversky,
        **options(WEIGHTS, COMMON, MERGE, INTERSECTION, SMOOTH, ABSENT, LOG),
        combined_options=({"alpha": 1.0, "beta": 1.0}, {"alpha": 0.0, "beta": 0.0}),
        golden=(
            RegionCase(FOUR, {"alpha": 0.3, "beta": 0.7}, 0.1499999250),
            RegionCase(FOUR, {"alpha": 1.0, "beta": 1.0, "smooth": 0.0}, 1 - 1.7 / 2.3),
            RegionCase(((0.5, 0.5, 0.5), (1, 0, 0)), {"alpha": 0.25, "beta": 1.0, "smooth": 0.0}, 0.6),  # 1 - .5 / 1.25
        ),
    ),
    RegionReference(
        name="focal_tversky_loss",
        index=tversky,
        head=power_of_missing,
        **options(WEIGHTS, {"gamma": (0.75, (0.5, 1.0, 2.0))}, COMMON, MERGE, INTERSECTION, SMOOTH, ABSENT),
        golden=(
            RegionCase(FOUR, {"smooth": 0.0}, 0.15**0.75),
            RegionCase(FOUR, {"smooth": 0.0, "gamma": 2.0, "alpha": 0.3, "beta": 0.7}, 0.0225),
        ),
    ),
    RegionReference(
        name="generalized_dice_loss",
        index=dice,
        class_weights=inverse_volumes,
        **options(
            {"weighting": ("square", ("simple", "uniform"))},
            COMMON,
            SQUARED,
            SMOOTH,
            {"absent": ("zero", ("largest",))},
            LOG,
        ),
        combined_options=(
            {"weighting": "simple", "absent": "largest", "from_logits": "softmax"},
            {"weighting": "uniform", "absent": "largest"},
            {"batch": True, "include_background": False},
        ),
        golden=(
            RegionCase(PAIR, {"smooth": 0.0}, 0.15),
            RegionCase(RARE, {"smooth": 0.0}, 1 - 1.525 / 3.025),  # weights 1/16, 1 and 0
            RegionCase(RARE, {"smooth": 0.0, "absent": "largest"}, 1 - 1.525 / 3.625),  # 1/16, 1 and 1
            RegionCase(RARE, {"smooth": 0.0, "weighting": "simple"}, 1 - 2.5 / 4.3),  # 1/4, 1 and 0
            RegionCase(RARE, {"smooth": 0.0, "weighting": "uniform", "absent": "largest"}, 0.36),
        ),
    ),
    RegionReference(
        name="mcc_loss",
        index=mcc,
        **options(COMMON, MERGE, {"eps": (1e-5, (0.0, 1.0))}, ABSENT),
        combined_options=({"batch": True, "merge_classes": True},),
        golden=(
            RegionCase(FOUR, {"eps": 0.0}, 0.3),  # TP = TN = 1.7, FP = FN = 0.3: 1 - 2.8 / 4
            RegionCase(((0.5, 0.5, 0.0, 0.0), (1, 0, 0, 0)), {"eps": 0.0}, 2 / 3),  # 1 - (0.5 2.5 - 0.5 0.5) / 3
        ),
    ),
    RegionReference(
        name="soft_fbeta_loss",
        index=fbeta,
        **options({"beta": (1.0, (0.5, 2.0))}, COMMON, MERGE, SMOOTH, ABSENT, LOG),
        golden=(
            RegionCase(FOUR, {"smooth": 0.0}, 0.15),
            RegionCase(((0.5, 0.5, 0.5), (1, 0, 0)), {"beta": 2.0, "smooth": 0.0}, 1 - 2.5 / 5.5),
        ),
    ),
)
