"""Values and gradients of losses of embeddings against their definition, on every instruction set."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same, check
from engines import Shape
from engines.distance.adapter import Distance
from references import EMBEDDING_REFERENCES, distance_draws
from references.distance_schema import DistanceLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "distance"]


def drawn(name, units, width, dtype=np.float64, **options):
    """Operands of a loss, for a call with these options."""
    reference = EMBEDDING_REFERENCES[name]
    return distance_draws.ordinary(cases.seed(name, units, width), reference, units, width, dtype, options)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_of_every_option(name, dtype, isa, use_isa):
    use_isa(isa)
    call = Distance(name)
    for options in call.option_sets():
        for width in (5, 64):
            operands = call.draw(cases.seed(name, options), Shape((111,), width), dtype, options=options)
            check(call, operands, dtype, f"{options} {width}", reductions=("none", "mean"), options=options)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("width", [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 128, 500, 1025, 20_000])
@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_features_and_of_units(name, width, isa, use_isa):
    use_isa(isa)
    call = Distance(name)
    for dtype in cases.DTYPES:
        for units in ((), (1,), (2, 3), (33,)) if width < 10_000 else ((3,),):
            operands = call.draw(cases.seed(name, units, width), Shape(units, width), dtype)
            check(call, operands, dtype, f"{width} {units}", reductions=("none", "sum"))


@pytest.mark.parametrize("name", NAMES)
def test_golden_values(name):
    loss = cases.loss(name)
    for case in EMBEDDING_REFERENCES[name].golden:
        value = loss(**case.operands, **case.keywords)
        assert value == pytest.approx(case.value, abs=1e-10)
        assert value.dtype == np.float64
        single = {k: np.array(x, np.float32) if isinstance(x, tuple) else x for k, x in case.operands.items()}
        value = loss(**single, **case.keywords)
        assert value.dtype == np.float32
        assert value == pytest.approx(case.value, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_float32_are_summed_in_double(name, isa, use_isa):
    """Its value is that of the same numbers in float64, rounded; a gradient is made of a few numbers of float32."""
    use_isa(isa)
    loss, eps = cases.loss(name), np.finfo(np.float32).eps
    wrt = EMBEDDING_REFERENCES[name].differentiable
    for width in (3, 128, 3000):
        narrow = drawn(name, (40,), width, np.float32)
        value, gradients = loss.value_and_grad(**narrow, reduction="none", wrt=wrt)
        wide = {k: x.astype(np.float64) for k, x in narrow.items()}
        exact, slopes = loss.value_and_grad(**wide, reduction="none", wrt=wrt)
        np.testing.assert_allclose(value, exact, rtol=eps, atol=1e-12)
        for gradient, slope in zip(gradients, slopes, strict=True):
            np.testing.assert_allclose(gradient, slope, rtol=4 * eps, atol=4 * eps * np.abs(slope).max())


@pytest.mark.parametrize("name", NAMES)
def test_gradients_in_some_operands(name):
    """In each, in several in any order, and in those that a call has by default."""
    reference, operands = EMBEDDING_REFERENCES[name], drawn(name, (9,), 6)
    loss, names = cases.loss(name), reference.differentiable
    whole = dict(zip(names, loss.grad(**operands, wrt=names), strict=True))
    for k, each in enumerate(reference.names):
        if each in names:
            assert_same(loss.grad(**operands, wrt=each), whole[each], each)
            assert_same(loss.grad(**operands, wrt=k), whole[each], each)
    for one, other in zip(loss.grad(**operands, wrt=names[::-1]), names[::-1], strict=True):
        assert_same(one, whole[other], other)
    default = reference.default_wrt or reference.embeddings
    found = loss.grad(**operands)
    assert isinstance(found, tuple) == (len(default) > 1)
    for gradient, each in zip(found if len(default) > 1 else (found,), default, strict=True):
        assert_same(gradient, whole[each], each)
    value, beside = loss.value_and_grad(**operands)
    assert_same(value, loss(**operands), "value")
    for one, other in zip(beside, found, strict=True):
        assert_same(one, other, "beside the value")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_gradient_is_in_by_default_is_documented(name):
    """And in the stubs, which read the same words."""
    reference = EMBEDDING_REFERENCES[name]
    text = cases.loss(name).grad.__doc__
    assert ("Default: all embeddings" in text) == (reference.default_wrt is None)


@pytest.mark.parametrize("name", NAMES)
def test_the_value_alone_and_beside_gradients_has_the_same_bits(name):
    loss, wrt = cases.loss(name), EMBEDDING_REFERENCES[name].differentiable
    for dtype in cases.DTYPES:
        for width in (5, 17, 128):
            operands = drawn(name, (1000,), width, dtype)
            for reduction in ("none", "mean", "sum"):
                call = {**operands, "reduction": reduction}
                alone, (value, gradients) = loss(**call), loss.value_and_grad(**call, wrt=wrt)
                assert_same(alone, value, reduction)
                for each, gradient in zip(wrt, gradients, strict=True):
                    assert_same(loss.grad(**call, wrt=each), gradient, reduction)


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_does_not_depend_on_the_others(name):
    """Not on its place, nor on how many there are."""
    loss, wrt = cases.loss(name), EMBEDDING_REFERENCES[name].differentiable
    for dtype in cases.DTYPES:
        for width in (3, 17, 128):
            operands = drawn(name, (1100,), width, dtype)
            value, gradients = loss.value_and_grad(**operands, wrt=wrt, reduction="none")
            for first, last in ((0, 1), (5, 22), (510, 530), (1099, 1100)):
                some = {k: x[first:last].copy() for k, x in operands.items()}
                part, slopes = loss.value_and_grad(**some, wrt=wrt, reduction="none")
                assert_same(part, value[first:last], f"{width} {first} {last}")
                for one, whole in zip(slopes, gradients, strict=True):
                    assert_same(one, whole[first:last], f"{width} {first} {last}")


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_long_vectors_of_narrow_numbers(name, dtype):
    """A thousand features of 100, whose squares add up to beyond float16."""
    reference = EMBEDDING_REFERENCES[name]
    operands = drawn(name, (5,), 1000, dtype)
    for each in reference.embeddings:
        operands[each] *= dtype(100)
    value, gradients = cases.loss(name).value_and_grad(**operands, reduction="none", wrt=reference.embeddings)
    exact = DistanceLoss(reference, operands)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, exact.values.astype(float), rtol=1e-6, atol=1e-6)
    want = exact.reduce("none").gradients
    for each, gradient in zip(reference.embeddings, gradients, strict=True):
        assert gradient.dtype == dtype
        largest = float(ml_dtypes.finfo(dtype).max)
        inside = np.abs(want[each]) < largest
        found = gradient.astype(np.float64)
        np.testing.assert_allclose(found[inside], want[each][inside].astype(float), rtol=0.01, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NAMES if EMBEDDING_REFERENCES[name].has_target])
def test_a_target_does_not_widen_the_computation(name):
    operands = drawn(name, (5,), 4, np.float32)
    for dtype in (np.float64, np.int64, np.int8, np.float16):
        assert cases.loss(name)(**{**operands, "target": operands["target"].astype(dtype)}).dtype == np.float32
