"""signed_distance against its definition, however it is called, and calls that make no sense."""

from __future__ import annotations

import doctest
import inspect

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
import layouts
from fresh_python import run_python
from references.signed_distance import signed_distance as by_definition

FLOATING = ("float16", ml_dtypes.bfloat16, "float32", "float64")
INTEGERS = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
# Lines of one pixel, blocks of neighbouring lines that are full and not, both ways of measuring a block.
SHAPES = [
    (1,),
    (2,),
    (70,),
    (1, 1),
    (1, 9),
    (9, 1),
    (40, 37),
    (64, 16),
    (3, 300),
    (300, 3),
    (4, 5, 6),
    (1, 7, 20),
    (9, 8, 17),
    (3, 4, 5, 6),
]


def regions(shape, share=0.3):
    """Pixels of the region here and there, and whole stretches of one kind."""
    rng = cases.seed("regions", shape, share)
    mask = rng.random(shape) < share
    for _ in range(3):
        low = [int(rng.integers(0, n)) for n in shape]
        mask[tuple(slice(a, a + max(1, n // 2)) for a, n in zip(low, shape, strict=True))] = bool(rng.integers(2))
    return mask


def one_pixel(shape):
    mask = np.zeros(shape, bool)
    mask[tuple(n // 3 for n in shape)] = True
    return mask


def assert_rounded(got, want, dtype="float64"):
    """Within an ulp and a half of what is right, of the right sign, and 0 where that is 0."""
    assert got.dtype == np.dtype(dtype)
    assert got.shape == want.shape
    info = ml_dtypes.finfo(dtype)
    error = np.abs(got.astype(np.longdouble) - want)
    assert np.all(error <= 1.5 * float(info.eps) * np.abs(want) + float(info.smallest_subnormal))
    assert np.array_equal(np.sign(got.astype(np.float64)), np.sign(want))
    assert not np.signbit(got.astype(np.float64)[want == 0]).any()


# Numbers


@pytest.mark.parametrize("isa", cases.ISAS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_definition(shape, isa, use_isa):
    use_isa(isa)
    for mask in (*(regions(shape, share) for share in (0.02, 0.3, 0.98)), one_pixel(shape), ~one_pixel(shape)):
        # Square roots of integers, rounded once.
        want = by_definition(mask)
        np.testing.assert_array_equal(fl.signed_distance(mask), want.astype(np.float64), strict=True)
        np.testing.assert_array_equal(fl.signed_distance(mask, 0.25), (want / 4).astype(np.float64))
        for spacing in (3.7, np.linspace(0.3, 2.9, len(shape)), np.geomspace(1e5, 1e-5, len(shape))):
            assert_rounded(fl.signed_distance(mask, spacing), by_definition(mask, spacing))


@pytest.mark.parametrize(
    "axes", [(0,), (1,), (2,), (3,), (0, 1), (2, 3), (-1, -2), (3, 0), (1, 3), (0, 2, 3), (2, 1, 0, 3)]
)
def test_axes(axes):
    mask = regions((3, 4, 6, 7), 0.1)
    mask[1, 2] = False
    mask[2] = True
    np.testing.assert_array_equal(
        fl.signed_distance(mask, axes=axes), by_definition(mask, axes=axes).astype(np.float64)
    )
    spacing = [0.5, 1.7, 3.1, 0.9][: len(axes)]
    assert_rounded(fl.signed_distance(mask, spacing, axes=axes), by_definition(mask, spacing, axes))
    np.testing.assert_array_equal(
        fl.signed_distance(mask, axes=list(axes)), fl.signed_distance(mask, axes=np.array(axes))
    )


def test_one_axis_needs_no_sequence():
    mask = regions((5, 9))
    for one in (1, np.int8(1), np.array(1)):
        np.testing.assert_array_equal(fl.signed_distance(mask, axes=one), fl.signed_distance(mask, axes=(1,)))
    np.testing.assert_array_equal(fl.signed_distance(mask, [2.5], axes=-1), fl.signed_distance(mask, 2.5, axes=(1,)))


@pytest.mark.parametrize("shape", [(50,), (6, 7), (2, 3, 4)])
def test_masks_without_a_boundary(shape):
    for fill in (0, 1):
        found = fl.signed_distance(np.full(shape, fill, np.uint8))
        np.testing.assert_array_equal(found, np.zeros(shape), strict=True)
        assert not np.signbit(found).any()


def test_one_mask_of_a_batch_without_a_boundary():
    masks = np.stack([regions((20, 33)), np.zeros((20, 33), bool), np.ones((20, 33), bool)])
    found = fl.signed_distance(masks, axes=(1, 2))
    np.testing.assert_array_equal(found[0], fl.signed_distance(masks[0]))
    np.testing.assert_array_equal(found[1:], np.zeros((2, 20, 33)))


def test_squares_that_float32_does_not_hold():
    mask = np.zeros((2, 6000), bool)
    mask[0, 0] = True
    column = np.arange(6000.0)
    want = np.stack([column, np.sqrt(column**2 + 1)])
    want[0, 0] = -1
    np.testing.assert_array_equal(fl.signed_distance(mask), want)
    np.testing.assert_array_equal(fl.signed_distance(mask.T), want.T)


@pytest.mark.parametrize("shape", [(200, 4, 30), (257, 1000), (1000, 257), (40_000, 3), (3, 40_000, 2)], ids=str)
def test_long_ways_and_short_ones_agree(shape):
    """A block in which all pixels are far is measured in another way than one in which they are near."""
    far = one_pixel(shape)
    place = np.indices(shape)
    way = np.sqrt(sum((i - n // 3) ** 2.0 for i, n in zip(place, shape, strict=True)))
    np.testing.assert_array_equal(fl.signed_distance(far), np.where(far, -1.0, way))
    stripes = np.zeros(shape, bool)
    stripes[::2] = True
    np.testing.assert_array_equal(fl.signed_distance(stripes), np.where(stripes, -1.0, 1.0))


def test_the_longest_lines_take_no_multiple_of_their_memory():
    """Beside the result 16 MB of squares, and 24 bytes for each pixel of a line."""
    code = """
import resource
mask = np.zeros((1_000_000, 2), bool)
mask[0, 0] = True
fl.signed_distance(mask[:1000])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = fl.signed_distance(mask)
assert found[-1, 0] == 999_999
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
assert grown < 128, grown
"""
    result = run_python(code, OMP_NUM_THREADS="1")
    assert result.returncode == 0, result.stderr


def test_spacings_of_any_size():
    mask = regions((12, 13))
    for size in (1e-300, 1e-150, 1e150, 1e300):
        want = by_definition(mask, np.longdouble([size, 3 * size]))
        assert_rounded(fl.signed_distance(mask, (size, 3 * size)), want)
    np.testing.assert_allclose(
        fl.signed_distance(mask, (1.0, 2.0**100)), by_definition(mask, (1.0, 2.0**100)).astype(float)
    )


@pytest.mark.needs("scipy")
@pytest.mark.parametrize(
    ("shape", "spacing"), [((96, 130), None), ((96, 130), (0.7, 2.0)), ((20, 24, 28), (3.0, 0.8, 0.8))]
)
def test_scipy(shape, spacing):
    from scipy.ndimage import distance_transform_edt

    mask = regions(shape, 0.05)
    want = distance_transform_edt(~mask, spacing) - distance_transform_edt(mask, spacing)
    np.testing.assert_allclose(fl.signed_distance(mask, spacing), want, rtol=1e-15)


# Arrays of any kind


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATING], ids=lambda d: np.dtype(d).name)
def test_any_dtype(dtype):
    mask = regions((17, 40))
    want = fl.signed_distance(mask)
    np.testing.assert_array_equal(fl.signed_distance(mask.astype(dtype)), want, strict=True)
    np.testing.assert_array_equal(fl.signed_distance(layouts.byteswapped(mask.astype(dtype))), want)
    np.testing.assert_array_equal(fl.signed_distance(mask.astype(int).tolist()), want)


@pytest.mark.parametrize("how", layouts.ALL)
@pytest.mark.parametrize("axes", [None, (1, 2), (0,)])
def test_layouts(how, axes):
    mask = regions((4, 19, 23)).astype(np.int16)
    want = fl.signed_distance(mask, axes=axes)
    np.testing.assert_array_equal(fl.signed_distance(layouts.ALL[how](mask), axes=axes), want)


@pytest.mark.parametrize("how", layouts.WRITEABLE)
@pytest.mark.parametrize("dtype", FLOATING, ids=lambda d: np.dtype(d).name)
def test_out(how, dtype):
    mask = regions((4, 19, 23))
    out = layouts.WRITEABLE[how](np.full(mask.shape, 7, dtype))
    assert fl.signed_distance(mask, axes=(1, 2), out=out) is out
    np.testing.assert_array_equal(out, fl.signed_distance(mask, axes=(1, 2)).astype(dtype))


def test_broadcast_masks():
    mask = np.broadcast_to(regions((1, 30, 1)), (5, 30, 7))
    np.testing.assert_array_equal(fl.signed_distance(mask), fl.signed_distance(mask.copy()))


def test_dtypes_of_the_result():
    mask = regions((8, 9))
    for dtype in ("f4", np.float32, np.dtype("float64"), float):
        found = fl.signed_distance(mask, dtype=dtype)
        assert_rounded(found, by_definition(mask), dtype)
    out = np.empty((8, 9), np.float32)
    assert fl.signed_distance(mask, dtype=np.float32, out=out) is out


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
def test_no_pixels(shape):
    found = fl.signed_distance(np.zeros(shape, bool))
    assert found.shape == shape
    for axes in range(len(shape)):
        assert fl.signed_distance(np.zeros(shape, np.int64), axes=axes).shape == shape


def test_no_pixels_are_no_way_apart():
    assert fl.signed_distance(np.zeros((0, 2), bool), 1.7e308).shape == (0, 2)


def test_results_lie_as_their_masks():
    mask = np.asfortranarray(regions((30, 40)))
    assert fl.signed_distance(mask).flags.f_contiguous


def test_as_many_axes_as_arrays_have():
    mask = np.zeros((1,) * 62 + (3, 4), np.uint8)
    mask[..., 1, 2] = 1
    np.testing.assert_array_equal(fl.signed_distance(mask), fl.signed_distance(mask.reshape(3, 4)).reshape(mask.shape))


# Threads


@pytest.mark.parametrize("shape", [(700, 600), (40, 50, 60), (300, 20, 30), (100000,)], ids=str)
def test_threads_give_the_same_bits(shape):
    mask = regions(shape, 0.001)
    for call in (
        {},
        {"axes": range(1, len(shape))} if len(shape) > 1 else {},
        {"spacing": 0.3 + np.arange(len(shape))},
    ):
        call = {**call, "axes": tuple(call["axes"])} if "axes" in call else call
        with fl.threads(1):
            want = fl.signed_distance(mask, **call)
        for n in (2, 3, 7):
            with fl.threads(n):
                np.testing.assert_array_equal(fl.signed_distance(mask, **call), want)


def test_large_masks_use_threads():
    mask = regions((600, 600))
    with fl.threads(2):
        fl.signed_distance(mask)
        assert fl._core.last_team_size() == 2
        fl.signed_distance(mask[:9, :9])
        assert fl._core.last_team_size() == 1


# What is said of it


def test_distance_maps_of_boundary_loss():
    """As Kervadec et al. compute them, with 1 added inside."""
    mask = regions((24, 24))
    outside, inside = by_definition(mask), -by_definition(mask)
    published = np.where(mask, -(inside - 1), outside).astype(np.float64)
    np.testing.assert_allclose(fl.signed_distance(mask) + mask, published, rtol=0, atol=1e-15)


def test_examples():
    runner = doctest.DocTestRunner(verbose=False)
    text = inspect.getdoc(fl.signed_distance)
    runner.run(doctest.DocTestParser().get_doctest(text, {}, "signed_distance", None, 0))
    assert runner.tries > 0
    assert runner.failures == 0


# Calls that make no sense

MASK = np.eye(4, dtype=np.uint8)
INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((1,), ValueError, r"mask must have an axis of pixels, got shape \(\)"),
        ((np.uint8(1),), ValueError, r"mask must have an axis"),
        (([[0, 1], [1, 2]],), ValueError, r"mask must have no number but 0 and 1, got 2 at index \(1, 1\)"),
        (([0, -1, 3],), ValueError, r"got -1 at index \(1,\)"),
        ((np.array([0, 2**63], np.uint64),), ValueError, r"got 9223372036854775808 at index \(1,\)"),
        ((np.array([0, 256], ">i2"),), ValueError, r"got 256 at index \(1,\)"),
        (([0.0, 1.0, 0.5],), ValueError, r"got 0\.5 at index \(2,\)"),
        (([0.0, NAN],), ValueError, r"got nan at index \(1,\)"),
        (([0.0, -INF],), ValueError, r"got -inf at index \(1,\)"),
        (([0.0, 1 + 2.0**-52],), ValueError, r"got 1\.0000000000000002 at index \(1,\)"),
        (([0.0, 1e-300],), ValueError, r"got 1e-300 at index \(1,\)"),
        ((np.float32([0, 1.5]),), ValueError, r"got 1\.5 at index \(1,\)"),
        (([0j, 1],), TypeError, "mask has dtype complex128"),
        ((["a"],), TypeError, "mask"),
        ((None,), TypeError, "mask"),
        (
            (np.ma.masked_array([0, 1]),),
            TypeError,
            r"mask is a masked array, whose mask would be lost; pass its \.data$",
        ),
        ((MASK, 0.0), ValueError, r"spacing must be finite and above 0, got 0\.0"),
        ((MASK, -1), ValueError, r"spacing must be finite and above 0, got -1\.0"),
        ((MASK, NAN), ValueError, "spacing must be finite and above 0, got nan"),
        ((MASK, (1.0, INF)), ValueError, "spacing must be finite and above 0, got inf"),
        ((MASK, (1.0,)), ValueError, "spacing must be one number, or one for each of the 2 axes, got 1"),
        (
            (MASK, (1.0, 1.0, 1.0)),
            ValueError,
            "one for each of the 2 measured axes, got 3",
        ),
        ((MASK, ()), ValueError, r"spacing must be a number, or one for each axis, got shape \(0,\)"),
        ((MASK, [[1.0, 1.0]]), ValueError, r"spacing must be a number, or one for each axis, got shape \(1, 2\)"),
        ((MASK, "1"), TypeError, "spacing must be real numbers"),
        ((MASK, True), TypeError, "spacing must be real numbers, got dtype bool"),
        ((MASK, 1j), TypeError, "spacing must be real numbers"),
        ((MASK, (1e-40, 1.0)), ValueError, r"spacing must not be over 2\*\*100 times as large"),
        (
            (MASK, 1e308),
            ValueError,
            r"spacing of 1e\+308 gives mask of shape \(4, 4\) distances",
        ),
        ((MASK, 5e-324), ValueError, "distances that float64 cannot hold"),
    ],
)
def test_bad_masks_and_spacings(arguments, error, text):
    with pytest.raises(error, match=f"signed_distance: {text}|signed_distance: .*{text}"):
        fl.signed_distance(*arguments)


@pytest.mark.parametrize(
    ("keywords", "error", "text"),
    [
        ({"axes": 2}, ValueError, r"axes must be from -2 to 1 for mask of shape \(4, 4\), got 2"),
        ({"axes": (0, -3)}, ValueError, "axes must be from -2 to 1.*got -3"),
        ({"axes": (0, 0)}, ValueError, "axes names axis 0 twice"),
        ({"axes": (1, -1)}, ValueError, "axes names axis 1 twice"),
        ({"axes": ()}, ValueError, "axes must name at least one axis"),
        ({"axes": 10**30}, ValueError, "axes must be from -64 to 63, got an integer of 100 bits"),
        ({"axes": -(2**40)}, ValueError, "axes must be from -64 to 63"),
        ({"axes": 1.0}, TypeError, "axes must be integers, not float"),
        ({"axes": (0, "1")}, TypeError, "axes must be integers, not str"),
        ({"axes": True}, TypeError, "axes must be integers, not bool"),
        ({"axes": 0, "spacing": (1.0, 2.0)}, ValueError, "one for each of the 1 measured axes, got 2"),
        ({"axes": (0, 1), "spacing": [2.0]}, ValueError, "one for each of the 2 axes, got 1"),
        ({"dtype": "f2"}, TypeError, "dtype must be float32 or float64, not float16"),
        ({"dtype": "banana"}, TypeError, "dtype must be float32 or float64, got 'banana'"),
        ({"dtype": object()}, TypeError, "dtype must be float32 or float64, got <object"),
        ({"dtype": int}, TypeError, "dtype must be float32 or float64, not int64"),
        ({"dtype": ">f8"}, TypeError, "dtype must be float32 or float64, not >f8"),
        ({"dtype": "f4", "out": np.empty((4, 4))}, TypeError, "dtype is float32, and out has dtype float64"),
        ({"out": np.empty((4, 5))}, ValueError, r"out must have the shape of mask, \(4, 4\), got \(4, 5\)"),
        ({"out": np.empty(4)}, ValueError, r"out must have the shape of mask, \(4, 4\), got \(4,\)"),
        ({"out": np.empty((4, 4), int)}, TypeError, "out must have a floating dtype, got int64"),
        ({"out": [[0.0] * 4] * 4}, TypeError, "out must be a NumPy array, not list"),
        ({"out": layouts.read_only(np.empty((4, 4)))}, ValueError, "out is read-only"),
        ({"dtype": "f4", "spacing": 1e38}, ValueError, "distances that float32 cannot hold"),
        ({"dtype": "f4", "spacing": 1e-39}, ValueError, "distances that float32 cannot hold"),
        ({"out": np.empty((4, 4), "f2"), "spacing": 3e4}, ValueError, "distances that float16 cannot hold"),
    ],
)
def test_bad_arguments(keywords, error, text):
    with pytest.raises(error, match=f"signed_distance: {text}|signed_distance: .*{text}"):
        fl.signed_distance(MASK, **keywords)


def test_overlapping_outputs():
    memory = np.zeros((5, 4))
    memory[0, 0] = 1
    with pytest.raises(ValueError, match="signed_distance: out shares memory with mask"):
        fl.signed_distance(memory[:4], out=memory[1:])
    with pytest.raises(ValueError, match="signed_distance: out shares memory with mask"):
        fl.signed_distance(memory, out=memory)
    repeated = np.lib.stride_tricks.as_strided(np.zeros(4), (4, 4), (0, 8))
    with pytest.raises(ValueError, match="signed_distance: out has elements that share memory with one another"):
        fl.signed_distance(MASK, out=repeated)


def test_nothing_is_written_before_an_error():
    mask = np.zeros((300, 300), np.int32)
    mask[299, 298] = 7
    out = np.full(mask.shape, 5.0)
    for n in (1, 2, 5):
        with fl.threads(n), pytest.raises(ValueError, match=r"got 7 at index \(299, 298\)"):
            fl.signed_distance(mask, out=out)
    mask[3, 5] = -2
    with fl.threads(3), pytest.raises(ValueError, match=r"got -2 at index \(3, 5\)"):
        fl.signed_distance(mask, out=out)
    np.testing.assert_array_equal(out, np.full(mask.shape, 5.0))
