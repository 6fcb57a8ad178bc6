"""Cases of functions of rows that are no losses: their arrays, and the products of a gradient with their Jacobians."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from bench.case import Case, special
from bench.judge import Problem
from bench.rowwise import AXIS, SHAPES, blocks, in_shape
from bench.sizes import Size, Sizes
from references.row_functions import PRODUCTS, VALUES


@dataclass(frozen=True, kw_only=True)
class RowFunction(Case):
    """A case of a function of rows along axis 1, and the gradient in its scores of a gradient that flows in."""

    sizes: ClassVar[Sizes] = SHAPES

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Normal scores, and a normal gradient."""
        rng = np.random.default_rng(size)
        classes, rows = size[AXIS], int(np.prod(size)) // size[AXIS]
        scores = rng.standard_normal((rows, classes), dtype) * np.dtype(dtype).type(2)
        one_for_each_row = VALUES[name](scores[:1]).ndim == 1
        flow = rng.standard_normal(rows if one_for_each_row else (rows, classes), dtype)
        value, gradient = np.empty(flow.shape), np.empty((rows, classes))
        for some in blocks(rows, classes):
            z, g = (a[some].astype(np.longdouble) for a in (scores, flow))
            value[some], gradient[some] = VALUES[name](z), PRODUCTS[name](z, g)
        return Problem(
            {"input": in_shape(scores, size)},
            in_shape(value, size),
            {"input": in_shape(gradient, size)},
            flow=in_shape(flow, size),
        )


def exponentials(z, out=None):
    """exp(z - max z), their sums, and the largest scores."""
    top = z.max(axis=AXIS, keepdims=True)
    e = np.subtract(z, top, out=out)
    np.exp(e, out=e)
    return e, e.sum(axis=AXIS, keepdims=True), top


def softmax(mode, out, z, flow):
    """p (g - sum p g)."""
    p, total, _ = exponentials(z)
    p /= total
    gradient = None
    if mode.gradient:
        gradient = np.multiply(p, flow, out=out)
        np.subtract(flow, gradient.sum(axis=AXIS, keepdims=True), out=gradient)
        gradient *= p
    return p, gradient


def log_softmax(mode, out, z, flow):
    """g - p sum g."""
    u = z - z.max(axis=AXIS, keepdims=True)
    p = np.exp(u, out=out)
    total = p.sum(axis=AXIS, keepdims=True)
    if mode.value:
        u -= np.log(total)
    if mode.gradient:
        p *= flow.sum(axis=AXIS, keepdims=True) / total
        np.subtract(flow, p, out=p)
    return u, p


def logsumexp(mode, out, z, flow):
    """p g."""
    e, total, top = exponentials(z, out)
    value = (np.log(total) + top).squeeze(AXIS) if mode.value else None
    if mode.gradient:
        e *= np.expand_dims(flow, AXIS) / total
    return value, e


def with_functions(xp):
    """Where the functions for arrays of `xp` are: in SciPy for NumPy, in `jax.nn` for JAX."""
    if xp is np:
        return special(xp)
    import jax

    return jax.nn


def case(name, numpy, axis):
    """The case of a function that everybody has; `axis` is what fastloss calls the axis of the classes."""

    def of(library: ModuleType, z: Any) -> Any:
        return getattr(library, name)(z, AXIS)

    return RowFunction(numpy=numpy, jax=lambda xp, z: of(with_functions(xp), z), torch=of, scipy=of, fixed={axis: AXIS})


CASES = {
    "softmax": case("softmax", softmax, "dim"),
    "log_softmax": case("log_softmax", log_softmax, "dim"),
    "logsumexp": case("logsumexp", logsumexp, "axis"),
}
