"""Measures one case at one size: judge everybody, time those who are right, put the figures into rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np

from bench.case import MODES, Case, Mode
from bench.contestants import Contestant
from bench.floor import Floor
from bench.judge import Disagreement, Problem, extent
from bench.plan import Plan
from bench.sampling import SPINNING, Samples, fastest, interleave

Key = tuple[str, str, str]  # contestant, mode, output: "fresh" or "out"
FLOOR = "floor"
Size = int | tuple[int, ...]  # elements, or the shape of the scores of rows


class WrongResult(Exception):
    """fastloss itself disagrees with the reference: there is nothing to time."""


def measure(plan: Plan, loss: str, case: Case, size: Size, library: Contestant, peers: Sequence[Contestant]) -> dict:
    """The rows of a case at a size, and who was left out of them and why.

    Raises
    ------
    WrongResult
        If the library under test disagrees with the reference.
    """
    problem = Problem.draw(loss, case, size, plan.dtype)
    named = size if isinstance(size, int) else extent(size)
    modes = [MODES[name] for name in plan.modes]
    calls: dict[Key, Callable[[], Any]] = {}
    unfit: list[dict] = []
    for contestant in (library, *peers):
        if (forget := getattr(contestant, "forget", None)) is not None:
            forget()
        for mode in modes:
            try:
                calls |= fit_calls(contestant, loss, case, mode, problem)
            except Exception as error:  # a peer may fail in any way of its own; it is reported, and the others go on
                reason = str(error) if isinstance(error, Disagreement) else f"{type(error).__name__}: {error}"
                if contestant is library:
                    raise WrongResult(f"{library.name} {loss} ({mode.name}, {extent(size)}): {reason}") from error
                unfit.append(
                    {"loss": loss, "size": named, "threads": plan.threads, "peer": contestant.name}
                    | {"mode": mode.name, "reason": reason.splitlines()[0][:300]}
                )
    bytes_read = [array.nbytes for array in problem.operands.values()]
    floors = {
        writes: Floor(bytes_read, writes, plan.threads)
        for writes in {mode.gradient for mode in modes}
        if Floor.measurable(bytes_read, writes)
    }
    try:
        ways = {(FLOOR, writes, way): run for writes, floor in floors.items() for way, run in floor.ways.items()}
        pause = SPINNING if plan.threads > 1 else 0.0
        samples = interleave(calls | ways, plan.rounds, plan.duration, pause)
    finally:
        for floor in floors.values():
            floor.close()
    context = {"loss": loss, "size": named, "dtype": plan.dtype, "threads": plan.threads}
    rows = [
        context | make_row(samples, library.name, mode, output, bytes_read)
        for mode in modes
        for output in ("fresh", "out")
        if (library.name, mode.name, output) in samples
    ]
    return {"rows": rows, "unfit": unfit}


def fit_calls(
    contestant: Contestant, loss: str, case: Case, mode: Mode, problem: Problem
) -> dict[Key, Callable[[], Any]]:
    """The calls of a contestant that give the right result, with a fresh gradient and with a given one.

    Raises
    ------
    Disagreement
        If a result is wrong.
    """
    calls: dict[Key, Callable[[], Any]] = {}
    for output in ("fresh", "out"):
        out = np.full_like(problem.gradient, np.nan, problem.operands_dtype) if output == "out" else None
        call = contestant.prepare(loss, case, mode, problem.operands, out)
        if call is None:
            continue
        value, gradient = contestant.result(mode, call())
        problem.judge(mode, value, gradient)
        if out is not None and mode.gradient:
            problem.judge(MODES["grad"], None, out)
        calls[contestant.name, mode.name, output] = call
    return calls


def make_row(samples: dict[tuple, Samples], library: str, mode: Mode, output: str, bytes_read: list[int]) -> dict:
    """fastloss, the floor and every peer in one mode; a peer that cannot write into a given array is taken as it is."""
    own = samples[library, mode.name, output]
    bytes_written = bytes_read[0] if mode.gradient else 0
    peers: dict[str, dict] = {}
    for name in dict.fromkeys(key[0] for key in samples):
        if name in (library, FLOOR):
            continue
        used = output if (name, mode.name, output) in samples else "fresh"
        if (name, mode.name, used) in samples:
            peers[name] = {"output": used} | figures(samples[name, mode.name, used], over=own)
    winner = min(peers, key=lambda name: peers[name]["ratio"], default=None)
    return {
        "mode": mode.name,
        "output": output,
        "bytes_read": sum(bytes_read),
        "bytes_written": bytes_written,
        "fastloss": figures(own) | {"gigabytes_per_second": (sum(bytes_read) + bytes_written) / own.minimum / 1e9},
        "floor": floor_figures(samples, mode, own),
        "peers": peers,
        "fastest_peer": winner,
    }


def floor_figures(samples: dict[tuple, Samples], mode: Mode, own: Samples) -> dict | None:
    """The fastest way of each round to move the bytes, and the ways that were tried; None where there is no floor."""
    ways = {key[2]: times for key, times in samples.items() if key[:2] == (FLOOR, mode.gradient)}
    if not ways:
        return None
    minima = {way: times.minimum for way, times in ways.items()}
    return {"ways": minima} | figures(fastest(list(ways.values())), under=own)


def figures(samples: Samples, *, over: Samples | None = None, under: Samples | None = None) -> dict:
    """Times in seconds, and how they compare with fastloss.

    `ratio` is the median over the rounds of the quotient within each round, in which the drift of the machine cancels;
    `ratio_of_minima` compares the best moments of both. With `over` the quotient is these samples over fastloss's
    (how many times faster fastloss is), with `under` it is fastloss's over these (how far it is from the floor).
    """
    result = {
        "median": samples.median,
        "minimum": samples.minimum,
        "quartiles": [float(q) for q in np.percentile(samples.rounds, [25, 75])],
        "rounds": len(samples.rounds),
        "loops": samples.loops,
    }
    other = over or under
    if other is not None:
        upper, lower = (samples, other) if over is not None else (other, samples)
        quotients = [a / b for a, b in zip(upper.rounds, lower.rounds, strict=True)]
        result["ratio"] = median(quotients)
        result["ratio_of_minima"] = upper.minimum / lower.minimum
    return result
