"""Calls that every engine refuses: with the right exception, which names the argument, and with nothing written."""

from __future__ import annotations

import numpy as np
import pytest

import cases
from engines import calls

CALLS = calls()


@pytest.fixture
def operands(call):
    return call.draw(cases.seed(call, "bad calls"), call.shapes[0], np.float64)


@pytest.fixture
def refuses(call, operands):
    """Checks that a call is refused, as a value and as a gradient, before its `out` is written."""

    def check(error, match, changed=(), without=None, **arguments):
        given = {name: x for name, x in {**operands, **dict(changed)}.items() if name != without}
        first = call.wrt(operands)[0]
        out = np.full_like(operands[first], 7.0)
        with pytest.raises(error, match=match):
            call.function(**given, **arguments)
        with pytest.raises(error, match=match):
            call.function.grad(**given, **arguments, wrt=first, out=out)
        assert (out == 7.0).all()

    return check


def _optional(call):
    return {operand.name for operand in call.function.info.operands if operand.optional}


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_every_operand_that_has_no_default_must_be_given(call, operands, refuses):
    for name in operands.keys() - _optional(call):
        refuses(TypeError, name, without=name)
        refuses(TypeError, name, {name: None})


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_operands_are_arrays_of_real_numbers(call, operands, refuses):
    for name, x in operands.items():
        for wrong in (x * 1j, x.astype(str), x.astype(object), x.astype("M8[s]") if x.dtype.kind != "f" else x * 2j):
            refuses(TypeError, name, {name: wrong})


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_the_shape_of_an_operand_is_that_of_the_units(call, operands, refuses):
    first = next(iter(operands))
    for name, x in operands.items():
        if name == first:
            continue
        if name not in call.of_any_length:
            refuses(ValueError, name, {name: np.concatenate([x, x[:2]])})
        refuses(ValueError, name, {name: x.reshape(1, 1, *x.shape)})


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_names_of_arguments(call, operands, refuses):
    refuses(TypeError, "unexpected keyword.*inputs", inputs=1.0)
    with pytest.raises(TypeError, match=r"unexpected keyword.*wrt"):
        call.function(**operands, wrt=call.wrt(operands)[0])
    with pytest.raises(TypeError, match="multiple values"):
        call.function(*operands.values(), **{next(iter(operands)): 1.0})
    with pytest.raises(TypeError, match="positional"):
        call.function(*operands.values(), *([1.0] * 10))


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_reductions_and_denominators(call, refuses):
    wrong_reductions = [("avg", ValueError), (None, TypeError), (1, TypeError)]
    if not call.has_units:
        wrong_reductions.append(("none", ValueError))
    for wrong, error in wrong_reductions:
        refuses(error, "reduction", reduction=wrong)
    for wrong, error in ((0, ValueError), (-3.0, ValueError), (np.nan, ValueError), ("rows", ValueError)):
        refuses(error, "normalizer", normalizer=wrong)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_weights_and_masks_are_of_the_units(call, refuses):
    units, masked = call.shapes[0].units, call.masked_shape(call.shapes[0])
    for argument, shape in (("sample_weight", units), ("where", masked)):
        for wrong in ((shape[0] + 1,), (*shape, 1, 1)):
            refuses(ValueError, argument, **{argument: np.ones(wrong, bool)})
    refuses(TypeError, "sample_weight", sample_weight=np.ones(units) * 1j)
    refuses(TypeError, "where.*bool", where=np.ones(masked))
    refuses(TypeError, "where.*bool", where=np.ones(masked, np.int64))


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_gradient_flows_in_of_the_shape_of_the_value(call, operands):
    units = call.shapes[0].units
    with pytest.raises(ValueError, match="grad_output"):
        call.function.grad(**operands, grad_output=np.ones(units))
    with pytest.raises(ValueError, match="grad_output"):
        call.function.grad(**operands, reduction=call.reductions[0], grad_output=np.ones((*units, 2)))
    with pytest.raises(TypeError, match="grad_output"):
        call.function.grad(**operands, grad_output=1j)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_wrt_names_operands_that_are_given_and_have_a_gradient(call, operands):
    grad, first = call.function.grad, call.wrt(operands)[0]
    wrong = ["inputs", 99, (first, 0), (first, first), *call.function.info.defaults]
    wrong += [operand.name for operand in call.function.info.operands if not operand.differentiable]
    for wrt in wrong:
        with pytest.raises(ValueError, match="wrt"):
            grad(**operands, wrt=wrt)
    with pytest.raises(TypeError, match="wrt"):
        grad(**operands, wrt=1.5)
    may_be_missing = [o.name for o in call.function.info.operands if o.optional and o.default is None]
    for name in may_be_missing:
        rest = {k: x for k, x in operands.items() if k != name}
        with pytest.raises(ValueError, match=f"wrt.*{name}"):
            grad(**rest, wrt=name)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_options_of_the_wrong_kind(call, refuses):
    for name, default in call.function.info.defaults.items():
        refuses(TypeError, name, **{name: object()})
        refuses(TypeError, name, **{name: np.ones(3)})
        if isinstance(default, str):
            refuses(ValueError, name, **{name: "no such choice"})
        elif isinstance(default, float):
            refuses(ValueError, name, **{name: float("nan")})
            refuses(TypeError, name, **{name: 1 + 2j})


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_what_a_call_would_ignore_is_refused(call, operands):
    first = call.wrt(operands)[0]
    out = np.zeros_like(operands[first])
    with pytest.raises((TypeError, ValueError), match="accumulate"):
        call.function.grad(**operands, wrt=first, accumulate=True)
    with pytest.raises((TypeError, ValueError), match="accumulate"):
        call.function(**operands, out=np.zeros(()), accumulate=True)
    if call.labels is None:
        with pytest.raises((TypeError, ValueError), match="ignore_index"):
            call.function.grad(**operands, ignore_index=0, wrt=first, out=out)
    assert (out == 0).all()
