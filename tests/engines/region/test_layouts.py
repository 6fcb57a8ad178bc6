"""Where regions and their gradients lie in memory, and how many threads compute: nothing changes but the places."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from contract.compare import assert_same
from references import REGION_REFERENCES, region_draws

NAMES = list(REGION_REFERENCES)
# A shape, its axis of classes, and what makes probabilities of the input.
WAYS = [
    ((7,), None, False),
    ((5, 33), None, "sigmoid"),
    ((3, 4, 6, 7), 1, False),
    ((3, 4, 6, 7), 1, "softmax"),
    ((3, 6, 7, 4), -1, "softmax"),
    ((4, 6, 7), 0, "sigmoid"),
    ((2, 2, 700), 1, "softmax"),
]


def drawn(name, shape, axis, activation, kind="soft", dtype=np.float64):
    rng = cases.seed(name, shape, axis, kind)
    return region_draws.ordinary(rng, shape, axis, kind, dtype, from_logits=bool(activation))


def results(name, operands, axis, activation, **call):
    kind = "soft" if operands["target"].dtype.kind == "f" else "mask"
    wrt = ("input", "target") if kind == "soft" else ("input",)
    given = {"wrt": wrt, "reduction": "none", "axis": axis, "from_logits": activation, **call}
    value, gradients = cases.loss(name).value_and_grad(**operands, **given)
    return [value, *gradients]


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_in_place_of_operands(name, isa, use_isa):
    use_isa(isa)
    for dtype, (shape, axis, activation) in itertools.product(cases.DTYPES, WAYS):
        operands = drawn(name, shape, axis, activation, dtype=dtype)
        expected = results(name, operands, axis, activation)
        own = {each: x.copy() for each, x in operands.items()}
        found = results(name, own, axis, activation, out=(own["input"], own["target"]))
        for one, other in zip((*found, own["input"], own["target"]), (*expected, *expected[1:]), strict=True):
            assert_same(one, other, f"{shape} {activation}")
        # The gradient in one operand, where the other lies.
        for each, there, gradient in (("input", "target", expected[1]), ("target", "input", expected[2])):
            own = {k: x.copy() for k, x in operands.items()}
            given = {"reduction": "none", "axis": axis, "from_logits": activation}
            cases.loss(name).grad(**own, **given, wrt=each, out=own[there])
            assert_same(own[there], gradient, f"{shape} {activation} {each} in place of {there}")


@pytest.mark.parametrize("layout", layouts.ALL)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_numbers_wherever_they_lie(name, layout):
    turn = layouts.ALL[layout]
    for dtype, (shape, axis, activation) in itertools.product(cases.DTYPES, WAYS):
        for kind in region_draws.KINDS if axis is not None else ("soft", "mask"):
            operands = drawn(name, shape, axis, activation, kind, dtype)
            expected = results(name, operands, axis, activation)
            alone = ({**operands, each: turn(x)} for each, x in operands.items())
            for moved in ({each: turn(x) for each, x in operands.items()}, *alone):
                for one, other in zip(results(name, moved, axis, activation), expected, strict=True):
                    room = 16 * np.finfo(dtype).eps
                    np.testing.assert_allclose(one, other, rtol=room, atol=room * np.abs(other).max(initial=0))


@pytest.mark.parametrize("name", NAMES)
def test_axes_in_every_order_in_memory(name):
    for kind, activation in itertools.product(region_draws.KINDS, (False, "softmax")):
        operands = drawn(name, (3, 4, 5, 6), 1, activation, kind, np.float32)
        expected = results(name, operands, 1, activation)
        for order in itertools.permutations(range(4)):
            moved = np.ascontiguousarray(operands["input"].transpose(order)).transpose(np.argsort(order))
            found = results(name, {**operands, "input": moved}, 1, activation)
            assert found[1].strides == np.empty_like(moved).strides
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("layout", layouts.WRITEABLE)
@pytest.mark.parametrize("name", NAMES)
def test_results_anywhere(name, layout):
    turn = layouts.WRITEABLE[layout]
    for dtype, (shape, axis, activation) in itertools.product(cases.DTYPES, WAYS):
        operands = drawn(name, shape, axis, activation, dtype=dtype)
        value, *gradients = results(name, operands, axis, activation)
        outs = tuple(turn(np.full_like(g, 7)) for g in gradients)
        found = results(name, operands, axis, activation, out=outs)
        assert_same(found[0], value, f"{shape}")
        for one, out, gradient in zip(found[1:], outs, gradients, strict=True):
            assert one is out
            np.testing.assert_array_equal(out, gradient)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_with_any_number_of_threads(name, isa, use_isa):
    """Many samples, one that threads share, many classes, and pixels whose classes lie side by side."""
    use_isa(isa)
    ways = [((40, 2, 4_001), 1), ((1, 2, 300_001), 1), ((2, 50, 3_001), 1), ((2, 70_001, 3), -1), ((400_003,), None)]
    for dtype, (shape, axis) in itertools.product(cases.DTYPES, ways):
        for activation in (False, "sigmoid") if axis is None else (False, "softmax"):
            operands = drawn(name, shape, axis, activation, dtype=dtype)
            call = {"axis": axis, "from_logits": activation, "wrt": ("input", "target")}
            found = set()
            for threads in (1, 2, 3, 7):
                with fl.threads(threads):
                    value, gradients = cases.loss(name).value_and_grad(**operands, **call)
                    alone = cases.loss(name)(**operands, axis=axis, from_logits=activation)
                assert_same(alone, value, f"{threads}")
                found.add((value.tobytes(), *(gradient.tobytes() for gradient in gradients)))
            assert len(found) == 1, f"{shape} {activation}"


@pytest.mark.parametrize("name", ["dice_loss", "generalized_dice_loss"])
def test_results_larger_than_the_cache_have_the_same_bits(name):
    """Their stores bypass it, in whole lines where all lines of a gradient can be."""
    for dtype in cases.DTYPES:
        few = drawn(name, (4, 2, 1000), 1, False, dtype=dtype)
        samples = fl._core.cache()["streaming_bytes"] // (2000 * np.dtype(dtype).itemsize) + 5
        samples += -samples % 4
        many = {each: np.resize(x, (samples, 2, 1000)) for each, x in few.items()}
        expected = cases.loss(name).grad(**few, reduction="none")
        for offset in (0, 1, 3):
            frame = np.zeros(samples * 2000 + 64, dtype)
            out = frame[offset : offset + samples * 2000].reshape(samples, 2, 1000)
            cases.loss(name).grad(**many, reduction="none", out=out)
            assert_same(out, np.resize(expected, out.shape), f"{dtype} {offset}")
            assert not frame[:offset].any()
            assert not frame[offset + samples * 2000 :].any()


@pytest.mark.parametrize("name", NAMES)
def test_an_image_of_classes_that_is_a_view(name):
    """Some channels of a wider array, whose masks are a column of records."""
    rng = cases.seed(name, "view")
    wide = rng.random((3, 9, 20, 24))
    input, target = wide[:, 2:7:2, 1:-1, ::2], rng.integers(0, 3, (3, 20, 48))[:, 1:-1, ::4]
    value, gradient = cases.loss(name).value_and_grad(input, target)
    again, other = cases.loss(name).value_and_grad(input.copy(), target.copy())
    assert value == pytest.approx(again, rel=1e-14)
    np.testing.assert_allclose(gradient, other, rtol=1e-12)
