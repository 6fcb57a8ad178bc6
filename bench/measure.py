"""Measures one case at one size: judge everybody, time those who are right, put the figures into rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from bench import memory
from bench.case import Case
from bench.contestants import Contestant
from bench.floor import Floor
from bench.judge import Disagreement, Problem
from bench.mode import MODES, Mode
from bench.plan import Plan
from bench.sampling import Samples, fastest, interleave
from bench.sizes import Size

Key = tuple[str, str, str]  # contestant, mode, output: "fresh" or "out"
Traffic = tuple[tuple[int, ...], tuple[int, ...]]  # bytes of each array that is read, and of each that is written
FLOOR = "floor"


class WrongResult(Exception):
    """fastloss itself disagrees with the reference: there is nothing to time."""


def measure(plan: Plan, name: str, case: Case, size: Size, library: Contestant, peers: Sequence[Contestant]) -> dict:
    """The rows of a case at a size, and who was left out of them and why.

    Raises
    ------
    WrongResult
        If the library under test disagrees with the reference.
    """
    problem = case.draw(name, size, plan.dtype)
    context = {"loss": name, "size": list(size), "extent": case.sizes.words(size), "threads": plan.threads}
    modes = [MODES[mode] for mode in plan.modes]
    calls: dict[Key, Callable[[], Any]] = {}
    memories: dict[Key, dict] = {}
    unfit: list[dict] = []
    for contestant in (library, *peers):
        if (forget := getattr(contestant, "forget", None)) is not None:
            forget()
        for mode in modes:
            try:
                fit = fit_calls(contestant, name, case, mode, problem)
            except Exception as error:  # a peer may fail in any way of its own; it is reported, and the others go on
                reason = str(error) if isinstance(error, Disagreement) else f"{type(error).__name__}: {error}"
                if contestant is library:
                    where = f"{mode.name}, {context['extent']}"
                    raise WrongResult(f"{library.name} {name} ({where}): {reason}") from error
                unfit.append(
                    context | {"peer": contestant.name, "mode": mode.name, "reason": reason.splitlines()[0][:300]}
                )
                continue
            calls |= fit
            if case.measures_memory:
                memories |= {key: memory_figures(contestant, key, call, problem) for key, call in fit.items()}
    traffic = {mode.name: (problem.reads(mode), problem.writes(mode)) for mode in modes}
    floors = {each: Floor(*each, plan.threads) for each in set(traffic.values()) if Floor.measurable(*each)}
    try:
        ways = {(FLOOR, each, way): run for each, floor in floors.items() for way, run in floor.ways.items()}
        samples = interleave(calls | ways, plan.rounds, plan.duration, plan.pause if plan.threads > 1 else 0.0)
    finally:
        for floor in floors.values():
            floor.close()
    rows = [
        context
        | {"dtype": plan.dtype}
        | make_row(samples, memories, library.name, mode.name, output, traffic[mode.name])
        for mode in modes
        for output in ("fresh", "out")
        if (library.name, mode.name, output) in samples
    ]
    return {"rows": rows, "unfit": unfit}


def fit_calls(
    contestant: Contestant, name: str, case: Case, mode: Mode, problem: Problem
) -> dict[Key, Callable[[], Any]]:
    """The calls of a contestant that give the right result, with fresh gradients and with given ones.

    Raises
    ------
    Disagreement
        If a result is wrong.
    """
    calls: dict[Key, Callable[[], Any]] = {}
    for output in ("fresh", "out"):
        out = problem.outputs() if output == "out" else None
        call = contestant.prepare(name, case, mode, problem, out)
        if call is None:
            continue
        value, gradients = contestant.result(mode, call())
        problem.judge(mode, value, gradients)
        if out is not None and mode.gradient:
            problem.judge(MODES["grad"], None, out)
        calls[contestant.name, mode.name, output] = call
    return calls


def memory_figures(contestant: Contestant, key: Key, call: Callable[[], Any], problem: Problem) -> dict:
    """The memory in bytes that a call needs beside its operands and results."""
    _, mode, output = key
    if (let_go := getattr(contestant, "let_go", None)) is not None:
        let_go()
    given = problem.writes(MODES["grad"]) if output == "out" else ()
    return {"extra_memory": memory.extra(call, sum(problem.writes(MODES[mode])) - sum(given))}


def make_row(
    samples: Mapping[tuple, Samples],
    memories: Mapping[Key, dict],
    library: str,
    mode: str,
    output: str,
    traffic: Traffic,
) -> dict:
    """fastloss, the floor and every peer in one mode; a peer that cannot write into a given array is taken as it is."""
    own = samples[library, mode, output]
    reads, writes = map(sum, traffic)
    peers: dict[str, dict] = {}
    for name in dict.fromkeys(key[0] for key in samples):
        if name in (library, FLOOR):
            continue
        used = output if (name, mode, output) in samples else "fresh"
        if (name, mode, used) in samples:
            key = (name, mode, used)
            peers[name] = {"output": used} | figures(samples[key], over=own) | memories.get(key, {})
    winner = min(peers, key=lambda name: peers[name]["ratio"], default=None)
    return {
        "mode": mode,
        "output": output,
        "bytes_read": reads,
        "bytes_written": writes,
        "fastloss": figures(own)
        | {"gigabytes_per_second": (reads + writes) / own.minimum / 1e9}
        | memories.get((library, mode, output), {}),
        "floor": floor_figures(samples, traffic, own),
        "peers": peers,
        "fastest_peer": winner,
    }


def floor_figures(samples: Mapping[tuple, Samples], traffic: Traffic, own: Samples) -> dict | None:
    """The fastest way of each round to move the bytes, and the ways that were tried; None where there is no floor."""
    ways = {key[2]: times for key, times in samples.items() if key[:2] == (FLOOR, traffic)}
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
