"""What distillation gets wrong in the wild, and what it does here."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl

INF, NAN = float("inf"), float("nan")
LONG = np.longdouble
kd = fl.distillation_loss


def softmax(z):
    """Row by row, of finite scores."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def divergence(student, teacher, dtype):
    """Each row's sum of q log(q / p) as the textbook has it, computed in a dtype."""
    u, v = (x.astype(dtype) for x in (student, teacher))
    u, v = (x - x.max(axis=-1, keepdims=True) for x in (u, v))
    u, v = (x - np.log(np.exp(x).sum(axis=-1, keepdims=True)) for x in (u, v))
    return (np.exp(v) * (v - u)).sum(axis=-1)


@pytest.mark.parametrize("classes", [3, 10, 100, 3000])
def test_a_student_close_to_its_teacher_has_a_loss_with_digits(classes, use_isa):
    """Its terms have either sign and cancel; in float32 nothing is left of them."""
    rng = cases.seed("close", classes)
    teacher = (3 * rng.standard_normal((200, classes))).astype(np.float32)
    student = (teacher + 1e-3 * rng.standard_normal((200, classes))).astype(np.float32)
    exact = divergence(student, teacher, LONG)
    textbook = np.abs(divergence(student, teacher, np.float32) / exact - 1)
    for isa in cases.ISAS:
        use_isa(isa)
        value, gradient = kd.value_and_grad(student, teacher, reduction="none")
        assert (value > 0).all()
        error = np.abs(value / exact - 1)
        assert np.median(error) < 1e-3
        assert np.median(error) < np.median(textbook) / 50
        p = softmax(student.astype(LONG))
        slope = p - softmax(teacher.astype(LONG))
        assert (np.abs(gradient - slope) < 4e-6 * p).all()
        assert np.abs(gradient.sum(axis=1)).max() < 1e-9


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_the_same_logits_cost_nothing(dtype):
    for classes, shift in itertools.product((1, 3, 17, 500), (0, 7, 1e4)):
        z = cases.seed("same", classes).standard_normal((20, classes)).astype(dtype)
        for temperature in (1.0, 3.0):
            value, gradients = kd.value_and_grad(z, z.copy(), temperature=temperature, wrt=("input", "teacher"))
            assert value == 0
            assert not np.signbit(value)
            for gradient in gradients:
                assert (gradient == 0).all()
        assert kd(z, (z.astype(LONG) + shift).astype(dtype)) < 1e3 * shift**2 * np.finfo(dtype).eps ** 2 + 1e-30


def test_impossible_classes():
    """Of both nothing; of the teacher what the student gives it; of the student infinitely much."""
    student, teacher = [0.0, -INF, 0.0], [0.0, -INF, -INF]
    value, gradients = kd.value_and_grad(student, teacher, wrt=("input", "teacher"))
    assert value == pytest.approx(np.log(2), rel=1e-15)
    assert gradients[0].tolist() == [-0.5, 0, 0.5]
    assert gradients[1].tolist() == [0, 0, 0]
    value, gradients = kd.value_and_grad([0.0, 0.0, -INF], [0.0, 0.0, 0.0], wrt=("input", "teacher"))
    assert value == INF
    np.testing.assert_allclose(gradients[0], [1 / 6, 1 / 6, -1 / 3], rtol=1e-15)
    assert np.isnan(gradients[1]).all()
    far = kd([0.0, 0.0, -INF], [0.0, 0.0, -1e5])  # a probability below the smallest number is one
    assert far == INF
    for classes in (3, 12, 40, 700):
        z = np.zeros((3, classes))
        z[1] = -INF
        for one, other in ((z, np.zeros_like(z)), (np.zeros_like(z), z)):
            value, gradients = kd.value_and_grad(one, other, reduction="none", wrt=("input", "teacher"))
            assert np.isnan(value).tolist() == [False, True, False]
            for gradient in gradients:
                assert np.isnan(gradient).all(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_students_and_teachers_that_are_far_apart(dtype):
    """No exponential of the difference of two logarithms is formed, which would overflow."""
    for gap in (30.0, 200.0, 1e4, 1e30):
        value, gradients = kd.value_and_grad(
            np.array([gap, 0], dtype), np.array([0, gap], dtype), wrt=("input", "teacher")
        )
        assert value == pytest.approx(gap, rel=1e-6)
        np.testing.assert_allclose(gradients[0], [1, -1], rtol=1e-6)
        np.testing.assert_allclose(gradients[1], 0, atol=1e-10)
    # What a subnormal probability multiplies.
    depth = dtype(-95 if dtype == np.float32 else -720)
    value = kd(np.array([0, -1e5], dtype), np.array([0, depth], dtype))
    assert value == pytest.approx(float(np.exp(LONG(depth)) * (1e5 - 1 + LONG(depth))), rel=1e-5, abs=0)


def test_the_temperature_keeps_the_size_of_gradients():
    """Hinton's limit: the difference of the centred logits over the number of classes."""
    rng = cases.seed("hot")
    student, teacher = (rng.standard_normal((9, 12)).astype(np.float32) for _ in range(2))
    limit = (student - student.mean(axis=1, keepdims=True) - teacher + teacher.mean(axis=1, keepdims=True)) / 12
    for temperature in (1e2, 1e3, 1e4):
        value, gradient = kd.value_and_grad(student, teacher, temperature=temperature, reduction="none")
        np.testing.assert_allclose(gradient, limit, rtol=0, atol=3 / temperature)
        np.testing.assert_allclose(value, 6 * (limit**2).sum(axis=1), rtol=5 / temperature + 1e-3)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_shares_of_the_two_parts(temperature):
    rng = cases.seed("shares")
    student, teacher, label = rng.standard_normal((30, 7)), rng.standard_normal((30, 7)), rng.integers(0, 7, 30)
    call = {"temperature": temperature, "reduction": "none"}
    soft, slope = kd.value_and_grad(student, teacher, **call)
    hard, steep = fl.cross_entropy.value_and_grad(student, label, reduction="none")
    for alpha in (0.0, 0.25, 0.5, 1.0):
        value, gradient = kd.value_and_grad(student, teacher, label, **call, alpha=alpha)
        np.testing.assert_allclose(value, alpha * soft + (1 - alpha) * hard, rtol=1e-14)
        np.testing.assert_allclose(gradient, alpha * slope + (1 - alpha) * steep, rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(kd(student, teacher, **call, alpha=alpha), soft)
    np.testing.assert_array_equal(kd(student, teacher, label, **call), 0.5 * soft + 0.5 * hard)


def test_a_share_of_zero_silences_its_part():
    impossible, label = np.array([[0.0, -INF, 1.0]]), np.array([0])
    for poison in (INF, NAN):
        teacher = np.array([[0.0, poison, 1.0]])
        value, gradients = kd.value_and_grad(impossible, teacher, label, alpha=0.0, wrt=("input", "teacher"))
        assert value == fl.cross_entropy(impossible, label)
        np.testing.assert_array_equal(gradients[0], fl.cross_entropy.grad(impossible, label))
        assert (gradients[1] == 0).all()
    assert kd(impossible, impossible, [1], alpha=1.0) == 0
    assert kd(impossible, impossible, [1]) == INF


def test_ignored_rows_count_in_neither_part():
    rng = cases.seed("ignored")
    student, teacher = rng.standard_normal((6, 5)), rng.standard_normal((6, 5))
    label = np.array([0, -100, 2, 4, -100, 1])
    keep = label >= 0
    value, gradients = kd.value_and_grad(student, teacher, label, temperature=2.0, wrt=("input", "teacher"))
    clean, slopes = kd.value_and_grad(
        student[keep], teacher[keep], label[keep], temperature=2.0, wrt=("input", "teacher")
    )
    assert value == pytest.approx(clean, rel=1e-15)
    for gradient, slope in zip(gradients, slopes, strict=True):
        np.testing.assert_allclose(gradient[keep], slope, rtol=1e-14)
        assert (gradient[~keep] == 0).all()
    for alpha in (0.0, 1.0):
        assert (kd(student, teacher, label, alpha=alpha, reduction="none")[~keep] == 0).all()


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_extras_are_those_of_the_student_at_the_temperature(temperature):
    rng = cases.seed("extras")
    student, teacher, label = rng.standard_normal((8, 6)), rng.standard_normal((8, 6)), rng.integers(0, 6, 8)
    names = ("lse", "probabilities", "log_probabilities", "prediction", "correct")
    _, extra = kd(student, teacher, label, temperature=temperature, return_=names)
    p = softmax(student / temperature)
    np.testing.assert_allclose(extra["probabilities"], p, rtol=1e-14)
    np.testing.assert_allclose(extra["log_probabilities"], np.log(p), rtol=1e-13)
    np.testing.assert_allclose(extra["lse"], np.log(np.exp(student / temperature).sum(axis=1)), rtol=1e-14)
    np.testing.assert_array_equal(extra["prediction"], student.argmax(axis=1))
    np.testing.assert_array_equal(extra["correct"], student.argmax(axis=1) == label)


Z, Q, Y = np.zeros((2, 3)), np.ones((2, 3)), np.array([0, 2])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: kd(Z), TypeError, "missing 1 required positional argument: 'teacher'"),
        (lambda: kd(Z, None), TypeError, "teacher"),
        (lambda: kd(Z, Y), ValueError, r"teacher has shape \(2,\); it must have the shape of input of shape \(2, 3\)"),
        (lambda: kd(Z, Q, Q), TypeError, "target must be class indices of an integer dtype, got float64"),
        (lambda: kd(Z, Q, Y[:1]), ValueError, r"target has shape \(1,\).*must have shape \(2,\)"),
        (lambda: kd(Z, Q, [0, 3]), IndexError, r"target must be a class from 0 to 2.*got 3 at index \(1,\)"),
        (lambda: kd(Z, Q, ignore_index=1), ValueError, "ignore_index is for class indices, and target is not given"),
        (lambda: kd(Z, Q, return_="correct"), ValueError, "'correct', which needs a target of class indices"),
        (lambda: kd.grad(Z, Q, Y, wrt="target"), ValueError, "target"),
        (lambda: kd.grad(Z, Q, wrt="target"), ValueError, "target"),
        (lambda: kd(Z, Q, temperature=0.0), ValueError, "temperature must be > 0"),
        (lambda: kd(Z, Q, alpha=1.5), ValueError, "alpha must be between 0 and 1"),
    ],
)
def test_bad_calls(call, error, words):
    with pytest.raises(error, match=f"^distillation_loss.*{words}"):
        call()
