"""Where embeddings and their gradients lie in memory, and how many threads compute: nothing changes but the places."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from contract.compare import assert_same
from references import EMBEDDING_REFERENCES, distance_draws
from references.distance_schema import DistanceLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "distance"]
SHAPES = [((), 17), ((33,), 16), ((5, 7), 3), ((700,), 5), ((3,), 700), ((1,), 1)]


def drawn(name, units, width, dtype):
    reference = EMBEDDING_REFERENCES[name]
    return distance_draws.ordinary(cases.seed(name, units, width), reference, units, width, dtype)


def results(name, operands, **call):
    """The unreduced value and all gradients."""
    wrt = EMBEDDING_REFERENCES[name].differentiable
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=wrt, **{"reduction": "none", **call})
    return [value, *gradients]


def along(operands, name, axis):
    """The operands with the features on another axis."""
    embeddings = EMBEDDING_REFERENCES[name].embeddings
    return {k: np.moveaxis(x, -1, axis) if k in embeddings else x for k, x in operands.items()}


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_features_on_any_axis(name, isa, use_isa):
    """As they lie in memory, and as arrays of their own."""
    use_isa(isa)
    reference = EMBEDDING_REFERENCES[name]
    for dtype, units in itertools.product(cases.DTYPES, ((6,), (3, 4), (2, 3, 5))):
        operands = drawn(name, units, 9, dtype)
        value, *gradients = results(name, operands)
        for axis in range(-len(units) - 1, len(units) + 1):
            turned = along(operands, name, axis)
            for given in (turned, {k: np.ascontiguousarray(x) for k, x in turned.items()}):
                found, *slopes = results(name, given, axis=axis)
                np.testing.assert_array_equal(found, value)
                for each, slope, gradient in zip(reference.differentiable, slopes, gradients, strict=True):
                    want = np.moveaxis(gradient, -1, axis) if each in reference.embeddings else gradient
                    np.testing.assert_array_equal(slope, want)
        with pytest.raises(ValueError, match=f"{name}: axis must be from -{len(units) + 1} to {len(units)}"):
            cases.loss(name)(**operands, axis=len(units) + 1)


@pytest.mark.parametrize("name", NAMES)
def test_weights_and_masks_beside_another_axis(name):
    """They belong to the units, whose axes are those that are left."""
    rng, reference = cases.seed(name, "weights"), EMBEDDING_REFERENCES[name]
    operands = drawn(name, (4, 6), 5, np.float64)
    weights, mask, flow = rng.random((4, 6)), rng.random((4, 6)) < 0.7, rng.standard_normal((4, 6))
    exact = DistanceLoss(reference, along(operands, name, 1), axis=1)
    for reduction in ("mean", "none"):
        given = {"sample_weight": weights, "where": mask, "reduction": reduction}
        given |= {"grad_output": flow} if reduction == "none" else {}
        want = exact.reduce(**given)
        value, *gradients = results(name, along(operands, name, 1), axis=1, **given)
        np.testing.assert_allclose(value, want.value.astype(float), rtol=1e-12)
        for each, gradient in zip(reference.differentiable, gradients, strict=True):
            np.testing.assert_allclose(gradient, want.gradients[each].astype(float), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_in_place_of_the_embeddings(name, isa, use_isa):
    use_isa(isa)
    names = EMBEDDING_REFERENCES[name].embeddings
    for dtype, (units, width) in itertools.product(cases.DTYPES, SHAPES):
        operands = drawn(name, units, width, dtype)
        value, gradients = cases.loss(name).value_and_grad(**operands, wrt=names, reduction="none")
        own = {each: x.copy() for each, x in operands.items()}
        again, _ = cases.loss(name).value_and_grad(
            **own, wrt=names, reduction="none", out=tuple(own[each] for each in names)
        )
        assert_same(again, value, f"{units}")
        for each, gradient in zip(names, gradients, strict=True):
            assert_same(own[each], gradient, f"{units} {each}")
        # Each gradient where another embedding lies.
        own = {each: x.copy() for each, x in operands.items()}
        cases.loss(name).grad(**own, wrt=names, reduction="none", out=tuple(own[each] for each in names[::-1]))
        for each, gradient in zip(names[::-1], gradients, strict=True):
            assert_same(own[each], gradient, f"{units} in place of {each}")


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_added_to_what_is_there(name):
    names = EMBEDDING_REFERENCES[name].differentiable
    for dtype, (units, width) in itertools.product(cases.DTYPES, SHAPES):
        operands = drawn(name, units, width, dtype)
        gradients = cases.loss(name).grad(**operands, wrt=names)
        out = tuple(np.full_like(operands[each], 2) for each in names)
        cases.loss(name).grad(**operands, wrt=names, out=out, accumulate=True)
        for one, gradient in zip(out, gradients, strict=True):
            np.testing.assert_allclose(one, 2 + gradient, rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", NAMES)
def test_one_array_for_several_embeddings(name):
    """They may be the same memory, whose gradients are those of equal arrays."""
    names = EMBEDDING_REFERENCES[name].embeddings
    operands = drawn(name, (40,), 6, np.float64)
    operands[names[0]] = operands[names[1]]
    expected = results(name, {**operands, names[1]: operands[names[1]].copy()})
    for one, other in zip(results(name, operands), expected, strict=True):
        assert_same(one, other, "shared")


@pytest.mark.parametrize("layout", layouts.ALL)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_wherever_the_embeddings_lie(name, layout):
    turn = layouts.ALL[layout]
    for dtype, (units, width) in itertools.product(cases.DTYPES, SHAPES):
        operands = drawn(name, units, width, dtype)
        expected = results(name, operands)
        alone = ({**operands, each: turn(x)} for each, x in operands.items())
        for moved in ({each: turn(x) for each, x in operands.items()}, *alone):
            for one, other in zip(results(name, moved), expected, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_an_embedding_that_is_broadcast(name):
    """One anchor for all: its gradient is of the shape that it is given in."""
    reference = EMBEDDING_REFERENCES[name]
    for dtype in cases.DTYPES:
        operands = drawn(name, (30,), 7, dtype)
        for each in reference.embeddings:
            for view in (np.broadcast_to(operands[each][:1], (30, 7)), np.broadcast_to(operands[each][:, :1], (30, 7))):
                expected = results(name, {**operands, each: view.copy()})
                for one, other in zip(results(name, {**operands, each: view}), expected, strict=True):
                    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_the_same_bits_with_any_number_of_threads(name, isa, use_isa):
    use_isa(isa)
    for dtype, (units, width) in itertools.product(cases.DTYPES, (((6_001,), 64), ((40, 31), 133), ((70,), 5_000))):
        few = drawn(name, (50,), width, dtype)
        operands = {each: np.resize(x, (*units, *x.shape[1:])) for each, x in few.items()}
        found = set()
        for threads in (1, 2, 3, 7):
            with fl.threads(threads):
                value, *gradients = results(name, operands, reduction="mean")
                alone = cases.loss(name)(**operands)
            assert_same(alone, value, f"{threads}")
            found.add((value.tobytes(), *(gradient.tobytes() for gradient in gradients)))
        assert len(found) == 1


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("name", NAMES)
def test_results_larger_than_the_cache_have_the_same_bits(name, isa, use_isa):
    # Their stores bypass it; those of a thousand units do not.
    use_isa(isa)
    names, width = EMBEDDING_REFERENCES[name].embeddings, 48
    for dtype in cases.DTYPES:
        few, item = drawn(name, (1000,), width, dtype), np.dtype(dtype).itemsize
        count = fl._core.cache()["streaming_bytes"] // (len(names) * width * item) + 1003
        many = {each: np.resize(x, (count, *x.shape[1:])) for each, x in few.items()}
        expected = cases.loss(name).grad(**few, reduction="none", wrt=names)
        for wrt in ((0,), tuple(range(len(names)))):
            for offset in (0, 1, 2):
                frames = [np.zeros(count * width + 128, dtype) for _ in wrt]
                starts = [-frame.ctypes.data % 64 // item + offset for frame in frames]
                outs = [f[s : s + count * width].reshape(count, width) for f, s in zip(frames, starts, strict=True)]
                cases.loss(name).grad(**many, reduction="none", wrt=wrt, out=tuple(outs))
                for k, frame, start, out in zip(wrt, frames, starts, outs, strict=True):
                    assert_same(out, np.resize(expected[k], out.shape), f"{dtype} {wrt} {offset}")
                    assert not frame[:start].any()
                    assert not frame[start + count * width :].any()
