"""Cases of Lovász losses: by sorting, with Algorithm 1 of Berman et al. for the derivatives."""

from __future__ import annotations

import numpy as np

from bench.images import Images, ImagesOfClasses


def steps(positive):
    """By how much the Jaccard loss grows with each pixel that is wrong; `positive` is 1 where one is of the class."""
    seen = np.cumsum(positive, dtype=np.int64)
    common, union = seen[-1] - seen, seen[-1] - seen + np.arange(1, len(seen) + 1)
    jaccard = 1 - common / union
    jaccard[1:] -= jaccard[:-1].copy()
    return jaccard


def hinge(mode, out, x, t):
    """One unit, whatever the shape."""
    sign = 2 * t.reshape(-1) - 1
    errors = 1 - x.reshape(-1) * sign
    order = np.argsort(-errors)
    sorted_errors, by = errors[order], steps(t.reshape(-1)[order]).astype(x.dtype)
    value = np.dot(np.maximum(sorted_errors, 0), by) if mode.value else None
    if not mode.gradient:
        return value, None
    gradient = np.empty_like(x) if out is None else out
    gradient.reshape(-1)[order] = by * (sorted_errors > 0)
    gradient.reshape(-1)[...] *= -sign
    return value, gradient


def softmax(mode, out, p, y):
    """Class by class, of those that have pixels."""
    y, present = y.reshape(-1), np.unique(y)
    value = 0.0 if mode.value else None
    gradient = None
    if mode.gradient:
        gradient = np.empty_like(p) if out is None else out
        gradient[...] = 0
    for c in present:
        positive = y == c
        errors = np.where(positive, 1 - p[:, c].reshape(-1), p[:, c].reshape(-1))
        order = np.argsort(-errors)
        by = (steps(positive[order]) / len(present)).astype(p.dtype)
        if mode.value:
            value += np.dot(errors[order], by)
        if mode.gradient:
            slope = np.empty_like(errors)
            slope[order] = by
            gradient[:, c] = np.where(positive, -slope, slope).reshape(p[:, c].shape)
    return value, gradient


# The formula for JAX and torch alike, which differentiate it.


def extension(xp, errors, positive):
    """The sum of the sorted errors times these steps, which are constants: without differences, exact in float32."""
    order = xp.argsort(-errors)
    of_class = positive[order]
    seen, others = of_class.cumsum(0), (1 - of_class).cumsum(0)
    common, union = seen[-1] - seen, seen[-1] + others
    by = xp.where(of_class > 0, 1 / union, common / (union * xp.where(union > 1, union - 1, union)))
    return (by * errors[order]).sum()


def hinge_formula(xp, x, t):
    t = t.reshape(-1)
    errors = 1 - x.reshape(-1) * (2 * t - 1)
    return extension(xp, xp.where(errors > 0, errors, 0 * errors), t)


def softmax_formula(xp, p, y):
    """Of all classes, as those of the problem are all there."""
    y, total = y.reshape(-1), 0
    for c in range(p.shape[1]):
        of_class = p[:, c].reshape(-1)
        positive = xp.where(y == c, 1 + 0 * of_class, 0 * of_class)
        total = total + extension(xp, abs(positive - of_class), positive)
    return total / p.shape[1]


# The authors' torch code, but for their choice of pixels, and for the differences, which are taken in double: in
# float32 those of an image of a million pixels are rounding errors.


def lovasz_grad(torch, positive):
    dtype, positive = positive.dtype, positive.double()
    total = positive.sum()
    jaccard = 1.0 - (total - positive.cumsum(0)) / (total + (1 - positive).cumsum(0))
    jaccard[1:] = jaccard[1:] - jaccard[:-1].clone()
    return jaccard.to(dtype)


def hinge_torch(torch, x, t):
    t = t.reshape(-1)
    errors = 1.0 - x.reshape(-1) * (2.0 * t - 1.0)
    errors, order = torch.sort(errors, dim=0, descending=True)
    return torch.dot(torch.relu(errors), lovasz_grad(torch, t[order]))


def softmax_torch(torch, p, y):
    classes = p.shape[1]
    p, y = p.movedim(1, -1).reshape(-1, classes), y.reshape(-1)
    losses = []
    for c in range(classes):
        positive = (y == c).to(p.dtype)
        if positive.sum() == 0:
            continue
        errors, order = torch.sort((positive - p[:, c]).abs(), 0, descending=True)
        losses.append(torch.dot(errors, lovasz_grad(torch, positive[order])))
    return torch.stack(losses).mean()


CASES = {
    "lovasz_hinge_loss": Images(numpy=hinge, jax=hinge_formula, torch=hinge_torch, torch_compiled=hinge_formula),
    "lovasz_softmax_loss": ImagesOfClasses(
        numpy=softmax, jax=softmax_formula, torch=softmax_torch, torch_compiled=softmax_formula
    ),
}
