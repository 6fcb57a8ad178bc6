"""Everything that a call computes against what the adapter of its engine says."""

from __future__ import annotations

import numpy as np

import cases


def assert_same(got, want, what):
    """The same numbers in the same places, in the same dtype."""
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape), what
    assert np.array_equal(got, want, equal_nan=True), what


def check(call, operands, dtype, what="", *, reductions=("none",), units=None, options=None, second=True, **arguments):
    """Calls the loss in every way with these arguments and compares all results with the exact ones.

    Of the reductions those that it has, or else the one that adds up the least.

    `units` is `call.exact(...)`, where that is known already; `second` asks for second derivatives of losses with some.
    """
    options = options or {}
    of_units = {k: arguments[k] for k in ("ignore_index",) if k in arguments}
    units = call.exact(operands, options, **of_units) if units is None else units
    names, first = call.wrt(operands), next(iter(operands))
    # A gradient has the dtype of its operand; that in integers is a number of the computation.
    stored = {name: None if x.dtype.kind in "biu" else x.dtype.newbyteorder("=") for name, x in operands.items()}
    scale = call.scale(operands, arguments.get("sample_weight"))
    reductions = [reduction for reduction in reductions if reduction in call.reductions] or call.reductions[:1]
    for reduction in reductions:
        want = units.reduce(reduction, **{k: v for k, v in arguments.items() if k not in of_units})
        given = {**operands, **options, **arguments, "reduction": reduction}
        label = f"{call} {what} {reduction}"

        def compare(got, exact, magnitude, part, stored=None, label=label):
            room = call.room(exact, magnitude, dtype, scale)
            cases.assert_stored(got, np.asarray(exact), room, dtype, stored, f"{label} {part}")

        value, gradients = call.function.value_and_grad(**given, wrt=names)
        compare(value, want.value, want.magnitudes["value"], "value")
        for name, gradient in zip(names, gradients, strict=True):
            compare(gradient, want.gradients[name], want.magnitudes[name], f"gradient in {name}", stored[name])
        assert_same(call.function(**{k: v for k, v in given.items() if k != "grad_output"}), value, label)
        if not second or "grad_output" in arguments:
            continue
        if call.has("hess"):
            compare(call.function.hess(**given), want.hessian, want.magnitudes["hessian"], "hess", stored[first])
        if call.has("grad_and_hess") and reduction == reductions[-1]:
            gradient, hessian = call.function.grad_and_hess(**given)
            compare(gradient, want.gradients[first], want.magnitudes[first], "gradient beside hess", stored[first])
            compare(hessian, want.hessian, want.magnitudes["hessian"], "hess beside gradient", stored[first])
        if call.has("hvp"):
            vector = cases.seed(what, "vector").standard_normal(np.shape(operands[first])).astype(dtype)
            with np.errstate(all="ignore"):
                product, size = want.product(vector), want.product_magnitude(vector)
            compare(call.function.hvp(**given, vector=vector), product, size, "hvp", stored[first])


def everything(call, operands, *, second=True, **arguments):
    """All that a call can compute with these arguments, by name."""
    names = call.wrt(operands)
    value, gradients = call.function.value_and_grad(**operands, **arguments, wrt=names)
    found = {"value": value} | {f"gradient in {n}": g for n, g in zip(names, gradients, strict=True)}
    if second and call.has("hess"):
        found["hess"] = call.function.hess(**operands, **arguments)
    if second and call.has("hvp"):
        vector = next(iter(operands.values())).astype(np.float32)
        found["hvp"] = call.function.hvp(**operands, **arguments, vector=vector)
    return found


def assert_same_bits(one, other, what):
    """Two results of `everything`."""
    for part, x in one.items():
        assert np.asarray(x).tobytes() == np.asarray(other[part]).tobytes(), f"{what} {part}"
