"""pairwise_distance and cosine_similarity: values and gradients, however they are called."""

from __future__ import annotations

import copy
import doctest
import inspect
import itertools
import pickle

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from contract.compare import assert_same
from references.distance_measures import cosine, p_distance
from references.units import LONG

DTYPES = ("float16", ml_dtypes.bfloat16, "float32", "float64")
BOTH = ("x1", "x2")
WAYS = {
    "pairwise_distance": [{}, {"p": 1.0}, {"p": 0.5}, {"p": 3.0, "eps": 0.0}, {"p": np.inf}, {"eps": 0.25}],
    "cosine_similarity": [{}, {"eps": 0.5}],
}
CALLS = [(name, options) for name, ways in WAYS.items() for options in ways]


def exact(name, x1, x2, **options):
    """The measure of the literature."""
    if name == "cosine_similarity":
        measure = cosine(options.get("eps", 1e-8))
    else:
        measure = p_distance(options.get("p", 2.0), options.get("eps", 1e-6))
    with np.errstate(all="ignore"):
        return measure(np.asarray(x1).astype(LONG), np.asarray(x2).astype(LONG))


def draw(units, width, dtype="float64", seed=0):
    rng = cases.seed("embeddings", units, width, seed)
    return [x.astype(dtype) for x in rng.standard_normal((2, *units, width))]


def assert_near(got, want, dtype, what):
    computed = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    room = 16 * np.finfo(computed).eps * (np.abs(want.exact) + want.magnitude) + np.finfo(computed).smallest_normal
    cases.assert_stored(got, want.exact, room, computed, dtype, what)


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize(("name", "options"), CALLS, ids=str)
def test_values_and_gradients(name, options, dtype, isa, use_isa):
    use_isa(isa)
    function = getattr(fl, name)
    for units, width in (((60,), 9), ((3, 5), 64), ((), 4), ((7,), 1), ((2,), 2000)):
        x1, x2 = draw(units, width, dtype)
        want = exact(name, x1, x2, **options)
        value, gradients = function.value_and_grad(x1, x2, **options)
        assert_near(value, want.value, dtype, f"{units} {width}")
        for gradient, slope in zip(gradients, want[1:], strict=True):
            assert_near(gradient, slope, dtype, f"{units} {width}")
        assert_same(function(x1, x2, **options), value, "the value alone")
        flow = cases.seed("flow", units).standard_normal(units).astype(dtype)
        for k, each in enumerate(BOTH):
            assert_same(function.grad(x1, x2, wrt=each, **options), gradients[k], each)
            one, other = (function.grad(x1, x2, wrt=w, grad_output=flow, **options) for w in (k, (each,)))
            assert_same(one, other[0], "in one, or in a tuple of one")


@pytest.mark.parametrize(("name", "options"), CALLS, ids=str)
def test_a_gradient_flows_in(name, options):
    function = getattr(fl, name)
    x1, x2 = draw((4, 6), 5)
    whole = function.grad(x1, x2, **options)
    for flow in (2.5, np.float32(0.5), cases.seed("flow").standard_normal((4, 6)), np.zeros((4, 6))):
        for gradient, one in zip(function.grad(x1, x2, grad_output=flow, **options), whole, strict=True):
            np.testing.assert_allclose(gradient, np.asarray(flow)[..., np.newaxis] * one, rtol=1e-13, atol=1e-15)
    with pytest.raises(ValueError, match=f"{name}: grad_output"):
        function.grad(x1, x2, grad_output=np.ones((4, 5)), **options)


@pytest.mark.parametrize(("name", "options"), CALLS, ids=str)
def test_any_axis(name, options):
    function = getattr(fl, name)
    x1, x2 = draw((3, 4), 6)
    value, gradients = function.value_and_grad(x1, x2, **options)
    for axis in range(-3, 3):
        turned = [np.moveaxis(x, -1, axis) for x in (x1, x2)]
        found, slopes = function.value_and_grad(*turned, axis=axis, **options)
        np.testing.assert_array_equal(found, value)
        for slope, gradient in zip(slopes, gradients, strict=True):
            np.testing.assert_array_equal(slope, np.moveaxis(gradient, -1, axis))
    for axis in (3, -4):
        with pytest.raises(ValueError, match=f"{name}: axis"):
            function(x1, x2, axis=axis, **options)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_an_axis_that_is_kept(axis):
    x1, x2 = draw((3, 4), 6)
    value, gradients = fl.pairwise_distance.value_and_grad(x1, x2, axis=axis)
    kept = np.expand_dims(value, axis)
    assert_same(fl.pairwise_distance(x1, x2, axis=axis, keepdim=True), kept, "value")
    found, slopes = fl.pairwise_distance.value_and_grad(x1, x2, axis=axis, keepdim=True)
    assert_same(found, kept, "value beside gradients")
    for slope, gradient in zip(slopes, gradients, strict=True):
        assert_same(slope, gradient, "gradient")
    out = np.empty_like(kept)
    assert fl.pairwise_distance(x1, x2, axis=axis, keepdim=True, out=out) is out
    assert_same(out, kept, "out")
    flow = cases.seed("kept").standard_normal(value.shape)
    for one, other in zip(
        fl.pairwise_distance.grad(x1, x2, axis=axis, keepdim=True, grad_output=np.expand_dims(flow, axis)),
        fl.pairwise_distance.grad(x1, x2, axis=axis, grad_output=flow),
        strict=True,
    ):
        assert_same(one, other, "of a gradient that flows in")
    for wrong in (value, np.empty((3, 4, 6, 1)), np.empty(())):
        with pytest.raises(ValueError, match="pairwise_distance: out"):
            fl.pairwise_distance(x1, x2, axis=axis, keepdim=True, out=np.array(wrong))
    with pytest.raises(ValueError, match="pairwise_distance: grad_output has shape"):
        fl.pairwise_distance.grad(x1, x2, axis=axis, keepdim=True, grad_output=flow)
    with pytest.raises(TypeError, match="out"):
        fl.pairwise_distance(x1, x2, axis=axis, keepdim=True, out=kept.tolist())


@pytest.mark.parametrize("layout", layouts.ALL)
@pytest.mark.parametrize("name", WAYS)
def test_layouts(name, layout):
    function, turn = getattr(fl, name), layouts.ALL[layout]
    for dtype, (units, width) in itertools.product(cases.DTYPES, (((33,), 8), ((3, 5), 7), ((2,), 600))):
        x1, x2 = draw(units, width, dtype)
        expected = function.value_and_grad(x1, x2)
        for one, other in ((turn(x1), x2), (x1, turn(x2)), (turn(x1), turn(x2))):
            value, gradients = function.value_and_grad(one, other)
            np.testing.assert_array_equal(value, expected[0])
            for gradient, want in zip(gradients, expected[1], strict=True):
                np.testing.assert_array_equal(gradient, want)


@pytest.mark.parametrize("name", WAYS)
def test_outputs(name):
    function = getattr(fl, name)
    for dtype in cases.DTYPES:
        x1, x2 = draw((40,), 7, dtype)
        value, gradients = function.value_and_grad(x1, x2)
        out = np.empty(40, np.float64)
        assert function(x1, x2, out=out) is out
        np.testing.assert_array_equal(out.astype(dtype), value)
        outs = (np.empty_like(x1), np.empty_like(x2))
        for found in (function.grad(x1, x2, out=outs), function.value_and_grad(x1, x2, out=outs)[1]):
            for given, one, gradient in zip(outs, found, gradients, strict=True):
                assert one is given
                assert_same(given, gradient, "out")
        own = [x1.copy(), x2.copy()]
        function.grad(*own, out=tuple(own))
        for one, gradient in zip(own, gradients, strict=True):
            assert_same(one, gradient, "in place")
        alone = np.empty_like(x1)
        assert function.grad(x1, x2, wrt="x2", out=alone) is alone
        assert_same(alone, gradients[1], "of one")
        with pytest.raises(ValueError, match=f"{name}: out"):
            function(x1, x2, out=np.empty((40, 7), dtype))
        with pytest.raises(TypeError, match="out"):
            function.grad(x1, x2, out=alone)


@pytest.mark.parametrize("name", WAYS)
def test_dtypes_of_values(name):
    """A function of data of one dtype gives that; of two dtypes, or of integers, that of the computation."""
    function = getattr(fl, name)
    for one, other in itertools.product((*DTYPES, "int32", "bool"), repeat=2):
        x1, x2 = (np.array([[1, 0, 1]]).astype(one), np.array([[1, 1, 0]]).astype(other))
        value, (first, second) = function.value_and_grad(x1, x2)
        floats = [np.dtype(d) for d in (one, other) if np.dtype(d).kind not in "bi"]
        wide = np.dtype(one).kind in "bi" or np.dtype(np.float64) in floats
        computed = np.dtype(np.float64 if wide else np.float32)
        assert value.dtype == (np.dtype(one) if one == other and np.dtype(one).kind not in "bi" else computed)
        for gradient, dtype in ((first, one), (second, other)):
            assert gradient.dtype == (computed if np.dtype(dtype).kind in "bi" else np.dtype(dtype))


@pytest.mark.parametrize("name", WAYS)
def test_what_is_refused(name):
    function = getattr(fl, name)
    x = np.ones((4, 3))
    for call in (function, function.grad, function.value_and_grad):
        for wrong in (np.ones((4, 2)), np.ones((3, 3)), np.ones(3), np.ones((1, 3)), 1.0):
            with pytest.raises(ValueError, match=f"{name}: x2 has shape"):
                call(x, wrong)
        with pytest.raises(ValueError, match=f"{name}: x1 has shape"):
            call(1.0, 1.0)
        with pytest.raises(TypeError, match="x1"):
            call(x * 1j, x)
        with pytest.raises(ValueError, match=f"{name}: eps must be"):
            call(x, x, eps=-1)
        with pytest.raises(TypeError):
            call(x, x, reduction="mean")
        with pytest.raises(TypeError):
            call(x)
    with pytest.raises(ValueError, match="wrt"):
        function.grad(x, x, wrt="x3")


def test_an_exponent_is_above_zero():
    x = np.ones((4, 3))
    for p in (0, -1, np.nan):
        with pytest.raises(ValueError, match="pairwise_distance: p must be"):
            fl.pairwise_distance(x, x, p=p)


@pytest.mark.parametrize("name", WAYS)
def test_no_units_and_no_features(name):
    function = getattr(fl, name)
    for shape in ((0, 3), (4, 0), (0, 0), (0,), (2, 0, 3)):
        x = np.ones(shape)
        value, gradients = function.value_and_grad(x, x)
        assert value.shape == shape[:-1]
        assert not np.any(value)
        assert [g.shape for g in gradients] == [shape, shape]
    assert fl.pairwise_distance(np.ones((4, 0)), np.ones((4, 0)), keepdim=True).shape == (4, 1)


@pytest.mark.parametrize("name", WAYS)
def test_it_is_an_object_like_any_other(name):
    function = getattr(fl, name)
    assert repr(function) == f"fastloss.{name}"
    assert function.__name__ == name
    assert name not in fl.losses()
    for same in (pickle.loads(pickle.dumps(function)), copy.copy(function), copy.deepcopy(function)):
        assert same is function
    assert list(inspect.signature(function).parameters)[:2] == list(BOTH)


@pytest.mark.parametrize("method", ["grad", "value_and_grad"])
@pytest.mark.parametrize("name", WAYS)
def test_examples_of_the_methods(name, method):
    text = inspect.getdoc(getattr(getattr(fl, name), method))
    assert "{" not in text
    runner = doctest.DocTestRunner(verbose=False)
    failures = []
    runner.run(doctest.DocTestParser().get_doctest(text, {}, name, name, 0), out=failures.append)
    assert not failures, "".join(failures)


@pytest.mark.parametrize("name", WAYS)
def test_any_number_of_threads_gives_the_same_bits(name):
    function = getattr(fl, name)
    for dtype in cases.DTYPES:
        x1, x2 = draw((30_001,), 33, dtype)
        found = set()
        for threads in (1, 2, 3):
            with fl.threads(threads):
                value, gradients = function.value_and_grad(x1, x2)
            found.add((value.tobytes(), *(g.tobytes() for g in gradients)))
        assert len(found) == 1
