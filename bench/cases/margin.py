"""Cases of margin losses."""

import numpy as np

from bench.pointwise import Pointwise


def hinge(mode, out, x, t):
    """max(1 - x t, 0)."""
    gap = np.multiply(x, t)
    np.subtract(1, gap, out=gap)
    gradient = None
    if mode.gradient:
        gradient = np.multiply(t, gap >= 0, out=out)
        gradient *= -1 / x.size
    return np.maximum(gap, 0, out=gap).mean() if mode.value else None, gradient


def squared_hinge(mode, out, x, t):
    """max(1 - x t, 0)^2."""
    gap = np.multiply(x, t)
    np.subtract(1, gap, out=gap)
    np.maximum(gap, 0, out=gap)
    gradient = None
    if mode.gradient:
        gradient = np.multiply(gap, t, out=out)
        gradient *= -2 / x.size
    return np.dot(gap, gap) / gap.size if mode.value else None, gradient


def modified_huber(mode, out, x, t):
    """With h = max(1 - x t, 0) and c = min(h, 2) the loss is c (2 h - c), and the gradient -2 t c."""
    gap = np.multiply(x, t)
    np.subtract(1, gap, out=gap)
    np.maximum(gap, 0, out=gap)
    clipped = np.minimum(gap, 2, out=out)
    value = (2 * np.dot(clipped, gap) - np.dot(clipped, clipped)) / gap.size if mode.value else None
    if mode.gradient:
        clipped *= t
        clipped *= -2 / x.size
    return value, clipped


def perceptron(mode, out, x, t):
    """max(-x t, 0)."""
    score = np.multiply(x, t)
    gradient = None
    if mode.gradient:
        gradient = np.multiply(t, score <= 0, out=out)
        gradient *= -1 / x.size
    return -np.minimum(score, 0, out=score).mean() if mode.value else None, gradient


def logistic(mode, out, margin, factor):
    """log1p(exp(-|m|)) + max(-m, 0), and -factor sigmoid(-m) through tanh, NumPy's fastest exponential; m is lost."""
    gradient = None
    if mode.gradient:
        gradient = np.multiply(margin, 0.5, out=out)
        np.tanh(gradient, out=gradient)
        gradient -= 1
        gradient *= factor
        gradient *= 0.5 / margin.size
    if not mode.value:
        return None, gradient
    wrong = np.minimum(margin, 0).mean()
    np.abs(margin, out=margin)
    np.negative(margin, out=margin)
    np.exp(margin, out=margin)
    np.log1p(margin, out=margin)
    return margin.mean() - wrong, gradient


def soft_margin(mode, out, x, t):
    """The logistic loss of x t."""
    return logistic(mode, out, np.multiply(x, t), t)


def bradley_terry(mode, out, x, y):
    """The logistic loss of x - y."""
    return logistic(mode, out, np.subtract(x, y), np.float32(1))


def exponential(mode, out, x, t):
    """exp(-x t)."""
    power = np.multiply(x, t)
    np.negative(power, out=power)
    np.exp(power, out=power)
    value = power.mean() if mode.value else None
    if mode.gradient:
        power = np.multiply(power, t, out=power if out is None else out)
        power *= -1 / x.size
    return value, power


def hinge_embedding(mode, out, x, t):
    """x where t is 1, max(1 - x, 0) where it is -1."""
    similar = t == 1
    value = None
    if mode.value:
        rest = np.subtract(1, x)
        np.maximum(rest, 0, out=rest)
        value = np.where(similar, x, rest).mean()
    if not mode.gradient:
        return value, None
    gradient = np.where(x <= 1, t, similar)
    return value, np.multiply(gradient, 1 / x.size, out=gradient if out is None else out, dtype=x.dtype)


def margin_ranking(mode, out, x, y, t):
    """max(-t (x - y), 0)."""
    order = np.subtract(x, y)
    order *= t
    gradient = None
    if mode.gradient:
        gradient = np.multiply(t, order <= 0, out=out)
        gradient *= -1 / x.size
    return -np.minimum(order, 0, out=order).mean() if mode.value else None, gradient


def contrastive_distance(mode, out, x, t):
    """x^2 where t is 1, max(1 - x, 0)^2 where it is 0."""
    alike = t == 1
    short = np.subtract(1, x)
    np.maximum(short, 0, out=short)
    value = np.square(np.where(alike, x, short)).mean() if mode.value else None
    if not mode.gradient:
        return value, None
    gradient = np.where(alike, x, np.negative(short, out=short))
    return value, np.multiply(gradient, 2 / x.size, out=gradient if out is None else out, dtype=x.dtype)


def contrastive_distance_formula(xp, x, t):
    """For JAX and torch alike."""
    return (t * x**2 + (1 - t) * xp.clip(1 - x, 0, None) ** 2).mean()


def jax_logistic(jnp, margin):
    """The form that does not overflow."""
    return jnp.mean(jnp.maximum(-margin, 0) + jnp.log1p(jnp.exp(-jnp.abs(margin))))


def modified_huber_formula(xp, x, t):
    """For JAX and torch alike."""
    m = x * t
    h = xp.where(m < 1, 1 - m, 0)
    return xp.mean(xp.where(m < -1, -4 * m, h * h))


def jax_margin_ranking(jnp, x, y, t):
    """The reverse of torch's clamp."""
    return jnp.mean(jnp.maximum(-t * (x - y), 0))


CASES = {
    "hinge_loss": Pointwise(
        numpy=hinge,
        jax=lambda jnp, x, t: jnp.mean(jnp.maximum(1 - x * t, 0)),
        torch=lambda torch, x, t: torch.relu(1 - x * t).mean(),
    ),
    "squared_hinge_loss": Pointwise(
        numpy=squared_hinge,
        jax=lambda jnp, x, t: jnp.mean(jnp.maximum(1 - x * t, 0) ** 2),
        torch=lambda torch, x, t: torch.relu(1 - x * t).square().mean(),
    ),
    "modified_huber_loss": Pointwise(numpy=modified_huber, jax=modified_huber_formula, torch=modified_huber_formula),
    "perceptron_loss": Pointwise(
        numpy=perceptron,
        jax=lambda jnp, x, t: jnp.mean(jnp.maximum(-x * t, 0)),
        torch=lambda torch, x, t: torch.relu(-x * t).mean(),
    ),
    "soft_margin_loss": Pointwise(numpy=soft_margin, jax=lambda jnp, x, t: jax_logistic(jnp, x * t)),
    "exponential_loss": Pointwise(
        numpy=exponential,
        jax=lambda jnp, x, t: jnp.mean(jnp.exp(-x * t)),
        torch=lambda torch, x, t: torch.exp(-x * t).mean(),
    ),
    "hinge_embedding_loss": Pointwise(
        numpy=hinge_embedding,
        jax=lambda jnp, x, t: jnp.mean(jnp.where(t == 1, x, jnp.maximum(1 - x, 0))),
    ),
    "margin_ranking_loss": Pointwise(numpy=margin_ranking, jax=jax_margin_ranking),
    "contrastive_distance_loss": Pointwise(
        numpy=contrastive_distance, jax=contrastive_distance_formula, torch=contrastive_distance_formula
    ),
    "bradley_terry_loss": Pointwise(
        numpy=bradley_terry,
        jax=lambda jnp, x, y: jax_logistic(jnp, x - y),
        torch=lambda torch, x, y: -torch.nn.functional.logsigmoid(x - y).mean(),
    ),
    "bpr_loss": Pointwise(
        numpy=bradley_terry,
        jax=lambda jnp, x, y: jax_logistic(jnp, x - y),
        torch=lambda torch, x, y: -torch.nn.functional.logsigmoid(x - y).mean(),
    ),
}
