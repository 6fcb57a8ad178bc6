"""Where memory is missing, a call raises MemoryError and the next one computes as ever."""

from __future__ import annotations

import numpy as np
import pytest

import fastloss as fl
from fresh_python import run_python


def repeated(dtype, *shape):
    """An array of any size that takes one element of memory."""
    return np.broadcast_to(np.ones((), dtype), shape)


LONG = [repeated("f4", 2**46), repeated("f8", 2**59), repeated("f2", 2**61), repeated("?", 2**62)]
SQUARE = repeated("f4", 2**23, 2**23)
ROWS = repeated("f4", 2**46, 2)
CALLS = {  # results of more bytes than an address space has; those of the last array do not even fit an integer
    "none": (lambda x: fl.mse_loss(x, 0.5, reduction="none"), LONG),
    "grad": (lambda x: fl.mse_loss.grad(x, 0.5), LONG),
    "wrt": (lambda x: fl.mse_loss.value_and_grad(x, x, wrt=("target", "input")), LONG),
    "hess": (lambda x: fl.mse_loss.grad_and_hess(x, 0.5), LONG),
    "rowwise none": (lambda x: fl.cross_entropy(x, x, reduction="none"), [ROWS]),
    "rowwise grad": (lambda x: fl.cross_entropy.grad(x, x), [SQUARE, ROWS]),
    "rowwise hess": (lambda x: fl.cross_entropy.hess(x, x), [SQUARE, ROWS]),
    "rowwise hvp": (lambda x: fl.cross_entropy.hvp(x, x, x), [SQUARE, ROWS]),
    "rowwise return_": (lambda x: fl.cross_entropy(x, x, return_=("lse", "probabilities")), [SQUARE, ROWS]),
    "softmax": (lambda x: fl.softmax(x, 1), [SQUARE, ROWS]),
    "linear grad": (
        lambda x: fl.linear_cross_entropy.grad(x[:2], x[:3], [0, 1], wrt=(0, 1)),
        [repeated("f4", 3, 2**46)],
    ),
    "box none": (lambda x: fl.box_iou_loss(x, x, reduction="none"), [repeated("f4", 2**57, 4)]),
    "box grad": (
        lambda x: fl.box_iou_loss.value_and_grad(x, x, wrt=("input", "target")),
        [repeated("f4", 2**45, 4), repeated("f8", 2**57, 4)],
    ),
    "keypoint none": (lambda x: fl.oks_loss(x, x, 1.0, 1.0, reduction="none"), [repeated("f4", 2**57, 1, 2)]),
    "keypoint grad": (lambda x: fl.oks_loss.grad(x, x, 1.0, 1.0), [repeated("f4", 2**45, 2, 2)]),
    "keypoint sigmas": (lambda x: fl.oks_loss(x, x, 1.0, 1.0), [repeated("f4", 2**57, 2)]),
    "embedding none": (
        lambda x: fl.cosine_distance_loss(x, x, reduction="none"),
        [repeated("f4", 2**57, 1), repeated("f2", 2**60, 1)],
    ),
    "embedding grad": (lambda x: fl.cosine_distance_loss.grad(x, x), [repeated("f4", 2**45, 2)]),
    "region none": (
        lambda x: fl.dice_loss(x, x, reduction="none"),
        [repeated("f4", 2**57, 1, 2), repeated("f2", 2**60, 1)],
    ),
    "region grad": (lambda x: fl.dice_ce_loss.grad(x, x), [repeated("f4", 2**45, 2)]),
    "lovasz": (lambda x: fl.lovasz_hinge_loss(x, x), [repeated("f4", 2**57), repeated("f2", 2**60, 1)]),
    "lovasz none": (
        lambda x: fl.lovasz_hinge_loss(x, x, per_image=True, reduction="none"),
        [repeated("f4", 2**57, 1), repeated("f2", 2**60, 1)],
    ),
    "lovasz per image": (
        lambda x: fl.lovasz_hinge_loss(x, x, per_image=True),
        [repeated("f4", 2**57, 1), repeated("f2", 2**60, 1)],
    ),
    "lovasz grad": (lambda x: fl.lovasz_hinge_loss.grad(x, x), [repeated("f4", 2**45, 2)]),
    "similarity": (lambda x: fl.nt_xent_loss(x, x), [repeated("f4", 2**57, 1), repeated("f2", 1, 2**61)]),
    "similarity grad": (
        lambda x: fl.info_nce_loss.grad(x, x),
        [repeated("f4", 2**40, 2**10), repeated("f4", 3, 2**50)],
    ),
    "hausdorff": (lambda x: fl.hausdorff_dt_loss(x, x), [repeated("f4", 2**46), repeated("f8", 2**20, 2**38)]),
    "distance": (fl.signed_distance, [repeated("?", 2**46), repeated("?", 2**23, 2**23), repeated("u1", 2**62)]),
    "distance of axes": (lambda x: fl.signed_distance(x, axes=0), [repeated("?", 2**46, 2)]),
    "linear value": (lambda x: fl.linear_cross_entropy(x[:2], x, [0, 1]), [repeated("f8", 2**46, 2)]),
}


@pytest.mark.parametrize(("call", "k"), [(name, k) for name, (_, arrays) in CALLS.items() for k in range(len(arrays))])
def test_a_result_larger_than_memory(call, k):
    compute, arrays = CALLS[call]
    with pytest.raises(MemoryError) as raised:
        compute(arrays[k])
    assert "std::" not in str(raised.value)


LIMITED = """
import collections, resource
z, labels = x.reshape(-1, 1024), np.arange(1024)
calls = {
    "mean": lambda: fl.huber_loss(x, y),
    "grad": lambda: fl.huber_loss.value_and_grad(x, y, wrt=("input", "target")),
    "broadcast": lambda: fl.huber_loss.grad(z, y[None, :1024], wrt="target"),
    "float32": lambda: fl.huber_loss.grad(x.astype("f4"), 0.5),
    "list": lambda: fl.mse_loss([1.0] * 100_000, 0.0),
    "rowwise": lambda: fl.cross_entropy.value_and_grad(z, labels, return_=("probabilities", "lse")),
    "boxes": lambda: fl.eiou_loss.value_and_grad(x.reshape(-1, 4), y.reshape(-1, 4), wrt=("input", "target")),
    "box sets": lambda: fl.box_iou.value_and_grad(x.reshape(-1, 4)[:20], y.reshape(-1, 4), wrt=("input", "target")),
    "regions": lambda: fl.dice_loss.value_and_grad(x.reshape(4, -1), y.reshape(4, -1), wrt=("input", "target")),
    "regions of classes": lambda: fl.dice_ce_loss.value_and_grad(z[None], labels[None], axis=2),
    "masks": lambda: fl.lovasz_hinge_loss.value_and_grad(x.reshape(4, -1), y.reshape(4, -1) > 0, per_image=True),
    "images of classes": lambda: fl.lovasz_softmax_loss.value_and_grad(z[None], labels[None], axis=2, from_logits=True),
    "pairs": lambda: fl.nt_xent_loss.value_and_grad(z, z[::-1]),
    "labelled": lambda: fl.supcon_loss.value_and_grad(z, np.arange(len(z)) % 9),
    "distance": lambda: fl.signed_distance(z > 0),
    "distance of axes": lambda: fl.signed_distance(z.reshape(4, -1, 1024) > 0, (2.0, 1.0), axes=(1, 2)),
    "hausdorff": lambda: fl.hausdorff_dt_loss.value_and_grad(x.reshape(4, 1, 512, -1), y.reshape(4, 1, 512, -1) > 0),
    "planes": lambda: fl.cross_entropy.grad(z.T, labels, axis=0),
    "hvp": lambda: fl.cross_entropy.hvp(z, labels, z),
    "linear": lambda: fl.linear_cross_entropy.value_and_grad(z, z, labels, wrt=("input", "linear_weight")),
}
def flat(result):
    if isinstance(result, dict):
        result = tuple(result.values())
    return [part for item in result for part in flat(item)] if isinstance(result, tuple) else [result]

def outcome(one, limit=-1):
    resource.setrlimit(resource.RLIMIT_AS, (limit, -1))
    try:
        result = one()
    except MemoryError:
        return "out of memory"
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    return [np.asarray(part).tobytes() for part in flat(result)]

expected = {name: outcome(one) for name, one in calls.items()}
fl.empty_cache()
used = int(open("/proc/self/statm").read().split()[0]) * 4096
seen = collections.Counter()
for kilobytes in (*range(0, 1024, 64), *range(1024, 40_000, 2048)):
    for name, one in calls.items():
        fl.empty_cache()
        got = outcome(one, used + 1024 * kilobytes)
        assert got in ("out of memory", expected[name]), (name, kilobytes)
        seen[got == "out of memory"] += 1
for name, one in calls.items():
    assert outcome(one) == expected[name], name
assert seen[True] > 20 and seen[False] > 20, seen
"""


def test_every_allocation_may_fail():
    result = run_python(LIMITED, OMP_NUM_THREADS="1")
    assert result.returncode == 0, result.stderr
