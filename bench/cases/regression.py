"""Cases of the losses of a difference."""

import numpy as np

from bench.case import Sklearn
from bench.pointwise import Pointwise


def squared(mode, out, x, t):
    """(x - t)^2; the sum of squares is one dot product."""
    r = np.subtract(x, t, out=out)
    value = np.dot(r, r) / r.size if mode.value else None
    if mode.gradient:
        r *= 2 / r.size
    return value, r


def absolute(mode, out, x, t):
    """|x - t|; the sum of magnitudes is the dot product with the signs."""
    r = np.subtract(x, t, out=None if mode.value else out)
    if not mode.gradient:
        return np.abs(r, out=r).mean(), None
    sign = np.sign(r, out=out if mode.value else r)
    value = np.dot(sign, r) / r.size if mode.value else None
    sign *= 1 / r.size
    return value, sign


def huber(mode, out, x, t):
    """With c = clip(r, -1, 1) the loss is c (r - c / 2) and the gradient c."""
    r = np.subtract(x, t, out=None if mode.value else out)
    c = np.clip(r, -1, 1, out=out if mode.value else r)
    value = (np.dot(c, r) - np.dot(c, c) / 2) / r.size if mode.value else None
    if mode.gradient:
        c *= 1 / r.size
    return value, c


def root_mean_square(mode, out, x, t):
    """sqrt(mean((x - t)^2))."""
    r = np.subtract(x, t, out=out)
    value = np.sqrt(np.dot(r, r) / r.size)
    if mode.gradient:
        r *= 1 / (value * r.size)
    return value, r


def half_squared(mode, out, x, t):
    """(x - t)^2 / 2; the sum of squares is one dot product."""
    r = np.subtract(x, t, out=out)
    value = np.dot(r, r) / (2 * r.size) if mode.value else None
    if mode.gradient:
        r *= 1 / r.size
    return value, r


def root_of_square_and(eps):
    """sqrt(r^2 + eps^2) and its slope; pseudo-Huber subtracts eps = 1 from it."""
    shift = 1.0 if eps == 1 else 0.0

    def root(mode, out, x, t):
        r = np.subtract(x, t, out=out)
        h = np.square(r)
        h += np.float32(eps * eps)
        np.sqrt(h, out=h)
        value = h.mean() - shift if mode.value else None
        if mode.gradient:
            r /= h
            r *= 1 / r.size
        return value, r

    return root


def log_cosh(mode, out, x, t):
    """|r| + log(1 + exp(-2 |r|)) - log(2), and tanh(r)."""
    r = np.subtract(x, t, out=out)
    value = None
    if mode.value:
        a = np.abs(r)
        tail = np.multiply(a, -2)
        np.exp(tail, out=tail)
        np.log1p(tail, out=tail)
        value = a.mean() + tail.mean() - np.log(2)
    if mode.gradient:
        np.tanh(r, out=r)
        r *= 1 / r.size
    return value, r


POWER = 1.7


def power(mode, out, x, t):
    """The power of the value is that of the gradient times |r|."""
    r = x - t
    a = np.abs(r)
    slope = np.power(a, np.float32(POWER - 1), out=out, dtype=r.dtype)
    value = np.dot(slope, a) / a.size if mode.value else None
    if mode.gradient:
        slope *= POWER / a.size
        np.copysign(slope, r, out=slope)
    return value, slope


def insensitive(mode, out, x, t):
    """What exceeds the tolerance, with its sign: r - clip(r)."""
    r = np.subtract(x, t)
    r -= np.clip(r, np.float32(-0.1), np.float32(0.1))
    if not mode.gradient:
        return np.abs(r, out=r).mean(), None
    sign = np.sign(r, out=out)
    value = np.dot(sign, r) / r.size if mode.value else None
    sign *= 1 / r.size
    return value, sign


def pseudo_huber_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean(xp.sqrt(1 + (x - t) ** 2) - 1)


def charbonnier_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean(xp.sqrt((x - t) ** 2 + 1e-6))


def log_cosh_formula(xp, x, t):
    """For JAX and torch alike."""
    a = xp.abs(x - t)
    return xp.mean(a + xp.log1p(xp.exp(-2 * a))) - 0.6931471805599453


def power_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean(xp.abs(x - t) ** POWER)


def jax_huber(jnp, x, t):
    """The branch form, which XLA runs fastest."""
    r = x - t
    a = jnp.abs(r)
    return jnp.mean(jnp.where(a <= 1, 0.5 * r * r, a - 0.5))


CASES = {
    "mse_loss": Pointwise(
        numpy=squared,
        jax=lambda jnp, x, t: jnp.mean((x - t) ** 2),
        sklearn=Sklearn("HalfSquaredError", factor=2.0),
    ),
    "l1_loss": Pointwise(
        numpy=absolute,
        jax=lambda jnp, x, t: jnp.mean(jnp.abs(x - t)),
        sklearn=Sklearn("AbsoluteError"),
    ),
    "huber_loss": Pointwise(numpy=huber, jax=jax_huber, sklearn=Sklearn("HuberLoss", {"delta": 1.0})),
    "rmse_loss": Pointwise(
        numpy=root_mean_square,
        jax=lambda jnp, x, t: jnp.sqrt(jnp.mean((x - t) ** 2)),
        torch=lambda torch, x, t: torch.sqrt(torch.nn.functional.mse_loss(x, t)),
    ),
    "l2_loss": Pointwise(
        numpy=half_squared,
        jax=lambda jnp, x, t: jnp.mean((x - t) ** 2) / 2,
        torch=lambda torch, x, t: torch.nn.functional.mse_loss(x, t) / 2,
        sklearn=Sklearn("HalfSquaredError"),
    ),
    "smooth_l1_loss": Pointwise(numpy=huber, jax=jax_huber, sklearn=Sklearn("HuberLoss", {"delta": 1.0})),
    "pseudo_huber_loss": Pointwise(numpy=root_of_square_and(1), jax=pseudo_huber_formula, torch=pseudo_huber_formula),
    "charbonnier_loss": Pointwise(numpy=root_of_square_and(1e-3), jax=charbonnier_formula, torch=charbonnier_formula),
    "log_cosh_loss": Pointwise(numpy=log_cosh, jax=log_cosh_formula, torch=log_cosh_formula),
    "lp_loss": Pointwise(numpy=power, jax=power_formula, torch=power_formula, fixed={"p": POWER}),
    "epsilon_insensitive_loss": Pointwise(
        numpy=insensitive,
        jax=lambda jnp, x, t: jnp.mean(jnp.maximum(jnp.abs(x - t) - 0.1, 0)),
        torch=lambda torch, x, t: torch.relu((x - t).abs() - 0.1).mean(),
    ),
}
