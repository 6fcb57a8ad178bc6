"""References of losses with a proxy of each class, written from their papers.

Deng et al. (2019, 2020); Wang et al. (2018); Liu et al. (2017); Zhai and Wu (2019); Movshovitz-Attias et al. (2017),
with the denominator of Teh et al. (2020).
"""

import numpy as np

from references.similarity_schema import Anchors, SimilarityCase, SimilarityReference


def anchors_of_classes(proxies):
    """Embeddings, whose positive is the proxy of their class, or are the proxies of it, among all."""

    def anchors(batch, options):
        n, total = batch.samples, batch.count
        class_of = np.full(total, -1)
        columns = batch.rows[proxies]
        class_of[columns] = np.arange(len(columns)) // options.get("subcenters", 1)
        own = batch.classes[:, np.newaxis] == class_of
        return Anchors(batch.rows["input"], np.arange(n), own, np.broadcast_to(class_of >= 0, (n, total)))

    return anchors


def added_to_the_angle(options):
    """Deng et al. (2019), with the line beyond pi that their code has."""

    def positive(cosine):
        angle, margin = np.arccos(cosine), options["margin"]
        beyond = angle > np.pi - margin
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.sin(angle + margin) / np.sin(angle)
        value = np.where(beyond, cosine - margin * np.sin(np.longdouble(margin)), np.cos(angle + margin))
        return value, np.where(beyond, 1, slope)

    return positive


def subtracted_from_the_cosine(options):
    """Wang et al. (2018)."""
    return lambda cosine: (cosine - options["margin"], np.ones_like(cosine))


def multiple_of_the_angle(options):
    """Liu et al. (2017): (-1)^k cos(m t) - 2 k."""

    def positive(cosine):
        angle = np.arccos(cosine)
        widened = options["margin"] * angle
        k = np.floor(widened / np.pi)
        sign = 1 - 2 * (k % 2)
        return sign * np.cos(widened) - 2 * k, sign * options["margin"] * np.sin(widened) / np.sin(angle)

    return positive


def three_margins(options):
    """Deng et al. (2019), 3.1."""

    def positive(cosine):
        angle = np.arccos(cosine)
        turned = options["m1"] * angle + options["m2"]
        return np.cos(turned) - options["m3"], options["m1"] * np.sin(turned) / np.sin(angle)

    return positive


# Cosines 0.8, 0 and -1; 0.6, 1 and 0; the third is ignored.
ROWS = np.array([[1.0, 0.0], [0.6, 0.8], [1.0, 1.0]])
WEIGHT = np.array([[0.8, 0.6], [0.0, 1.0], [-1.0, 0.0]])
CLASSES = np.array([0, 1, -100])


def plain(one, other, scale):
    """The mean of the two rows, whose cosines with their classes are replaced by these."""
    first = np.log1p((np.exp(0.0) + np.exp(-scale)) / np.exp(scale * one))
    second = np.log1p((np.exp(scale * 0.96) + np.exp(-scale * 0.6)) / np.exp(scale * other))
    return (first + second) / 2


OWN, OTHER = 0.8, 0.8  # cosines with the own classes


def reference(name, golden, *, number="scale", default=64.0, proxies="weight", **more):
    """What all of them have in common."""
    return SimilarityReference(
        name=name,
        embeddings=("input", proxies),
        number=number,
        default=default,
        units=lambda n: n,
        proxies=proxies,
        classes="target",
        anchors=anchors_of_classes(proxies),
        golden=tuple(SimilarityCase((ROWS, WEIGHT, CLASSES), keywords, value) for keywords, value in golden),
        **{"scale": lambda x: (x, 1 + 0 * x), "numbers": (0.5, 20.0), **more},
    )


def shifted(margin):
    """cos(t + margin) of both."""
    return np.cos(np.arccos(OWN) + margin)


PROXY_REFERENCES = (
    reference(
        "arcface_loss",
        (
            ({"scale": 2.0, "margin": 0.25}, plain(shifted(0.25), shifted(0.25), 2.0)),
            # Both angles, of 0.64, are beyond pi - 2.75.
            ({"scale": 1.0, "margin": 2.75}, plain(*[OWN - 2.75 * np.sin(2.75)] * 2, 1.0)),
        ),
        positive=added_to_the_angle,
        defaults={"margin": 0.5, "subcenters": 1},
        options={"margin": (0.0, 1.5, 2.5), "subcenters": (2, 3)},
    ),
    reference(
        "cosface_loss",
        (({"scale": 2.0}, plain(OWN - 0.35, OTHER - 0.35, 2.0)),),
        positive=subtracted_from_the_cosine,
        defaults={"margin": 0.35, "subcenters": 1},
        options={"margin": (0.0, 1.5), "subcenters": (2, 3)},
    ),
    reference(
        "sphereface_loss",
        # cos(4 t) = 8 c^4 - 8 c^2 + 1 with t = 0.64 and k = 0.
        (({}, plain(*[8 * OWN**4 - 8 * OWN**2 + 1] * 2, 1.0)), ({"margin": 1.0, "scale": 2.0}, plain(OWN, OTHER, 2.0))),
        default=1.0,
        positive=multiple_of_the_angle,
        defaults={"margin": 4.0, "subcenters": 1},
        options={"margin": (1.0, 2.0, 2.5), "subcenters": (2,)},
    ),
    reference(
        "combined_margin_loss",
        (
            ({"scale": 2.0, "m3": 0.25}, plain(shifted(0.5) - 0.25, shifted(0.5) - 0.25, 2.0)),
            ({"scale": 2.0, "m1": 2.0, "m2": 0.0}, plain(2 * OWN**2 - 1, 2 * OTHER**2 - 1, 2.0)),
        ),
        positive=three_margins,
        defaults={"m1": 1.0, "m2": 0.5, "m3": 0.0, "subcenters": 1},
        options={"m1": (1.25, 2.0), "m2": (0.0, 1.0), "m3": (0.2, -0.5), "subcenters": (2,)},
    ),
    reference(
        "normalized_softmax_loss",
        (({"temperature": 0.5}, plain(OWN, OTHER, 2.0)),),
        number="temperature",
        default=0.05,
        scale=lambda t: (1 / t, -1 / t**2),
        numbers=(0.5, 0.02),
        defaults={},
        options={},
    ),
    reference(
        "proxy_nca_loss",
        (({}, plain(OWN, OTHER, 2.0)),),
        number="softmax_scale",
        default=1.0,
        proxies="proxies",
        scale=lambda x: (2 * x, 2 + 0 * x),
        numbers=(0.5, 20.0),
        defaults={},
        options={},
    ),
)
