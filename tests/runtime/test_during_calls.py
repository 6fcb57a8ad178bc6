"""Python code that runs while a call reads its arguments, and threads that change them meanwhile.

An argument's `__array__`, `__float__` or `__index__` may reshape an array that was read before, free its memory, or
empty the list, dict or tuple that it came in. A call reads all objects first, then what their arrays look like, and
holds on to everything that it reads.
"""

from __future__ import annotations

import functools
import sys
import threading
import time

import numpy as np
import pytest

import fastloss as fl


class Acts:
    """An argument whose conversion does something first."""

    def __init__(self, act, value):
        self.act, self.value = act, value

    def __array__(self, dtype=None, copy=None):
        self.act()
        return self.value

    def __float__(self):
        self.act()
        return float(self.value)

    def __index__(self):
        self.act()
        return int(self.value)


def numbers(*shape):
    return np.linspace(-2.0, 3.0, int(np.prod(shape))).reshape(shape) ** 3


# Of each engine: a call, and the arrays that it takes.
N, C, F = 12, 6, 5
POINTWISE = (
    fl.huber_loss.value_and_grad,
    {
        "input": numbers(N, C),
        "target": numbers(N, C)[::-1].copy(),
        "weight": np.abs(numbers(N, C)),
        "sample_weight": np.arange(1.0, N * C + 1).reshape(N, C),
        "where": numbers(N, C) > -1,
        "out": np.zeros((N, C)),
    },
    {},
)
POINTWISE_NONE = (
    fl.huber_loss.value_and_grad,
    {"input": numbers(N, C), "target": numbers(N, C) / 2, "grad_output": numbers(N, C), "out": np.zeros((N, C))},
    {"reduction": "none"},
)
ROWWISE = (
    fl.cross_entropy.value_and_grad,
    {
        "input": numbers(N, C),
        "target": np.full((N, C), 1 / C),
        "weight": np.arange(1.0, C + 1),
        "sample_weight": np.arange(1.0, N + 1),
        "where": np.arange(N) % 4 > 0,
        "out": np.zeros((N, C)),
    },
    {},
)
PRODUCT = (
    fl.cross_entropy.hvp,
    {"input": numbers(N, C), "target": np.full((N, C), 1 / C), "vector": numbers(N, C), "out": np.zeros((N, C))},
    {},
)
LINEAR = (
    fl.linear_cross_entropy.value_and_grad,
    {
        "input": numbers(N, F),
        "linear_weight": numbers(C, F),
        "target": np.arange(N) % C,
        "sample_weight": np.arange(1.0, N + 1),
        "out": np.zeros((N, F)),
    },
    {},
)
BOXES = np.cumsum(np.abs(numbers(N, 4)) + 1, axis=1)[:, [0, 1, 3, 2]]
BOX = (
    fl.complete_box_iou_loss.value_and_grad,
    {
        "input": BOXES,
        "target": BOXES * 0.75,
        "sample_weight": np.arange(1.0, N + 1),
        "where": np.arange(N) % 4 > 0,
        "out": np.zeros((N, 4)),
    },
    {},
)
BOX_SETS = (
    fl.box_iou.value_and_grad,
    {"input": BOXES, "target": BOXES * 0.75, "grad_output": numbers(N, N), "out": np.zeros((N, 4))},
    {},
)
POINTS = numbers(N, 5, 2)
KEYPOINT = (
    fl.oks_loss.value_and_grad,
    {
        "input": POINTS,
        "target": POINTS * 0.75,
        "area": np.arange(1.0, N + 1),
        "sigmas": np.linspace(0.2, 0.6, 5),
        "visible": np.arange(5 * N).reshape(N, 5) % 3 / 2,
        "sample_weight": np.arange(1.0, N + 1),
        "where": np.arange(N) % 4 > 0,
        "out": np.zeros((N, 5, 2)),
    },
    {},
)
EMBEDDING = (
    fl.contrastive_loss.value_and_grad,
    {
        "input1": numbers(N, F),
        "input2": numbers(N, F) / 2,
        "target": np.arange(N) % 2,
        "sample_weight": np.arange(1.0, N + 1),
        "where": np.arange(N) % 4 > 0,
        "out": np.zeros((N, F)),
    },
    {"wrt": "input2"},
)
REGION = (
    fl.dice_loss.value_and_grad,
    {
        "input": numbers(N, C, 30),
        "target": np.arange(30 * N).reshape(N, 30) % C,
        "weight": np.arange(1.0, C + 1),
        "sample_weight": np.arange(1.0, N + 1),
        "where": np.arange(30 * N).reshape(N, 30) % 4 > 0,
        "out": np.zeros((N, C, 30)),
    },
    {"from_logits": True},
)
REGION_MASK = (
    fl.dice_ce_loss.value_and_grad,
    {
        "input": numbers(N, C, 30),
        "target": np.arange(30 * N * C).reshape(N, C, 30) % 2,
        "where": np.arange(30 * N).reshape(N, 1, 30) % np.arange(2, C + 2)[:, np.newaxis] > 0,
        "out": np.zeros((N, C, 30)),
    },
    {"from_logits": "sigmoid"},
)
LOVASZ = (
    fl.lovasz_softmax_loss.value_and_grad,
    {
        "input": numbers(N, C, 30),
        "target": np.arange(30 * N).reshape(N, 30) % C,
        "sample_weight": np.arange(1.0, N + 1),
        "where": np.arange(30 * N).reshape(N, 30) % 4 > 0,
        "out": np.zeros((N, C, 30)),
    },
    {"from_logits": True, "per_image": True},
)
LOVASZ_MASK = (
    fl.lovasz_hinge_loss.value_and_grad,
    {"input": numbers(N, 30), "target": np.arange(30 * N).reshape(N, 30) % 2, "out": np.zeros((N, 30))},
    {},
)
SIMILARITY = (
    fl.info_nce_loss.value_and_grad,
    {
        "input": numbers(N, 20),
        "positive": numbers(N, 20) + 1,
        "negative": numbers(50, 20) - 1,
        "where": np.arange(N) % 4 > 0,
        "out": np.zeros((N, 20)),
    },
    {"wrt": 0},
)
LABELLED = (
    fl.supcon_loss.value_and_grad,
    {"input": numbers(N, 20), "target": np.arange(N) % 5, "out": np.zeros((N, 20))},
    {},
)
CALLS = {
    "pointwise": POINTWISE,
    "none": POINTWISE_NONE,
    "rowwise": ROWWISE,
    "product": PRODUCT,
    "linear": LINEAR,
    "box": BOX,
    "box sets": BOX_SETS,
    "keypoint": KEYPOINT,
    "embedding": EMBEDDING,
    "region": REGION,
    "region mask": REGION_MASK,
    "lovasz": LOVASZ,
    "lovasz mask": LOVASZ_MASK,
    "similarity": SIMILARITY,
    "labels": LABELLED,
}
VICTIMS = [(call, victim) for call, (_, arrays, _) in CALLS.items() for victim in arrays]


def copies(call):
    function, arrays, fixed = CALLS[call]
    return function, {name: array.copy() for name, array in arrays.items()}, fixed


def parts(result):
    return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


def assert_same(one, other):
    for a, b in zip(parts(one), parts(other), strict=True):
        np.testing.assert_array_equal(a, b)


def triggers(function):
    """Arguments that are read last: a keyword of numbers, with a value that changes nothing."""
    eps = {BOX[0]: 1e-7, BOX_SETS[0]: 1e-7, KEYPOINT[0]: 1e-9, EMBEDDING[0]: 1e-6}
    if function in eps:
        return {"eps": eps[function]}
    if function is SIMILARITY[0]:
        return {"normalizer": float(SIMILARITY[1]["where"].sum())}
    if function is LABELLED[0]:
        return {"base_temperature": 0.1}
    return {"delta": 1.0} if function is POINTWISE[0] else {"ignore_index": -100}


@pytest.mark.parametrize(("call", "victim"), VICTIMS)
def test_an_array_that_is_given_another_shape_while_a_call_reads(call, victim):
    # Arrays of many axes: the old shape's memory is soon another's.
    function, arrays, fixed = copies(call)
    expected = function(**arrays, **fixed)
    for axes in (3, 20, 60):
        function, arrays, fixed = copies(call)
        array = arrays[victim]
        shape = array.shape
        array.shape = (1,) * axes + shape

        def reshape(array=array, shape=shape):
            array.shape = shape
            for _ in range(8):
                np.zeros((7,) + (1,) * 30)

        (keyword, value), *_ = triggers(function).items()
        got = function(**arrays, **fixed, **{keyword: Acts(reshape, value)})
        assert_same(got, expected)


@pytest.mark.parametrize(("call", "victim"), [v for v in VICTIMS if v[1] != "out"])
def test_an_array_whose_memory_is_replaced_while_a_call_reads(call, victim):
    function, arrays, fixed = copies(call)
    expected = function(**arrays, **fixed)
    array, whole = arrays[victim], arrays[victim].copy()
    array.resize(1 << 20, refcheck=False)  # of 8 MiB, which goes back to the system when it is freed

    def shrink():
        array.resize(whole.shape, refcheck=False)
        array[...] = whole

    (keyword, value), *_ = triggers(function).items()
    assert_same(function(**arrays, **fixed, **{keyword: Acts(shrink, value)}), expected)


@pytest.mark.parametrize("first", ["input", "target"])
def test_an_operand_reshapes_the_others(first):
    x, t = numbers(N, C), numbers(N, C) / 2
    expected = fl.mse_loss.value_and_grad(x, t)
    flat = (x if first == "target" else t).reshape(-1).copy()
    other = {"input": "target", "target": "input"}[first]

    def reshape():
        flat.shape = (N, C)

    operands = {other: flat, first: Acts(reshape, {"input": x, "target": t}[first])}
    assert_same(fl.mse_loss.value_and_grad(**operands), expected)


def test_the_array_for_an_extra_result_is_reshaped():
    lse = np.zeros((1,) * 40 + (N,))

    def reshape():
        lse.shape = (N,)

    value, extras = fl.cross_entropy(
        numbers(N, C), Acts(reshape, np.arange(N) % C), return_={"lse": lse}, ignore_index=Acts(reshape, -100)
    )
    assert value == fl.cross_entropy(numbers(N, C), np.arange(N) % C)
    assert extras["lse"] is lse
    np.testing.assert_array_equal(lse, fl.logsumexp(numbers(N, C), 1))


def test_containers_may_be_emptied_while_a_call_reads():
    x, t = numbers(N, C), numbers(N, C) / 2
    outs, extras = [np.zeros((N, C)), np.zeros((N, C))], {"lse": np.zeros(N), "correct": np.zeros(N, bool)}
    wrt = ["input", "target"]
    expected = fl.huber_loss.grad(x, t, wrt=wrt)

    def empty():
        outs.clear()
        extras.clear()
        wrt.clear()

    with pytest.raises(ValueError, match="wrt must name at least one"):
        fl.huber_loss.grad(Acts(empty, x), t, wrt=wrt, out=outs)
    outs += [np.zeros((N, C)), np.zeros((N, C))]
    got = fl.huber_loss.grad(x, t, wrt=(Acts(outs.clear, 0), 1), out=tuple(outs))
    assert_same(got, expected)
    value, found = fl.cross_entropy(x, np.arange(N) % C, return_=extras, label_smoothing=Acts(empty, 0.25))
    assert found == {}
    assert value == fl.cross_entropy(x, np.arange(N) % C, label_smoothing=0.25)


class Disappears(list):
    """A list that loses its items when one of them is read."""


def test_a_list_that_loses_its_items_while_it_is_read():
    items = Disappears()
    items += [Acts(items.clear, np.float64(k)) for k in range(200)]
    with pytest.raises((TypeError, ValueError), match="mse_loss: input"):
        fl.mse_loss(items, 0.0)


def test_arguments_live_as_long_as_the_call():
    """functools.partial hands on references that it does not hold itself during the call."""
    expected = fl.mse_loss.value_and_grad(numbers(300, 300), numbers(300, 300) / 2)

    def forget():
        bound.__setstate__((print, (), {}, {}))
        for _ in range(20):
            np.full((300, 300), np.nan)

    bound = functools.partial(fl.mse_loss.value_and_grad, numbers(300, 300), Acts(forget, numbers(300, 300) / 2))
    assert_same(bound(), expected)


def test_a_loss_lives_as_long_as_its_call():
    expected = fl.huber_loss.partial(delta=0.25).value_and_grad(numbers(N, C), 0.5)

    def forget():
        bound.__setstate__((print, (), {}, {}))

    for attribute in ("__call__", "value_and_grad"):
        loss = fl.huber_loss.partial(delta=0.25)
        bound = functools.partial(getattr(loss, attribute), numbers(N, C), Acts(forget, np.array(0.5)))
        del loss
        assert_same(bound(), expected if attribute == "value_and_grad" else expected[0])


@pytest.mark.parametrize("call", ["none", "rowwise", "linear", "box", "keypoint", "embedding", "region"])
def test_arrays_that_other_threads_reshape_all_the_time(call):
    function, small, fixed = copies(call)
    rows = {"none": 20_000, "rowwise": 20_000, "linear": 4_000, "box": 20_000, "keypoint": 8_000, "region": 500}
    rows = {**rows, "embedding": 8_000}[call]
    arrays = {}
    for name, array in small.items():
        along_rows = array.shape[0] == N
        arrays[name] = np.resize(array, (rows, *array.shape[1:])) if along_rows else array
    expected = [part.copy() for part in parts(function(**arrays, **fixed))]
    shapes = {name: array.shape for name, array in arrays.items()}
    done = threading.Event()

    def reshape():
        while not done.is_set():
            for name, array in arrays.items():
                array.shape = (1,) * 30 + shapes[name]
                array.shape = shapes[name]

    (keyword, value), *_ = triggers(function).items()
    give_way = Acts(lambda: time.sleep(0), value)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=reshape)
    thread.start()
    computed = 0
    try:
        for _ in range(2000):
            try:
                got = function(**arrays, **fixed, **{keyword: give_way})
            except ValueError:
                continue  # between the two shapes
            for a, b in zip(parts(got), expected, strict=True):
                np.testing.assert_array_equal(a.reshape(b.shape), b)
            computed += 1
            if computed == 50:
                break
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert computed > 0
