"""Times linear cross-entropy against its peers: `python -m bench.linear`, from the root of a clone.

The matrix products decide, so this has a size of its own instead of numbers of elements: N samples of D features, V
classes. Value and gradients in input and linear_weight. Everybody has to give the value that all others give, and the
gradients of fastloss, within float32; then rounds are interleaved as in the rest of the benchmark. The memory is what
the peak of a process rises by in one call, beside results of 4 (N D + V D) bytes that all of them make.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import describe
from bench.sampling import SPINNING, interleave
from bench.worker import child, confine

Call = Callable[[], tuple[Any, Any, Any]]


def operands(n: int, d: int, v: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples, weights of the layer and classes; the logits have a standard deviation of 2."""
    rng = np.random.default_rng(0)
    x, w = np.empty((n, d), np.float32), np.empty((v, d), np.float32)
    for a in (x, w):
        rng.standard_normal(out=a, dtype=np.float32)
    w *= np.float32(2 / np.sqrt(d))
    return x, w, rng.integers(0, v, n)


def fastloss_call(x: np.ndarray, w: np.ndarray, t: np.ndarray) -> Call:
    """The library under test."""
    import fastloss as fl

    def call() -> tuple[Any, Any, Any]:
        value, (gx, gw) = fl.linear_cross_entropy.value_and_grad(x, w, t, wrt=("input", "linear_weight"))
        return value, gx, gw

    return call


def numpy_call(x: np.ndarray, w: np.ndarray, t: np.ndarray) -> Call:
    """Plain NumPy: its BLAS, and one array for logits and gradient."""
    rows = np.arange(len(x))

    def call() -> tuple[Any, Any, Any]:
        z = x @ w.T
        z -= z.max(axis=1, keepdims=True)
        picked = z[rows, t]
        np.exp(z, out=z)
        total = z.sum(axis=1, keepdims=True)
        value = np.mean(np.log(total[:, 0]) - picked)
        z *= 1 / (total * len(x))
        z[rows, t] -= 1 / len(x)
        return value, z @ w, z.T @ x

    return call


def torch_call(chunked: bool) -> Callable[[np.ndarray, np.ndarray, np.ndarray], Call]:
    """PyTorch: linear and cross_entropy, or its own function with chunks."""

    def prepare(x: np.ndarray, w: np.ndarray, t: np.ndarray) -> Call:
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        functions = torch.nn.functional
        tx, tw, target = (torch.from_numpy(a) for a in (x, w, t))
        tx.requires_grad_()
        tw.requires_grad_()

        def call() -> tuple[Any, Any, Any]:
            if chunked:
                options = torch.nn.LinearCrossEntropyOptions()
                value = functions.linear_cross_entropy(tx, tw, target, options=options)
            else:
                value = functions.cross_entropy(functions.linear(tx, tw), target)
            gx, gw = torch.autograd.grad(value, (tx, tw))
            return value.detach().numpy(), gx.numpy(), gw.numpy()

        return call

    return prepare


CONTESTANTS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], Call]] = {
    "fastloss": fastloss_call,
    "numpy": numpy_call,
    "torch": torch_call(chunked=False),
    "torch chunked": torch_call(chunked=True),
}


def judge(name: str, result: tuple[Any, Any, Any], reference: tuple[Any, Any, Any]) -> None:
    """Fail where a contestant computes something else."""
    for what, got, want in zip(
        ("value", "gradient in input", "gradient in linear_weight"), result, reference, strict=True
    ):
        error = np.abs(got - want).max() / np.abs(want).max()
        if not error < 1e-4:
            raise SystemExit(f"error: {name}: the {what} is off by {error:.1e}")


def high_water() -> int:
    """The largest number of bytes of memory that this process has had so far."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found.group(1))


def peak(name: str, shape: tuple[int, int, int]) -> int:
    """By how many bytes the peak of this process rises in one call."""
    x, w, t = operands(*shape)
    call = CONTESTANTS[name](x, w, t)
    CONTESTANTS[name](x[:2], w[:2], t[:2] % 2)()  # what is loaded or started once
    before = high_water()
    call()
    return high_water() - before


def measure(shape: tuple[int, int, int], rounds: int, threads: int, names: list[str]) -> dict:
    """Times and peaks of everybody at one shape."""
    confine(threads)
    calls = {name: CONTESTANTS[name](*operands(*shape)) for name in names}
    reference = calls["fastloss"]()
    for name, call in calls.items():
        judge(name, call(), reference)
    samples = interleave(calls, rounds, 1e-3, SPINNING)
    results = 4 * shape[1] * (shape[0] + shape[2])
    return {
        name: {
            "minimum": samples[name].minimum,
            "median": samples[name].median,
            "extra_memory": child("bench.linear", ["peak", name, shape, threads, 1, []], threads) - results,
        }
        for name in names
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.linear", description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="2048,1024,32000", metavar="N,D,V", help="default 2048,1024,32000")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="default 2")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--peers", default=",".join(CONTESTANTS), help="default all: %(default)s")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        task, name, shape, threads, rounds, names = json.loads(options.child)
        found = peak(name, tuple(shape)) if task == "peak" else measure(tuple(shape), rounds, threads, names)
        print(json.dumps(found))
        return
    shape = tuple(int(part) for part in options.shape.split(","))
    names = list(dict.fromkeys(["fastloss", *options.peers.split(",")]))
    found = child("bench.linear", ["measure", "", shape, options.threads, options.rounds, names], options.threads)
    own = found["fastloss"]
    print(f"N, D, V = {options.shape}; {options.threads} threads; load {describe(options.threads)['load_average']}")
    print(f"{'':16}{'min ms':>10}{'median ms':>11}{'/ fastloss':>12}{'extra MB':>10}")
    for name, row in found.items():
        ratio = row["minimum"] / own["minimum"]
        print(
            f"{name:16}{row['minimum'] * 1e3:10.0f}{row['median'] * 1e3:11.0f}{ratio:12.2f}"
            f"{row['extra_memory'] / 1e6:10.0f}"
        )


if __name__ == "__main__":
    main()
