"""Arrays of mpmath numbers that NumPy's functions work on, so that the references can be evaluated to any precision.

Numbers of mpmath have exponents without end. Like the long double that the references are written for, these arrays
have infinity in place of what is far beyond: exp(1e300) would not fit in memory.
"""

from __future__ import annotations

import numpy as np
from mpmath import mp, mpf

FAR = 50_000  # powers of two beyond this are infinite, or 0
INF, NAN = mpf("inf"), mpf("nan")


def number(x) -> mpf:
    """A number of any kind, exactly."""
    if isinstance(x, mpf):
        return x
    if isinstance(x, np.longdouble) and np.isfinite(x):
        mantissa, exponent = np.frexp(x)
        high = float(mantissa)
        return mp.ldexp(mpf(high) + mpf(float(mantissa - np.longdouble(high))), int(exponent))
    return mpf(int(x) if isinstance(x, (int, np.integer, np.bool_)) else float(x))


def _bounded(x):
    if mp.isfinite(x) and x and abs(mp.mag(x)) > FAR:
        return INF if x > 0 and mp.mag(x) > 0 else -INF if mp.mag(x) > 0 else mpf(0)
    return x


def _divide(x, y):
    if y == 0:
        return NAN if x == 0 or x != x else INF if x > 0 else -INF
    return x / y


def _exp(x):
    return mp.exp(x) if abs(x) < FAR or not mp.isfinite(x) else INF if x > 0 else mpf(0)


def _expm1(x):
    return _exp(x) - 1 if abs(x) > 1 else mp.expm1(x)


def _log(x):
    return mp.log(x) if x > 0 else -INF if x == 0 else NAN


def _log1p(x):
    return _log(x + 1) if abs(x) > 0.5 else mp.log1p(x) if x else x


def _power(x, n):
    if n == 0 or x == 1:
        return mpf(1)
    if x == 0 or mp.isinf(x):
        return (mpf(0) if (n < 0) == mp.isinf(x) and n != 0 else INF) if x >= 0 or n % 2 == 0 else NAN
    if x < 0 and not mp.isint(n):
        return NAN
    size = n * mp.log(abs(x))
    if not abs(size) < FAR:
        return NAN if size != size else INF if size > 0 else mpf(0)
    return x ** int(n) if mp.isint(n) and abs(n) < 64 else mp.power(x, n)


def _extreme(better):
    def extreme(x, y):
        return NAN if x != x or y != y else x if better(x, y) else y

    return extreme


def _sign(x):
    return x if x != x else mpf((x > 0) - (x < 0))


def _sinh(x):
    return mp.sinh(x) if abs(x) < FAR else x * INF


FUNCTIONS = {
    np.add: lambda x, y: x + y,
    np.subtract: lambda x, y: x - y,
    np.multiply: lambda x, y: x * y,
    np.divide: _divide,
    np.negative: lambda x: -x,
    np.positive: lambda x: x,
    np.absolute: abs,
    np.fabs: abs,
    np.square: lambda x: x * x,
    np.power: _power,
    np.float_power: _power,
    np.exp: _exp,
    np.expm1: _expm1,
    np.log: _log,
    np.log1p: _log1p,
    np.sqrt: lambda x: mp.sqrt(x) if x >= 0 else NAN,
    np.sin: lambda x: mp.sin(x) if mp.isfinite(x) else NAN,
    np.cos: lambda x: mp.cos(x) if mp.isfinite(x) else NAN,
    np.arctan: mp.atan,
    np.sinh: _sinh,
    np.cosh: lambda x: mp.cosh(x) if abs(x) < FAR else INF,
    np.tanh: lambda x: mp.tanh(x) if abs(x) < FAR else _sign(x),
    np.sign: _sign,
    np.ldexp: lambda x, n: mp.ldexp(x, int(n)),
    np.maximum: _extreme(lambda x, y: x >= y),
    np.minimum: _extreme(lambda x, y: x <= y),
}
QUESTIONS = {
    np.equal: lambda x, y: x == y,
    np.not_equal: lambda x, y: x != y,
    np.less: lambda x, y: x < y,
    np.less_equal: lambda x, y: x <= y,
    np.greater: lambda x, y: x > y,
    np.greater_equal: lambda x, y: x >= y,
    np.isnan: lambda x: x != x,
    np.isfinite: lambda x: bool(mp.isfinite(x)),
    np.isinf: lambda x: bool(mp.isinf(x)),
    np.signbit: lambda x: x < 0,
    np.logical_not: lambda x: not x,
}
_NUMBER = np.frompyfunc(number, 1, 1)
_UFUNCS = {
    f: np.frompyfunc(lambda *x, python=python: _bounded(python(*x)), f.nin, 1) for f, python in FUNCTIONS.items()
}
_UFUNCS |= {f: np.frompyfunc(python, f.nin, 1) for f, python in QUESTIONS.items()}
_MANTISSA, _EXPONENT = (np.frompyfunc(lambda x, part=part: mp.frexp(x)[part], 1, 1) for part in (0, 1))


def _numbers(values):
    """The numbers in a plain array of objects."""
    with np.errstate(all="ignore"):
        return np.asarray(_NUMBER(np.asarray(values)), object)


class Precise(np.ndarray):
    """An array of mpmath numbers."""

    def __new__(cls, values):
        """The numbers of `values`, exactly."""
        return _numbers(values).view(cls)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        """The function, in mpmath; a plain array of bool if it is a question."""
        if ufunc in (np.bitwise_and, np.bitwise_or, np.invert):
            return getattr(ufunc, method)(*(np.asarray(x).astype(bool) for x in inputs), **kwargs)
        plain = [_numbers(x) for x in inputs]
        if ufunc is np.frexp:
            return np.asarray(_MANTISSA(plain[0]), object).view(Precise), np.asarray(_EXPONENT(plain[0]), np.int64)
        if ufunc not in _UFUNCS or method not in ("__call__", "reduce"):
            return NotImplemented
        result = getattr(_UFUNCS[ufunc], method)(*plain, **kwargs)
        return np.asarray(result, bool) if ufunc in QUESTIONS else np.asarray(result, object).view(Precise)

    def __array_function__(self, function, types, args, kwargs):
        """NumPy's functions that choose between numbers, or make arrays like this one."""
        return CHOICES[function](*args, **kwargs) if function in CHOICES else NotImplemented

    def __bool__(self):
        """Of one number, whether it is not 0."""
        return bool(self.item())


def elementwise(function, *arrays):
    """A function of mpmath's, of each number; NaN where it has none, as at a pole."""

    def safe(*x):
        if not all(map(mp.isfinite, x)):
            return NAN if any(y != y for y in x) else function(*x)
        try:
            result = function(*x)
        except ValueError:
            return NAN
        return result if isinstance(result, mpf) else NAN

    return np.asarray(np.frompyfunc(safe, len(arrays), 1)(*map(_numbers, arrays)), object).view(Precise)


def _where(condition, x, y):
    pick = np.frompyfunc(lambda c, x, y: x if c else y, 3, 1)
    return np.asarray(pick(np.asarray(condition).astype(bool), _numbers(x), _numbers(y)), object).view(Precise)


def _nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    largest = np.finfo(np.float64).max
    posinf, neginf = (largest if posinf is None else posinf), (-largest if neginf is None else neginf)
    return _where(np.isnan(x), nan, _where(x == INF, posinf, _where(x == -INF, neginf, x)))


def _extremum(ufunc):
    return lambda values, axis=None, **_: ufunc.reduce(Precise(np.array([_numbers(v) for v in values])), axis=axis)


CHOICES = {
    np.where: _where,
    np.clip: lambda x, lower, upper: np.minimum(np.maximum(Precise(x), lower), upper),
    np.isposinf: lambda x: x == INF,
    np.isneginf: lambda x: x == -INF,
    np.zeros_like: lambda x, **_: Precise(np.zeros(x.shape)),
    np.ones_like: lambda x, **_: Precise(np.ones(x.shape)),
    np.full_like: lambda x, value, **_: Precise(np.full(x.shape, value)),
    np.nan_to_num: _nan_to_num,
    np.min: _extremum(np.minimum),
    np.max: _extremum(np.maximum),
    np.sum: lambda x, axis=None: np.add.reduce(x, axis=axis),
    np.shape: lambda x: np.asarray(x).shape,
    np.broadcast_to: lambda x, shape, **_: np.broadcast_to(np.asarray(x), shape).view(Precise),
}
