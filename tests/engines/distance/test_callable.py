"""The triplet loss of a distance that the caller computes, beside that of a named one."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl

LOSS = fl.triplet_margin_with_distance_loss
NAMES = ("anchor", "positive", "negative")
CALLS = [
    {},
    {"swap": True},
    {"margin": 0.25, "reduction": "sum", "grad_output": 3.0},
    {"margin": 4.0, "reduction": "none", "swap": True},
    {"sample_weight": np.linspace(0, 2, 40), "where": np.arange(40) % 3 > 0},
    {"reduction": "mean", "normalizer": 7.0},
]


def euclidean(x, y, axis=-1):
    """Written out, with the distance and the gradient of torch's default."""
    apart = x - y + 1e-6
    distance = np.sqrt((apart * apart).sum(axis=axis, keepdims=True))
    return distance.squeeze(axis), (apart / distance, -apart / distance)


def squared(x, y):
    apart = x - y
    return (apart * apart).sum(axis=-1), (2 * apart, -2 * apart)


DISTANCES = {"l2": euclidean, "sqeuclidean": squared}


def triplets(dtype=np.float64, shape=(40, 5)):
    rng = cases.seed("callable", *shape)
    return [rng.standard_normal(shape).astype(dtype) for _ in NAMES]


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_function_gives_what_the_name_gives(name, call):
    x, function = triplets(), DISTANCES[name]
    value, gradients = LOSS.value_and_grad(*x, distance_function=function, **call)
    want, others = LOSS.value_and_grad(*x, distance_function=name, **call)
    np.testing.assert_allclose(value, want, rtol=1e-13)
    for one, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-14)
    for one, other in zip(LOSS.grad(*x, distance_function=function, **call), gradients, strict=True):
        np.testing.assert_array_equal(one, other)
    call = {k: v for k, v in call.items() if k != "grad_output"}
    np.testing.assert_array_equal(LOSS(*x, distance_function=function, **call), value)
    if call.keys() & {"reduction", "normalizer"}:
        return
    np.testing.assert_allclose(
        LOSS.statistics(*x, distance_function=function, **call), LOSS.statistics(*x, distance_function=name, **call)
    )


def test_functions_of_the_library_serve():
    x = triplets()
    for function in (
        fl.pairwise_distance,
        fl.pairwise_distance.value_and_grad,
        lambda x, y: fl.pairwise_distance.value_and_grad(x, y, p=2.0),
    ):
        assert LOSS(*x, distance_function=function) == pytest.approx(LOSS(*x), rel=1e-14)


def test_wrt_out_and_accumulate():
    x = triplets()
    whole = LOSS.grad(*x, distance_function="l2")
    for name, want in zip(NAMES, whole, strict=True):
        np.testing.assert_allclose(LOSS.grad(*x, distance_function=euclidean, wrt=name), want, rtol=1e-11)
    of_two = LOSS.grad(*x, distance_function=euclidean, wrt=(2, "anchor"))
    np.testing.assert_allclose(of_two, (whole[2], whole[0]), rtol=1e-11)
    outs = tuple(np.ones((40, 5), np.float32) for _ in NAMES)
    given = LOSS.grad(*x, distance_function=euclidean, out=outs, accumulate=True)
    for out, same, want in zip(outs, given, whole, strict=True):
        assert out is same
        np.testing.assert_allclose(out, 1 + want, rtol=1e-6)
    alone = np.empty((40, 5))
    assert LOSS.grad(*x, distance_function=euclidean, wrt="positive", out=alone) is alone
    value = np.zeros(40)
    assert LOSS(*x, distance_function=euclidean, reduction="none", out=value) is value
    np.testing.assert_allclose(value, LOSS(*x, reduction="none"), rtol=1e-13)


def test_dtypes_axes_and_keywords():
    x = triplets(np.float32, (4, 5, 6))
    for axis in (0, 1, -1):
        value, gradients = LOSS.value_and_grad(*x, distance_function=lambda x, y, a=axis: euclidean(x, y, a), axis=axis)
        want, others = LOSS.value_and_grad(*x, axis=axis)
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, want, rtol=1e-6)
        for one, other in zip(gradients, others, strict=True):
            assert one.dtype == np.float32
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)
    lists = [y.tolist() for y in triplets()]
    bound = LOSS.partial(margin=3.0, swap=True)
    given = dict(zip(NAMES, lists, strict=True))
    assert bound(**given, distance_function=euclidean) == pytest.approx(bound(*lists), rel=1e-13)
    assert bound(*lists, distance_function=euclidean, margin=1.0) == pytest.approx(LOSS(*lists, swap=True), rel=1e-13)


def test_equal_distances_with_swap_share_the_gradient():
    x = np.array([[0.0, 0.0]]), np.array([[2.0, 0.0]]), np.array([[1.0, 1.0]])
    for one, other in zip(
        LOSS.grad(*x, distance_function=squared, swap=True),
        LOSS.grad(*x, distance_function="sqeuclidean", swap=True),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_nothing_flows_through_a_hinge_that_is_off():
    """Not even an infinite gradient."""

    def steep(x, y):
        return (x - y)[..., 0] * 0, (np.full_like(x, np.inf), np.full_like(x, np.inf))

    far = [np.zeros((3, 2))] * 3
    gradients = LOSS.grad(*far, distance_function=steep, where=[True, False, False], wrt="positive")
    assert np.isinf(gradients[0]).all()
    assert not gradients[1:].any()


@pytest.mark.parametrize(
    "call",
    [
        {"margin": -1.0},
        {"margin": "1"},
        {"swap": 2},
        {"wrt": "target"},
        {"wrt": 3},
        {"wrt": ()},
        {"axis": 5},
        {"axis": 0.5},
        {"reduction": "men"},
        {"sample_weight": np.ones(3)},
        {"where": np.ones((2, 2), bool)},
        {"accumulate": True},
        {"out": np.zeros((40, 5))},
        {"out": (np.zeros((40, 4)),) * 3},
        {"wrt": 0, "out": np.zeros(3)},
        {"wrt": 0, "out": [1.0]},
        {"grad_output": np.ones(3)},
    ],
    ids=str,
)
def test_calls_that_are_refused(call):
    """With the words of a call that names its distance, and before anything is written."""
    x = triplets()

    def never(x, y):
        raise AssertionError("called")

    with pytest.raises((ValueError, TypeError)) as named:
        LOSS.grad(*x, **call)
    with pytest.raises(named.type) as composed:
        LOSS.grad(*x, distance_function=never, **call)
    assert str(composed.value) == str(named.value)


def test_operands_that_do_not_fit():
    x, y, z = triplets()
    for operands in ((x, y[:3], z), (x, y, z[:, :2]), (1.0, 2.0, 3.0), (x, y, z.astype("c16")), (x, y, None)):
        with pytest.raises((ValueError, TypeError)) as named:
            LOSS(*operands)
        with pytest.raises(named.type) as composed:
            LOSS(*operands, distance_function=euclidean)
        assert str(composed.value) == str(named.value)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'negative'"):
        LOSS(x, y, distance_function=euclidean)


def test_what_a_function_returns_is_checked():
    x = triplets()
    for error, match, returned in (
        (TypeError, r"must return \(distances, \(gradient in x, gradient in y\)\)", lambda x, y: None),
        (TypeError, r"must return \(distances, ", lambda x, y: x[:, 0]),
        (ValueError, r"must return distances of shape \(40,\), not \(\)", lambda x, y: (1.0, (x, y))),
        (
            ValueError,
            r"must return gradients in y of shape \(40, 5\), not \(40, 1\)",
            lambda x, y: (x[:, 0], (x, y[:, :1])),
        ),
        (TypeError, "must return gradients in x that are real", lambda x, y: (x[:, 0], (x.astype("c16"), y))),
    ):
        with pytest.raises(error, match="distance_function " + match):
            LOSS(*x, distance_function=returned)


def test_errors_of_the_function_reach_the_caller():
    def broken(x, y):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        LOSS.grad(*triplets(), distance_function=broken)


def test_what_else_is_given_for_a_choice_is_refused():
    with pytest.raises(TypeError, match="distance_function must be one of"):
        LOSS(*triplets(), distance_function=3)
    with pytest.raises(TypeError, match="distance_function must be one of"):
        LOSS.partial(distance_function=euclidean)
    with pytest.raises(TypeError, match="fmt must be"):
        fl.box_iou_loss(np.eye(4), np.eye(4), fmt=euclidean)
