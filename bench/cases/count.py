"""Cases of likelihoods of counts."""

import numpy as np

from bench.case import Sklearn, special
from bench.pointwise import Pointwise


def poisson(mode, out, x, t):
    """exp(x) - t x."""
    rate = np.exp(x, out=out)
    value = (rate.sum() - np.dot(t, x)) / x.size if mode.value else None
    if mode.gradient:
        rate -= t
        rate *= 1 / x.size
    return value, rate


def binomial(mode, out, x, t, trials):
    """trials * softplus(x) - t x; sigmoid through tanh, which is NumPy's fastest exponential function."""
    value = gradient = None
    if mode.value:
        softplus = np.abs(x)
        np.negative(softplus, out=softplus)
        np.exp(softplus, out=softplus)
        np.log1p(softplus, out=softplus)
        softplus += np.maximum(x, 0)
        value = (np.dot(softplus, trials) - np.dot(x, t)) / x.size
    if mode.gradient:
        gradient = np.multiply(x, 0.5, out=out)
        np.tanh(gradient, out=gradient)
        gradient *= 0.5
        gradient += 0.5
        gradient *= trials
        gradient -= t
        gradient *= 1 / x.size
    return value, gradient


def negative_binomial(mode, out, x, t, dispersion):
    """With r = 1 / dispersion; NumPy has no lgamma, so SciPy lends its own."""
    from scipy.special import gammaln

    mean = np.exp(x)
    scale = mean * dispersion
    value = gradient = None
    if mode.value:
        r = 1 / dispersion
        log_scale = np.log1p(scale)
        value = np.dot(log_scale, r + t) - np.dot(t, x + np.log(dispersion))
        value -= np.sum(gammaln(r + t) - gammaln(r))
        value /= x.size
    if mode.gradient:
        scale += 1
        gradient = np.subtract(mean, t, out=out)
        gradient /= scale
        gradient *= 1 / x.size
    return value, gradient


def jax_negative_binomial(jnp, x, t, dispersion):
    """The same formula."""
    gammaln = special(jnp).gammaln
    r = 1 / dispersion
    log_scale = jnp.log1p(dispersion * jnp.exp(x))
    return jnp.mean((r + t) * log_scale - t * (x + jnp.log(dispersion)) - gammaln(r + t) + gammaln(r))


def torch_negative_binomial(torch, x, t, dispersion):
    """The same formula."""
    r = 1 / dispersion
    log_scale = torch.log1p(dispersion * torch.exp(x))
    events = torch.lgamma(r + t) - torch.lgamma(r)
    return torch.mean((r + t) * log_scale - t * (x + torch.log(dispersion)) - events)


CASES = {
    "poisson_nll_loss": Pointwise(
        numpy=poisson,
        jax=lambda jnp, x, t: jnp.mean(jnp.exp(x) - t * x),
        sklearn=Sklearn("HalfPoissonLoss"),
    ),
    "binomial_nll_loss": Pointwise(
        numpy=binomial,
        jax=lambda jnp, x, t, n: jnp.mean(n * (jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))) - x * t),
        torch=lambda torch, x, t, n: torch.mean(n * torch.nn.functional.softplus(x) - x * t),
        operands=("input", "target", "trials"),
    ),
    "negative_binomial_nll_loss": Pointwise(
        numpy=negative_binomial, jax=jax_negative_binomial, torch=torch_negative_binomial
    ),
}
