"""Results in the caller's memory, of every engine: anywhere, on top of operands, added to what is there, or refused."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import layouts
from contract.compare import assert_same
from engines import calls
from engines.adapter import FLOATS
from exact import rounded_once

CALLS = calls()
HELD = 2.5  # what an array holds before a call


def _computations(call, operands, reduction):
    """Every result that an `out` may be given for, by name: calls that take further keywords."""
    function = call.function
    given = {**operands, "reduction": reduction}
    found = {
        f"grad {name}": lambda name=name, **more: function.grad(**given, wrt=name, **more)
        for name in call.wrt(operands)
    }
    found["value"] = lambda **more: function(**given, **more)
    if call.has("hess"):
        found["hess"] = lambda **more: function.hess(**given, **more)
    if call.has("hvp"):
        first = next(iter(operands.values()))
        vector = np.linspace(-1, 1, first.size, dtype=first.dtype).reshape(first.shape)
        found["hvp"] = lambda **more: function.hvp(**given, vector=vector, **more)
    return found


def _results_and_outs(call, dtype, reduction):
    """Every computation at every shape, its result, and an array in each layout to put it in."""
    for shape in call.shapes:
        operands = call.draw(cases.seed(call, shape, "out"), shape, dtype)
        for part, compute in _computations(call, operands, reduction).items():
            result = np.asarray(compute())
            for layout, turn in {"plain": np.copy, **layouts.WRITEABLE}.items():
                yield part, compute, result, turn(np.full_like(result, HELD)), f"{shape} {part} {layout}"


WAYS = [(call, *way) for call in CALLS for way in ((np.float64, call.reductions[0]), (np.float32, "mean"))]


@pytest.mark.parametrize(("call", "dtype", "reduction"), WAYS, ids=str)
def test_out_of_any_layout(call, dtype, reduction):
    for _, compute, result, out, what in _results_and_outs(call, dtype, reduction):
        assert compute(out=out) is out, what
        np.testing.assert_array_equal(out, result, err_msg=what)


@pytest.mark.parametrize(("call", "dtype", "reduction"), WAYS, ids=str)
def test_accumulate_adds_to_what_is_there(call, dtype, reduction):
    room = 32 * np.finfo(dtype).eps
    for part, compute, result, out, what in _results_and_outs(call, dtype, reduction):
        if part != "value":  # of which there is no sum
            assert compute(out=out, accumulate=True) is out, what
            slack = room * (HELD + np.abs(result).max(initial=0))
            np.testing.assert_allclose(out, HELD + result, rtol=room, atol=slack, err_msg=what)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_out_of_another_floating_dtype_is_the_result_rounded_once(call, dtype):
    for shape, reduction in ((call.shapes[0], call.reductions[0]), (call.shapes[-1], "mean")):
        operands = call.draw(cases.seed(call, shape, "rounded"), shape, dtype)
        for part, compute in _computations(call, operands, reduction).items():
            result, whole = np.asarray(compute()), compute(out=np.full(np.shape(compute()), HELD))
            assert_same(whole.astype(result.dtype), result, f"{shape} {part}")
            for other in FLOATS:
                for order in ("=", ">") if other.char in "efd" else ("=",):
                    out = np.full(result.shape, HELD, other.newbyteorder(order))
                    assert compute(out=out) is out
                    np.testing.assert_array_equal(out, rounded_once(whole, other), err_msg=f"{shape} {part} {other}")


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_several_outs_at_once(call):
    operands = call.draw(cases.seed(call, "several"), call.shapes[0], np.float64)
    names, function = call.wrt(operands), call.function
    value, gradients = function.value_and_grad(**operands, wrt=names)
    outs = tuple(np.full_like(operands[name], HELD) for name in names)
    again, results = function.value_and_grad(**operands, wrt=names, out=outs)
    assert_same(again, value, str(call))
    for name, out, result, gradient in zip(names, outs, results, gradients, strict=True):
        assert result is out
        assert_same(out, gradient, name)
    if len(names) > 1:
        with pytest.raises(ValueError, match="out"):
            function.grad(**operands, wrt=names[:2], out=(outs[0], outs[0]))
        with pytest.raises(TypeError, match="out"):
            function.grad(**operands, wrt=names, out=outs[0])
    assert_same(outs[0], gradients[0], "what is refused writes nothing")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_results_may_lie_where_operands_do(call, dtype):
    for shape in call.shapes:
        original = call.draw(cases.seed(call, shape, "in place"), shape, dtype)
        names = call.wrt(original)
        value, gradients = call.function.value_and_grad(**original, wrt=names)
        operands = {name: x.copy() for name, x in original.items()}
        again, _ = call.function.value_and_grad(**operands, wrt=names, out=tuple(operands[name] for name in names))
        assert_same(again, value, str(shape))
        for name, gradient in zip(names, gradients, strict=True):
            assert_same(operands[name], gradient, f"{shape} {name} in place of itself")
        first = names[0]
        computations = _computations(call, original, "mean")
        for part in computations.keys() & {"hess", "hvp"}:
            operands = {name: x.copy() for name, x in original.items()}
            expected = computations[part]()
            _computations(call, operands, "mean")[part](out=operands[first])
            assert_same(operands[first], expected, f"{shape} {part} in place of {first}")


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_an_out_that_overlaps_an_operand_or_itself_is_refused(call):
    operands = call.draw(cases.seed(call, "overlap"), call.shapes[0], np.float64)
    first = call.wrt(operands)[0]
    shape, size = operands[first].shape, operands[first].size
    shared = np.zeros(size + 1)
    shared[:size] = operands[first].reshape(-1)
    operands = {**operands, first: shared[:size].reshape(shape)}
    before = shared.copy()
    methods = [(call.function.grad, {"wrt": first}), (call.function.value_and_grad, {"wrt": first})]
    methods += [(call.function.hess, {})] if call.has("hess") else []
    for method, wrt in methods:
        with pytest.raises(ValueError, match=f"out overlaps {first}"):
            method(**operands, **wrt, out=shared[1:].reshape(shape))
        with pytest.raises(ValueError, match="out"):
            method(**operands, **wrt, out=shared[size - 1 :: -1].reshape(shape))
        with pytest.raises(ValueError, match="out"):
            method(**operands, **wrt, out=np.lib.stride_tricks.as_strided(np.zeros(1), shape, (0,) * len(shape)))
    np.testing.assert_array_equal(shared, before)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_an_out_that_does_not_fit_is_refused_before_anything_is_written(call):
    operands = call.draw(cases.seed(call, "refused"), call.shapes[0], np.float64)
    for part, compute in _computations(call, operands, call.reductions[0]).items():
        result = np.asarray(compute())
        locked = np.full_like(result, HELD)
        locked.flags.writeable = False
        refused = [
            (ValueError, np.full((*result.shape, 1), HELD)),
            (ValueError, np.full([n + 1 for n in result.shape] or [2], HELD)),
            (TypeError, np.full(result.shape, 2, np.int64)),
            (ValueError, locked),
            (TypeError, np.full(result.shape, HELD).tolist()),
        ]
        for error, out in refused:
            before = np.array(out)
            with pytest.raises(error, match="out"):
                compute(out=out)
            np.testing.assert_array_equal(out, before, err_msg=part)
