"""Cases of losses of the probability of one class. The data holds no ignored rows and no weights."""

import numpy as np

from bench.cases.softmax import log_softmax as others_log_softmax
from bench.rowwise import Rowwise

LOG_CLIP = float(np.log(1e-4))


def log_softmax(xp, z):
    """The array module's own where it has one."""
    return xp.log_softmax(z, 1) if hasattr(xp, "log_softmax") else others_log_softmax(xp, z)


def picked(xp, table, y):
    """The entry of each row's class index."""
    if hasattr(xp, "take_along_dim"):
        return xp.take_along_dim(table, y.unsqueeze(1), 1)
    return xp.take_along_axis(table, xp.expand_dims(y, 1), 1)


def by_class(numbers, z):
    """One number for each class, in the shape of the scores."""
    return numbers.reshape([1, -1] + [1] * (z.ndim - 2))


def of_term(term, slope):
    """The best plain NumPy for the mean of term(log p_y), whose derivative is slope(log p_y)."""

    def loss(mode, out, z, y):
        chosen = np.expand_dims(y, 1)
        e = np.subtract(z, z.max(axis=1, keepdims=True), out=out)
        u = np.take_along_axis(e, chosen, 1)
        np.exp(e, out=e)
        total = e.sum(axis=1, keepdims=True)
        u -= np.log(total)
        value = float(term(np, u).mean()) if mode.value else None
        if mode.gradient:
            steep = slope(u) * (1 / y.size)
            e *= -steep / total
            np.put_along_axis(e, chosen, np.take_along_axis(e, chosen, 1) + steep, 1)
        return value, e

    return loss


def formula(term):
    """For JAX and torch alike."""
    return lambda xp, z, y: xp.mean(term(xp, picked(xp, log_softmax(xp, z), y)))


def case(term, slope):
    """Both, of a loss that is the mean of term(log p_y)."""
    return Rowwise(numpy=of_term(term, slope), jax=formula(term), torch=formula(term))


def focal(xp, u):
    """-(1 - p)^2 u."""
    return -((1 - xp.exp(u)) ** 2) * u


def focal_slope(u):
    p = np.exp(u)
    rest = 1 - p
    return rest * (2 * p * u - rest)


def poly(xp, u):
    """-u + 2 (1 - p)."""
    return 2 * (1 - xp.exp(u)) - u


def generalized(xp, u):
    """2 (1 - sqrt p)."""
    return 2 - 2 * xp.exp(u / 2)


def symmetric(xp, u):
    """-u / 10 - log(1e-4) (1 - p)."""
    return -0.1 * u - LOG_CLIP * (1 - xp.exp(u))


cross_entropy = of_term(lambda xp, u: -u, lambda u: -np.ones_like(u))


def shifted(shift):
    """The cross-entropy of z + shift(operand), in plain NumPy and for JAX and torch alike."""

    def loss(mode, out, z, y, numbers):
        return cross_entropy(mode, out, z + by_class(shift(np, numbers), z), y)

    def of_module(xp, z, y, numbers):
        return -xp.mean(picked(xp, log_softmax(xp, z + by_class(shift(xp, numbers), z)), y))

    return Rowwise(numpy=loss, jax=of_module, torch=of_module)


def ldam(mode, out, z, y, counts):
    """The cross-entropy of 30 (z - margin of the target)."""
    margin = 0.5 * (counts.min() / counts) ** np.float32(0.25)
    scaled, chosen = z * z.dtype.type(30), np.expand_dims(y, 1)
    np.put_along_axis(scaled, chosen, np.take_along_axis(scaled, chosen, 1) - 30 * margin[chosen], 1)
    value, gradient = cross_entropy(mode, out, scaled, y)
    gradient *= 30
    return value, gradient


def ldam_formula(xp, z, y, counts):
    """For JAX and torch alike: the target's logit is lower by the margin, so is what it adds to the sum."""
    margin = 15 * (counts.min() / counts) ** 0.25
    chosen = picked(xp, 30 * z, y)
    lower = chosen - margin[y].reshape(chosen.shape)
    log_sum = picked(xp, 30 * z, y) - picked(xp, log_softmax(xp, 30 * z), y)
    less = log_sum + xp.log1p(xp.exp(lower - log_sum) - xp.exp(chosen - log_sum))
    return xp.mean(less - lower)


def nll(mode, out, x, y):
    """-x_y."""
    chosen = np.expand_dims(y, 1)
    value = -float(np.take_along_axis(x, chosen, 1).mean()) if mode.value else None
    gradient = None
    if mode.gradient:
        gradient = np.zeros_like(x) if out is None else out
        gradient[...] = 0
        np.put_along_axis(gradient, chosen, -1 / y.size, 1)
    return value, gradient


def ranking(mode, out, z, t):
    """-sum t log p."""
    rows = z.size // z.shape[1]
    e = np.subtract(z, z.max(axis=1, keepdims=True))
    power = np.exp(e, out=out)
    total = power.sum(axis=1, keepdims=True)
    whole = t.sum(axis=1, keepdims=True)
    value = float((whole * np.log(total)).sum() - np.vdot(t, e)) / rows if mode.value else None
    if mode.gradient:
        power *= whole / total
        power -= t
        power *= 1 / rows
    return value, power


def ranking_formula(xp, z, t):
    """For JAX and torch alike."""
    return -xp.mean((t * log_softmax(xp, z)).sum(1))


TEMPERATURE = 2.0


def distillation(mode, out, z, teacher, y):
    """Half T^2 KL(q || p) at the temperature 2, half -log p_y at 1: three softmaxes."""
    rows, chosen = y.size, np.expand_dims(y, 1)
    u, power, total = _distances(z, TEMPERATURE)
    v, q, whole = _distances(teacher, TEMPERATURE)
    q /= whole
    hard, own, sum_of_own = _distances(z, 1.0)
    value = None
    if mode.value:
        v -= u
        soft = np.vdot(q, v) + np.log(total).sum() - np.log(whole).sum()
        cross = np.log(sum_of_own).sum() - np.take_along_axis(hard, chosen, 1).sum()
        value = float(0.5 * TEMPERATURE**2 * soft + 0.5 * cross) / rows
    gradient = None
    if mode.gradient:
        gradient = np.divide(power, total, out=out)
        gradient -= q
        gradient *= 0.5 * TEMPERATURE / rows
        own *= 0.5 / (sum_of_own * rows)
        gradient += own
        np.put_along_axis(gradient, chosen, np.take_along_axis(gradient, chosen, 1) - 0.5 / rows, 1)
    return value, gradient


def _distances(z, temperature):
    """Scores less the largest of their row, their exponentials and the sums of these."""
    x = np.divide(z, temperature, dtype=z.dtype)
    x -= x.max(axis=1, keepdims=True)
    power = np.exp(x)
    return x, power, power.sum(axis=1, keepdims=True)


def distillation_formula(xp, z, teacher, y):
    """For JAX: as people write it."""
    log_p, log_q = (log_softmax(xp, x / TEMPERATURE) for x in (z, teacher))
    soft = xp.mean((xp.exp(log_q) * (log_q - log_p)).sum(1))
    return 0.5 * TEMPERATURE**2 * soft - 0.5 * xp.mean(picked(xp, log_softmax(xp, z), y))


def torch_distillation(torch, z, teacher, y):
    """torch's recipe."""
    functional = torch.nn.functional
    log_p, q = functional.log_softmax(z / TEMPERATURE, 1), functional.softmax(teacher / TEMPERATURE, 1)
    soft = functional.kl_div(log_p, q, reduction="sum") / y.numel()
    return 0.5 * TEMPERATURE**2 * soft + 0.5 * functional.cross_entropy(z, y)


CASES = {
    "nll_loss": Rowwise(numpy=nll, jax=lambda jnp, x, y: -jnp.mean(picked(jnp, x, y))),
    "softmax_focal_loss": case(focal, focal_slope),
    "poly_loss": case(poly, lambda u: -1 - 2 * np.exp(u)),
    "generalized_cross_entropy": case(generalized, lambda u: -np.exp(u / 2)),
    "symmetric_cross_entropy": case(symmetric, lambda u: LOG_CLIP * np.exp(u) - np.float32(0.1)),
    "logit_adjusted_cross_entropy": shifted(lambda xp, prior: xp.log(prior)),
    "balanced_softmax_loss": shifted(lambda xp, counts: xp.log(counts)),
    "ldam_loss": Rowwise(numpy=ldam, jax=ldam_formula, torch=ldam_formula),
    "distillation_loss": Rowwise(
        numpy=distillation,
        jax=distillation_formula,
        torch=torch_distillation,
        operands=("input", "teacher", "target"),
        fixed={"temperature": TEMPERATURE},
    ),
    "ranking_softmax_loss": Rowwise(numpy=ranking, jax=ranking_formula, torch=ranking_formula),
}
