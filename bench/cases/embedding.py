"""Cases of losses and functions of embeddings."""

from __future__ import annotations

import numpy as np

from bench.embeddings import EmbeddingFunction, Embeddings

EPS, COSINE_EPS, SQUARE_EPS = 1e-6, 1e-8, 1e-12


def outputs(out, count):
    """An array for each gradient, or None for those that are to be made."""
    return out if isinstance(out, tuple) else (out,) * count


def dots(x, y):
    """The dot product of each row with another."""
    return np.einsum("nd,nd->n", x, y)


def scaled(factors, x, out=None):
    """Each row times a number of its own."""
    return np.multiply(factors[:, np.newaxis], x, out=out)


def differences(x, y):
    """What torch's distance is the length of, and that length."""
    r = np.subtract(x, y)
    r += np.float32(EPS)
    return r, np.sqrt(dots(r, r))


class Cosine:
    """The cosine of rows with others, and the way back from it."""

    def __init__(self, x, y, eps=COSINE_EPS, square_eps=0.0):
        self.x, self.y = x, y
        squares = [dots(v, v) + v.dtype.type(square_eps) for v in (x, y)]
        self.norms = [np.maximum(np.sqrt(square), v.dtype.type(eps)) for square, v in zip(squares, (x, y), strict=True)]
        self.product = self.norms[0] * self.norms[1]
        self.value = dots(x, y) / self.product

    def back(self, slope, k, out=None):
        """The gradient in one of the two, where no norm is below eps."""
        own, other = (self.x, self.y) if k == 0 else (self.y, self.x)
        gradient = scaled(slope / self.product, other, out)
        gradient -= scaled(slope * self.value / self.norms[k] ** 2, own)
        return gradient


def mean_of(mode, losses):
    """The value, if it is asked for."""
    return losses.mean() if mode.value else None


def cosine_embedding(mode, out, x, y, t):
    """Its margin is 0."""
    cosine = Cosine(x, y, 0, SQUARE_EPS)
    alike = t == 1
    value = mean_of(mode, np.where(alike, 1 - cosine.value, np.maximum(cosine.value, 0)))
    if not mode.gradient:
        return value, None
    slope = np.where(alike, x.dtype.type(-1), cosine.value >= 0) / x.dtype.type(len(x))
    return value, tuple(cosine.back(slope, k, each) for k, each in enumerate(outputs(out, 2)))


def cosine_distance(mode, out, x, y):
    """1 - cos."""
    cosine = Cosine(x, y)
    value = mean_of(mode, 1 - cosine.value)
    if not mode.gradient:
        return value, None
    slope = np.full(len(x), -1 / len(x), x.dtype)
    return value, tuple(cosine.back(slope, k, each) for k, each in enumerate(outputs(out, 2)))


def negative_cosine(mode, out, x, y):
    """-cos, with a gradient in the first alone."""
    cosine = Cosine(x, y)
    value = mean_of(mode, -cosine.value)
    slope = np.full(len(x), -1 / len(x), x.dtype)
    return value, cosine.back(slope, 0, out) if mode.gradient else None


def contrastive(mode, out, x, y, t):
    """Its margin is 1."""
    r, d = differences(x, y)
    alike, short = t == 1, np.maximum(1 - d, 0)
    value = mean_of(mode, np.where(alike, d, short) ** 2)
    if not mode.gradient:
        return value, None
    first, second = outputs(out, 2)
    gradient = scaled(np.where(alike, 2, -2 * short / d) / x.dtype.type(len(x)), r, first)
    return value, (gradient, np.negative(gradient, out=second))


def triplet(mode, out, anchor, positive, negative):
    """Its margin is 1."""
    (near, d_near), (far, d_far) = differences(anchor, positive), differences(anchor, negative)
    hinge = d_near - d_far + 1
    value = mean_of(mode, np.maximum(hinge, 0))
    if not mode.gradient:
        return value, None
    first, second, third = outputs(out, 3)
    active = (hinge >= 0) / anchor.dtype.type(len(anchor))
    in_positive, in_negative = scaled(-active / d_near, near, second), scaled(active / d_far, far, third)
    in_anchor = np.add(in_positive, in_negative, out=first)
    return value, (np.negative(in_anchor, out=in_anchor), in_positive, in_negative)


def margin_mse(mode, out, query, positive, negative, target):
    """Of dot products."""
    apart = np.subtract(positive, negative)
    e = dots(query, apart) - target
    value = mean_of(mode, e * e)
    if not mode.gradient:
        return value, None
    first, second, third = outputs(out, 3)
    slope = 2 / query.dtype.type(len(query)) * e
    in_positive = scaled(slope, query, second)
    return value, (scaled(slope, apart, first), in_positive, np.negative(in_positive, out=third))


def quadruplet(mode, out, anchor, positive, negative, negative2):
    """Its margins are 1 and 0.5."""
    near, far, between = anchor - positive, anchor - negative, negative - negative2
    square = dots(near, near)
    hinges = square - dots(far, far) + 1, square - dots(between, between) + anchor.dtype.type(0.5)
    value = mean_of(mode, np.maximum(hinges[0], 0) + np.maximum(hinges[1], 0))
    if not mode.gradient:
        return value, None
    first, second, third, fourth = outputs(out, 4)
    scale = anchor.dtype.type(2 / len(anchor))
    one, other = (scale * (hinge >= 0) for hinge in hinges)
    in_positive = scaled(-(one + other), near, second)
    pull = scaled(one, far)
    in_negative2 = scaled(other, between, fourth)
    in_anchor = np.negative(in_positive, out=first)
    in_anchor -= pull
    return value, (in_anchor, in_positive, np.subtract(pull, in_negative2, out=third), in_negative2)


def pairwise_distance(mode, out, x, y, flow=None):
    """The Euclidean one."""
    r, d = differences(x, y)
    if not mode.gradient:
        return d, None
    first, second = outputs(out, 2)
    gradient = scaled(flow / d, r, first)
    return d, (gradient, np.negative(gradient, out=second))


def cosine_similarity(mode, out, x, y, flow=None):
    """By the norms."""
    cosine = Cosine(x, y)
    if not mode.gradient:
        return cosine.value, None
    return cosine.value, tuple(cosine.back(flow, k, each) for k, each in enumerate(outputs(out, 2)))


# For JAX and torch alike.


def length(x):
    """The Euclidean norm of each row."""
    return (x * x).sum(-1) ** 0.5


def distance_formula(x, y):
    """torch's."""
    return length(x - y + EPS)


def cosine_formula(xp, x, y):
    """With the norms clipped."""
    return (x * y).sum(-1) / (xp.clip(length(x), COSINE_EPS, None) * xp.clip(length(y), COSINE_EPS, None))


def cosine_embedding_formula(xp, x, y, t):
    """As torch has it."""
    cos = (x * y).sum(-1) / (((x * x).sum(-1) + SQUARE_EPS) * ((y * y).sum(-1) + SQUARE_EPS)) ** 0.5
    return xp.where(t == 1, 1 - cos, xp.clip(cos, 0, None)).mean()


def contrastive_formula(xp, x, y, t):
    """As it is in most repositories."""
    d = distance_formula(x, y)
    return (t * d**2 + (1 - t) * xp.clip(1 - d, 0, None) ** 2).mean()


def triplet_formula(xp, anchor, positive, negative):
    """As optax has it, with torch's eps."""
    return xp.clip(distance_formula(anchor, positive) - distance_formula(anchor, negative) + 1, 0, None).mean()


def margin_mse_formula(xp, query, positive, negative, target):
    """As in sentence-transformers."""
    return (((query * positive).sum(-1) - (query * negative).sum(-1) - target) ** 2).mean()


def quadruplet_formula(xp, anchor, positive, negative, negative2):
    """As in the paper."""
    near, far, between = (
        ((x - y) ** 2).sum(-1) for x, y in ((anchor, positive), (anchor, negative), (negative, negative2))
    )
    return (xp.clip(near - far + 1, 0, None) + xp.clip(near - between + 0.5, 0, None)).mean()


def torch_contrastive(torch, x, y, t):
    """With its own distance."""
    d = torch.nn.functional.pairwise_distance(x, y)
    return (t * d.square() + (1 - t) * (1 - d).clamp_min(0).square()).mean()


CASES = {
    "cosine_embedding_loss": Embeddings(numpy=cosine_embedding, jax=cosine_embedding_formula),
    "cosine_distance_loss": Embeddings(
        numpy=cosine_distance,
        jax=lambda jnp, x, y: (1 - cosine_formula(jnp, x, y)).mean(),
        torch=lambda torch, x, y: (1 - torch.nn.functional.cosine_similarity(x, y)).mean(),
    ),
    "negative_cosine_loss": Embeddings(
        numpy=negative_cosine,
        jax=lambda jnp, x, y: -cosine_formula(jnp, x, y).mean(),
        torch=lambda torch, x, y: -torch.nn.functional.cosine_similarity(x, y).mean(),
    ),
    "contrastive_loss": Embeddings(numpy=contrastive, jax=contrastive_formula, torch=torch_contrastive),
    "triplet_margin_loss": Embeddings(numpy=triplet, jax=triplet_formula),
    "triplet_margin_with_distance_loss": Embeddings(numpy=triplet, jax=triplet_formula),
    "margin_mse_loss": Embeddings(numpy=margin_mse, jax=margin_mse_formula, torch=margin_mse_formula),
    "quadruplet_loss": Embeddings(numpy=quadruplet, jax=quadruplet_formula, torch=quadruplet_formula),
    "pairwise_distance": EmbeddingFunction(numpy=pairwise_distance, jax=lambda jnp, x, y: distance_formula(x, y)),
    "cosine_similarity": EmbeddingFunction(numpy=cosine_similarity, jax=cosine_formula),
}
