"""What to measure: the command line, as data that travels to the worker processes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """One benchmark at one number of threads.

    `sizes` are numbers of elements, for pointwise losses, and `shapes` the shapes of the scores of row-wise ones,
    classes on axis 1; `duration` is how long a contestant is timed in each round, in seconds.
    """

    losses: tuple[str, ...]
    sizes: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    modes: tuple[str, ...]
    peers: tuple[str, ...]
    threads: int
    dtype: str
    rounds: int
    duration: float

    @classmethod
    def from_json(cls, data: dict) -> Plan:
        """The inverse of `dataclasses.asdict`, after lists took the place of tuples."""
        return cls(**{key: _tuple(value) if isinstance(value, list) else value for key, value in data.items()})


def _tuple(items: list) -> tuple:
    return tuple(_tuple(item) if isinstance(item, list) else item for item in items)
