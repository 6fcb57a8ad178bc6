"""What to measure: the command line, as data that travels to the worker processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.sizes import Size


@dataclass(frozen=True)
class Plan:
    """One benchmark at one number of threads.

    `sizes` are those of each kind of problem, by the option that asks for them; `duration` is how long a contestant is
    timed in each round and `pause` how long it waits before if there are several threads, in seconds.
    """

    losses: tuple[str, ...]
    sizes: dict[str, tuple[Size, ...]]
    modes: tuple[str, ...]
    peers: tuple[str, ...]
    threads: int
    dtype: str
    rounds: int
    duration: float
    pause: float

    @classmethod
    def from_json(cls, data: dict) -> Plan:
        """The inverse of `dataclasses.asdict`, after lists took the place of tuples."""
        return cls(**{key: _restored(value) for key, value in data.items()})


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _restored(item) for key, item in value.items()}
    return tuple(map(_restored, value)) if isinstance(value, list) else value
