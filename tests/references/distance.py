"""References of the losses of embeddings.

torch's documentation; Hadsell et al. (2006), Schroff et al. (2015), Chen et al. (2017), Hofstätter et al. (2020), Chen
and He (2021).
"""

from __future__ import annotations

import numpy as np

from references import distance_torch
from references.distance_measures import (
    cosine,
    cosine_of_softened_norms,
    dot,
    minus,
    one_minus,
    p_distance,
    squared,
)
from references.distance_schema import DistanceCase, DistanceReference, Head, Pair
from references.units import LONG, Sized

PAIR, SIAMESE = ("input", "target"), ("input1", "input2")
TRIPLET = ("anchor", "positive", "negative")


def exactly(x):
    """A number that is as wrong as it is large."""
    return Sized(x, np.abs(x))


def itself(measures, target, **options):
    """The loss is what is measured."""
    (value,) = measures.values()
    return Head(value, {"pair": exactly(np.ones(np.shape(value.exact), LONG))})


def above_zero(argument):
    """max(0, argument), which at 0 passes the gradient, as in torch; and how near to the kink it is."""
    exact, size = argument
    passes = exact >= 0
    value = Sized(np.where(passes, exact, 0), np.where(passes, size, 0))
    return value, passes * LONG(1), np.abs(exact) / np.where(size == 0, 1, size)


def softplus(argument):
    """log(1 + exp(argument)) with its slope, a sigmoid."""
    exact, size = argument
    small = np.exp(-np.abs(exact))
    value = np.maximum(exact, 0) + np.log1p(small)
    slope = np.where(exact >= 0, 1, small) / (1 + small)
    # The sigmoid's own slope, s (1 - s), is how its argument's error gets into it.
    return Sized(value, value + slope * size), Sized(slope, slope * (1 + small / (1 + small) * size))


def signed(terms):
    """A sum of measures with signs, and a number."""
    return Sized(
        sum(sign * each.exact for sign, each in terms), sum(np.abs(sign) * each.magnitude for sign, each in terms)
    )


def number(x):
    """An option as a term of such a sum."""
    return (1, Sized(LONG(x), np.abs(LONG(x))))


def cosine_embedding(measures, target, margin):
    """1 - cos of those that are alike, max(0, cos - margin) of the others."""
    cos = measures["pair"]
    alike = target == 1
    beyond, passes, near = above_zero(signed([(1, cos), number(-margin)]))
    value = Sized(np.where(alike, 1 - cos.exact, beyond.exact), np.where(alike, 1 + cos.magnitude, beyond.magnitude))
    return Head(value, {"pair": exactly(np.where(alike, LONG(-1), passes))}, kink=np.where(alike, np.inf, near))


def contrastive(measures, target, margin, positive_label, eps=None):
    """d^2 of those that are alike, max(0, margin - d)^2 of the others."""
    d = measures["pair"]
    alike = target == positive_label
    short = signed([number(margin), (-1, d)])
    rest, size = np.maximum(short.exact, 0), np.where(short.exact > 0, short.magnitude, 0)
    value = Sized(
        np.where(alike, d.exact**2, rest**2),
        np.where(alike, 2 * d.exact * d.magnitude, 2 * rest * size + rest**2),
    )
    slope = Sized(
        np.where(alike, 2 * d.exact, -2 * rest),
        np.where(alike, 4 * d.magnitude, 2 * size + 2 * rest),
    )
    return Head(value, {"pair": slope})


def contrastive_pair(eps, **options):
    """The distance with eps, as torch's `pairwise_distance` has it."""
    return {"pair": Pair(p_distance(2, eps), *SIAMESE)}


def triplet(measures, target, margin, swap, smooth=False, **options):
    """The distance of the positive less that of the negative, which may be the nearer of two."""
    near = measures["an"]
    share, tie = {"an": LONG(1)}, np.inf
    if swap:
        other = measures["pn"]
        away = other.exact - near.exact
        # At a tie half to each, as of torch's minimum.
        mine = np.where(away > 0, LONG(1), np.where(away == 0, LONG(0.5), LONG(0)))
        share, tie = {"an": mine, "pn": 1 - mine}, np.where(away == 0, np.inf, np.abs(away))
        near = Sized(np.minimum(near.exact, other.exact), np.maximum(near.magnitude, other.magnitude))
    argument = signed([(1, measures["ap"]), (-1, near), number(margin)])
    if smooth:
        value, slope = softplus(argument)
        kink = np.full(np.shape(value.exact), np.inf)
    else:
        value, passes, kink = above_zero(argument)
        slope = exactly(passes)
    slopes = {k: Sized(-part * slope.exact, part * slope.magnitude) for k, part in share.items()}
    return Head(value, {"ap": slope, **slopes}, kink=np.minimum(kink, tie))


def pairs_of_triplet(measure, swap):
    """What a triplet has; the third only where it is asked for."""
    anchor, positive, negative = TRIPLET
    pairs = {"ap": Pair(measure, anchor, positive), "an": Pair(measure, anchor, negative)}
    return {**pairs, **({"pn": Pair(measure, positive, negative)} if swap else {})}


DISTANCES = {
    "l2": p_distance(2, 1e-6),
    "l1": p_distance(1, 1e-6),
    "sqeuclidean": squared,
    "cosine": one_minus(cosine(1e-8)),
    "dot": minus(dot),
}


def margin_mse(measures, target, similarity):
    """The square of by how much two similarities differ otherwise than the teacher's do."""
    r = signed([(1, measures["qp"]), (-1, measures["qn"]), (-1, exactly(target))])
    value = Sized(r.exact**2, 2 * np.abs(r.exact) * r.magnitude + r.exact**2)
    slope = Sized(2 * r.exact, 2 * r.magnitude + 2 * np.abs(r.exact))
    back = Sized(-slope.exact, slope.magnitude)
    return Head(value, {"qp": slope, "qn": back}, target=back)


def quadruplet(measures, target, margin, margin2):
    """Two hinges, of distances squared (Chen et al. 2017, equation 8)."""
    ap, an, nn = (measures[k] for k in ("ap", "an", "nn"))
    first, one, near = above_zero(signed([(1, ap), (-1, an), number(margin)]))
    second, other, nearer = above_zero(signed([(1, ap), (-1, nn), number(margin2)]))
    slopes = {"ap": exactly(one + other), "an": exactly(-one), "nn": exactly(-other)}
    return Head(first + second, slopes, kink=np.minimum(near, nearer))


# The positive is at 3 and 4 from the anchor, the negative at 0 and 1.
RIGHT = {"anchor": (0.0, 0.0), "positive": (3.0, 4.0), "negative": (0.0, 1.0)}
# The example data of the documents that the project implements (tests/api/test_golden.py).
TAUGHT_PAIR = {"input1": (1.0, 2.0), "input2": (1.5, 2.5), "target": 1}
TAUGHT_TRIPLET = {"anchor": (1.0, 2.0), "positive": (1.1, 2.1), "negative": (3.0, 4.0)}

EMBEDDING_REFERENCES = (
    DistanceReference(
        name="cosine_embedding_loss",
        embeddings=SIAMESE,
        pairs=lambda margin: {"pair": Pair(cosine_of_softened_norms, *SIAMESE)},
        head=cosine_embedding,
        torch=distance_torch.cosine_embedding_loss,
        defaults={"margin": 0.0},
        options={"margin": (0.25, -0.5, 1.0)},
        golden=(
            DistanceCase({"input1": (3.0, 4.0), "input2": (4.0, 3.0), "target": 1}, {}, 0.04),
            DistanceCase({"input1": (3.0, 4.0), "input2": (4.0, 3.0), "target": -1}, {}, 0.96),
            DistanceCase({"input1": (3.0, 4.0), "input2": (4.0, 3.0), "target": -1}, {"margin": 0.5}, 0.46),
            DistanceCase({"input1": (3.0, 4.0), "input2": (-4.0, 3.0), "target": -1}, {"margin": 0.5}, 0.0),
        ),
        refused={"margin": (1.0000001, -1.5, np.inf)},
        has_target=True,
        labels=(1.0, -1.0),
    ),
    DistanceReference(
        name="cosine_distance_loss",
        embeddings=PAIR,
        pairs=lambda eps: {"pair": Pair(one_minus(cosine(eps)), *PAIR)},
        head=itself,
        torch=distance_torch.cosine_distance_loss,
        defaults={"eps": 1e-8},
        options={"eps": (1e-3, 2.0)},
        golden=(
            DistanceCase({"input": (3.0, 4.0), "target": (4.0, 3.0)}, {}, 0.04),
            DistanceCase({"input": (3.0, 4.0), "target": (4.0, 3.0)}, {"eps": 10.0}, 0.76),
        ),
        refused={"eps": (-1e-8,)},
    ),
    DistanceReference(
        name="negative_cosine_loss",
        embeddings=PAIR,
        pairs=lambda eps: {"pair": Pair(minus(cosine(eps)), *PAIR)},
        head=itself,
        torch=distance_torch.negative_cosine_loss,
        defaults={"eps": 1e-8},
        options={"eps": (1e-3, 2.0)},
        golden=(
            DistanceCase({"input": (3.0, 4.0), "target": (4.0, 3.0)}, {}, -0.96),
            DistanceCase({"input": (3.0, 4.0), "target": (4.0, 3.0)}, {"eps": 10.0}, -0.24),
        ),
        refused={"eps": (-1e-8,)},
        default_wrt=("input",),
    ),
    DistanceReference(
        name="contrastive_loss",
        embeddings=SIAMESE,
        pairs=contrastive_pair,
        head=contrastive,
        torch=distance_torch.contrastive_loss,
        defaults={"margin": 1.0, "eps": 1e-6, "positive_label": 1.0},
        options={"margin": (0.25, 3.0), "eps": (0.0, 1e-3), "positive_label": (0.0,)},
        combined_options=({"margin": 4.0, "eps": 0.0, "positive_label": 0.0},),
        golden=(
            DistanceCase(TAUGHT_PAIR, {}, 0.499998000002),  # 2 (0.5 - 1e-6)^2
            DistanceCase(TAUGHT_PAIR, {"eps": 0.0}, 0.5),
            DistanceCase({"input1": (0.0, 0.0), "input2": (3.0, 4.0), "target": 1}, {"eps": 0.0}, 25.0),
            DistanceCase({"input1": (0.0, 0.0), "input2": (3.0, 4.0), "target": 0}, {"eps": 0.0, "margin": 7.0}, 4.0),
            DistanceCase({"input1": (0.0, 0.0), "input2": (3.0, 4.0), "target": 0}, {}, 0.0),
            DistanceCase(
                {"input1": (0.0, 0.0), "input2": (3.0, 4.0), "target": 0}, {"eps": 0.0, "positive_label": 0.0}, 25.0
            ),
        ),
        refused={"margin": (0.0, -1.0), "eps": (-1e-6,), "positive_label": (0.5, -1.0, 2.0)},
        has_target=True,
        labels=(1.0, 0.0),
    ),
    DistanceReference(
        name="triplet_margin_loss",
        embeddings=TRIPLET,
        pairs=lambda p, eps, swap, **options: pairs_of_triplet(p_distance(p, eps), swap),
        head=triplet,
        torch=distance_torch.triplet_margin_loss,
        defaults={"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False, "smooth": False},
        options={
            "margin": (0.25, 5.0),
            "p": (1.0, 0.5, 1.5, 3.0, 4.0, np.inf),
            "eps": (0.0, 1e-3),
            "swap": (True,),
            "smooth": (True,),
        },
        combined_options=(
            {"swap": True, "smooth": True},
            {"swap": True, "p": 1.0},
            {"swap": True, "p": 2.5, "eps": 0.0},
            {"smooth": True, "margin": 0.0},
        ),
        golden=(
            DistanceCase(RIGHT, {"eps": 0.0}, 5.0),  # 5 - 1 + 1
            DistanceCase(RIGHT, {"eps": 0.0, "p": 1.0}, 7.0),
            DistanceCase(RIGHT, {"eps": 0.0, "p": np.inf}, 4.0),
            DistanceCase({**RIGHT, "anchor": (0.0, 4.0), "positive": (0.0, 3.0)}, {"eps": 0.0}, 0.0),
            DistanceCase(  # 1 - min(3, 2) + 2
                {**RIGHT, "anchor": (0.0, 4.0), "positive": (0.0, 3.0)}, {"eps": 0.0, "margin": 2.0, "swap": True}, 1.0
            ),
            DistanceCase(RIGHT, {"eps": 0.0, "smooth": True}, 5.0067153485),  # log(1 + exp(5))
            DistanceCase(TAUGHT_TRIPLET, {}, 0.0),
        ),
        refused={"margin": (0.0, -1.0), "p": (0.0, -1.0, -np.inf), "eps": (-1e-6,)},
    ),
    DistanceReference(
        name="triplet_margin_with_distance_loss",
        embeddings=TRIPLET,
        pairs=lambda distance_function, swap, **options: pairs_of_triplet(DISTANCES[distance_function], swap),
        head=triplet,
        torch=distance_torch.triplet_margin_with_distance_loss,
        defaults={"distance_function": "l2", "margin": 1.0, "swap": False},
        options={
            "distance_function": ("l1", "sqeuclidean", "cosine", "dot"),
            "margin": (0.25, 5.0),
            "swap": (True,),
        },
        combined_options=tuple(
            {"distance_function": each, "swap": True} for each in ("l1", "sqeuclidean", "cosine", "dot")
        ),
        golden=(
            DistanceCase(RIGHT, {"distance_function": "sqeuclidean"}, 25.0),
            DistanceCase({**RIGHT, "anchor": (1.0, 1.0)}, {"distance_function": "dot"}, 0.0),  # -7 + 1 + 1
            DistanceCase({**RIGHT, "anchor": (-1.0, 1.0)}, {"distance_function": "dot"}, 1.0),  # -1 + 1 + 1
            DistanceCase({**RIGHT, "anchor": (0.0, 2.0)}, {"distance_function": "cosine"}, 1.2),  # 1/5 - 0 + 1
        ),
        refused={"margin": (0.0, -1.0)},
    ),
    DistanceReference(
        name="margin_mse_loss",
        embeddings=("query", "positive", "negative"),
        pairs=lambda similarity: {
            name: Pair({"dot": dot, "cosine": cosine(1e-8)}[similarity], "query", other)
            for name, other in (("qp", "positive"), ("qn", "negative"))
        },
        head=margin_mse,
        torch=distance_torch.margin_mse_loss,
        defaults={"similarity": "dot"},
        options={"similarity": ("cosine",)},
        golden=(
            DistanceCase({"query": (1.0, 2.0), "positive": (3.0, 4.0), "negative": (1.0, 1.0), "target": 5.0}, {}, 9.0),
            DistanceCase(
                {"query": (0.0, 2.0), "positive": (3.0, 4.0), "negative": (1.0, 0.0), "target": 0.5},
                {"similarity": "cosine"},
                0.09,
            ),
        ),
        has_target=True,
        target_differentiable=True,
    ),
    DistanceReference(
        name="quadruplet_loss",
        embeddings=(*TRIPLET, "negative2"),
        pairs=lambda **options: {
            "ap": Pair(squared, "anchor", "positive"),
            "an": Pair(squared, "anchor", "negative"),
            "nn": Pair(squared, "negative", "negative2"),
        },
        head=quadruplet,
        torch=distance_torch.quadruplet_loss,
        defaults={"margin": 1.0, "margin2": 0.5},
        options={"margin": (0.25, 30.0), "margin2": (1.5, 30.0)},
        golden=(
            DistanceCase({**RIGHT, "negative2": (2.0, 1.0)}, {}, 46.5),  # 25 - 1 + 1 and 25 - 4 + 1/2
            DistanceCase({**RIGHT, "negative2": (6.0, 1.0)}, {"margin": 2.0, "margin2": 1.0}, 26.0),
        ),
        refused={"margin": (0.0, -1.0), "margin2": (0.0, -1.0)},
    ),
)
