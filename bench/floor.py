"""The memory floor: the time to read every input once and to write every output once, on this machine, now.

The floor has to be measured in the same run as everything else, because the bandwidth of a shared machine moves by a
factor within minutes, and without compiled code of our own. NumPy and the C library have loops that reach it:

- **read and write**: `numpy.add(a, b, out=a)` reads `a` and `b` from memory and writes `a` back. A store into a line
  that was just read needs no second read, so the traffic is exactly that of an ideal loss with two inputs and a
  gradient that is streamed to memory past the caches. A plain `add` into a third array reads that array as well before
  it overwrites it and takes a third longer. Further inputs are read by `memchr`, looking for a byte that is not there;
  a further output overwrites another input of its size, or is filled where there is none.
- **read**: `memchr` over each input, or one dot product of two of them.

The arrays are kept from call to call, as `out=` keeps an output. With several threads, chunks are handed out to
Python threads that sleep between calls; all these loops release the interpreter lock. The best chunk size is found
beforehand. Teams of one thread and of all, and the dot product, take part in every round, and the fastest call of any
of them is the floor of that round, where all other figures are medians.

It is a floor that can be touched but hardly crossed: in the same rounds a hand-written AVX-512 loop with streaming
stores into a third array (10^7 float32 elements, 120 MB) took 1.16 of it on one thread and 1.08 to 1.13 on two, the
same loop with plain stores 1.5, and a loop that only reads 0.9 to 1.1 of the floor for reading. Arrays that fit into a
cache are read from there, for the floor and the contestants alike.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count

import numpy as np

# Below this traffic a floor made of Python calls would measure those, not memory.
SMALLEST_TRAFFIC = 256 * 1024
# A sleeping thread takes some 50 us to wake: teams only where the work is much longer than that.
SMALLEST_TEAM_TRAFFIC = 8 * 1024 * 1024
CHUNK_BYTES = (256 * 1024, 1024 * 1024, 4 * 1024 * 1024)
TRIALS = 5

_memchr = ctypes.CDLL(None).memchr
_memchr.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
_memchr.restype = ctypes.c_void_p
_ABSENT = 0xFF  # in no float 0.0 or 1.0


class Team:
    """Threads that share numbered pieces of work with the caller and sleep in between."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._wake = [threading.Semaphore(0) for _ in range(size - 1)]
        self._done = threading.Semaphore(0)
        self._work: Callable[[int], None] | None = None
        self._pieces = 0
        self._next = count()
        for signal in self._wake:
            threading.Thread(target=self._serve, args=(signal,), daemon=True).start()

    def _serve(self, signal: threading.Semaphore) -> None:
        while True:
            signal.acquire()
            if self._work is None:
                return
            self._share()
            self._done.release()

    def _share(self) -> None:
        while (index := next(self._next)) < self._pieces:
            self._work(index)

    def run(self, work: Callable[[int], None], pieces: int) -> None:
        """Do `work(0)` ... `work(pieces - 1)`."""
        self._work, self._pieces, self._next = work, pieces, count()
        for signal in self._wake:
            signal.release()
        self._share()
        for _ in self._wake:
            self._done.acquire()

    def close(self) -> None:
        """End the threads."""
        self._work = None
        for signal in self._wake:
            signal.release()


def _read(pieces: Sequence[np.ndarray]) -> Callable[[int], None]:
    spans = [(piece.ctypes.data, piece.nbytes) for piece in pieces]

    def work(index: int) -> None:
        address, size = spans[index]
        _memchr(address, _ABSENT, size)

    return work


def _fill(pieces: Sequence[np.ndarray]) -> Callable[[int], None]:
    return lambda index: pieces[index].fill(0)


def _rewrite(first: Sequence[np.ndarray], second: Sequence[np.ndarray] | None) -> Callable[[int], None]:
    add = np.add
    if second is None:
        return lambda index: add(first[index], 0.0, out=first[index])
    return lambda index: add(first[index], second[index], out=first[index])


def _all(works: Sequence[Callable[[int], None]]) -> Callable[[int], None]:
    if len(works) == 1:
        return works[0]

    def work(index: int) -> None:
        for one in works:
            one(index)

    return work


class Floor:
    """The fastest ways found to move the bytes of one measurement.

    Parameters
    ----------
    inputs, outputs
        The size of each of them in bytes.
    threads
        The largest team to try.

    `ways` are functions that move the bytes once, by name. `Floor.measurable` tells whether so few bytes have a floor.
    """

    def __init__(self, inputs: Sequence[int], outputs: Sequence[int], threads: int) -> None:
        self.traffic = sum(inputs) + sum(outputs)
        self._inputs = [np.full(max(size // 4, 1), float(i == 0), np.float32) for i, size in enumerate(inputs)]
        self._outputs = [max(size // 4, 1) for size in outputs]
        sizes = sorted({1, threads}) if self.traffic >= SMALLEST_TEAM_TRAFFIC else [1]
        self._teams = [Team(size) for size in sizes]
        self.ways: dict[str, Callable[[], None]] = {}
        for team in self._teams:
            candidates = dict(self._chunked(team))
            times = {name: min(_timed(run) for _ in range(TRIALS)) for name, run in candidates.items()}
            best = min(times, key=times.__getitem__)
            self.ways[best] = candidates[best]
        if not outputs and len(inputs) == 2 and inputs[1] == inputs[0]:
            self.ways["dot"] = partial(np.dot, *self._inputs)

    @staticmethod
    def measurable(inputs: Sequence[int], outputs: Sequence[int]) -> bool:
        """Whether the traffic is large enough to be measured from Python."""
        return sum(inputs) + sum(outputs) >= SMALLEST_TRAFFIC

    def close(self) -> None:
        """End the threads and let the arrays go."""
        for team in self._teams:
            team.close()

    def _chunked(self, team: Team) -> Iterator[tuple[str, Callable[[], None]]]:
        what = "add in place" if self._outputs else "memchr"
        size = max(array.nbytes for array in self._inputs)
        for number in sorted({max(-(-size // chunk), team.size) for chunk in (*CHUNK_BYTES, size)}):
            yield f"{what}, {number} chunks, {team.size} threads", partial(team.run, self._work(number), number)

    def _work(self, number: int) -> Callable[[int], None]:
        """What moves one of `number` chunks: of all arrays together, so that a team meets once."""
        unmoved = [np.array_split(array, number) for array in self._inputs]
        rewritten, works = [], []
        for size in self._outputs:
            place = next((i for i, pieces in enumerate(unmoved) if _elements(pieces) == size), None)
            if place is None:
                works.append(_fill(np.array_split(np.zeros(size, np.float32), number)))
            else:
                rewritten.append(unmoved.pop(place))
        for pieces in rewritten:
            second = next((i for i, others in enumerate(unmoved) if _elements(others) == _elements(pieces)), None)
            works.append(_rewrite(pieces, None if second is None else unmoved.pop(second)))
        return _all([*works, *map(_read, unmoved)])


def _elements(pieces: Sequence[np.ndarray]) -> int:
    return sum(piece.size for piece in pieces)


def _timed(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
