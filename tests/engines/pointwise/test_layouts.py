"""Where the numbers lie does not matter: strides, order, alignment, byte order, lengths, broadcasting, in place."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from references import REFERENCES
from references.reductions import Unreduced, reduce

LENGTHS = (0, 1, 7, 15, 16, 17, 63, 64, 65, 1023, 1024, 1025, 8191, 8192, 8193, 20000)
INF = float("inf")


def _everything(name, operands, **call):
    """Value, all gradients, Hessian: a dict of arrays."""
    given = [q for q in cases.quantities(name) if q.removeprefix("gradient:") in (*operands, "value", "hessian")]
    return {q: cases.compute(name, q, operands, {}, **call) for q in given}


def _assert_same(one, other, what):
    for quantity, x in one.items():
        np.testing.assert_array_equal(x, other[quantity], err_msg=f"{what} {quantity}", strict=True)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", cases.NAMES)
def test_an_element_does_not_know_its_position(name, dtype, use_isa):
    full = cases.sample(REFERENCES[name], cases.seed(name, "lengths"), max(LENGTHS) + 3, dtype, "wide")
    for isa in cases.ISAS:
        use_isa(isa)
        whole = _everything(name, full)
        for length, start in itertools.product(LENGTHS, (0, 1, 3)):
            part = {k: v[start : start + length] for k, v in full.items()}
            expected = {q: x[start : start + length] for q, x in whole.items()}
            _assert_same(expected, _everything(name, part), f"{isa} {start}+{length}")


LAYOUTS = {**layouts.ALL, "transposed": lambda x: np.ascontiguousarray(x.T).T}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", cases.NAMES)
def test_layout_changes_no_bit(name, dtype, layout):
    for shape in ((37, 61), (129, 1), (1, 1030), (2, 3, 4), (6, 1500)):
        rng = cases.seed(name, "layout", shape)
        plain = {
            k: v.reshape(shape) for k, v in cases.sample(REFERENCES[name], rng, int(np.prod(shape)), dtype).items()
        }
        turned = LAYOUTS[layout]
        expected = _everything(name, plain)
        _assert_same(expected, _everything(name, {k: turned(v) for k, v in plain.items()}), f"{layout} {shape}")
        for operand in plain:
            mixed = {**plain, operand: turned(plain[operand])}
            np.testing.assert_array_equal(cases.compute(name, "value", mixed, {}), expected["value"])
        # The reduced value too, for which the order of the additions counts.
        loss = cases.loss(name)
        mean = loss(**{k: turned(v) for k, v in plain.items()})
        np.testing.assert_allclose(mean, loss(**plain), rtol=1e-6 if dtype == np.float32 else 1e-14, atol=1e-6)
    assert all(x.flags.writeable for x in plain.values())


@pytest.mark.parametrize("name", cases.NAMES)
def test_zero_strides_and_scalars(name):
    operands = cases.sample(REFERENCES[name], cases.seed(name), 1, np.float32)
    one = _everything(name, operands)
    repeated = {k: np.broadcast_to(v, (70,)) for k, v in operands.items()}
    for quantity, x in _everything(name, repeated).items():
        np.testing.assert_array_equal(x, np.broadcast_to(one[quantity], (70,)), strict=True)
    scalar = _everything(name, {k: v.reshape(()) for k, v in operands.items()})
    for quantity, x in scalar.items():
        np.testing.assert_array_equal(np.asarray(x), one[quantity].reshape(()), strict=True)
    for reduction in ("mean", "sum"):
        value = cases.loss(name)(**{k: v.reshape(()) for k, v in operands.items()}, reduction=reduction)
        assert value == cases.loss(name)(**operands, reduction=reduction)


SHAPES = {
    "full": lambda n, c: (n, c),
    "scalar": lambda n, c: (),
    "column": lambda n, c: (n, 1),
    "row": lambda n, c: (1, c),
}
SHAPES |= {"trailing": lambda n, c: (c,), "leading": lambda n, c: (n,)}
BROADCAST = [
    cases.Check(name, f"broadcast:{operand.name}")
    for name in cases.NAMES
    for operand in REFERENCES[name].operands
    if operand.name != REFERENCES[name].first
]


# Less than a block, and several; rows longer than a block, and more sums than rows.
FEW_SHAPES = [((5, 7), np.float32), ((300, 41), np.float64)]
ALL_SHAPES = [*itertools.product([(5, 7), (300, 41)], cases.DTYPES), ((3, 9000), np.float32), ((9000, 3), np.float64)]
BROADCAST_SHAPES = [
    (check, dtype, shape)
    for check in BROADCAST
    for shape, dtype in (ALL_SHAPES if check.loss in cases.REPRESENTATIVES else FEW_SHAPES)
]


@pytest.mark.parametrize(("check", "dtype", "rows_and_columns"), BROADCAST_SHAPES, ids=str)
def test_gradient_of_a_broadcast_operand_is_the_sum(check, dtype, rows_and_columns):
    reference, name = REFERENCES[check.loss], check.what.removeprefix("broadcast:")
    n, c = rows_and_columns
    for kind in reference.operand(name).kinds:
        if kind == "full":
            continue
        shape = SHAPES[kind](n, c)
        drawn = cases.sample(reference, cases.seed(check, kind), n * c, dtype)
        operands = {k: v.reshape(n, c) for k, v in drawn.items()}
        operands[name] = np.asarray(drawn[name][: int(np.prod(shape))].reshape(shape))
        exact_loss = Unreduced(reference, operands, {})
        for reduction in ("none", "mean", "sum", "batchmean"):
            want = exact_loss.reduce(reduction)
            wrt = cases.differentiable(check.loss)
            value, gradients = cases.loss(check.loss).value_and_grad(**operands, reduction=reduction, wrt=wrt)
            tolerance = 64 * np.finfo(dtype).eps
            what = f"{kind} {reduction}"
            np.testing.assert_allclose(
                value,
                want.value.astype(dtype),
                rtol=tolerance,
                atol=tolerance * float(np.max(want.magnitudes["value"])),
                err_msg=what,
            )
            for operand, gradient in zip(wrt, gradients, strict=True):
                assert gradient.shape == operands[operand].shape, what
                assert gradient.dtype == dtype, what
                exact = want.gradients[operand].astype(dtype)
                slack = tolerance * float(np.max(want.magnitudes[operand]))
                np.testing.assert_allclose(gradient, exact, rtol=tolerance, atol=slack, err_msg=f"{what} {operand}")


@pytest.mark.parametrize("name", cases.NAMES)
def test_several_operands_broadcast_in_different_directions(name):
    reference = REFERENCES[name]
    shape = (6, 5, 7)
    operands = {}
    shapes = [shape, (6, 1, 7), (1, 5, 1), (1, 1, 7)]
    for operand, broadcast in zip(reference.operands, shapes, strict=False):
        drawn = cases.sample(reference, cases.seed(name, operand.name), int(np.prod(broadcast)), np.float64)
        operands[operand.name] = drawn[operand.name].reshape(broadcast)
    wrt = [n for n in operands if reference.operand(n).differentiable]
    value, gradients = cases.loss(name).value_and_grad(**operands, wrt=wrt)
    want = reduce(reference, operands, {}, "mean")
    np.testing.assert_allclose(value, float(want.value), rtol=1e-13)
    for operand, gradient in zip(wrt, gradients, strict=True):
        np.testing.assert_allclose(
            gradient, want.gradients[operand].astype(float), rtol=1e-12, atol=1e-15, err_msg=operand
        )


@pytest.mark.parametrize("count", [5, 1024, 30000])
@pytest.mark.parametrize("name", cases.NAMES)
def test_out_may_be_an_input(name, count):
    reference, loss = REFERENCES[name], cases.loss(name)
    original = cases.sample(reference, cases.seed(name), count, np.float32)
    wrt = [n for n in original if reference.operand(n).differentiable]
    for target in (n for n in original if not reference.operand(n).integer):
        for quantity in ("value", f"gradient:{reference.first}"):
            operands = {k: v.copy() for k, v in original.items()}
            expected = cases.compute(name, quantity, operands, {})
            result = cases.compute(name, quantity, operands, {}, out=operands[target])
            assert result is operands[target] or np.shares_memory(result, operands[target])
            np.testing.assert_array_equal(operands[target], expected, err_msg=f"{quantity} into {target}")
    operands = {k: v.copy() for k, v in original.items()}
    value, expected = loss.value_and_grad(**operands, wrt=wrt)
    again, _ = loss.value_and_grad(**operands, wrt=wrt, out=tuple(operands[n] for n in wrt))
    assert again == value
    for operand, gradient in zip(wrt, expected, strict=True):
        np.testing.assert_array_equal(operands[operand], gradient, err_msg=operand)


@pytest.mark.parametrize("name", cases.NAMES)
def test_a_value_beside_an_accumulated_gradient_is_no_sum(name):
    """Its memory is new: whatever was there before is not added to."""
    operands = cases.sample(REFERENCES[name], cases.seed(name), 3000, np.float64)
    expected = cases.loss(name)(**operands, reduction="none")
    for _ in range(3):
        used = np.full(3000, 1e9)  # memory of this size that an allocator hands out again
        del used
        value, _ = cases.loss(name).value_and_grad(**operands, reduction="none", out=np.zeros(3000), accumulate=True)
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize(
    ("name", "broadcast"), [(name, operand) for name in cases.NAMES for operand in cases.differentiable(name)[1:]]
)
def test_accumulate_adds_the_gradient_of_a_broadcast_operand(name, broadcast):
    reference, loss = REFERENCES[name], cases.loss(name)
    for shape in ((40, 30), (3, 6000)):
        operands = {
            k: v.reshape(shape)
            for k, v in cases.sample(reference, cases.seed(name), shape[0] * shape[1], np.float64).items()
        }
        operands[broadcast] = operands[broadcast][:1].copy()
        gradient = loss.grad(**operands, wrt=broadcast)
        out = np.full((1, shape[1]), 2.5)
        loss.grad(**operands, wrt=broadcast, out=out, accumulate=True)
        np.testing.assert_allclose(out, 2.5 + gradient, rtol=1e-15)


@pytest.mark.parametrize(("name", "dtype"), cases.product_of_dtypes())
def test_results_larger_than_the_cache_have_the_same_bits(name, dtype):
    # Beyond the last-level cache the stores bypass it; pieces of the same call do not.
    reference, loss = REFERENCES[name], cases.loss(name)
    item, cache = np.dtype(dtype).itemsize, fl._core.cache()["streaming_bytes"]
    count, piece = min(cache // (2 * item), 16_000_000 // item) + 4099, 50_000
    operands = {k: np.resize(v, count) for k, v in cases.sample(reference, cases.seed(name), 40_009, dtype).items()}
    wrt = cases.differentiable(name)
    outs = tuple(np.full(count + 3, np.nan, dtype)[offset : count + offset] for offset in (0, 1, 3, 2)[: len(wrt)])
    value = np.full(count + 1, np.nan, dtype)[1:]
    loss(**operands, reduction="none", out=value)
    loss.grad(**operands, reduction="none", wrt=wrt, out=outs)
    fresh = loss.value_and_grad(**operands, reduction="none", wrt=wrt)
    np.testing.assert_array_equal(fresh[0], value)
    for one, other in zip(fresh[1], outs, strict=True):
        np.testing.assert_array_equal(one, other)
    for start in range(0, count, count // 7):
        part = slice(start, min(start + piece, count))
        small = loss.value_and_grad(**{k: v[part] for k, v in operands.items()}, reduction="none", wrt=wrt)
        np.testing.assert_array_equal(value[part], small[0])
        for one, other in zip(outs, small[1], strict=True):
            np.testing.assert_array_equal(one[part], other)


@pytest.mark.parametrize("name", [n for n in cases.NAMES if cases.INFO[n].elementwise])
def test_out_of_two_results(name):
    loss, operands = cases.loss(name), cases.sample(REFERENCES[name], cases.seed(name), 3000, np.float32)
    gradient, hessian = np.empty(3000, np.float32), np.empty(6000, np.float32)[::2]
    result = loss.grad_and_hess(**operands, out=(gradient, hessian))
    assert result[0] is gradient
    assert result[1] is hessian
    np.testing.assert_array_equal(gradient, loss.grad(**operands))
    np.testing.assert_array_equal(hessian, loss.hess(**operands))
    with pytest.raises(ValueError, match="out"):
        loss.grad_and_hess(**operands, out=(gradient, gradient))
