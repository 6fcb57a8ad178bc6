"""Where boxes and their gradients lie in memory, and how many threads compute: nothing changes but the places."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from contract.compare import assert_same
from references import box_draws
from references.boxes_schema import BoxLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "box"]
BOTH = BoxLoss.names


def results(name, operands, **call):
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=BOTH, reduction="none", **call)
    return [value, *gradients]


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_in_place_of_the_boxes(name, isa, use_isa):
    use_isa(isa)
    for dtype, units in itertools.product(cases.DTYPES, ((), (1,), (5, 7), (3001,))):
        operands = box_draws.ordinary_of(name, cases.seed(name, units), units, dtype)
        expected = results(name, operands)
        own = {each: x.copy() for each, x in operands.items()}
        value, gradients = cases.loss(name).value_and_grad(**own, wrt=BOTH, reduction="none", out=tuple(own.values()))
        assert all(gradient is x for gradient, x in zip(gradients, own.values(), strict=True))
        for one, other in zip((value, *gradients), expected, strict=True):
            assert_same(one, other, f"{units}")
        # The gradient in one box, where the other lies.
        own = {each: x.copy() for each, x in operands.items()}
        cases.loss(name).grad(**own, wrt="input", reduction="none", out=own["target"])
        assert_same(own["target"], expected[1], f"{units}")


@pytest.mark.parametrize("layout", layouts.ALL)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_wherever_the_boxes_lie(name, layout):
    turn = layouts.ALL[layout]
    for dtype, units in itertools.product(cases.DTYPES, ((), (33,), (5, 7), (3001,))):
        operands = box_draws.ordinary_of(name, cases.seed(name, units), units, dtype)
        expected = results(name, operands)
        for moved in (
            {each: turn(x) for each, x in operands.items()},
            {**operands, "target": turn(operands["target"])},
        ):
            for one, other in zip(results(name, moved), expected, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_with_any_number_of_threads(name, isa, use_isa):
    use_isa(isa)
    for dtype, units in itertools.product(cases.DTYPES, ((70_001,), (300, 401))):
        few = box_draws.ordinary_of(name, cases.seed(name), (999,), dtype)
        operands = {each: np.resize(x, (*units, x.shape[-1])) for each, x in few.items()}
        found = set()
        for threads in (1, 2, 3, 7):
            with fl.threads(threads):
                value, gradients = cases.loss(name).value_and_grad(**operands, wrt=BOTH)
                alone = cases.loss(name)(**operands)
            assert_same(alone, value, f"{threads}")
            found.add((value.tobytes(), *(gradient.tobytes() for gradient in gradients)))
        assert len(found) == 1


@pytest.mark.parametrize("name", ["complete_box_iou_loss", "probiou_loss"])
def test_boxes_beside_each_other_in_one_array(name):
    """The first and the last columns of a table: rows that lie apart."""
    loss, drawn = cases.loss(name), box_draws.ordinary_of(name, np.random.default_rng(2), (101,), np.float32)
    table, n = np.concatenate([*drawn.values()], axis=1), drawn["input"].shape[1]
    value, gradients = loss.value_and_grad(table[:, :n], table[:, n:], wrt=BOTH)
    again, others = loss.value_and_grad(table[:, :n].copy(), table[:, n:].copy(), wrt=BOTH)
    assert_same(value, again, "value")
    for one, other in zip(gradients, others, strict=True):
        assert_same(one, other, "gradient")
    out = np.zeros_like(table)
    for k, each in enumerate(BOTH):
        loss.grad(table[:, :n], table[:, n:], wrt=each, out=out[:, n * k : n * k + n])
    assert_same(out, np.concatenate(others, axis=1), "out")


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", ["generalized_box_iou_loss", "probiou_loss"])
def test_results_larger_than_the_cache_have_the_same_bits(name, isa, use_isa):
    # Their stores bypass it, in whole lines where all lines of a gradient can be. Those of a thousand pairs do not.
    use_isa(isa)
    for dtype in cases.DTYPES:
        few = [*box_draws.ordinary_of(name, cases.seed(name), (1000,), dtype).values()]
        each, item = few[0].shape[1], np.dtype(dtype).itemsize
        count = fl._core.cache()["streaming_bytes"] // (3 * each * item) + 1003
        many = [np.resize(x, (count, each)) for x in few]
        expected = cases.loss(name).grad(*few, reduction="none", wrt=BOTH)
        for wrt in ((0,), (1,), (0, 1)):
            for offset in (0, 1, 2, 4, 8, 12):
                frames = [np.zeros(count * each + 128, dtype) for _ in wrt]
                starts = [-frame.ctypes.data % 64 // item + offset + 2 * k for k, frame in enumerate(frames)]
                outs = [f[s : s + count * each].reshape(count, each) for f, s in zip(frames, starts, strict=True)]
                cases.loss(name).grad(*many, reduction="none", wrt=wrt, out=tuple(outs))
                for k, frame, start, out in zip(wrt, frames, starts, outs, strict=True):
                    assert_same(out, np.resize(expected[k], out.shape), f"{dtype} {wrt} {offset}")
                    assert not frame[:start].any()
                    assert not frame[start + count * each :].any()
