"""Cases of losses with a proxy of each class, as their users write them: with all the cosines."""

from __future__ import annotations

import numpy as np

from bench.cases.similarity import directions, log_sum, outs, softmax, through_lengths, unit
from bench.proxies import Proxies

SCALE, SPHERE_SCALE, SOFTMAX_SCALE, NCA_SCALE = 64.0, 1.0, 20.0, 2.0
ARC_MARGIN, COS_MARGIN, SPHERE_MARGIN = 0.5, 0.35, 4.0


def arc(xp, cosine):
    """cos(t + margin), and beyond pi - margin the line that goes on."""
    sine = (1 - cosine * cosine) ** 0.5
    beyond = cosine < -np.cos(ARC_MARGIN)
    inside = cosine * np.cos(ARC_MARGIN) - sine * np.sin(ARC_MARGIN)
    return xp.where(beyond, cosine - ARC_MARGIN * np.sin(ARC_MARGIN), inside)


def arc_slope(cosine):
    sine = np.sqrt(1 - cosine * cosine)
    inside = np.cos(ARC_MARGIN) + cosine / sine * np.sin(ARC_MARGIN)
    return np.where(cosine < -np.cos(ARC_MARGIN), 1, inside)


def multiple(xp, cosine):
    """(-1)^k cos(4 t) - 2 k, by the polynomial of cos(4 t); k counts the half turns in it."""
    square = cosine * cosine
    widened = 8 * square * square - 8 * square + 1
    half = 0.5**0.5
    k = (cosine < half) * 1 + (cosine < 0) * 1 + (cosine < -half) * 1
    return xp.where(k % 2 == 1, -widened, widened) - 2 * k


def multiple_slope(cosine):
    slope = 32 * cosine**3 - 16 * cosine
    half = np.sqrt(0.5)
    odd = ((cosine < half).astype(int) + (cosine < 0) + (cosine < -half)) % 2 == 1
    return np.where(odd, -slope, slope)


def same(xp, cosine):
    return cosine


def less(xp, cosine):
    return cosine - COS_MARGIN


def of_numpy(scale, positive, slope):
    """The gradient written out."""

    def loss(mode, out, x, weight, target):
        (a, a_length), (b, b_length) = directions(x), directions(weight)
        s = a @ b.T
        rows = np.arange(len(x))
        own = s[rows, target].copy()
        moved = positive(np, own).astype(x.dtype)
        s[rows, target] = moved
        s *= x.dtype.type(scale)
        value = (softmax(s) - scale * moved).mean()
        if not mode.gradient:
            return value, None
        s[rows, target] -= 1
        s[rows, target] *= slope(own).astype(x.dtype)
        s *= x.dtype.type(scale / len(x))
        to = outs(out, 2)
        return value, (through_lengths(s @ b, a, a_length, to[0]), through_lengths(s.T @ a, b, b_length, to[1]))

    return loss


def of_frameworks(scale, positive):
    """For JAX and torch alike."""

    def loss(xp, x, weight, target):
        cosines = unit(x) @ unit(weight).T
        classes = xp.arange(len(weight))
        own = target[:, None] == classes
        moved = positive(xp, (unit(x) * unit(weight)[target]).sum(-1))
        s = scale * xp.where(own, moved[:, None], cosines)
        return (log_sum(xp, s, scale) - scale * moved).mean()

    return loss


def of_torch(scale, positive):
    """With torch's own functions, as its users write it."""

    def loss(torch, x, weight, target):
        f = torch.nn.functional
        cosines = f.normalize(x) @ f.normalize(weight).T
        index = target[:, None]
        moved = positive(torch, cosines.gather(1, index))
        return f.cross_entropy(scale * cosines.scatter(1, index, moved), target)

    return loss


def one(cosine):
    return np.ones_like(cosine)


def proxies(scale, positive, slope):
    return Proxies(
        numpy=of_numpy(scale, positive, slope), jax=of_frameworks(scale, positive), torch=of_torch(scale, positive)
    )


CASES = {
    "arcface_loss": proxies(SCALE, arc, arc_slope),
    "cosface_loss": proxies(SCALE, less, one),
    "sphereface_loss": proxies(SPHERE_SCALE, multiple, multiple_slope),
    "combined_margin_loss": proxies(SCALE, arc, arc_slope),
    "normalized_softmax_loss": proxies(SOFTMAX_SCALE, same, one),
    "proxy_nca_loss": proxies(NCA_SCALE, same, one),
}
