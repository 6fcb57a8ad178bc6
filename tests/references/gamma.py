"""lgamma and digamma in long double: Stirling's series after a shift (Abramowitz and Stegun, 6.1.40 and 6.3.18).

Of arrays of mpmath numbers they are mpmath's, which have all their digits beside the zeros too.
"""

import mpmath as mp
import numpy as np

from precise import Precise, elementwise

LONG = np.longdouble
SHIFT = 25  # from here on the series below is exact to long double
# B_2k / (2k (2k - 1)) and B_2k / 2k
STIRLING = [LONG(n) / d for n, d in ((1, 12), (-1, 360), (1, 1260), (-1, 1680), (1, 1188), (-691, 360360), (1, 156))]
DIGAMMA = [LONG(n) / d for n, d in ((1, 12), (-1, 120), (1, 252), (-1, 240), (1, 132), (-691, 32760), (1, 12))]
HALF_LOG_2_PI = np.log(8 * np.arctan(LONG(1))) / 2


def _series(coefficients, x):
    """The sum of c_k / x^(2k - 1), from its smallest term on."""
    total, inverse = np.zeros_like(x), 1 / x
    for c in reversed(coefficients):
        total = total * inverse * inverse + c
    return total * inverse


def log_gamma(x):
    """log(Gamma(x)) for x > 0."""
    if isinstance(x, Precise):
        return elementwise(mp.loggamma, x)
    x = np.asarray(x, LONG)
    product, y = np.ones_like(x), x.copy()
    for _ in range(SHIFT):
        small = y < SHIFT
        product = np.where(small, product * y, product)
        y = np.where(small, y + 1, y)
    return (y - LONG(0.5)) * np.log(y) - y + HALF_LOG_2_PI + _series(STIRLING, y) - np.log(product)


def digamma(x):
    """The derivative of log_gamma for x > 0."""
    if isinstance(x, Precise):
        return elementwise(mp.digamma, x)
    x = np.asarray(x, LONG)
    total, y = np.zeros_like(x), x.copy()
    for _ in range(SHIFT):
        small = y < SHIFT
        total = np.where(small, total + 1 / y, total)
        y = np.where(small, y + 1, y)
    return np.log(y) - 1 / (2 * y) - _series(DIGAMMA, y) / y - total


def wide(x):
    """x in a type with enough digits."""
    return x if isinstance(x, Precise) else np.asarray(x, LONG)


def log_gamma_ratio(x, n):
    """log_gamma(x + n) - log_gamma(x) for x > 0 and n >= 0, without the difference."""
    x, n = wide(x), wide(n)
    steps = sum(np.log1p(n / (x + i)) for i in range(SHIFT))
    y = x + SHIFT
    series = log_gamma_series_difference(y, n)
    return n * np.log(y + n) + ((y - LONG(0.5)) * np.log1p(n / y) - n) + series - steps


def digamma_ratio(x, n):
    """digamma(x + n) - digamma(x) for x > 0 and n >= 0, without the difference."""
    x, n = wide(x), wide(n)
    steps = sum(n / (x + i) / (x + n + i) for i in range(SHIFT))
    y = x + SHIFT
    series = scaled_digamma_difference(1 / y, n) / y / y
    return steps + np.log1p(n / y) + n / (2 * y) / (y + n) + series


def scaled_digamma_series(inverse):
    """x^2 (log(x) - 1 / (2 x) - digamma(x)) for large x = 1 / inverse, which may be infinite."""
    total = np.zeros_like(inverse)
    for c in reversed(DIGAMMA):
        total = total * inverse * inverse + c
    return total


def scaled_digamma_difference(inverse, n):
    """x^2 times what log(x) - 1 / (2 x) - digamma(x) loses from x to x + n, for large x = 1 / inverse."""
    # 1 - (1 + n / x)^-k for each power of x
    powers = [-np.expm1(-2 * (k + 1) * np.log1p(inverse * n)) for k in range(len(DIGAMMA))]
    return sum(c * inverse ** (2 * k) * power for k, (c, power) in enumerate(zip(DIGAMMA, powers, strict=True)))


def log_gamma_series_difference(x, n):
    """What log_gamma(x) - ((x - 1/2) log(x) - x) gains from x to x + n, for large x."""
    powers = [np.expm1(-(2 * k + 1) * np.log1p(n / x)) for k in range(len(STIRLING))]
    return sum(c / x ** (2 * k + 1) * power for k, (c, power) in enumerate(zip(STIRLING, powers, strict=True)))
