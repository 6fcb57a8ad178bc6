"""Values and gradients of losses of boxes against their definition, on every instruction set."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same, check
from engines import Shape
from engines.box.adapter import Box
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import BoxLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "box"]
CORNERS = [name for name in NAMES if not BOX_REFERENCES[name].rotated]
BOTH = BoxLoss.names


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_of_every_option(name, dtype, isa, use_isa):
    use_isa(isa)
    call = Box(name)
    for options in call.option_sets():
        operands = call.draw(cases.seed(name, options), Shape((211,), 4), dtype, options=options)
        check(call, operands, dtype, f"{options}", reductions=("none", "mean"), options=options)


@pytest.mark.parametrize("units", [(), (1,), (7,), (2, 3), (15,), (16,), (17,), (1, 1, 1), (1023,), (1024,), (1025,)])
@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_pairs(name, units):
    for isa in cases.ISAS:
        fl._core.use_isa(isa)
        for dtype in cases.DTYPES:
            operands = box_draws.ordinary_of(name, cases.seed(name, units), units, dtype)
            check(Box(name), operands, dtype, f"{units}", reductions=("none", "sum"))


@pytest.mark.parametrize("name", NAMES)
def test_golden_values(name):
    loss = cases.loss(name)
    for case in BOX_REFERENCES[name].golden:
        value = loss(list(case.input), list(case.target), **case.keywords)
        assert value == pytest.approx(case.value, abs=1e-10)
        assert value.dtype == np.float64
        single = loss(np.array([case.input], np.float32), np.array([case.target], np.float32), **case.keywords)
        assert single.dtype == np.float32
        assert single == pytest.approx(case.value, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_does_not_depend_on_the_others(name):
    """Not on its place, nor on how many there are."""
    for dtype in cases.DTYPES:
        operands = box_draws.ordinary_of(name, cases.seed(name, "alone"), (2100,), dtype)
        loss = cases.loss(name)
        value, gradients = loss.value_and_grad(**operands, wrt=BOTH, reduction="none")
        for first, last in ((0, 1), (5, 22), (1020, 1030), (2099, 2100)):
            some = {k: x[first:last].copy() for k, x in operands.items()}
            part, slopes = loss.value_and_grad(**some, wrt=BOTH, reduction="none")
            assert_same(part, value[first:last], f"{first} {last}")
            for one, whole in zip(slopes, gradients, strict=True):
                assert_same(one, whole[first:last], f"{first} {last}")


@pytest.mark.parametrize("name", NAMES)
def test_the_value_alone_and_beside_gradients_has_the_same_bits(name):
    loss = cases.loss(name)
    for dtype, options in ((t, o) for t in cases.DTYPES for o in BOX_REFERENCES[name].option_sets()):
        for operands in (
            box_draws.ordinary_of(name, cases.seed(name), (3000,), dtype),
            box_draws.special_of(name, dtype),
        ):
            for reduction in ("none", "mean", "sum"):
                call = {**operands, **options, "reduction": reduction}
                alone, (value, gradient) = loss(**call), loss.value_and_grad(**call)
                assert_same(alone, value, f"{options} {reduction}")
                assert_same(loss.grad(**call), gradient, f"{options} {reduction}")
                for one, other in zip(loss.grad(**call, wrt=BOTH), (gradient, loss.grad(**call, wrt=1)), strict=True):
                    assert_same(one, other, f"{options} {reduction}")


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_a_coordinate_that_is_missing(name, isa, use_isa):
    """The value of its pair is missing, and all its slopes; nothing of other pairs."""
    use_isa(isa)
    loss, numbers = cases.loss(name), BOX_REFERENCES[name].boxes.numbers
    for dtype, options in ((t, o) for t in cases.DTYPES for o in BOX_REFERENCES[name].option_sets()):
        for clean in (box_draws.ordinary_of(name, cases.seed(name), (40,), dtype), box_draws.special_of(name, dtype)):
            whole = [
                loss(**clean, **options, reduction="none"),
                *loss.grad(**clean, **options, reduction="none", wrt=BOTH),
            ]
            dirty, missing = {k: x.copy() for k, x in clean.items()}, np.zeros(len(whole[0]), bool)
            for k in range(2 * numbers):
                dirty[BOTH[k // numbers]][2 * k + 1, k % numbers] = np.nan
                missing[2 * k + 1] = True
            value, gradients = loss.value_and_grad(**dirty, **options, reduction="none", wrt=BOTH)
            for part, expected in zip((value, *gradients), whole, strict=True):
                assert np.isnan(part[missing]).all(), f"{options}"
                np.testing.assert_array_equal(part[~missing], expected[~missing])
            assert np.isnan(loss(**dirty, **options))
            value, gradients = loss.value_and_grad(**dirty, **options, reduction="none", wrt=BOTH, where=~missing)
            for part, expected in zip((value, *gradients), whole, strict=True):
                assert not part[missing].any()
                np.testing.assert_array_equal(part[~missing], expected[~missing])


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", CORNERS)
def test_large_boxes_of_narrow_numbers(name, dtype):
    """The area of 512 x 512 pixels is beyond float16."""
    boxes = np.array([[0, 0, 512, 512], [16, 8, 496, 512], [0, 256, 512, 512]], dtype)
    other = np.array([[0, 0, 512, 512], [0, 0, 512, 448], [256, 0, 512, 512]], dtype)
    value, gradients = cases.loss(name).value_and_grad(boxes, other, reduction="none", wrt=BOTH)
    assert value.dtype == np.float32
    wide = cases.loss(name)(boxes.astype(np.float32), other.astype(np.float32), reduction="none")
    assert_same(value, wide, name)
    assert np.isfinite(value).all()
    for gradient in gradients:
        assert gradient.dtype == dtype
        assert np.isfinite(gradient.astype(np.float32)).all()
