"""Reductions, weights, masks, denominators and gradients flowing in: the same of every engine."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from contract.compare import assert_same, check
from engines import calls
from references.units import leading

CALLS = calls()
LABELLED = [call for call in CALLS if call.labels]
APART = [call for call in CALLS if call.units_are_apart]
OF_UNITS = [call for call in APART if call.has_units]
NORMALIZERS = (7.5, "count", "weight")
IGNORED = -100


def _sample_weights(shape, rng):
    """None; one for each unit, some of them 0; one for each place of the first axis, with the other axes or without."""
    yield None
    full = rng.uniform(0, 2, shape)
    full[rng.random(shape) < 0.2] = 0
    yield full
    yield rng.uniform(0.5, 2, shape[:1])
    yield rng.integers(1, 4, (shape[0],) + (1,) * (len(shape) - 1))


def _masks(shape, rng):
    yield None
    mask = rng.random(shape) < 0.7
    mask.flat[0], mask.flat[-1] = True, False
    yield mask
    yield np.arange(shape[0]) % 2 == 0


def _ways(call, shape, rng):
    """Every weight with every mask."""
    weights, masks = _sample_weights(shape.units, rng), _masks(call.masked_shape(shape), rng)
    for sample_weight, where in itertools.product(weights, masks):
        way = {"sample_weight": sample_weight, "where": where}
        yield {k: v for k, v in way.items() if v is not None}


def _with_ignored(call, operands, rng, share=0.2, label=IGNORED):
    """The operands with some labels that are ignored, if they have labels."""
    if call.labels:
        labels = operands[call.labels].copy()
        labels[rng.random(labels.shape) < share] = label
        return {**operands, call.labels: labels}
    return operands


def _shapes(way):
    return {k: v.shape for k, v in way.items()}


DTYPES = [(call, dtype) for call in CALLS for dtype in cases.DTYPES if dtype == np.float64 or call.stands_for_others]


@pytest.mark.parametrize(("call", "dtype"), DTYPES, ids=str)
def test_every_reduction_with_weights_and_masks(call, dtype):
    for (k, shape), present in itertools.product(enumerate(call.shapes), call.presences()):
        rng = cases.seed(call, shape, present, "reductions")
        operands = _with_ignored(call, call.draw(rng, shape, dtype, present), rng)
        units = call.exact(operands)
        ways = list(_ways(call, shape, rng))
        for way in ways if k == 0 else ways[k % 2 :: 2]:
            what = f"{shape} {present} {_shapes(way)}"
            check(call, operands, dtype, what, reductions=call.reductions, units=units, **way)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_every_denominator_with_weights_and_masks(call):
    shape = call.shapes[0]
    for present in call.presences():
        rng = cases.seed(call, present, "denominators")
        operands = _with_ignored(call, call.draw(rng, shape, np.float64, present), rng)
        units = call.exact(operands)
        for way, normalizer in itertools.product(list(_ways(call, shape, rng))[::2], NORMALIZERS):
            what = f"{present} {normalizer} {_shapes(way)}"
            check(call, operands, np.float64, what, reductions=("mean",), units=units, normalizer=normalizer, **way)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_options_reach_every_reduction(call):
    for shape, options in itertools.product(call.shapes[:2], call.option_sets()):
        rng = cases.seed(call, shape, options)
        operands = _with_ignored(call, call.draw(rng, shape, np.float64, options=options), rng)
        units = call.exact(operands, options)
        way = {"where": rng.random(call.masked_shape(shape)) < 0.8}
        if units.weighted is not None:
            way["sample_weight"] = rng.uniform(0, 2, units.weighted)
        arguments = {"units": units, "options": options, "second": call.second_of_options, **way}
        check(call, operands, np.float64, f"{shape} {options}", reductions=call.reductions, **arguments)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_normalizer_needs_a_mean(call):
    operands = call.draw(cases.seed(call), call.shape_of(4, 3), np.float64)
    for reduction in call.reductions[:-1]:
        with pytest.raises(ValueError, match="normalizer"):
            call.function(**operands, reduction=reduction, normalizer=2)


@pytest.mark.parametrize(("call", "dtype"), DTYPES, ids=str)
def test_a_gradient_flows_in(call, dtype):
    for shape in call.shapes:
        rng = cases.seed(call, shape, "flow")
        operands = _with_ignored(call, call.draw(rng, shape, dtype), rng)
        units, weights = call.exact(operands), {"sample_weight": rng.uniform(0, 2, shape.units)}
        whole = rng.standard_normal(shape.units).astype(dtype)
        flows = [(reduction, flow, way) for reduction in call.reductions for flow, way in ((-2.5, weights), (0.0, {}))]
        flows += [("mean", np.float64(0.5), {})]
        if call.has_units:
            flows += [("none", whole, weights), ("none", np.asfortranarray(whole), {})]
        for reduction, flow, way in flows:
            what = f"{shape} {np.shape(flow)} {_shapes(way)}"
            check(call, operands, dtype, what, reductions=(reduction,), units=units, grad_output=flow, **way)


@pytest.mark.parametrize("call", OF_UNITS, ids=str)
def test_a_gradient_of_zero_flowing_in_silences_everything(call):
    shape = call.shape_of(3, 4)
    flow = leading(np.array([1.0, 0.0, 2.0]), shape.units).copy()
    operands = call.draw(cases.seed(call), shape, np.float64)
    first, silent = next(iter(operands)), flow == 0
    view, mask = call.of_units(first, operands[first], silent)
    view[mask] = np.nan
    for gradient in call.function.grad(**operands, reduction="none", grad_output=flow, wrt=call.wrt(operands)):
        assert np.isfinite(gradient).all()
    gradient = call.function.grad(**operands, reduction="none", grad_output=flow, wrt=first)
    view, mask = call.of_units(first, gradient, silent)
    assert (view[mask] == 0).all()


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("call", LABELLED, ids=str)
def test_ignored_labels(call, dtype):
    for ignore_index, shape in itertools.product((-100, -1, 2, 0, 255, 2**40), call.shapes):
        rng = cases.seed(call, ignore_index, shape)
        operands = _with_ignored(call, call.draw(rng, shape, dtype), rng, 0.4, ignore_index)
        check(call, operands, dtype, f"{shape} {ignore_index}", reductions=call.reductions, ignore_index=ignore_index)


@pytest.mark.parametrize("call", LABELLED, ids=str)
def test_an_ignored_class_stays_a_class(call):
    """ignore_index inside [0, C): its units count nowhere, its scores take part in the others."""
    operands = call.draw(cases.seed(call), call.shape_of(40, 5), np.float64)
    ignored = call.function.value_and_grad(**operands, ignore_index=2)
    masked = call.function.value_and_grad(**operands, where=operands[call.labels] != 2)
    np.testing.assert_allclose(ignored[0], masked[0], rtol=1e-15)
    for one, other in zip(*(g if isinstance(g, tuple) else (g,) for _, g in (ignored, masked)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-15, atol=1e-18)


def _some(call, shape):
    """A few units, and some whole places of the first axis."""
    chosen = np.zeros(shape.units, bool)
    chosen.flat[:: max(2, chosen.size // 4)] = True
    chosen[-1] = True
    return call.apart(chosen)


def _results(call, operands, arguments):
    """Everything that a call gives, each with the name of the operand that it has the shape of. Arguments win."""
    names, first, given = call.wrt(operands), next(iter(operands)), {**operands, **arguments}
    value, gradients = call.function.value_and_grad(**given, wrt=names)
    found = [("value", value), *zip(names, gradients, strict=True)]
    if call.has("hess"):
        found.append((first, call.function.hess(**given)))
    if call.has("hvp"):
        found.append((first, call.function.hvp(**given, vector=np.ones_like(operands[first]))))
    return found


@pytest.mark.parametrize(("call", "dtype"), DTYPES, ids=str)
def test_units_that_do_not_count_may_hold_anything(call, dtype):
    for shape in (*call.shapes, call.shape_of(25, 60)):
        clean, out = call.draw(cases.seed(call, shape, "poison"), shape, dtype), _some(call, shape)
        kept = call.mask_of(~out, shape)
        for poison in (np.nan, np.inf, -np.inf, -1.0, 1e30)[: 5 if shape == call.shapes[0] else 2]:
            dirty = call.spoiled(clean, out, poison)
            ways = [{"where": kept}, {"where": kept, "sample_weight": np.where(out, poison, 1.5).astype(dtype)}]
            if call.labels:
                ways.append({call.labels: call.ignoring(clean, out, IGNORED)})
            for way, reduction in itertools.product(ways, call.reductions):
                what = f"{shape} {poison} {_shapes(way)} {reduction}"
                # Silence, as errstate(nonfinite="raise") hears it.
                with fl.errstate(nonfinite="raise"):
                    expected = _results(call, clean, {**way, "reduction": reduction})
                    got = _results(call, dirty, {**way, "reduction": reduction})
                for (name, one), (_, other) in zip(expected, got, strict=True):
                    assert_same(other, one, f"{what} {name}")
                    if name == "value":
                        assert reduction != "none" or not other[out].any(), what
                    elif not call.is_shared(name):
                        view, mask = call.of_units(name, other, out)
                        assert mask.any()
                        assert not view[mask].any(), f"{what} {name}"


@pytest.mark.parametrize("call", APART, ids=str)
def test_a_weight_of_zero_silences_a_unit(call):
    for shape in call.shapes:
        clean, out = call.draw(cases.seed(call, shape, "silent"), shape, np.float64), _some(call, shape)
        spoiled = call.spoiled(clean, out, np.nan)
        dirty = {name: spoiled[name] if x.dtype.kind == "f" else x for name, x in clean.items()}
        for reduction in call.reductions:
            way = {"sample_weight": np.where(out, 0, 1.5), "reduction": reduction}
            for (name, one), (_, other) in zip(_results(call, clean, way), _results(call, dirty, way), strict=True):
                assert_same(other, one, f"{shape} {reduction} {name}")


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_mask_of_the_first_axis_masks_whole_places(call):
    for shape in call.shapes:
        kept = np.arange(shape.units[0]) % 2 == 0
        clean = call.draw(cases.seed(call, shape), shape, np.float64)
        out = np.broadcast_to(~kept.reshape((-1,) + (1,) * (len(shape.units) - 1)), shape.units)
        dirty = call.spoiled(clean, out, np.nan)
        for name in (name for name in clean if not call.is_shared(name)):
            assert call.function(**{**clean, name: dirty[name]}, where=kept) == call.function(**clean, where=kept)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_mean_over_nothing(call, dtype):
    full = call.draw(cases.seed(call), call.shape_of(6, 5), dtype)
    nothing = [
        (call.repeated(full, slice(0, 0)), {}),
        (full, {"where": np.zeros(6, bool)}),
        (full, {"where": False}),
        (full, {"sample_weight": np.zeros(6)}),
    ]
    if call.labels:
        nothing.append((full, {call.labels: np.full_like(full[call.labels], IGNORED)}))
    for operands, way in nothing:
        _assert_over_nothing(call, operands, way, dtype)
        for reduction in ("sum", "batchmean")[: 2 if len(next(iter(operands.values()))) else 1]:
            assert all(not np.any(x) for _, x in _results(call, operands, {**way, "reduction": reduction}))
        assert not np.any(call.function(**{**operands, **way}, reduction=call.reductions[0]))
    if without := call.without_terms(full):
        _assert_over_nothing(call, without, {}, dtype)
        assert call.function(**without, reduction="sum") == 0


def _assert_over_nothing(call, operands, way, dtype):
    """NaN, whose derivatives are 0; 0 or an error, where that is asked for."""
    for name, found in _results(call, operands, way):
        if name == "value":
            assert np.isnan(found)
            assert found.dtype == dtype
        else:
            np.testing.assert_array_equal(found, np.zeros_like(operands[name]), err_msg=name, strict=True)
    names, given = call.wrt(operands), {**operands, **way}
    out = tuple(np.full_like(operands[name], 5) for name in names)
    call.function.grad(**given, wrt=names, out=out)
    assert not any(x.any() for x in out)
    with fl.errstate(empty="zero"):
        assert call.function(**given) == 0
        assert not any(gradient.any() for gradient in call.function.grad(**given, wrt=names))
    with fl.errstate(empty="raise"), pytest.raises(ValueError, match=f"{call.loss}: the mean is over nothing: "):
        call.function(**given)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_weights_of_one_change_nothing(call):
    shape = call.shapes[0]
    operands = call.draw(cases.seed(call), shape, np.float64, call.presences()[0])
    masked = call.masked_shape(shape)
    ones = [{"sample_weight": np.ones(shape.units[0])}, {"where": np.ones(masked, bool)}, {"where": np.True_}]
    for reduction, way in itertools.product(call.reductions, ones):
        first = call.wrt(operands)[0]
        plain = call.function.value_and_grad(**operands, reduction=reduction, wrt=first)
        value, gradient = call.function.value_and_grad(**operands, reduction=reduction, wrt=first, **way)
        np.testing.assert_allclose(value, plain[0], rtol=1e-15)
        np.testing.assert_allclose(gradient, plain[1], rtol=1e-15, atol=1e-18)


@pytest.mark.parametrize("call", APART, ids=str)
def test_whole_sample_weights_repeat_units(call):
    operands = call.draw(cases.seed(call), call.shape_of(20, 7), np.float64)
    count = np.random.default_rng(3).integers(0, 4, 20)
    repeated = call.repeated(operands, np.repeat(np.arange(20), count))
    for reduction in ("mean", "sum"):
        value = call.function(**operands, reduction=reduction, sample_weight=count)
        assert value == pytest.approx(call.function(**repeated, reduction=reduction), rel=1e-13)


@pytest.mark.parametrize("call", APART, ids=str)
def test_the_float32_mean_of_many_units(call):
    shape = call.shape_of(3000, call.shapes[0].width)
    count = 3000 * (1000 // shape.width)
    operands = call.draw(cases.seed(call, "many"), shape, np.float32, call.presences()[0])
    many = call.repeated(operands, np.arange(count) % 3000)
    # A mean is that of any number of copies.
    want = call.exact(operands).reduce("mean")
    assert abs(float(call.function(**many)) - want.value) <= 1e-6 * want.magnitudes["value"]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_reduced_value_goes_to_out(call, dtype):
    operands, out = call.draw(cases.seed(call), call.shapes[0], dtype), np.empty((), dtype)
    assert call.function(**operands, out=out) is out
    assert out == call.function(**operands)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_errstate_nonfinite(call):
    operands = call.draw(cases.seed(call), call.shape_of(40, 12), np.float64)
    with fl.errstate(nonfinite="raise"):
        call.function.value_and_grad(**operands)
        next(iter(operands.values()))[7] = np.nan
        for reduction in call.reductions:
            with pytest.raises(ValueError, match=call.loss):
                call.function.value_and_grad(**operands, reduction=reduction)
    assert np.isnan(call.function(**operands))
