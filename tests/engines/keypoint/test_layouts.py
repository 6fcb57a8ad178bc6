"""Where keypoints and their gradients lie in memory, and how many threads compute: nothing changes but the places."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from contract.compare import assert_same
from references import keypoint_draws
from references.keypoints_schema import KeypointLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "keypoint"]
BOTH = KeypointLoss.names
SHAPES = [((), 17), ((33,), 17), ((5, 7), 3), ((700,), 5), ((3,), 700), ((1,), 1)]


def results(name, operands, **call):
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=BOTH, reduction="none", **call)
    return [value, *gradients]


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_in_place_of_the_keypoints(name, isa, use_isa):
    use_isa(isa)
    for dtype, (units, keypoints) in itertools.product(cases.DTYPES, SHAPES):
        operands = keypoint_draws.ordinary(cases.seed(name, units), units, keypoints, dtype)
        expected = results(name, operands)
        own = {each: x.copy() for each, x in operands.items()}
        found = results(name, own, out=(own["input"], own["target"]))
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other, f"{units}")
        assert_same(own["target"], expected[2], f"{units}")
        # The gradient in one set of keypoints, where the other lies.
        own = {each: x.copy() for each, x in operands.items()}
        cases.loss(name).grad(**own, wrt="input", reduction="none", out=own["target"])
        assert_same(own["target"], expected[1], f"{units}")


@pytest.mark.parametrize("name", NAMES)
def test_the_value_in_place_of_other_operands(name):
    """As many instances as there are keypoints: all of these have the shape of the value."""
    for dtype, keypoints in itertools.product(cases.DTYPES, (17, 300, 700)):
        operands = keypoint_draws.ordinary(cases.seed(name), (keypoints,), keypoints, dtype)
        operands["visible"] = operands["visible"][0]
        expected = cases.loss(name)(**operands, reduction="none")
        for each in ("area", "sigmas", "visible"):
            own = {k: x.copy() for k, x in operands.items()}
            assert cases.loss(name)(**own, reduction="none", out=own[each]) is own[each]
            assert_same(own[each], expected, f"{each} {keypoints}")
            turned = {**operands, each: operands[each][::-1].copy()[::-1]}
            cases.loss(name)(**turned, reduction="none", out=turned[each])
            assert_same(turned[each], expected, f"{each} {keypoints}")


@pytest.mark.parametrize("layout", layouts.ALL)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_wherever_the_keypoints_lie(name, layout):
    turn = layouts.ALL[layout]
    for dtype, (units, keypoints) in itertools.product(cases.DTYPES, SHAPES):
        operands = keypoint_draws.ordinary(cases.seed(name, units), units, keypoints, dtype)
        expected = results(name, operands)
        alone = ({**operands, each: turn(x)} for each, x in operands.items())
        for moved in ({each: turn(x) for each, x in operands.items()}, *alone):
            for one, other in zip(results(name, moved), expected, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_coordinates_and_keypoints_in_other_orders_in_memory(name):
    """All x before all y, and keypoints before instances."""
    operands = keypoint_draws.ordinary(cases.seed(name), (60,), 17, np.float32)
    expected = results(name, operands)
    for order in itertools.permutations(range(3)):
        moved = {
            **operands,
            **{
                each: np.ascontiguousarray(operands[each].transpose(order)).transpose(np.argsort(order))
                for each in BOTH
            },
        }
        for one, other in zip(results(name, moved), expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_keypoints_beside_their_weights_in_one_array():
    """As COCO has them: x, y and v in turn."""
    operands = keypoint_draws.ordinary(cases.seed("coco"), (101,), 17, np.float32)
    table = np.concatenate([operands["target"], operands["visible"][..., np.newaxis]], axis=-1)
    rest = {each: operands[each] for each in ("input", "area", "sigmas")}
    found = results("oks_loss", {**rest, "target": table[..., :2], "visible": table[..., 2]})
    for one, other in zip(found, results("oks_loss", operands), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_with_any_number_of_threads(name, isa, use_isa):
    use_isa(isa)
    for dtype, (units, keypoints) in itertools.product(cases.DTYPES, (((6_001,), 17), ((40, 31), 133), ((70,), 1_500))):
        few = keypoint_draws.ordinary(cases.seed(name), (50,), keypoints, dtype)
        operands = {each: x if each == "sigmas" else np.resize(x, (*units, *x.shape[1:])) for each, x in few.items()}
        found = set()
        for threads in (1, 2, 3, 7):
            with fl.threads(threads):
                value, gradients = cases.loss(name).value_and_grad(**operands, wrt=BOTH)
                alone = cases.loss(name)(**operands)
            assert_same(alone, value, f"{threads}")
            found.add((value.tobytes(), *(gradient.tobytes() for gradient in gradients)))
        assert len(found) == 1


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_results_larger_than_the_cache_have_the_same_bits(name, isa, use_isa):
    # Their stores bypass it; those of a thousand instances do not.
    use_isa(isa)
    for dtype in cases.DTYPES:
        few = keypoint_draws.ordinary(cases.seed(name), (1000,), 17, dtype)
        item = np.dtype(dtype).itemsize
        count = fl._core.cache()["streaming_bytes"] // (3 * 34 * item) + 1003
        many = {each: np.resize(x, (count, *x.shape[1:])) if x.shape[:1] == (1000,) else x for each, x in few.items()}
        expected = cases.loss(name).grad(**few, reduction="none", wrt=BOTH)
        for wrt in ((0,), (1,), (0, 1)):
            for offset in (0, 1, 2, 4):
                frames = [np.zeros(count * 34 + 128, dtype) for _ in wrt]
                starts = [-frame.ctypes.data % 64 // item + offset for frame in frames]
                outs = [f[s : s + count * 34].reshape(count, 17, 2) for f, s in zip(frames, starts, strict=True)]
                cases.loss(name).grad(**many, reduction="none", wrt=wrt, out=tuple(outs))
                for k, frame, start, out in zip(wrt, frames, starts, outs, strict=True):
                    assert_same(out, np.resize(expected[k], out.shape), f"{dtype} {wrt} {offset}")
                    assert not frame[:start].any()
                    assert not frame[start + count * 34 :].any()
