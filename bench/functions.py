"""Times softmax, log_softmax and logsumexp against their peers: `python -m bench.functions`, from the root of a clone.

They are no losses, so each is timed in two ways of its own: the function, and the function with its vector-Jacobian
product. Everybody has to agree with plain NumPy in float64, within float32, before anything is timed; then rounds are
interleaved as in the rest of the benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.machine import describe
from bench.sampling import SPINNING, interleave
from bench.worker import child, confine

FUNCTIONS = ("softmax", "log_softmax", "logsumexp")
MODES = ("value", "both")
Arrays = tuple[np.ndarray, ...]
Call = Callable[[], Any]
AXIS = 1


def operands(function: str, shape: tuple[int, ...], dtype: type = np.float32) -> Arrays:
    """Scores, and the gradient that flows in."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal(shape, np.float32) * np.float32(2)
    flow = rng.standard_normal(np.delete(shape, AXIS) if function == "logsumexp" else shape, np.float32)
    return z.astype(dtype), flow.astype(dtype)


def plain(function: str, mode: str, z: np.ndarray, flow: np.ndarray) -> Arrays:
    """Plain NumPy."""
    u = z - z.max(axis=AXIS, keepdims=True)
    p = np.exp(u)
    total = p.sum(axis=AXIS, keepdims=True)
    if function == "softmax":
        p /= total
        return (p,) if mode == "value" else (p, p * (flow - (p * flow).sum(axis=AXIS, keepdims=True)))
    if function == "log_softmax":
        u -= np.log(total)
        return (u,) if mode == "value" else (u, flow - p * (flow.sum(axis=AXIS, keepdims=True) / total))
    value = (np.log(total) + z.max(axis=AXIS, keepdims=True)).squeeze(AXIS)
    return (value,) if mode == "value" else (value, p * (np.expand_dims(flow, AXIS) / total))


def numpy_call(function: str, mode: str, z: np.ndarray, flow: np.ndarray) -> Call:
    """NumPy, as it is written by hand."""
    return lambda: plain(function, mode, z, flow)


def fastloss_call(function: str, mode: str, z: np.ndarray, flow: np.ndarray) -> Call:
    """The library under test."""
    import fastloss as fl

    own = getattr(fl, function)
    if mode == "value":
        return lambda: (own(z, AXIS),)
    return lambda: own.value_and_grad(z, flow, AXIS)


def scipy_call(function: str, mode: str, z: np.ndarray, flow: np.ndarray) -> Call | None:
    """SciPy, which has no gradients."""
    import scipy.special

    theirs = getattr(scipy.special, function)
    return (lambda: (theirs(z, axis=AXIS),)) if mode == "value" else None


def torch_call(function: str, mode: str, z: np.ndarray, flow: np.ndarray) -> Call:
    """PyTorch and its autograd."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    theirs, scores, gradient = getattr(torch, function), torch.from_numpy(z), torch.from_numpy(flow)
    if mode == "value":
        return lambda: (theirs(scores, AXIS).numpy(),)
    scores = scores.clone().requires_grad_()

    def call() -> Arrays:
        value = theirs(scores, AXIS)
        return value.detach().numpy(), torch.autograd.grad(value, scores, gradient)[0].numpy()

    return call


def jax_call(function: str, mode: str, z: np.ndarray, flow: np.ndarray) -> Call:
    """JAX, compiled."""
    import jax

    theirs = getattr(jax.nn, function)

    def both(scores: Any, gradient: Any) -> tuple[Any, Any]:
        value, pull = jax.vjp(lambda x: theirs(x, axis=AXIS), scores)
        return value, pull(gradient)[0]

    compiled = jax.jit((lambda x, _: (theirs(x, axis=AXIS),)) if mode == "value" else both)
    scores, gradient = jax.numpy.asarray(z), jax.numpy.asarray(flow)
    return lambda: jax.block_until_ready(compiled(scores, gradient))


CONTESTANTS: dict[str, Callable[[str, str, np.ndarray, np.ndarray], Call | None]] = {
    "fastloss": fastloss_call,
    "numpy": numpy_call,
    "scipy": scipy_call,
    "torch": torch_call,
    "jax": jax_call,
}


def judge(name: str, what: str, results: Arrays, exact: Arrays) -> None:
    """Fail where a contestant computes something else."""
    for part, got, want in zip(("value", "gradient"), results, exact, strict=False):
        error = np.abs(np.asarray(got) - want).max() / np.abs(want).max()
        if not error < 1e-5:
            raise SystemExit(f"error: {name}: the {part} of {what} is off by {error:.1e}")


def measure(shape: tuple[int, ...], rounds: int, threads: int, names: list[str]) -> list[dict]:
    """The minima in seconds of everybody who has the function, function by function."""
    confine(threads)
    rows = []
    for function in FUNCTIONS:
        for mode in MODES:
            arrays = operands(function, shape)
            exact = plain(function, mode, *(a.astype(np.float64) for a in arrays))
            calls = {}
            for name in names:
                if (call := CONTESTANTS[name](function, mode, *arrays)) is not None:
                    judge(name, function, call(), exact)
                    calls[name] = call
            samples = interleave(calls, rounds, 0.05, SPINNING)
            rows.append({"function": function, "mode": mode} | {name: samples[name].minimum for name in calls})
    return rows


def main() -> None:
    """Measure, and print a table for each shape."""
    parser = argparse.ArgumentParser(prog="python -m bench.functions", description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", default="131072x10,8192x1000,8x21x256x256", help="default %(default)s")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="default 2")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default 7)")
    parser.add_argument("--peers", default=",".join(CONTESTANTS), help="default all: %(default)s")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(*json.loads(options.child))))
        return
    names = list(dict.fromkeys(["fastloss", *options.peers.split(",")]))
    if unknown := sorted(set(names) - set(CONTESTANTS)):
        parser.error(f"--peers: no {', '.join(unknown)}; there are {', '.join(CONTESTANTS)}")
    shapes = options.shapes.split(",")
    for shape in shapes:
        if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)+", shape):
            parser.error(f"--shapes: {shape} is no shape with two axes or more, such as 8192x1000")
    for shape in shapes:
        plan = [[int(part) for part in shape.split("x")], options.rounds, options.threads, names]
        rows = child("bench.functions", plan, options.threads)
        load = describe(options.threads)["load_average"]
        print(f"{shape}, float32, {options.threads} threads; load {load}; minima, peers as multiples")
        print(f"{'':12}{'returns':8}{'ms':>10}" + "".join(f"{name:>8}" for name in names[1:]))
        for row in rows:
            own = row["fastloss"]
            multiples = "".join(f"{row[name] / own:8.2f}" if name in row else f"{'-':>8}" for name in names[1:])
            print(f"{row['function']:12}{row['mode']:8}{own * 1e3:10.3f}{multiples}")


if __name__ == "__main__":
    main()
