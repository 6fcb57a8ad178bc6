"""Cases of contrastive losses, as their users write them: with the matrix of all similarities."""

from __future__ import annotations

import numpy as np

from bench.similarity import Batches

TEMPERATURE, VIEWS_TEMPERATURE, CLIP_SCALE = 0.1, 0.5, 1 / 0.07
SIGLIP_SCALE, SIGLIP_BIAS = 10.0, -10.0


def directions(x):
    """Rows of length 1, and their lengths."""
    length = np.sqrt(np.einsum("nd,nd->n", x, x))[:, np.newaxis]
    return x / length, length


def through_lengths(g, z, length, out):
    """From a gradient in directions to that in rows."""
    along = np.einsum("nd,nd->n", g, z)[:, np.newaxis]
    g -= along * z
    return np.divide(g, length, out=out)


def softmax(s):
    """Of each row, in place; and the logarithm of the sum."""
    most = s.max(axis=1, keepdims=True)
    s -= most
    np.exp(s, out=s)
    total = s.sum(axis=1, keepdims=True)
    s /= total
    return np.log(total[:, 0]) + most[:, 0]


def outs(out, count):
    """Where gradients go."""
    return (None,) * count if out is None else out


def info_nce(mode, out, x, positive):
    """One direction."""
    (a, a_length), (b, b_length) = directions(x), directions(positive)
    s = a @ b.T
    s *= 1 / np.float32(TEMPERATURE)
    own = s.diagonal().copy()
    value = (softmax(s) - own).mean()
    if not mode.gradient:
        return value, None
    np.fill_diagonal(s, s.diagonal() - 1)
    s *= 1 / np.float32(TEMPERATURE * len(x))
    to = outs(out, 2)
    return value, (through_lengths(s @ b, a, a_length, to[0]), through_lengths(s.T @ a, b, b_length, to[1]))


def clip(mode, out, image, text):
    """Both directions of one matrix."""
    (a, a_length), (b, b_length) = directions(image), directions(text)
    s = a @ b.T
    s *= np.float32(CLIP_SCALE)
    own, back = s.diagonal().copy(), s.T.copy()
    value = ((softmax(s) - own).mean() + (softmax(back) - own).mean()) / 2
    if not mode.gradient:
        return value, None
    s += back.T
    np.fill_diagonal(s, s.diagonal() - 2)
    s *= np.float32(CLIP_SCALE / (2 * len(image)))
    to = outs(out, 2)
    return value, (through_lengths(s @ b, a, a_length, to[0]), through_lengths(s.T @ a, b, b_length, to[1]))


def siglip(mode, out, image, text):
    """A binary cross-entropy of each pair."""
    (a, a_length), (b, b_length) = directions(image), directions(text)
    u = a @ b.T
    u *= np.float32(SIGLIP_SCALE)
    u += np.float32(SIGLIP_BIAS)
    np.fill_diagonal(u, -u.diagonal())
    value = np.logaddexp(0, u).sum() / len(image)
    if not mode.gradient:
        return value, None
    np.negative(u, out=u)
    np.exp(u, out=u)
    u += 1
    np.reciprocal(u, out=u)
    np.fill_diagonal(u, -u.diagonal())
    u *= np.float32(SIGLIP_SCALE / len(image))
    to = outs(out, 2)
    return value, (through_lengths(u @ b, a, a_length, to[0]), through_lengths(u.T @ a, b, b_length, to[1]))


def views(mode, out, x, other, temperature, positive_in_denominator):
    """NT-Xent and DCL: all rows against all others."""
    n = len(x)
    z, length = directions(np.concatenate([x, other]))
    s = z @ z.T
    s *= 1 / np.float32(temperature)
    rows, partners = np.arange(2 * n), np.roll(np.arange(2 * n), n)
    own = s[rows, partners]
    np.fill_diagonal(s, -np.inf)
    if not positive_in_denominator:
        s[rows, partners] = -np.inf
    value = (softmax(s) - own).mean()
    if not mode.gradient:
        return value, None
    s[rows, partners] -= 1
    s += s.T.copy()
    s *= 1 / np.float32(temperature * 2 * n)
    g = s @ z
    to = outs(out, 2)
    return value, (
        through_lengths(g[:n], z[:n], length[:n], to[0]),
        through_lengths(g[n:], z[n:], length[n:], to[1]),
    )


def nt_xent(mode, out, x, other):
    return views(mode, out, x, other, VIEWS_TEMPERATURE, positive_in_denominator=True)


def dcl(mode, out, x, positive):
    return views(mode, out, x, positive, TEMPERATURE, positive_in_denominator=False)


def supcon(mode, out, x, labels):
    """Rows that are alone with their label do not count."""
    z, length = directions(x)
    s = z @ z.T
    s *= 1 / np.float32(TEMPERATURE)
    same = labels[:, np.newaxis] == labels
    np.fill_diagonal(same, False)
    count = same.sum(axis=1)
    share = same / np.maximum(count, 1)[:, np.newaxis].astype(x.dtype)
    own = np.einsum("ij,ij->i", share, s)
    np.fill_diagonal(s, -np.inf)
    anchors = count > 0
    value = np.where(anchors, softmax(s) - own, 0).sum() / anchors.sum()
    if not mode.gradient:
        return value, None
    s -= share
    s *= (anchors / (np.float32(TEMPERATURE) * anchors.sum())).astype(x.dtype)[:, np.newaxis]
    s += s.T.copy()
    return value, through_lengths(s @ z, z, length, out)


# Formulas for JAX and torch alike. Similarities are below the scale, which is subtracted in the place of a maximum.


def unit(x):
    return x / (x * x).sum(-1, keepdims=True) ** 0.5


def log_sum(xp, s, scale):
    return xp.log(xp.exp(s - scale).sum(-1)) + scale


def info_nce_formula(xp, x, positive):
    s = unit(x) @ unit(positive).T / TEMPERATURE
    return (log_sum(xp, s, 1 / TEMPERATURE) - xp.diagonal(s)).mean()


def clip_formula(xp, image, text):
    s = CLIP_SCALE * (unit(image) @ unit(text).T)
    both = log_sum(xp, s, CLIP_SCALE) + log_sum(xp, s.T, CLIP_SCALE)
    return (both / 2 - xp.diagonal(s)).mean()


def siglip_formula(xp, image, text):
    u = SIGLIP_SCALE * (unit(image) @ unit(text).T) + SIGLIP_BIAS
    index = xp.arange(len(u))
    u = xp.where(index[:, None] == index, -u, u)
    return xp.log(1 + xp.exp(u)).sum() / len(u)


def own_left_out(xp, s, views_too):
    """Minus infinity on the diagonal, and on those of the other view."""
    n = len(s) // 2
    index = xp.arange(2 * n)
    out = index[:, None] == index
    if views_too:
        out = index[:, None] % n == index % n
    return xp.where(out, -float("inf") + 0 * s, s)


def views_formula(xp, x, other, temperature, positive_in_denominator):
    z = unit(xp.concatenate([x, other]))
    s = z @ z.T / temperature
    n = len(x)
    own = (z[:n] * z[n:]).sum(-1) / temperature
    lse = log_sum(xp, own_left_out(xp, s, not positive_in_denominator), 1 / temperature)
    return lse.mean() - own.mean()


def nt_xent_formula(xp, x, other):
    return views_formula(xp, x, other, VIEWS_TEMPERATURE, True)


def dcl_formula(xp, x, positive):
    return views_formula(xp, x, positive, TEMPERATURE, False)


def supcon_formula(xp, x, labels):
    z = unit(x)
    s = z @ z.T / TEMPERATURE
    index = xp.arange(len(x))
    other = index[:, None] != index
    same = xp.where(other & (labels[:, None] == labels), 1 + 0 * s, 0 * s)
    count = same.sum(-1)
    own = (same * s).sum(-1) / xp.where(count > 0, count, 1 + 0 * count)
    lse = log_sum(xp, xp.where(other, s, -float("inf") + 0 * s), 1 / TEMPERATURE)
    return xp.where(count > 0, lse - own, 0 * own).sum() / (count > 0).sum()


# With torch's own functions, as its users write them.


def info_nce_torch(torch, x, positive):
    f = torch.nn.functional
    s = f.normalize(x) @ f.normalize(positive).T / TEMPERATURE
    return f.cross_entropy(s, torch.arange(len(x)))


def clip_torch(torch, image, text):
    f = torch.nn.functional
    s = CLIP_SCALE * f.normalize(image) @ f.normalize(text).T
    labels = torch.arange(len(image))
    return (f.cross_entropy(s, labels) + f.cross_entropy(s.T, labels)) / 2


def siglip_torch(torch, image, text):
    f, n = torch.nn.functional, len(image)
    u = SIGLIP_SCALE * f.normalize(image) @ f.normalize(text).T + SIGLIP_BIAS
    return -f.logsigmoid((2 * torch.eye(n) - torch.ones(n, n)) * u).sum() / n


def nt_xent_torch(torch, x, other):
    f, n = torch.nn.functional, len(x)
    z = f.normalize(torch.cat([x, other]))
    s = (z @ z.T / VIEWS_TEMPERATURE).masked_fill(torch.eye(2 * n, dtype=torch.bool), -float("inf"))
    return f.cross_entropy(s, torch.arange(2 * n).roll(n))


CASES = {
    "info_nce_loss": Batches(numpy=info_nce, jax=info_nce_formula, torch=info_nce_torch),
    "nt_xent_loss": Batches(numpy=nt_xent, jax=nt_xent_formula, torch=nt_xent_torch),
    "clip_loss": Batches(numpy=clip, jax=clip_formula, torch=clip_torch),
    "siglip_loss": Batches(numpy=siglip, jax=siglip_formula, torch=siglip_torch),
    "supcon_loss": Batches(numpy=supcon, jax=supcon_formula, torch=supcon_formula),
    "dcl_loss": Batches(numpy=dcl, jax=dcl_formula, torch=dcl_formula),
}
