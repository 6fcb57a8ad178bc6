"""Counts the instructions of a fixed set of calls, and compares them with those that the repository keeps.

    python .ci/instructions.py compare     fails where a call takes over 3 % more or fewer than `instructions.json` says
    python .ci/instructions.py update      writes that file anew; say why in CHANGELOG.md or in the commit

Valgrind counts, so that a count repeats whatever else the machine does; it does so for the same library, interpreter
and NumPy. Calls are made from Python on one thread, with the kernels for v3, whatever the machine has. What is counted
is a call with everything around it that a user pays for: the interpreter's call, the checks, the kernels, the result.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("instructions.json")
TOLERANCE = 0.03
# Between two of these calls to the C library, which nothing else here makes, a count is written out.
MARK, mark = "getppid", os.getppid
WARM_UP = 3  # calls before a count: caches of results, of the interpreter and of the allocator are then as they stay

Call = Callable[[], Any]


def calls() -> Iterator[tuple[str, int, Call]]:
    """Name, number of calls that are counted together, and call."""
    import numpy as np

    import fastloss as fl

    rng = np.random.default_rng(0)

    def normal(*shape: int, dtype: type = np.float32) -> np.ndarray:
        return rng.standard_normal(shape).astype(dtype)

    def labels(classes: int, *shape: int) -> np.ndarray:
        return rng.integers(0, classes, shape)

    # Small: the way to the kernel and back.
    x, t = normal(256), normal(256)
    out, weight, mask = np.empty_like(x), np.abs(normal(256)), t > 0
    yield "small mse_loss", 200, lambda: fl.mse_loss(x, t)
    yield "small mse_loss.grad", 200, lambda: fl.mse_loss.grad(x, t)
    yield "small huber_loss.value_and_grad", 200, lambda: fl.huber_loss.value_and_grad(x, t, delta=0.5)
    yield "small huber_loss.value_and_grad out=", 200, lambda: fl.huber_loss.value_and_grad(x, t, out=out)
    yield "small quantile_loss of a list", 100, lambda: fl.quantile_loss([0.5, 1.5], [1.0, 1.0], 0.3)
    yield (
        "small l1_loss.grad sample_weight where",
        100,
        lambda: fl.l1_loss.grad(x, t, sample_weight=weight, where=mask, reduction="sum"),
    )
    yield "small gaussian_nll_loss.grad wrt two", 100, lambda: fl.gaussian_nll_loss.grad(x, t, weight, wrt=(0, 2))
    yield "small poisson_nll_loss.grad_and_hess", 100, lambda: fl.poisson_nll_loss.grad_and_hess(x, weight)
    yield "small rmse_loss.value_and_grad", 100, lambda: fl.rmse_loss.value_and_grad(x, t)
    yield "small mse_loss.ufunc", 200, lambda: fl.mse_loss.ufunc(x, t)
    z, y = normal(32, 10), labels(10, 32)
    shares = np.full((32, 10), 0.1, np.float32)
    yield "small cross_entropy", 100, lambda: fl.cross_entropy(z, y)
    yield "small cross_entropy.value_and_grad", 100, lambda: fl.cross_entropy.value_and_grad(z, y)
    yield "small cross_entropy.grad of probabilities", 100, lambda: fl.cross_entropy.grad(z, shares)
    yield "small multi_margin_loss.grad", 100, lambda: fl.multi_margin_loss.grad(z, y)
    features, layer = normal(8, 16), normal(10, 16)
    yield (
        "small linear_cross_entropy.grad",
        50,
        lambda: fl.linear_cross_entropy.grad(features, layer, y[:8], wrt=(0, 1)),
    )
    yield "small softmax", 100, lambda: fl.softmax(z)
    yield "small logsumexp.grad", 100, lambda: fl.logsumexp.grad(z, z[:, 0])

    # Cached: kernels on memory that is in a cache.
    x, t = normal(16384), normal(16384)
    half, wide = x.astype(np.float16), x.astype(np.float64)
    bits, rows = (t > 0).astype(np.int64), x.reshape(128, 128)
    yield (
        "cached binary_cross_entropy_with_logits.value_and_grad",
        5,
        lambda: fl.binary_cross_entropy_with_logits.value_and_grad(x, bits),
    )
    yield "cached huber_loss.grad of float16", 5, lambda: fl.huber_loss.grad(half, half)
    yield "cached log_cosh_loss.value_and_grad of float64", 5, lambda: fl.log_cosh_loss.value_and_grad(wide, wide * 0.5)
    yield "cached sigmoid_focal_loss.hess", 5, lambda: fl.sigmoid_focal_loss.hess(x, bits)
    yield "cached mse_loss.grad of columns", 5, lambda: fl.mse_loss.grad(rows.T, rows, wrt="target")
    yield (
        "cached quantile_loss.grad of broadcast quantiles",
        5,
        lambda: fl.quantile_loss.grad(rows, rows * 0.5, t[:128] ** 2 / (1 + t[:128] ** 2), wrt="quantile"),
    )
    z, y = normal(256, 100), labels(100, 256)
    weight, planes, places = np.abs(normal(100)), normal(2, 12, 32, 32), labels(12, 2, 32, 32)
    yield "cached cross_entropy.value_and_grad", 3, lambda: fl.cross_entropy.value_and_grad(z, y)
    yield (
        "cached cross_entropy.grad smoothed weighted",
        3,
        lambda: fl.cross_entropy.grad(z, y, weight, label_smoothing=0.1, wrt=("input", "weight")),
    )
    yield "cached cross_entropy.grad of planes", 3, lambda: fl.cross_entropy.grad(planes, places)
    yield "cached softmax_focal_loss.hvp", 3, lambda: fl.softmax_focal_loss.hvp(z, y, z)
    yield "cached multiclass_sparsemax_loss.grad", 3, lambda: fl.multiclass_sparsemax_loss.grad(z, y)
    yield "cached distillation_loss.grad", 3, lambda: fl.distillation_loss.grad(z, z * 0.5)
    yield "cached log_softmax", 3, lambda: fl.log_softmax(z)

    # Large: many blocks, far from the last cache of a small machine.
    x, t = normal(1_000_000), normal(1_000_000)
    yield "large mse_loss.value_and_grad", 1, lambda: fl.mse_loss.value_and_grad(x, t)
    yield "large gaussian_nll_loss.grad unreduced", 1, lambda: fl.gaussian_nll_loss.grad(x, t, x * x, reduction="none")
    z, y = normal(1024, 1000), labels(1000, 1024)
    yield "large cross_entropy.value_and_grad", 1, lambda: fl.cross_entropy.value_and_grad(z, y)
    features, layer = normal(256, 64), normal(500, 64)
    yield (
        "large linear_cross_entropy.value_and_grad",
        1,
        lambda: fl.linear_cross_entropy.value_and_grad(features, layer, y[:256] % 500, wrt=(0, 1)),
    )

    # Records: boxes and keypoints, of small calls and of cached ones.
    corners, extents, angles = normal(4096, 2), np.abs(normal(4096, 2)), normal(4096, 1)
    boxes, tilted = np.hstack((corners, corners + extents)), np.hstack((corners, extents, angles))
    few, others, points = boxes[:64].copy(), boxes[64:128].copy(), normal(512, 17, 2)
    yield (
        "small generalized_box_iou_loss.value_and_grad",
        100,
        lambda: fl.generalized_box_iou_loss.value_and_grad(few, others),
    )
    yield (
        "cached complete_box_iou_loss.grad wrt two",
        5,
        lambda: fl.complete_box_iou_loss.grad(boxes, boxes[::-1], wrt=(0, 1)),
    )
    yield "cached probiou_loss.value_and_grad", 5, lambda: fl.probiou_loss.value_and_grad(tilted, tilted * 0.75)
    yield "cached oks_loss.value_and_grad", 5, lambda: fl.oks_loss.value_and_grad(points, points * 0.75, 2.0)
    yield "cached box_iou", 5, lambda: fl.box_iou(few, boxes)

    # Regions of images.
    logits, images = normal(8, 1, 32, 32), normal(2, 21, 32, 32)
    pixels, mask, classes = 1 / (1 + np.exp(-logits)), logits > 0.5, images.argmax(axis=1)
    yield "small dice_loss.value_and_grad", 100, lambda: fl.dice_loss.value_and_grad(pixels[0, 0], mask[0, 0])
    yield "cached dice_loss.value_and_grad", 5, lambda: fl.dice_loss.value_and_grad(pixels, mask)
    yield "cached dice_ce_loss.value_and_grad", 2, lambda: fl.dice_ce_loss.value_and_grad(images, classes)
    yield "cached lovasz_hinge_loss.grad", 2, lambda: fl.lovasz_hinge_loss.grad(logits, mask)
    yield "cached signed_distance", 2, lambda: fl.signed_distance(mask, axes=(2, 3))

    # Embeddings: units of a few, and all pairs of a batch.
    anchor, positive, negative = normal(512, 96), normal(512, 96), normal(512, 96)
    few = [x[:2, :16] for x in (anchor, positive, negative)]
    yield "small triplet_margin_loss.value_and_grad", 100, lambda: fl.triplet_margin_loss.value_and_grad(*few)
    yield (
        "cached triplet_margin_loss.value_and_grad",
        5,
        lambda: fl.triplet_margin_loss.value_and_grad(anchor, positive, negative),
    )
    yield "cached cosine_similarity", 10, lambda: fl.cosine_similarity(anchor, positive)
    yield "cached nt_xent_loss.value_and_grad", 2, lambda: fl.nt_xent_loss.value_and_grad(anchor, positive)


def make_calls() -> None:
    """What runs under valgrind: between two marks, the calls of one kind; the first kind is no call at all."""
    gc.disable()
    for _, count, call in itertools.chain([("nothing", 0, lambda: None)], calls()):
        for _ in range(WARM_UP):
            call()
        mark()
        for _ in range(count):
            call()
        mark()


def count() -> dict[str, int]:
    """The instructions of one call of each kind."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["valgrind", "--tool=callgrind", f"--dump-before={MARK}", "--callgrind-out-file=counted"]
        # Python's own allocator and hashes make the same decisions every time.
        settings = {"FASTLOSS_ISA": "v3", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(
            [*command, sys.executable, Path(__file__).resolve(), "run"],
            cwd=directory,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"valgrind failed:\n{done.stdout}{done.stderr}")
        totals = []
        for path in sorted(Path(directory).glob("counted.*"), key=lambda path: int(path.suffix[1:])):
            found = re.search(r"^(?:summary|totals): (\d+)", path.read_text(), re.MULTILINE)
            assert found is not None, path
            totals.append(int(found[1]))
    # A dump has what was counted since the one before: up to a first mark, then alternately inside and outside.
    inside = totals[1::2]
    kinds = [(name, times) for name, times, _ in calls()]
    assert len(inside) == len(kinds) + 1, (len(inside), len(kinds))
    empty = inside[0]
    return {name: round((total - empty) / times) for (name, times), total in zip(kinds, inside[1:], strict=True)}


def compare(kept: dict[str, int], found: dict[str, int]) -> list[str]:
    """What differs, in words."""
    wrong = [f"{name}: not in {KEPT.name}" for name in found if name not in kept]
    wrong += [f"{name}: in {KEPT.name}, and no call" for name in kept if name not in found]
    for name in found:
        if name in kept and abs(found[name] / kept[name] - 1) > TOLERANCE:
            wrong.append(f"{name}: {kept[name]} -> {found[name]} ({found[name] / kept[name] - 1:+.1%})")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("compare", "update", "run"))
    task = parser.parse_args().task
    if task == "run":
        make_calls()
        return 0
    found = count()
    if task == "update":
        KEPT.write_text(json.dumps(found, indent=1) + "\n")
        return 0
    kept = json.loads(KEPT.read_text())
    for name, number in found.items():
        change = f"{number / kept[name] - 1:+7.2%}" if name in kept else "    new"
        print(f"{number:12d} {change}  {name}")
    wrong = compare(kept, found)
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
