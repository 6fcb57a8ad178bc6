"""What a mean is the quotient of, of every engine: in double, before anything is divided."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from engines import calls

CALLS = calls()
OF_UNITS = [call for call in CALLS if call.has_units and call.units_are_apart]


def _ways(call, shape, rng):
    """Weights, masks and denominators."""
    weights, mask = rng.random(shape.units[:1]) + 0.5, rng.random(call.masked_shape(shape)) < 0.6
    yield {}
    yield {"sample_weight": weights}
    yield {"where": mask}
    yield {"sample_weight": weights, "where": mask}
    yield {"where": mask, "normalizer": "count"}
    yield {"sample_weight": weights, "normalizer": "weight"}
    yield {"normalizer": 7.5}


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_the_sum_and_the_denominator(call, dtype):
    for shape in call.shapes:
        rng = cases.seed(call, shape, "statistics")
        operands = call.draw(rng, shape, dtype)
        units = call.exact(operands)
        for way in _ways(call, shape, rng):
            got, (total, denominator) = call.function.statistics(**operands, **way), units.statistics(**way)
            assert [type(x) for x in got] == [float, float]
            room = call.room(total.exact, total.magnitude, dtype, call.scale(operands, way.get("sample_weight")))
            assert abs(got[0] - total.exact) <= room, f"{shape} {way.keys()}"
            assert got[1] == pytest.approx(float(denominator), rel=8 * float(np.finfo(dtype).eps))
            if not (call.function.info.engine == "pointwise" and not call.has("hess")):  # those have a head
                assert dtype(got[0] / got[1]) == call.function(**operands, **way)


@pytest.mark.parametrize("call", OF_UNITS, ids=str)
def test_those_of_parts_add_up(call):
    operands = call.draw(cases.seed(call, "parts"), call.shape_of(40, call.shapes[0].width), np.float64)
    parts = [
        call.function.statistics(**call.repeated(operands, np.arange(first, last)))
        for first, last in ((0, 13), (13, 14), (14, 40))
    ]
    assert np.sum(parts, axis=0) == pytest.approx(call.function.statistics(**operands), rel=1e-12)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_nothing_is_no_error(call):
    operands = call.draw(cases.seed(call), call.shapes[0], np.float32)
    with fl.errstate(empty="raise", nonfinite="raise"):
        nothing = np.zeros(call.masked_shape(call.shapes[0]), bool)
        assert call.function.statistics(**operands, where=nothing) == (0.0, 0.0)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_any_number_of_threads_gives_the_same_bits(call):
    operands = call.draw(cases.seed(call), call.large_shapes[0], np.float32)
    found = set()
    for threads in (1, 2, 3):
        with fl.threads(threads):
            found.add(call.function.statistics(**operands))
    assert len(found) == 1


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_what_statistics_do_not_have(call):
    operands = call.draw(cases.seed(call), call.shapes[0], np.float64)
    for keyword in ("reduction", "out", "wrt", "grad_output", "accumulate", "return_"):
        with pytest.raises(TypeError, match=rf"statistics\(\) got an unexpected keyword argument '{keyword}'"):
            call.function.statistics(**operands, **{keyword: None})


def test_a_sum_that_float32_does_not_hold():
    x = np.array([1.0, 3e-9], np.float32)
    assert fl.l1_loss.statistics(x, np.float32(0)) == (float(x[0]) + float(x[1]), 2.0)
    with fl.errstate(nonfinite="raise"), pytest.raises(ValueError, match="not finite"):
        fl.l1_loss.statistics(np.array([np.inf]), 0.0)
