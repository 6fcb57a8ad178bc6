"""The generalised numpy.ufunc objects of the row-wise losses: classes on the last axis, any other axes around them."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

import cases
import fastloss as fl
from references.row_draws import class_lists

ROWWISE = {name: getattr(fl, name) for name, info in fl.losses().items() if info.rowwise}
UFUNCS = [(name, gradient) for name in ROWWISE for gradient in (False, True)]
INDEXED = [(name, gradient) for name, gradient in UFUNCS if any(o.class_index for o in ROWWISE[name].info.operands)]
WITH_NUMBERS = [
    (name, gradient) for name, gradient in UFUNCS if any(o.kind == "number" for o in ROWWISE[name].info.options)
]


def ufunc_of(name, gradient):
    return ROWWISE[name].grad_ufunc if gradient else ROWWISE[name].ufunc


# What None stands for.
NUMBERS_OF_NONE = {"softcap": 0.0, "alpha": 1.0}


def number_of(option, value):
    """An option's value as the ufunc takes it."""
    if option.kind == "choice":
        return option.choices.index(value)
    return NUMBERS_OF_NONE[option.name] if value is None else value


def options_of(info):
    return [number_of(option, option.default) for option in info.options]


def seen(info):
    """The operands that the ufunc takes."""
    return [o for o in info.operands if not o.multiplies]


def operands_of(info, shape, classes, dtype=np.float64, seed=0):
    """Values that every operand accepts, for rows of the given shape."""
    rng = np.random.default_rng(seed)

    def draw(operand):
        if operand.class_index:
            return rng.integers(0, classes, shape)
        if operand.class_list:
            lists = class_lists(rng, int(np.prod(shape)), classes, np.int64)
            return lists.reshape(*shape, classes)
        own = (classes,) if operand.per_class else (*shape, classes)
        return rng.uniform(0.05, 0.95, own).astype(dtype)

    return {operand.name: draw(operand) for operand in seen(info)}


def expected_of(loss, gradient, operands, **options):
    call = loss.grad if gradient else loss
    return call(**operands, **options, reduction="none", axis=-1)


def close(result, expected, dtype=np.float64):
    np.testing.assert_allclose(result, expected, rtol=32 * np.finfo(dtype).eps, atol=8 * np.finfo(dtype).eps)


def test_there_are_some():
    assert "cross_entropy" in ROWWISE
    assert {"cross_entropy", "cross_entropy_grad"} <= set(fl.ufuncs.__all__)


@pytest.mark.parametrize(("name", "gradient"), UFUNCS)
def test_is_a_ufunc_under_its_name(name, gradient):
    ufunc, info = ufunc_of(name, gradient), ROWWISE[name].info
    arguments = [o.name for o in seen(info)] + [o.name for o in info.options]
    cores = ["()" if o.class_index else "(c)" for o in seen(info)] + ["()"] * len(info.options)
    assert type(ufunc) is np.ufunc
    assert ufunc.__name__ == name + ("_grad" if gradient else "")
    assert (ufunc.nin, ufunc.nout) == (len(arguments), 1)
    assert ufunc.signature == ",".join(cores) + "->" + ("(c)" if gradient else "()")
    for types, letter in zip(ufunc.types, "fd", strict=True):
        indices = np.dtype(np.int64).char
        letters = (indices if o.class_index or o.class_list else letter for o in seen(info))
        own = ["".join(letters), letter * len(info.options)]
        assert types == "".join(own) + "->" + letter
    assert ufunc is getattr(fl.ufuncs, ufunc.__name__)
    assert ", ".join(arguments) in ufunc.__doc__
    assert info.formula.splitlines()[0] in ufunc.__doc__
    assert pickle.loads(pickle.dumps(ufunc)) is ufunc


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "gradient"), UFUNCS)
def test_equals_the_function(name, gradient, dtype):
    loss = ROWWISE[name]
    for rows, classes in ((0, 3), (1, 1), (1, 2), (7, 10), (33, 5), (300, 4), (9, 1000), (2, 9001)):
        operands = operands_of(loss.info, (rows,), classes, dtype)
        result = ufunc_of(name, gradient)(*operands.values(), *options_of(loss.info))
        assert result.dtype == dtype
        close(result, expected_of(loss, gradient, operands), dtype)


@pytest.mark.parametrize(("name", "gradient"), UFUNCS)
def test_layouts(name, gradient):
    loss, ufunc = ROWWISE[name], ufunc_of(name, gradient)
    whole, numbers = operands_of(loss.info, (12, 10), 6), options_of(loss.info)
    expected = expected_of(loss, gradient, whole)
    close(ufunc(*whole.values(), *numbers), expected)
    for view in (np.s_[::2, ::-1], np.s_[:, ::3], np.s_[5]):
        operands = {k: x if x.ndim == 1 else x[view] for k, x in whole.items()}
        close(ufunc(*operands.values(), *numbers), expected[view])
    reversed_classes = {k: x.copy()[..., ::-1] if x.shape[-1] == 6 else x for k, x in whole.items()}
    close(ufunc(*reversed_classes.values(), *numbers), expected_of(loss, gradient, reversed_classes))
    swapped = (x.astype(x.dtype.newbyteorder()) for x in whole.values())
    close(ufunc(*swapped, *numbers), expected)
    transposed = {k: x if x.ndim == 1 else np.asfortranarray(x) for k, x in whole.items()}
    close(ufunc(*transposed.values(), *numbers), expected)
    out = np.full((2, *expected.shape), -1.0)[:, ::-1]
    assert ufunc(*whole.values(), *numbers, out=out[1]).base is out.base
    close(out[1], expected)
    assert (out[0] == -1).all()


@pytest.mark.parametrize("gradient", [False, True])
def test_keywords_of_ufuncs(gradient):
    ufunc, loss = ufunc_of("cross_entropy", gradient), fl.cross_entropy
    z, t = np.random.default_rng(1).normal(size=(4, 3, 5)), np.array([[0, 1, 2]] * 4)
    numbers = options_of(loss.info)
    expected = expected_of(loss, gradient, {"input": z, "target": t})
    for labels in (np.int8, np.uint8, np.int16, np.uint32):
        close(ufunc(z, t.astype(labels), *numbers), expected)
    with pytest.raises(TypeError, match="not supported"):
        ufunc(z, t.astype(np.float64), *numbers)
    close(ufunc(z, t[0], *numbers), expected)  # labels are broadcast over the first axis
    close(ufunc(z[0], [[0, 1, 2]] * 2, *numbers), np.stack([expected[0]] * 2))
    moved = ufunc(np.moveaxis(z, -1, 1), t, *numbers, axis=1)
    close(np.moveaxis(moved, 1, -1) if gradient else moved, expected)
    assert ufunc(z.astype(np.float16), t, *numbers).dtype == np.float32
    close(ufunc([0, 0], 1, *numbers), [0.5, -0.5] if gradient else np.log(2))
    assert ufunc(z.tolist(), t.tolist(), *numbers).shape == expected.shape


def test_overlapping_output():
    z, t = np.random.default_rng(2).normal(size=(6, 4)), np.array([0, 1, 2, 3, 0])
    numbers = options_of(fl.cross_entropy.info)
    expected = fl.cross_entropy.grad(z[:-1], t, reduction="none")
    fl.cross_entropy.grad_ufunc(z[:-1], t, *numbers, out=z[1:])
    close(z[1:], expected)
    fl.cross_entropy.ufunc(z[1:], t, *numbers, out=z[1:, 2])


@pytest.mark.parametrize(("name", "gradient"), INDEXED)
def test_a_class_index_out_of_range_is_nan_in_its_row(name, gradient):
    loss = ROWWISE[name]
    operands = operands_of(loss.info, (300,), 4)
    labels = next(o.name for o in loss.info.operands if o.class_index)
    expected = expected_of(loss, gradient, operands)
    wrong = np.zeros(300, bool)
    for row, label in ((0, -1), (1, 4), (7, -100), (8, 2**40), (120, -(2**63)), (299, 4)):
        operands[labels][row] = label
        wrong[row] = True
    result = ufunc_of(name, gradient)(*operands.values(), *options_of(loss.info))
    assert np.isnan(result[wrong]).all()
    close(result[~wrong], expected[~wrong])
    one = operands_of(loss.info, (3,), 1)
    none = [one[o.name] if o.class_index else one[o.name][..., :0] for o in seen(loss.info)]
    result = ufunc_of(name, gradient)(*none, *options_of(loss.info))
    assert result.shape == ((3, 0) if gradient else (3,))
    assert np.isnan(result).all()


@pytest.mark.parametrize("gradient", [False, True])
def test_a_list_out_of_range_is_nan_in_its_row(gradient):
    loss = fl.multilabel_margin_loss
    operands = operands_of(loss.info, (300,), 4)
    expected = expected_of(loss, gradient, operands)
    wrong = np.zeros(300, bool)
    for row, place, label in ((0, 0, -2), (1, 3, 4), (7, 2, -100), (8, 3, 2**40), (120, 1, -(2**63)), (299, 0, 4)):
        operands["target"][row] = [1, -1, 0, 0]
        operands["target"][row, place] = label
        wrong[row] = True
    result = ufunc_of("multilabel_margin_loss", gradient)(*operands.values())
    assert np.isnan(result[wrong]).all()
    close(result[~wrong], expected[~wrong])


@pytest.mark.parametrize(("name", "gradient"), WITH_NUMBERS)
def test_options_vary_and_out_of_range_are_nan(name, gradient):
    loss = ROWWISE[name]
    operands, numbers = operands_of(loss.info, (60,), 5), options_of(loss.info)
    at, option = next((i, o) for i, o in enumerate(loss.info.options) if o.kind == "number")
    other = 0.5 if cases.Domain.parse(option.domain).contains(0.5) else 2.0
    values = np.repeat([number_of(option, option.default), other, np.nan], 20)
    mixed = np.random.default_rng(3).permutation(60)
    numbers[at] = values[mixed]
    result = ufunc_of(name, gradient)(*operands.values(), *numbers)
    assert np.isnan(result[mixed >= 40]).all()
    for group, value in (((mixed < 20), option.default), ((mixed >= 20) & (mixed < 40), other)):
        close(result[group], expected_of(loss, gradient, operands, **{option.name: value})[group])


def test_options_beyond_their_range():
    assert np.isnan(fl.cross_entropy.ufunc([0.0, 1.0], 0, 1.5, 0.0, 0.0, 1.0, 1, 1e-7))
    assert np.isnan(fl.cross_entropy.grad_ufunc([0.0, 1.0], 0, 0.0, 0.0, 0.0, [0.0, -1.0], 1, 1e-7)).all()


@pytest.mark.parametrize(("name", "gradient"), UFUNCS)
def test_no_spurious_warnings(name, gradient):
    info = ROWWISE[name].info
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        for extreme in (0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, -1e308, 5e-324):
            operands = operands_of(info, (40,), 3)
            operands[info.operands[0].name][:, 1] = extreme
            ufunc_of(name, gradient)(*operands.values(), *options_of(info))
