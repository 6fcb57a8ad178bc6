"""box_iou: values and gradients of all pairs of two sets of boxes, however it is called."""

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
import peak_memory
from oracles import torch
from references.box_draws import SPECIAL
from references.box_iou import Matrix
from references.boxes_schema import CHOICES, formats_of, in_format

BOTH = ("input", "target")
DTYPES = ("float16", ml_dtypes.bfloat16, "float32", "float64")
# One box of either, tiles and segments that are full and not, many of one and few of the other.
SHAPES = [(1, 1), (3, 5), (17, 33), (70, 600), (200, 1030), (1, 5000), (5000, 1), (3, 40000), (40000, 2)]


def draw(n, m, dtype="float64", fmt="xyxy", seed=0):
    """Boxes whose numbers are multiples of 1/8 in every format, so that only areas and quotients are rounded."""
    rng = cases.seed("box_iou", n, m, seed)

    def boxes(count):
        low, half = rng.integers(0, 300, (count, 2)), rng.integers(1, 60, (count, 2))
        return np.concatenate([low, low + 2 * half], axis=-1) / 8

    one, other = formats_of(fmt)
    sets = boxes(n), boxes(m)
    shared = min(n, m) // 7  # some boxes are in both sets
    sets[1][:shared] = sets[0][:shared]
    return in_format(one, sets[0]).astype(dtype), in_format(other, sets[1]).astype(dtype)


def flow_of(n, m, dtype="float64"):
    flow = cases.seed("flow", n, m).standard_normal((n, m))
    flow[::3, ::2] = 0
    return flow.astype(dtype)


def wide(x):
    return np.asarray(x).astype(np.float64)


def computed_in(dtype):
    return np.float64 if np.dtype(dtype) == np.float64 else np.float32


def assert_near(got, want, bound, dtype, what):
    assert got.dtype == np.dtype(dtype), what
    assert got.shape == want.shape, what
    if np.dtype(dtype).itemsize < 4:  # rounded once more, to the dtype it is stored in
        info = ml_dtypes.finfo(dtype)
        bound = bound + np.abs(want) * float(info.eps) + float(info.smallest_subnormal)
    error = np.abs(wide(got) - want)
    assert np.array_equal(np.isnan(wide(got)), np.isnan(want)), what
    assert not (error > bound).any(), f"{what}: {np.nanmax(error / bound)} times the bound"


def check(input, target, flow=1.0, what="", **options):
    """Value and both gradients against the definition, and the methods against one another."""
    exact = Matrix(wide(input), wide(target), **options)
    value, gradients = fl.box_iou.value_and_grad(
        input, target, grad_output=None if np.ndim(flow) == 0 and flow == 1.0 else flow, wrt=BOTH, **options
    )
    eps = np.finfo(computed_in(np.promote_types(input.dtype, target.dtype))).eps
    tiny = np.finfo(computed_in(input.dtype)).smallest_subnormal
    assert_near(value, exact.value, 6 * eps * np.abs(exact.value) + tiny, input.dtype, f"value {what}")
    products = exact.products(wide(flow))
    for x, got, want, size in (
        (input, gradients[0], products.input, products.input_size),
        (target, gradients[1], products.target, products.target_size),
    ):
        assert_near(got, want, 16 * eps * size + tiny, x.dtype, f"gradient {what}")
    np.testing.assert_array_equal(fl.box_iou(input, target, **options), value, strict=True)
    for name, want in zip(BOTH, gradients, strict=True):
        got = fl.box_iou.grad(input, target, grad_output=flow, wrt=name, **options)
        np.testing.assert_array_equal(got, want, strict=True)
    return value, gradients


# Numbers


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(shape, dtype):
    input, target = draw(*shape, dtype)
    check(input, target)
    check(input, target, flow_of(*shape, dtype))


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("fmt", CHOICES)
def test_every_format_on_every_instruction_set(fmt, dtype, isa, use_isa):
    use_isa(isa)
    for shape in ((37, 530), (130, 21)):
        options = {"fmt": fmt, "eps": 0.25}
        check(*draw(*shape, dtype, fmt), flow_of(*shape, dtype), f"{shape}", **options)
        pair = formats_of(fmt)
        np.testing.assert_array_equal(
            fl.box_iou(*draw(*shape, dtype, fmt), fmt=pair), fl.box_iou(*draw(*shape, dtype, fmt), fmt=fmt)
        )


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_pairs_are_those_of_the_loss(dtype):
    rng, eps = cases.seed("pairs", dtype), np.finfo(dtype).eps
    boxes = [np.concatenate([x, x + rng.uniform(0, 9, x.shape)], axis=-1) for x in rng.uniform(0, 9, (2, 400, 2))]
    input, target = (x.astype(dtype) for x in boxes)
    loss, of_loss = fl.box_iou_loss.value_and_grad(input, target, reduction="none", wrt=BOTH)
    value, gradients = fl.box_iou.value_and_grad(input, target, grad_output=np.eye(400, dtype=dtype), wrt=BOTH)
    np.testing.assert_allclose(value.diagonal(), 1 - loss, rtol=0, atol=2 * eps)
    for got, want in zip(gradients, of_loss, strict=True):
        np.testing.assert_allclose(got, -want, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=4 * eps)


def test_known_values():
    first, second = [[1.0, 1.0, 3.0, 3.0]], [[2.0, 2.0, 4.0, 4.0], [1.0, 1.0, 3.0, 3.0], [5.0, 5.0, 6.0, 6.0]]
    np.testing.assert_allclose(fl.box_iou(first, second, eps=1e-15), [[1 / 7, 1, 0]], rtol=1e-15)
    np.testing.assert_allclose(fl.box_iou(first, second, eps=1.0), [[1 / 8, 4 / 5, 0]], rtol=1e-15)


def finite_difference(input, target, flow, k, **options):
    step, sets = 1e-6, [input, target]
    found = np.empty_like(sets[k])
    for place in np.ndindex(found.shape):
        ends = []
        for by in (step, -step):
            moved = [x.copy() for x in sets]
            moved[k][place] += by
            ends.append((flow * fl.box_iou(*moved, **options)).sum())
        found[place] = (ends[0] - ends[1]) / (2 * step)
    return found


@pytest.mark.parametrize("fmt", CHOICES)
def test_gradients_are_what_finite_differences_give(fmt):
    rng = cases.seed("differences")
    corners = [np.concatenate([x, x + rng.uniform(2, 9, x.shape)], axis=-1) for x in rng.uniform(0, 9, (2, 6, 2))]
    input, target = (in_format(each, x) for each, x in zip(formats_of(fmt), corners, strict=True))
    flow = rng.standard_normal((6, 6))
    for k, name in enumerate(BOTH):
        got = fl.box_iou.grad(input, target, grad_output=flow, wrt=name, fmt=fmt)
        np.testing.assert_allclose(got, finite_difference(input, target, flow, k, fmt=fmt), rtol=1e-6, atol=1e-8)


def torchvision_box_iou(input, target, eps):
    """Its formula, with eps added to the union."""
    area = [(x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]) for x in (input, target)]
    low = torch.max(input[:, None, :2], target[None, :, :2])
    high = torch.min(input[:, None, 2:], target[None, :, 2:])
    side = (high - low).clamp(min=0)
    intersection = side[..., 0] * side[..., 1]
    return intersection / (area[0][:, None] + area[1][None, :] - intersection + eps)


@pytest.mark.needs("torch")
def test_torch():
    rng = cases.seed("torch")
    boxes = [np.concatenate([x, x + rng.uniform(1, 20, x.shape)], axis=-1) for x in rng.uniform(0, 60, (2, 90, 2))]
    input, target, flow = boxes[0], boxes[1][:40], rng.standard_normal((90, 40))
    tensors = [torch.tensor(x, requires_grad=True) for x in (input, target)]
    want = torchvision_box_iou(*tensors, 1e-7)
    value, gradients = fl.box_iou.value_and_grad(input, target, grad_output=flow, wrt=BOTH)
    np.testing.assert_allclose(value, want.detach(), rtol=1e-12, atol=1e-14)
    for got, expected in zip(gradients, torch.autograd.grad(want, tensors, torch.tensor(flow)), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("isa", cases.ISAS)
def test_float32_keeps_its_digits_over_many_boxes(isa, use_isa):
    """A sum of a million equal terms, of which float32 alone would lose half its digits."""
    use_isa(isa)
    input, target = np.float32([[0, 0, 2, 2]]), np.broadcast_to(np.float32([1, 1, 3, 3]), (2**20, 4))
    one = fl.box_iou.grad(input.astype(float), target[:1].astype(float))
    np.testing.assert_allclose(fl.box_iou.grad(input, target), one * 2**20, rtol=3e-7)
    swapped = fl.box_iou.grad(target, input, wrt="target", fmt=("xyxy", "xyxy"))
    one = fl.box_iou.grad(target[:1].astype(float), input.astype(float), wrt="target")
    np.testing.assert_allclose(swapped, one * 2**20, rtol=3e-7)


# Places where conventions decide


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("fmt", CHOICES)
def test_degenerate_boxes(fmt, dtype, isa, use_isa):
    """All of them with all: the same, touching, without an area, inverted, far apart."""
    use_isa(isa)
    input, target = (np.array([pair[k] for pair in SPECIAL.values()], dtype) for k in (0, 1))
    one, other = formats_of(fmt)
    value, gradients = check(in_format(one, input), in_format(other, target), what=fmt, fmt=fmt)
    assert np.isfinite(value).all()
    assert all(np.isfinite(g).all() for g in gradients)


def test_equal_edges_belong_to_the_input():
    unit = [[0.0, 0.0, 1.0, 1.0]]
    _, (first, second) = fl.box_iou.value_and_grad(unit, unit, eps=1e-15, wrt=BOTH)
    np.testing.assert_allclose(first, [[-1, -1, 1, 1]], rtol=1e-14)
    np.testing.assert_allclose(second, [[1, 1, -1, -1]], rtol=1e-14)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_what_is_not_finite_stays_in_its_pairs(dtype):
    input, target = draw(40, 600, dtype)
    clean = fl.box_iou(input, target)
    input[3, 1], input[7, 2], target[11, 0], target[550] = np.nan, np.inf, np.nan, [-np.inf, 0, np.inf, 0]
    bad = np.zeros((40, 600), bool)
    bad[[3, 7]] = True
    bad[:, [11, 550]] = True
    value = fl.box_iou(input, target)
    np.testing.assert_array_equal(np.isnan(value), bad)
    np.testing.assert_array_equal(value[~bad], clean[~bad])
    first, second = fl.box_iou.grad(input, target, wrt=BOTH)
    assert np.isnan(first).all()
    assert np.isnan(second).all()
    # 0 times anything is 0.
    kept = (~bad).astype(dtype)
    some_rows, some_columns = ~bad.all(axis=1), ~bad.all(axis=0)
    want = fl.box_iou.grad(input[some_rows][:, :], target[some_columns], wrt=BOTH)
    got = fl.box_iou.grad(input, target, grad_output=kept, wrt=BOTH)
    assert not got[0][~some_rows].any()
    assert not got[1][~some_columns].any()
    tolerance = {"rtol": 1e-4 if dtype == np.float32 else 1e-12, "atol": 1e-4 if dtype == np.float32 else 1e-13}
    np.testing.assert_allclose(got[0][some_rows], want[0], **tolerance)
    np.testing.assert_allclose(got[1][some_columns], want[1], **tolerance)
    for zero in (0, np.zeros((40, 600))):
        for gradient in fl.box_iou.grad(input, target, grad_output=zero, wrt=BOTH):
            assert not gradient.any()


def test_areas_that_overflow_are_missing():
    huge = np.float32([[0, 0, 1e30, 1e30]])
    assert np.isnan(fl.box_iou(huge, np.float32([[0, 0, 1, 1]]))).all()
    assert fl.box_iou(huge.astype(float), huge.astype(float))[0, 0] == 1
    half = np.float16([[0, 0, 60000, 60000], [0, 0, 30000, 60000]])  # no half holds their areas
    np.testing.assert_array_equal(fl.box_iou(half, half), np.float16([[1, 0.5], [0.5, 1]]))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_no_boxes(shape, dtype):
    sets = [np.ones((count, 4), dtype) for count in shape]
    value, gradients = fl.box_iou.value_and_grad(*sets, wrt=BOTH, grad_output=np.zeros(shape))
    assert (value.shape, value.dtype) == (shape, np.dtype(dtype))
    assert fl.box_iou(*sets, out=value) is value
    for box, gradient in zip(sets, gradients, strict=True):
        np.testing.assert_array_equal(gradient, np.zeros_like(box), strict=True)
    out = np.full((3, 4), 7.0)
    fl.box_iou.grad(np.ones((3, 4)), np.ones((0, 4)), out=out)
    assert not out.any()


# Arrays


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("shape", [(9, 20), (70, 530)])
def test_layouts(shape, dtype):
    input, target = draw(*shape, dtype)
    flow = flow_of(*shape, dtype)
    want = fl.box_iou.value_and_grad(input, target, grad_output=flow, wrt=BOTH)
    stored = [layouts.strided, layouts.padded, layouts.backwards, layouts.unaligned, layouts.read_only]
    stored += [np.asfortranarray] + ([layouts.byteswapped] if np.dtype(dtype).kind == "f" else [])
    for how in stored:
        got = fl.box_iou.value_and_grad(how(input), how(target), grad_output=how(flow), wrt=BOTH)
        for one, other in zip((want[0], *want[1]), (got[0], *got[1]), strict=True):
            np.testing.assert_array_equal(one, other, err_msg=how.__name__)
        outs = [how(np.zeros_like(x)) for x in (want[0], *want[1])]
        if how is layouts.read_only:
            continue
        assert fl.box_iou(input, target, out=outs[0]) is outs[0]
        fl.box_iou.grad(input, target, grad_output=flow, wrt=BOTH, out=tuple(outs[1:]))
        for one, other in zip((want[0], *want[1]), outs, strict=True):
            np.testing.assert_array_equal(one.astype(float), other.astype(float), err_msg=how.__name__)


def test_one_box_repeated():
    input, target = draw(1, 40)
    repeated = np.broadcast_to(input, (700, 4))
    np.testing.assert_array_equal(fl.box_iou(repeated, target), np.repeat(fl.box_iou(input, target), 700, axis=0))
    np.testing.assert_array_equal(fl.box_iou(target, repeated)[:, 600], fl.box_iou(target, input)[:, 0])
    flow = np.broadcast_to(2.0, (40, 700))
    np.testing.assert_array_equal(
        fl.box_iou.grad(target, repeated, grad_output=flow), 2 * fl.box_iou.grad(target, repeated)
    )


def test_dtypes_of_results():
    for one, other in itertools.product(DTYPES, repeat=2):
        input, target = draw(5, 7, one)[0], draw(5, 7, other)[1]
        value, gradients = fl.box_iou.value_and_grad(input, target, wrt=BOTH)
        of_both = np.float64 if "float64" in (one, other) else np.float32
        assert value.dtype == (np.dtype(one) if np.dtype(one) == np.dtype(other) else of_both)
        assert [g.dtype for g in gradients] == [np.dtype(one), np.dtype(other)]
        np.testing.assert_array_equal(
            value.astype(of_both), fl.box_iou(input.astype(of_both), target).astype(value.dtype)
        )


@pytest.mark.parametrize("kind", [*"bBhHiIlL", list])
def test_whole_numbers(kind):
    boxes = [[0, 0, 4, 4], [2, 1, 5, 9]]
    given = boxes if kind is list else np.array(boxes, kind)
    value, gradient = fl.box_iou.value_and_grad(given, given)
    real = fl.box_iou.value_and_grad(np.array(boxes, float), np.array(boxes, float))
    np.testing.assert_array_equal(value, real[0], strict=True)
    np.testing.assert_array_equal(gradient, real[1], strict=True)
    # Beside floats they do not decide.
    assert fl.box_iou(np.float32(boxes), given).dtype == np.float32


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_out_of_another_dtype(dtype):
    input, target = draw(70, 530)
    value, gradient = fl.box_iou.value_and_grad(input, target)
    out = np.empty(value.shape, dtype)
    assert fl.box_iou(input, target, out=out) is out
    np.testing.assert_array_equal(out, value.astype(dtype))
    out = np.empty(gradient.shape, dtype)
    again, same = fl.box_iou.value_and_grad(input, target, out=out)
    assert same is out
    np.testing.assert_array_equal(again, value)
    np.testing.assert_array_equal(out, gradient.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_in_place(dtype):
    """An output may be an operand: everything is read before anything is written."""
    input, target = draw(600, 4, dtype)
    want = fl.box_iou(input, target)
    own = input.copy()
    assert fl.box_iou(own, target, out=own) is own
    np.testing.assert_array_equal(own, want)
    own = target.copy()
    np.testing.assert_array_equal(fl.box_iou(input[:4], own, out=own), fl.box_iou(input[:4], target))

    flow = flow_of(600, 4, dtype)
    value, gradients = fl.box_iou.value_and_grad(input, target, grad_output=flow, wrt=BOTH)
    a, b = input.copy(), target.copy()
    got, _ = fl.box_iou.value_and_grad(a, b, grad_output=flow, wrt=BOTH, out=(a, b))
    for one, other in zip((value, *gradients), (got, a, b), strict=True):
        np.testing.assert_array_equal(one, other)
    own = flow.copy()
    _, second = fl.box_iou.grad(input, target, grad_output=own, wrt=BOTH, out=(own, None))
    np.testing.assert_array_equal(own, gradients[0])
    np.testing.assert_array_equal(second, gradients[1])


@pytest.mark.parametrize("shape", [(20000, 70), (70, 20000), (3, 200000), (600, 600)])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_any_number_of_threads_gives_the_same_bits(shape, dtype):
    input, target = draw(*shape, dtype)
    flow = flow_of(*shape, dtype)
    results = []
    for threads in (1, 2, 3):
        with fl.threads(threads):
            value, gradients = fl.box_iou.value_and_grad(input, target, grad_output=flow, wrt=BOTH)
            assert fl._core.last_team_size() == threads
            results.append((value, *gradients, fl.box_iou(input, target)))
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(results[0][0], results[0][3])


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("columns", [6001, 6016])
def test_values_that_no_cache_holds(dtype, columns):
    """They are stored past the caches, in rows that begin anywhere."""
    rows = int(600e6 / 6000 / np.dtype(dtype).itemsize)
    input, target = draw(rows, columns, dtype)
    out = np.zeros((rows, columns), dtype)
    fl.box_iou(input, target, out=out)
    fl.box_iou(input, target, out=out)
    for some in (slice(0, 70), slice(rows // 2, rows // 2 + 3), slice(rows - 1, rows)):
        np.testing.assert_array_equal(out[some], fl.box_iou(input[some], target))


# Calls


def test_wrt_and_what_flows_in():
    input, target = draw(9, 20)
    both = fl.box_iou.grad(input, target, wrt=BOTH)
    np.testing.assert_array_equal(fl.box_iou.grad(input, target), both[0])
    for name, place, want in ((*pair, g) for pair, g in zip((("input", 0), ("target", 1)), both, strict=True)):
        np.testing.assert_array_equal(fl.box_iou.grad(input, target, wrt=name), want)
        np.testing.assert_array_equal(fl.box_iou.grad(input, target, wrt=place), want)
        (one,) = fl.box_iou.grad(input, target, wrt=[name])
        np.testing.assert_array_equal(one, want)
        np.testing.assert_array_equal(fl.box_iou.grad(input, target, wrt=name, grad_output=None), want)
        np.testing.assert_array_equal(fl.box_iou.grad(input, target, wrt=name, grad_output=np.ones((9, 20))), want)
        np.testing.assert_array_equal(fl.box_iou.grad(input, target, wrt=name, grad_output=-0.5), -0.5 * want)
        np.testing.assert_array_equal(fl.box_iou.grad(input, target, wrt=name, grad_output=np.int8(2)), 2 * want)
    swapped = fl.box_iou.grad(input, target, wrt=("target", "input"))
    for got, want in zip(swapped, reversed(both), strict=True):
        np.testing.assert_array_equal(got, want)


BOX = np.array([[0.0, 0.0, 1.0, 1.0]])
TWO = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 2.0, 2.0]])
LOCKED = layouts.read_only(np.zeros((2, 1)))
f = fl.box_iou

BAD_CALLS = [
    (lambda: f(BOX[0], TWO), ValueError, r"input has shape \(4,\); it must be a set of boxes, .* shape \(N, 4\)$"),
    (lambda: f(TWO, BOX[0]), ValueError, r"target has shape \(4,\); it must be a set of boxes, .* shape \(M, 4\)$"),
    (lambda: f(BOX[None], TWO), ValueError, r"input has shape \(1, 1, 4\); it must be a set of boxes"),
    (lambda: f(TWO[:, :3], TWO), ValueError, r"input has shape \(2, 3\); it must be a set of boxes"),
    (lambda: f(TWO, np.zeros((2, 5))), ValueError, r"target has shape \(2, 5\); it must be a set of boxes"),
    (lambda: f([], TWO), ValueError, r"input has shape \(0,\); it must be a set of boxes"),
    (lambda: f(1.0, TWO), ValueError, r"input has shape \(\); it must be a set of boxes"),
    (lambda: f(TWO.astype(complex), TWO), TypeError, "input has dtype complex128"),
    (lambda: f(TWO, [["a", "b", "c", "d"]]), TypeError, "target"),
    (lambda: f(np.ma.masked_array(TWO), TWO), TypeError, "input is a masked array"),
    (lambda: f(TWO, TWO, eps=0.0), ValueError, "eps must be"),
    (lambda: f(TWO, TWO, eps="1"), TypeError, "eps must be"),
    (lambda: f(TWO, TWO, eps=None), TypeError, "eps must be"),
    (lambda: f(TWO, TWO, fmt="corners"), ValueError, "fmt must be"),
    (lambda: f(TWO, TWO, fmt=("xyxy", "yxyx")), ValueError, "fmt must be"),
    (lambda: f(TWO, TWO, fmt=None), TypeError, "fmt must be"),
    (lambda: f(TWO, BOX, out=LOCKED), ValueError, "out is read-only"),
    (lambda: f(TWO, BOX, out=np.zeros((1, 2))), ValueError, r"must have shape \(2, 1\), got \(1, 2\)"),
    (lambda: f(TWO, BOX, out=np.zeros((2, 1), int)), TypeError, "must have a floating dtype, got int64"),
    (lambda: f(TWO, BOX, out=[0.0]), TypeError, "out must be a NumPy array, not list"),
    (lambda: f.grad(TWO, BOX, out=np.zeros((1, 4))), ValueError, r"'input' must have shape \(2, 4\), got \(1, 4\)"),
    (lambda: f.grad(TWO, BOX, wrt="eps"), ValueError, r"wrt must name operands among \('input', 'target'\)"),
    (lambda: f.grad(TWO, BOX, wrt=2), ValueError, "wrt must be a position from 0 to 1"),
    (lambda: f.grad(TWO, BOX, wrt=()), ValueError, "wrt must name at least one operand"),
    (lambda: f.grad(TWO, BOX, wrt=(0, "input")), ValueError, "wrt names 'input' twice"),
    (lambda: f.grad(TWO, BOX, wrt=BOTH, out=np.zeros((2, 4))), TypeError, "out must be a tuple of 2 arrays"),
    (lambda: f.grad(TWO, BOX, grad_output=np.zeros(2)), ValueError, r"grad_output has shape \(2,\) .* \(2, 1\)$"),
    (lambda: f.grad(TWO, BOX, grad_output=BOX[:, :1]), ValueError, r"grad_output has shape \(1, 1\) .* \(2, 1\)$"),
    (lambda: f.grad(TWO, BOX, grad_output=BOX[:, :2]), ValueError, r"grad_output has shape \(1, 2\) .* \(2, 1\)$"),
    (lambda: f.grad(TWO, BOX, grad_output=1j), TypeError, "grad_output has dtype complex128"),
    (lambda: f.value_and_grad(TWO, BOX[0]), ValueError, r"target has shape \(4,\)"),
]


@pytest.mark.parametrize("case", range(len(BAD_CALLS)))
def test_errors_name_the_function_and_the_argument(case):
    call, error, message = BAD_CALLS[case]
    with pytest.raises(error, match=f"^box_iou: .*{message}"):
        call()


def test_keywords_of_losses_are_unknown():
    for keyword in ("reduction", "sample_weight", "where", "normalizer"):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{keyword}'"):
            f(TWO, TWO, **{keyword: None})
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'target'"):
        f(TWO)
    with pytest.raises(TypeError, match="positional argument"):
        f(TWO, TWO, 1e-7)


def test_more_pairs_than_there_are_numbers():
    many = np.broadcast_to(BOX, (2**31, 4))
    with pytest.raises(ValueError, match=r"^box_iou: input has 2147483648 boxes and target 2147483648; .* 2\*\*60"):
        f(many, many)
    with pytest.raises(MemoryError):
        f(many, many[: 2**27])


def test_overlaps_are_errors():
    memory = np.zeros(36)
    boxes, shifted = memory[:32].reshape(8, 4), memory[4:].reshape(8, 4)
    with pytest.raises(ValueError, match=r"^box_iou: out overlaps input; it must be exactly that array"):
        f(boxes, BOX.repeat(4, axis=0), out=shifted)
    with pytest.raises(ValueError, match=r"^box_iou: out overlaps target"):
        f.grad(TWO, boxes, wrt="target", out=shifted)
    with pytest.raises(ValueError, match=r"^box_iou: out overlaps grad_output"):
        f.grad(boxes + 1, BOX.repeat(4, axis=0), grad_output=boxes, out=shifted)
    with pytest.raises(ValueError, match=r"^box_iou: two outputs in out share memory"):
        f.grad(np.ones((8, 4)), np.ones((8, 4)), wrt=BOTH, out=(boxes, shifted))
    assert not memory.any()


def test_settings():
    boxes, bad = np.array([[0.0, 0.0, 2.0, 2.0]] * 3), np.array([[0.0, 0.0, 2.0, 2.0]] * 3)
    bad[1, 2] = np.nan
    with fl.errstate(nonfinite="raise"):
        for call in (f, f.grad, f.value_and_grad):
            with pytest.raises(ValueError, match=r"^box_iou: a result is not finite"):
                call(boxes, bad)
            call(boxes, boxes)
    bad[1] = [2, 0, 1, 2]
    with fl.errstate(domain="raise"):
        with pytest.raises(
            ValueError, match=r"^box_iou: target must have x1 <= x2 .*, got \[2.0, .*\] at index \(1,\)"
        ):
            f(boxes, bad)
        with pytest.raises(ValueError, match=r"^box_iou: input must have .*, got \[2.0, .*\] at index \(1,\)"):
            f.grad(bad, boxes)
        f(bad, boxes, fmt="xywh")
        bad[2, 3] = -1
        with pytest.raises(ValueError, match=r"^box_iou: input must have a width and a height of at least 0"):
            f(bad, boxes, fmt=("xywh", "xyxy"))


PREPARE = """
rng = np.random.default_rng(0)
n, m = map(int, sys.argv[1:])
sets = [np.float32(rng.random((count, 4))) for count in (n, m)]
for x in sets:
    x[:, 2:] += x[:, :2]
out = np.full((n, m), np.float32(7))
flow = np.ones((n, m), np.float32)
both = ("input", "target")
fl.box_iou.grad(sets[0][:70], sets[1][:70], wrt=both)
"""
CALL = """
fl.box_iou(*sets, out=out)
fl.box_iou.grad(*sets, grad_output=flow, wrt=both)
"""


@pytest.mark.parametrize("shape", [(5000, 5000), (25, 1000000), (1000000, 25)])
def test_nothing_of_the_size_of_the_value_is_stored(shape):
    """The value has 100 MB, and the gradients of the second and third call 16 MB."""
    assert peak_memory.taken(PREPARE, CALL, *shape) < 30e6


def test_as_an_object():
    assert repr(f) == "fastloss.box_iou"
    assert f.__name__ == f.__qualname__ == "box_iou"
    assert "box_iou" not in fl.losses()
    assert "box_iou" in fl.__all__
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(f, protocol)) is f
        assert pickle.loads(pickle.dumps(f.grad, protocol)) == f.grad
    assert copy.copy(f) is copy.deepcopy(f) is f
    assert list(inspect.signature(f).parameters) == ["input", "target", "eps", "fmt", "out"]
    for method in (f.grad, f.value_and_grad):
        parameters = list(inspect.signature(method).parameters)
        assert parameters == ["input", "target", "grad_output", "wrt", "eps", "fmt", "out"]


@pytest.mark.parametrize("method", ["__call__", "grad", "value_and_grad"])
def test_documentation(method):
    call = f if method == "__call__" else getattr(f, method)
    text = inspect.getdoc(call)
    assert all(f"\n{title}\n---" in text for title in ("Parameters", "Returns", "Raises", "Examples"))
    assert "References" in text or method != "__call__"
    documented = [p for line in text.splitlines() if " : " in line for p in line.split(" : ")[0].split(", ")]
    assert all(p in documented or p in text for p in inspect.signature(call).parameters)
    test = doctest.DocTestParser().get_doctest(text, {}, "box_iou", "box_iou", 0)
    assert test.examples
    failures = []
    doctest.DocTestRunner(verbose=False).run(test, out=failures.append)
    assert not failures, "".join(failures)
