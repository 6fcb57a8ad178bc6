"""Cases of sums of a Dice loss and a loss of pixels, of scores and class indices."""

from __future__ import annotations

import numpy as np

from bench.cases.region import dice, dice_formula, formula_of, in_cells, one_hot, sums
from bench.regions import Compounds


def compound(of_log):
    """The peer of a Dice loss beside the mean of a loss of pixels, `f(u) -> (values, slopes)` of a log-probability."""

    def numpy(mode, out, z, y):
        shifted = np.subtract(z, z.max(axis=1, keepdims=True), out=out)
        of_target = np.take_along_axis(shifted, y[:, np.newaxis], axis=1)
        e = np.exp(shifted, out=shifted)
        total = e.sum(axis=1, keepdims=True)
        e /= total
        losses, slopes = of_log(of_target - np.log(total))
        hot = one_hot(np, z, y)
        values, of_i, of_p = dice(*sums(e, hot), 0)
        value = values.mean() + losses.mean(dtype=np.float64) if mode.value else None
        if mode.gradient:
            # Through the softmax: of Dice, p (g - sum(p g)); of the pixels, slope (hot - p).
            scale, slopes = 1 / values.size, slopes / slopes.size
            g = hot * in_cells(of_i * scale, z)
            g += in_cells(of_p * scale, z)
            g -= np.einsum("nc...,nc...->n...", g, e)[:, np.newaxis]
            g -= slopes
            e *= g
            hot *= slopes
            e += hot
        return value, e

    return numpy


def cross_entropy(u):
    return -u, np.full_like(u, -1)


def focal(u):
    """(1 - p)^2 -u, and its slope in u."""
    p, rest = np.exp(u), -np.expm1(u)
    return -u * rest**2, 2 * p * u * rest - rest**2


# The formulas for JAX and torch alike, which differentiate them.


def compound_formula(of_log):
    """A log-softmax, and the Dice loss of its exponential."""

    def formula(xp, z, y):
        if xp.__name__ == "torch":
            u = xp.log_softmax(z, 1)
            of_target = u.gather(1, y[:, None])
        else:
            u = z - z.max(axis=1, keepdims=True)
            u = u - xp.log(xp.exp(u).sum(axis=1, keepdims=True))
            of_target = xp.take_along_axis(u, y[:, None], axis=1)
        return formula_of(dice_formula)(xp, xp.exp(u), one_hot(xp, z, y)) + of_log(xp, of_target).mean()

    return formula


def torch_dice_ce(torch, z, y):
    """As MONAI has it: torch's own cross-entropy beside a Dice loss of the softmax."""
    dice_loss = formula_of(dice_formula)(torch, torch.softmax(z, 1), one_hot(torch, z, y))
    return dice_loss + torch.nn.functional.cross_entropy(z, y)


def focal_of_log(xp, u):
    return -u * (1 - xp.exp(u)) ** 2


# By a call of this library for each part.


def apart(second):
    """The Dice loss, and a loss of pixels whose gradient is added to its."""

    def calls(fl, mode, out, z, y):
        loss, call = getattr(fl, second), {"from_logits": "softmax"}
        if not mode.gradient:
            return fl.dice_loss(z, y, **call) + loss(z, y), None
        first, gradient = fl.dice_loss.value_and_grad(z, y, **call, out=out)
        value, _ = loss.value_and_grad(z, y, out=gradient, accumulate=True)
        return first + value, gradient

    return calls


CASES = {
    "dice_ce_loss": Compounds(
        numpy=compound(cross_entropy),
        jax=compound_formula(lambda xp, u: -u),
        torch=torch_dice_ce,
        apart=apart("cross_entropy"),
    ),
    "dice_focal_loss": Compounds(
        numpy=compound(focal),
        jax=compound_formula(focal_of_log),
        torch=compound_formula(focal_of_log),
        apart=apart("softmax_focal_loss"),
    ),
}
