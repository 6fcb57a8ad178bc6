"""Linear cross-entropy: against its definition in longdouble, and against cross-entropy of whole logits."""

from __future__ import annotations

import itertools
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
import peak_memory
from references.linear import draw, exact

LOSS = fl.linear_cross_entropy
ROOT = Path(__file__).resolve().parents[3]
GRADIENTS = ("input", "linear_weight", "linear_bias")
SHAPES = {
    "one sample": {"samples": ()},
    "a batch": {"samples": (7,)},
    "one": {"samples": (1,), "classes": 1, "features": 1},
    "two batch axes": {"samples": (3, 5)},
    "places": {"samples": (4,), "inner": (2,)},
    "places of one sample": {"samples": (), "inner": (3,)},
    "all axes": {"samples": (2, 3), "inner": (3, 2)},
    "wide": {"samples": (70,), "classes": 131, "features": 67},
    "deep": {"samples": (20,), "classes": 10, "features": 2500},
}


def assert_exact(operands, dtype, options=None, reduction="mean", wrt=None, stored=None, **call):
    """The value and all gradients are those of the definition."""
    options = options or {}
    names = [name for name in wrt or GRADIENTS if name in operands]
    want = exact(operands, options, reduction, **call)
    value, gradients = LOSS.value_and_grad(**operands, **options, **call, reduction=reduction, wrt=names)
    got = {"value": value, **dict(zip(names, gradients, strict=True))}
    unit = np.finfo(dtype).eps
    for name, x in got.items():
        assert x.dtype == (dtype if name == "value" else np.asarray(operands[name]).dtype), name
        assert x.shape == want.results[name].shape, name
        room = 8 * unit * want.sizes[name]
        if stored is not None and name != "value":
            room += ml_dtypes.finfo(stored).eps * float(np.abs(want.results[name]).max())
        error = np.abs(np.asarray(x).astype(cases.LONG) - want.results[name])
        assert np.nanmax(error, initial=0) <= room, f"{name}: {np.nanmax(error)} > {room}"
        assert np.array_equal(np.isnan(np.asarray(x, np.float64)), np.isnan(want.results[name].astype(np.float64))), (
            name
        )


# Values and gradients


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape, dtype, isa, use_isa):
    use_isa(isa)
    for probabilities, bias in itertools.product((False, True), (False, True)):
        rng = cases.seed("linear", shape)
        operands = draw(rng, **SHAPES[shape], dtype=dtype, probabilities=probabilities, bias=bias)
        for reduction in ("mean", "none"):
            assert_exact(operands, dtype, reduction=reduction)


OPTIONS = [
    {"label_smoothing": 0.1},
    {"z_loss": 0.01},
    {"softcap": 2.0},
    {"temperature": 0.5},
    {"label_smoothing": 0.2, "z_loss": 0.001, "softcap": 5.0, "temperature": 2.0},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("probabilities", [False, True])
def test_options(options, probabilities):
    operands = draw(cases.seed("linear options"), (6,), probabilities=probabilities)
    operands["weight"] = np.linspace(0.5, 2.0, 11)
    for dtype in cases.DTYPES:
        given = {k: v if k == "target" and not probabilities else v.astype(dtype) for k, v in operands.items()}
        assert_exact(given, dtype, options)


def test_many_rows_in_several_chunks():
    rng = cases.seed("linear chunks")
    operands = draw(rng, (610,), 20000, 6)
    operands["target"][rng.random(610) < 0.3] = -100
    x, w, t, b = (operands[k] for k in ("input", "linear_weight", "target", "linear_bias"))
    value, (gx, gw, gb) = LOSS.value_and_grad(**operands, wrt=GRADIENTS)
    want, slope = fl.cross_entropy.value_and_grad(x @ w.T + b, t)
    np.testing.assert_allclose(value, want, rtol=1e-13)
    np.testing.assert_allclose(gx, slope @ w, atol=1e-16)
    np.testing.assert_allclose(gw, slope.T @ x, atol=1e-16)
    np.testing.assert_allclose(gb, slope.sum(axis=0), atol=1e-16)
    shares = np.exp(rng.standard_normal((610, 20000)))
    value, gw = LOSS.value_and_grad(x, w, shares, b, wrt="linear_weight", reduction="sum")
    want, slope = fl.cross_entropy.value_and_grad(x @ w.T + b, shares, reduction="sum")
    np.testing.assert_allclose(value, want, rtol=1e-13)
    np.testing.assert_allclose(gw, slope.T @ x, rtol=1e-9, atol=1e-9)


def test_the_value_alone_and_beside_gradients_has_the_same_bits():
    for dtype, reduction in itertools.product(cases.DTYPES, ("mean", "none")):
        operands = draw(cases.seed("linear bits"), (50,), 300, 40, dtype=dtype)
        alone = LOSS(**operands, reduction=reduction)
        value, gradient = LOSS.value_and_grad(**operands, reduction=reduction)
        assert np.array_equal(alone, value)
        assert np.array_equal(gradient, LOSS.grad(**operands, reduction=reduction))
        assert np.array_equal(gradient, LOSS.grad(**operands, reduction=reduction, wrt=GRADIENTS)[0])


@pytest.mark.parametrize("isa", cases.ISAS)
def test_any_number_of_threads_gives_the_same_bits(isa, use_isa):
    use_isa(isa)
    for dtype in cases.DTYPES:
        operands = draw(cases.seed("linear threads"), (700,), 10007 if dtype == np.float64 else 20011, 33, dtype=dtype)
        results = []
        for threads in (1, 2, 3, 7):
            with fl.threads(threads):
                value, gradients = LOSS.value_and_grad(**operands, wrt=GRADIENTS)
            results.append([value, *gradients])
        for others in results[1:]:
            assert all(np.array_equal(a, b) for a, b in zip(results[0], others, strict=True))


# Layouts and dtypes


def as_stored(x, how):
    """The same numbers, stored differently."""
    if how == "Fortran":
        return np.asfortranarray(x)
    if how == "strided":
        return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x
    if how == "reversed":
        return np.flip(np.flip(x).copy())
    if how == "byte-swapped":
        return x.astype(x.dtype.newbyteorder())
    if how == "unaligned":
        memory = np.empty(x.nbytes + 1, np.uint8)
        view = memory[1:].view(x.dtype).reshape(x.shape)
        view[...] = x
        return view
    x = x.copy()
    x.flags.writeable = False
    return x


HOW = ("Fortran", "strided", "reversed", "byte-swapped", "unaligned", "read-only")


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("inner", [(), (2, 3)])
def test_layouts(how, inner):
    for probabilities in (False, True):
        operands = draw(cases.seed("linear layouts"), (4, 3), inner=inner, probabilities=probabilities)
        rows = (4, 3, *inner)
        call = {"sample_weight": np.linspace(0.5, 2, 12 * (6 if inner else 1)).reshape(rows)}
        call["where"] = call["sample_weight"] > 0.7
        want = LOSS.value_and_grad(**operands, **call, wrt=GRADIENTS)
        stored = {k: as_stored(v, how) for k, v in operands.items()}
        got = LOSS.value_and_grad(**stored, **{k: as_stored(v, how) for k, v in call.items()}, wrt=GRADIENTS)
        np.testing.assert_allclose(got[0], want[0], rtol=1e-14)
        for a, b in zip(got[1], want[1], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("how", HOW[:-1])
@pytest.mark.parametrize("inner", [(), (2, 3)])
def test_layouts_of_results(how, inner):
    for dtype in (np.float64, np.float32, np.float16):
        operands = draw(cases.seed("linear results"), (4, 3), inner=inner, dtype=dtype)
        want = LOSS.grad(**operands, wrt=GRADIENTS)
        out = tuple(as_stored(np.full_like(x, 7), how) for x in want)
        got = LOSS.grad(**operands, wrt=GRADIENTS, out=out)
        for a, b, c in zip(got, want, out, strict=True):
            assert a is c
            np.testing.assert_array_equal(np.asarray(a, np.float64), np.asarray(b, np.float64))
        LOSS.grad(**operands, wrt=GRADIENTS, out=out, accumulate=True)
        for a, b in zip(out, want, strict=True):
            np.testing.assert_allclose(np.asarray(a, np.float64), 2 * b.astype(np.float64), rtol=2e-3, atol=1e-6)


def test_the_wider_of_input_and_weight_decides():
    operands = draw(cases.seed("linear wide"), dtype=np.float32)
    wide = {**operands, "linear_weight": operands["linear_weight"].astype(np.float64)}
    assert_exact(wide, np.float64, stored=np.float32)
    bias = {**operands, "linear_bias": operands["linear_bias"].astype(np.float64)}
    assert LOSS(**bias).dtype == np.float32
    assert LOSS.grad(**bias, wrt="linear_bias").dtype == np.float64
    integers = {**operands, "input": np.arange(63).reshape(7, 9) % 5 - 2, "linear_weight": np.ones((11, 9), np.int8)}
    value, (gx, gw) = LOSS.value_and_grad(**integers, wrt=("input", "linear_weight"))
    assert value.dtype == gx.dtype == gw.dtype == np.float64


@pytest.mark.parametrize(
    "dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, ">i4"]
)
def test_integer_dtypes_of_the_target(dtype):
    operands = draw(cases.seed("linear integers"))
    want = LOSS(**operands)
    assert LOSS(**{**operands, "target": operands["target"].astype(dtype)}) == want


def test_results_may_lie_in_operands():
    for classes in (11, 7):
        operands = draw(cases.seed("linear in place"), (7,), classes, dtype=np.float32)
        want = LOSS.grad(**operands, wrt=GRADIENTS)
        given = {k: v.copy() for k, v in operands.items()}
        out = tuple(given[name] for name in GRADIENTS)
        for got, expected in zip(LOSS.grad(**given, wrt=GRADIENTS, out=out), want, strict=True):
            np.testing.assert_array_equal(got, expected)
    given = {k: v.copy() for k, v in operands.items()}  # as many samples as classes: the gradients change places
    LOSS.grad(**given, wrt=GRADIENTS[:2], out=(given["linear_weight"], given["input"]))
    np.testing.assert_array_equal(given["linear_weight"], want[0])
    np.testing.assert_array_equal(given["input"], want[1])


# Rows that do not count


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_a_row_without_weight_adds_nothing_whatever_it_holds(dtype, reduction):
    operands = draw(cases.seed("linear without weight"), (8,), dtype=dtype)
    operands["target"][:] = np.arange(8)
    weight = np.where(np.isin(np.arange(11), (2, 5, 6)), 0.0, 1.5).astype(dtype)
    spoiled = {**operands, "input": operands["input"].copy()}
    spoiled["input"][[2, 5, 6]] = np.array([[np.nan], [np.inf], [-np.inf]])
    calls = [{"weight": weight}]
    if reduction == "none":
        calls.append({"grad_output": weight[:8]})
    for call in calls:
        want = LOSS.grad(**operands, **call, reduction=reduction, wrt=GRADIENTS)
        got = LOSS.grad(**spoiled, **call, reduction=reduction, wrt=GRADIENTS)
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a, b)
        assert not got[0][[2, 5, 6]].any()
        lost = {**operands, "linear_weight": np.full_like(operands["linear_weight"], np.inf)}
        gradient = LOSS.grad(**lost, **call, reduction=reduction)
        assert np.array_equal(np.isnan(gradient).all(axis=1), ~np.isin(np.arange(8), (2, 5, 6)))
        assert not gradient[[2, 5, 6]].any()
    ignored = {**spoiled, "target": np.full(8, -100)}
    nothing = {**spoiled, "weight": np.zeros(11, dtype)}
    for given in (ignored, nothing):
        assert not any(g.any() for g in LOSS.grad(**given, reduction=reduction, wrt=GRADIENTS))


def test_weights_may_be_larger_than_a_loss_leaves_room_for():
    operands = {
        "input": np.array([[-1e30], [0.0]], np.float32),
        "linear_weight": np.array([[1.0], [0.0]], np.float32),
        "target": [0, 0],
    }
    weight = np.full(2, 1e10)
    value, gradients = LOSS.value_and_grad(**operands, sample_weight=weight, wrt=("input", "linear_weight"))
    plain, wanted = LOSS.value_and_grad(**operands, wrt=("input", "linear_weight"))
    assert value == plain == np.float32(5e29)
    for a, b in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


EMPTY = [
    {"samples": (0, 3)},
    {"samples": (3, 0), "inner": (2,)},
    {"samples": (2,), "inner": (0, 2)},
    {"samples": (2, 3), "features": 0},
    {"samples": (2, 3), "features": 0, "inner": (2, 2)},
]


@pytest.mark.parametrize("shape", EMPTY, ids=str)
@pytest.mark.parametrize("probabilities", [False, True])
def test_empty_axes(shape, probabilities):
    operands = draw(cases.seed("linear empty axes"), **shape, probabilities=probabilities)
    rows = (*operands["input"].shape[:-1], *operands["linear_weight"].shape[1:-1])
    call = {"sample_weight": np.ones(rows), "where": np.ones(rows, bool)}
    for given, more in itertools.product((operands, {**operands, "weight": np.ones(11)}), ({}, call)):
        assert_exact(given, np.float64, reduction="sum", **more)
        assert_exact(given, np.float64, reduction="none", **more)
        assert LOSS.grad(**given, **more, wrt="linear_weight").shape == given["linear_weight"].shape


def test_a_row_with_nan_is_its_own_affair():
    operands = draw(cases.seed("linear nan"), (5,))
    operands["input"][1, 2] = np.nan
    value, gx = LOSS.value_and_grad(**operands, reduction="none")
    assert np.array_equal(np.isnan(value), np.arange(5) == 1)
    assert np.array_equal(np.isnan(gx).any(axis=1), np.arange(5) == 1)
    for what in GRADIENTS:
        with fl.errstate(nonfinite="raise"), pytest.raises(ValueError, match="is not finite"):
            LOSS.grad(**operands, reduction="none", wrt=what)
    with fl.errstate(nonfinite="raise"), pytest.raises(ValueError, match="the loss is not finite: nan"):
        LOSS(**operands)


# Errors


def message_of(error, **changes):
    operands = draw(cases.seed("linear errors"), (4,), 5, 3)
    with pytest.raises(error) as caught:
        LOSS.grad(**{**operands, **changes})
    assert str(caught.value).startswith("linear_cross_entropy")
    return str(caught.value)


def test_errors_name_what_is_wrong():
    ones = np.ones
    wrong = [
        ({"input": 1.0}, "input has shape (); it must have an axis of features"),
        (
            {"linear_weight": ones(3)},
            "linear_weight has shape (3,); it must have an axis of classes and an axis of features",
        ),
        ({"linear_weight": ones((5, 4))}, "its last axis must be that of input of shape (4, 3), 3 features"),
        (
            {"linear_bias": ones(4)},
            "linear_bias has shape (4,); it must have the shape of linear_weight of shape (5, 3)",
        ),
        ({"target": ones((4, 1), int)}, "must have shape (4,)"),
        ({"target": ones((4, 5), int)}, "probabilities and one-hot targets must be floating"),
        ({"target": ones(4)}, "class indices must have an integer dtype"),
        ({"target": ones((4, 5)), "ignore_index": 2}, "ignore_index is for class indices"),
        ({"weight": ones(4)}, "one number for each of the 5 classes of linear_weight of shape (5, 3)"),
        ({"label_smoothing": 1.5}, "label_smoothing must be between 0 and 1, got 1.5"),
        ({"temperature": 0.0}, "temperature must be > 0, got 0.0"),
        ({"wrt": "target"}, "wrt names 'target', which has no gradient"),
        ({"wrt": "weight"}, "wrt names 'weight', which has no gradient"),
        ({"wrt": "linear_bias", "linear_bias": None}, "wrt names 'linear_bias', which was not given"),
        ({"sample_weight": ones(3)}, "sample_weight has shape (3,)"),
        ({"out": np.empty((4, 2))}, "out for the gradient of 'input' must have shape (4, 3), got (4, 2)"),
    ]
    for changes, text in wrong:
        assert text in message_of(ValueError, **changes), text
    assert "got bool" in message_of(TypeError, target=ones(4, bool))
    assert "int64" in message_of(TypeError, out=np.empty((4, 3), np.int64))
    assert "axis" in message_of(TypeError, axis=0)
    assert "missing 1 required positional argument: 'target'" in str(_raised(lambda: LOSS([1.0], [[1.0]])))


def _raised(call):
    with pytest.raises(TypeError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("label", [5, -1, -101, 2**40])
def test_a_class_that_does_not_exist_is_an_error_before_anything_is_written(label):
    operands = draw(cases.seed("linear index"), (4,), 5, 3, inner=(2,))
    operands["target"][2, 1] = label
    out = np.full((4, 3), 9.0)
    with pytest.raises(IndexError) as caught:
        LOSS.grad(**operands, out=out)
    text = "target must be a class from 0 to 4 (linear_weight has 5 on axis 0), or ignore_index=-100, got "
    assert str(caught.value) == f"linear_cross_entropy: {text}{label} at index (2, 1)"
    assert (out == 9).all()
    masked = LOSS(**operands, where=operands["target"] != label)  # not looked at
    assert masked == LOSS(**operands, ignore_index=label)


def test_overlapping_results_are_errors():
    operands = draw(cases.seed("linear overlap"), (4,), 5, 3)
    memory = np.zeros((5, 3))
    operands["input"] = memory[:4]
    with pytest.raises(ValueError, match="out overlaps input; it must be exactly that array or share no memory"):
        LOSS.grad(**operands, out=memory[1:])
    with pytest.raises(ValueError, match="two outputs in out share memory"):
        LOSS.grad(
            **{**operands, "input": np.ones((5, 3)), "target": np.zeros(5, int)},
            wrt=GRADIENTS[:2],
            out=(memory, memory),
        )


def test_there_is_no_second_derivative():
    for method in ("hess", "grad_and_hess", "hvp", "ufunc", "grad_ufunc"):
        with pytest.raises(
            AttributeError, match=f"linear_cross_entropy has no '{method}': it has a value and gradients only"
        ):
            getattr(LOSS, method)


# Memory


PREPARE = """
rng = np.random.default_rng(0)
n, d, v = map(int, sys.argv[1:])
x, w, b = (np.empty(s, np.float32) for s in ((n, d), (v, d), (v,)))
for a in (x, w, b):
    rng.random(out=a, dtype=np.float32)
t = rng.integers(0, v, n)
out = tuple(np.ones_like(a) for a in (x, w, b))
fl.linear_cross_entropy.grad(x[:2], w[:2], [0, 1], b[:2], wrt=(0, 1, 3))  # starts the threads
"""
CALL = "fl.linear_cross_entropy.value_and_grad(x, w, t, b, wrt=(0, 1, 3), out=out)"


@pytest.mark.parametrize("shape", [(2048, 64, 32000), (300000, 80, 5)])
def test_peak_memory_is_bounded(shape):
    """The logits of the first and their gradient would be 262 MB each; of the second, a copy of the samples 96 MB."""
    assert 10e6 < peak_memory.taken(PREPARE, CALL, *shape) < 64e6


# The gate of this loss: the shared one knows losses of elements and of rows


def test_it_is_the_only_loss_of_linear_scores_and_on_the_pages():
    assert [name for name, info in fl.losses().items() if info.linear] == ["linear_cross_entropy"]
    for page in ("README.md", "docs/losses.md", "bench/README.md"):
        assert "`linear_cross_entropy`" in (ROOT / page).read_text(encoding="utf-8")
