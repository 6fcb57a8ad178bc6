"""What the references of losses of a logit and a target in [0, 1] share."""

import numpy as np

from references.binary import sigmoid, softplus, times
from references.draws import INF, normal, real, unit, unit_wide
from references.schema import Operand

LOGITS = (0.0, -0.0, 1.0, -1.0, 20.0, -20.0, 95.0, -95.0, 1e4, -1e4, 1e-30, 3e38, -3e38, INF, -INF)


LOGIT = Operand("input", real, normal, LOGITS)
TARGET = Operand("target", unit_wide, unit, (0.0, 1.0, 0.3, 1e-30))


def cross_entropy(z, t):
    return times(1 - t, softplus(z)) + times(t, softplus(-z))


def difference(z, t):
    """p - t, from p (1 - t) - (1 - p) t."""
    return sigmoid(z) * (1 - t) - sigmoid(-z) * t


def variance(z):
    return sigmoid(z) * sigmoid(-z)


def root_of(slope, *others):
    """A logit at which the slope changes its sign from minus to plus, by bisection."""
    lower, upper = np.full(others[0].shape, -60, np.longdouble), np.full(others[0].shape, 60, np.longdouble)
    for _ in range(90):
        middle = (lower + upper) / 2
        below = slope(middle, *others) < 0
        lower, upper = np.where(below, middle, lower), np.where(below, upper, middle)
    return lower


def times_power(base, exponent, factor):
    """base**exponent * factor where a factor of 0 wins."""
    return np.where(factor == 0, 0, np.where(base == 0, 1, base) ** exponent * factor * ((base != 0) | (exponent == 0)))


def reduced(torch, loss, reduction):
    return loss if reduction == "none" else getattr(torch, reduction)(loss)
