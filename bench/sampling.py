"""Timing of many calls against each other: interleaved rounds, so that a slow minute of the machine is everybody's."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from statistics import median
from typing import Any

# Calls at least this long are timed one by one; the clock would show in shorter ones.
SINGLY = 50e-6
# Idle worker threads spin for some milliseconds after a call; the next contestant waits until they sleep.
SPINNING = 10e-3


@dataclass
class Samples:
    """The times of one call, in seconds: the typical and the smallest one of each round."""

    loops: int
    rounds: list[float] = field(default_factory=list)
    smallest: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return median(self.rounds)

    @property
    def minimum(self) -> float:
        """The smallest of all."""
        return min(self.smallest)


def fastest(alternatives: Sequence[Samples]) -> Samples:
    """Of several ways to do one thing, the smallest time of each round."""
    best = [min(times) for times in zip(*(samples.smallest for samples in alternatives), strict=True)]
    return Samples(max(samples.loops for samples in alternatives), best, best)


def _once(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _block(call: Callable[[], Any], loops: int) -> float:
    iterations = repeat(None, loops)
    start = time.perf_counter()
    for _ in iterations:
        call()
    return time.perf_counter() - start


def calibrate(call: Callable[[], Any], duration: float) -> int:
    """How many calls last about `duration` seconds; at least one."""
    call()
    loops = 1
    while (spent := _block(call, loops)) < duration / 4:
        loops *= max(2, min(10, int(duration / 4 / max(spent, 1e-9))))
    return max(1, round(loops * duration / spent))


def _round(call: Callable[[], Any], samples: Samples, duration: float) -> None:
    if samples.loops > 1:
        call()
    if samples.loops == 1 or duration / samples.loops >= SINGLY:
        times = [_once(call) for _ in range(samples.loops)]
    else:
        times = [_block(call, samples.loops) / samples.loops]
    samples.rounds.append(median(times))
    samples.smallest.append(min(times))


def interleave(
    calls: Mapping[Hashable, Callable[[], Any]], rounds: int, duration: float, pause: float
) -> dict[Hashable, Samples]:
    """Time every call in every round, for about `duration` seconds and at least once, after `pause` seconds of rest.

    The order moves on by one from round to round, so that nobody always follows the same neighbour. The garbage
    collector is off meanwhile.
    """
    samples = {key: Samples(calibrate(call, duration)) for key, call in calls.items()}
    order = list(calls)
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        for number in range(rounds):
            shift = number % len(order) if order else 0
            for key in order[shift:] + order[:shift]:
                time.sleep(pause)
                _round(calls[key], samples[key], duration)
    finally:
        if enabled:
            gc.enable()
    return samples
