"""References of contrastive losses: who is compared with whom.

Van den Oord et al. (2018); Chen et al. (2020); Radford et al. (2021); Zhai et al. (2023); Khosla et al. (2020); Yeh et
al. (2022).
"""

import numpy as np

from references.similarity_schema import Anchors, SimilarityCase, SimilarityReference


def of_temperature(temperature):
    """1 / temperature."""
    return 1 / temperature, -1 / temperature**2


def of_logarithm(x):
    """exp(x)."""
    return np.exp(x), np.exp(x)


def one_hot(columns, count):
    """A row for each column."""
    return np.asarray(columns)[:, np.newaxis] == np.arange(count)


def membership(rows, count):
    """A mask over all rows."""
    return np.isin(np.arange(count), rows)


def info_nce_anchors(batch, options):
    """Each input finds its positive among all positives and the negatives; with `symmetric` the other way, too."""
    x, p = batch.rows["input"], batch.rows["positive"]
    further = batch.rows.get("negative", np.arange(0))
    n, total = batch.samples, batch.count
    own = one_hot(p, total)
    candidates = np.broadcast_to(membership(further, total), (n, total)) | own
    if batch.of_each:
        candidates = (further.reshape(n, -1)[:, :, np.newaxis] == np.arange(total)).any(axis=1) | own
    if options["in_batch"]:
        candidates = candidates | membership(p, total)
    one_way = Anchors(x, np.arange(n), own, candidates)
    return both_ways(one_way, x, p, total) if options["symmetric"] else one_way


def both_ways(one_way, x, p, total):
    """The mean of both directions; back, there are no further negatives."""
    n = len(x)
    back = np.broadcast_to(membership(x, total), (n, total))
    return Anchors(
        np.concatenate([one_way.row, p]),
        np.concatenate([one_way.unit, np.arange(n)]),
        np.concatenate([one_way.positives, one_hot(x, total)]),
        np.concatenate([one_way.candidates, back]),
        0.5,
    )


def clip_anchors(batch, options):
    """Images find texts and texts images."""
    x, p = batch.rows["image"], batch.rows["text"]
    n, total = batch.samples, batch.count
    one_way = Anchors(x, np.arange(n), one_hot(p, total), np.broadcast_to(membership(p, total), (n, total)))
    return both_ways(one_way, x, p, total)


def siglip_anchors(batch, options):
    """Images with all texts; every pair is counted once."""
    x, p = batch.rows["image"], batch.rows["text"]
    n, total = batch.samples, batch.count
    return Anchors(x, np.arange(n), one_hot(p, total), np.broadcast_to(membership(p, total), (n, total)))


def two_views(batch, names):
    """Every row, and its other view."""
    x, other = (batch.rows[name] for name in names)
    rows, partners = np.concatenate([x, other]), np.concatenate([other, x])
    return rows, one_hot(partners, batch.count)


def nt_xent_anchors(batch, options):
    """Every view against all others; with labels each positive of a row against its negatives."""
    if batch.labels is not None:
        return anchors_of_labels(batch)
    rows, positives = two_views(batch, ("input", "other"))
    return Anchors(rows, np.arange(len(rows)), positives, ~np.eye(batch.count, dtype=bool)[rows])


def anchors_of_labels(batch):
    """A pair of an anchor and one of its positives is an anchor by itself, with a share in the unit's mean."""
    n = batch.samples
    same = batch.labels[:n, np.newaxis] == batch.labels
    positives = same & ~np.eye(n, batch.count, dtype=bool) & batch.takes_part & batch.takes_part[:n, np.newaxis]
    rows, columns = np.nonzero(positives)
    own = one_hot(columns, batch.count)
    share = 1 / positives.sum(axis=1).astype(np.longdouble)[rows, np.newaxis]
    return Anchors(rows, rows, own, own | ~same[rows], share)


def dcl_anchors(batch, options):
    """The positive is no candidate."""
    rows, positives = two_views(batch, ("input", "positive"))
    candidates = ~np.eye(batch.count, dtype=bool)[rows] & ~positives
    return Anchors(rows, np.tile(np.arange(batch.samples), 2), positives, candidates, 0.5)


def supcon_anchors(batch, options):
    """Positives are all others of the same label."""
    n = batch.samples
    others = ~np.eye(n, batch.count, dtype=bool)
    same = batch.labels[:n, np.newaxis] == batch.labels
    return Anchors(np.arange(n), np.arange(n), same & others, others)


# The article's numbers (S34): cosines 0.9 / sqrt(0.82), 0 and -1 over 0.1.
ARTICLE = (np.array([[1.0, 0.0]]), np.array([[0.9, 0.1]]), np.array([[0.0, 1.0], [-1.0, 0.0]]))
# Cosines 0.8 and 0.6 with the positives; 0 and 0.96 within the views.
ONE, OTHER = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.8, 0.6], [0.6, 0.8]])
LABELLED = (np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), np.array([0, 0, 1]))
COSINE = 0.9 / np.sqrt(0.82)


SIMILARITY_REFERENCES = (
    SimilarityReference(
        name="info_nce_loss",
        embeddings=("input", "positive", "negative"),
        number="temperature",
        default=0.1,
        scale=of_temperature,
        units=lambda n: n,
        anchors=info_nce_anchors,
        defaults={"symmetric": False, "in_batch": True},
        options={"symmetric": (True,), "in_batch": (False,)},
        numbers=(0.5, 0.01),
        golden=(
            SimilarityCase(ARTICLE, {}, np.log1p(np.exp(-10 * COSINE) + np.exp(-10 * (COSINE + 1)))),
            SimilarityCase((ONE, OTHER), {}, np.log1p(np.exp(-2))),
            SimilarityCase((ONE, OTHER), {"symmetric": True, "temperature": 0.2}, np.log1p(np.exp(-1))),
        ),
    ),
    SimilarityReference(
        name="nt_xent_loss",
        embeddings=("input", "other"),
        number="temperature",
        default=0.5,
        scale=of_temperature,
        units=lambda n: 2 * n,
        anchors=nt_xent_anchors,
        labels="labels",
        memory="memory",
        memory_labels="memory_labels",
        defaults={},
        options={},
        numbers=(0.07, 0.01),
        golden=(
            # Of the first view exp(1.6) against exp(1.2) and exp(0); of the second against exp(1.2) and exp(1.92).
            SimilarityCase(
                (ONE, OTHER),
                {},
                (np.log1p(np.exp(-0.4) + np.exp(-1.6)) + np.log1p(np.exp(-0.4) + np.exp(0.32))) / 2,
            ),
            # Rows at 0, 37, 90 and 0 degrees: of the first 1.6 and 2 against 0, of the second 1.6 twice against 1.2.
            SimilarityCase(
                (np.concatenate([LABELLED[0], LABELLED[0][:1]]), None, np.array([0, 0, 1, 0])),
                {},
                (np.log1p(np.exp(-1.6)) + np.log1p(np.exp(-2)) + np.log1p(np.exp(-0.4))) / 3,
            ),
        ),
    ),
    SimilarityReference(
        name="clip_loss",
        embeddings=("image", "text"),
        number="logit_scale",
        default=np.log(1 / 0.07),
        scale=of_logarithm,
        units=lambda n: n,
        anchors=clip_anchors,
        defaults={},
        options={},
        numbers=(0.5, 4.5),
        golden=(SimilarityCase((ONE, OTHER), {}, np.log1p(np.exp(-0.2 / 0.07))),),
    ),
    SimilarityReference(
        name="siglip_loss",
        embeddings=("image", "text"),
        number="scale",
        default=10.0,
        scale=lambda x: (x, 1 + 0 * x),
        units=lambda n: n,
        anchors=siglip_anchors,
        bias="bias",
        default_bias=-10.0,
        defaults={},
        options={},
        numbers=(100.0, 0.5, -3.0, 0.0),
        biases=(0.0, 2.5),
        golden=(
            # Cosines 0.8 with the positives and 0.6 with the others: -log of sigmoid(-2) and sigmoid(4).
            SimilarityCase((ONE, OTHER), {}, np.log1p(np.exp(2)) + np.log1p(np.exp(-4))),
        ),
    ),
    SimilarityReference(
        name="supcon_loss",
        embeddings=("input",),
        number="temperature",
        default=0.1,
        scale=of_temperature,
        units=lambda n: n,
        anchors=supcon_anchors,
        labels="target",
        memory="memory",
        memory_labels="memory_labels",
        defaults={"base_temperature": None},
        options={"base_temperature": (0.07,)},
        numbers=(0.5, 0.01),
        combined_options=({"temperature": 0.3, "base_temperature": 0.5},),
        golden=(
            SimilarityCase(LABELLED, {"temperature": 0.5}, (np.log1p(np.exp(-1.6)) + np.log1p(np.exp(-0.4))) / 2),
            # The last row finds a positive in the memory; of the others' similarities there is one more, 0 and 1.2.
            SimilarityCase(
                (*LABELLED, LABELLED[0][2:], LABELLED[1][2:]),
                {"temperature": 0.5},
                (np.log1p(2 * np.exp(-1.6)) + np.log1p(2 * np.exp(-0.4)) + np.log1p(np.exp(-2) + np.exp(-0.8))) / 3,
            ),
        ),
    ),
    SimilarityReference(
        name="dcl_loss",
        embeddings=("input", "positive"),
        number="temperature",
        default=0.1,
        scale=of_temperature,
        units=lambda n: n,
        anchors=dcl_anchors,
        defaults={"sigma": None},
        options={"sigma": (0.5, 0.05)},
        numbers=(0.5, 0.01),
        golden=(
            SimilarityCase(
                (ONE, OTHER),
                {"temperature": 0.5},
                (np.log(np.exp(1.2) + 1) + np.log(np.exp(1.2) + np.exp(1.92))) / 2 - 1.6,
            ),
        ),
    ),
)


def draw(
    reference, rng, samples, features, dtype=np.float64, *, negatives=None, labels=False, of_each=False, memory=None
):
    """Embeddings whose positives are more like them than others are; labels of which most have several rows.

    Of a loss with proxies some of these, and a class index of each embedding. Of a loss that takes labels or
    positives, `labels` says which; with `of_each` every sample has negatives of its own.
    `memory` is how many rows the memory has, of whose labels some are not in the batch.
    """
    x = rng.standard_normal((samples, features))
    if reference.proxies:
        return draw_classes(reference, rng, x, dtype)
    operands = {reference.embeddings[0]: x}
    labels = labels or len(reference.embeddings) == 1
    if not labels:
        operands[reference.embeddings[1]] = x + 0.7 * rng.standard_normal(x.shape)
    if len(reference.embeddings) > 2 and negatives is not None:
        operands[reference.embeddings[2]] = rng.standard_normal((*([samples] if of_each else []), negatives, features))
    if memory is not None:
        operands[reference.memory] = rng.standard_normal((memory, features))
    operands = {name: a.astype(dtype) for name, a in operands.items()}
    if labels:
        operands[reference.labels] = rng.integers(0, max(1, samples // 3), samples)
    if labels and memory is not None:
        operands[reference.memory_labels] = rng.integers(0, max(1, samples // 3) + 2, memory)
    return operands


def draw_classes(reference, rng, x, dtype):
    """Proxies, of a number that every number of subcenters divides, and embeddings near those of their classes."""
    count, (samples, features) = 30, x.shape
    proxies = rng.standard_normal((count, features))
    target = rng.integers(0, 5, samples)
    input = proxies[target] + 0.8 * x
    return {"input": input.astype(dtype), reference.proxies: proxies.astype(dtype), reference.classes: target}
