"""In which sizes a problem can be had, and how the command line asks for them."""

from __future__ import annotations

from dataclasses import dataclass

Size = tuple[int, ...]

SUFFIXES = {"k": 1_000, "m": 1_000_000}
SHORTENED = 10_000  # smaller extents are written out


@dataclass(frozen=True)
class Sizes:
    """The sizes of one kind of problem. A size is a shape, and the kind of problem knows what its extents mean.

    Parameters
    ----------
    option
        The option of the command line that asks for some, without its dashes.
    metavar, help
        What `--help` says of the option.
    ranks
        How many extents a size may have.
    meaning
        What the text of a size has to be, for the message about one that is not.
    default, quick
        What is measured if nothing is asked for, and in a quick run.
    unit
        What stands behind a size where it is shown.
    """

    option: str
    metavar: str
    help: str
    ranks: range
    meaning: str
    default: str
    quick: str
    unit: str = ""

    def parse(self, text: str) -> Size:
        """The size in a text such as 10m or 8192x1000; a ValueError says what a text that is none would have to be."""
        try:
            size = tuple(_extent(part) for part in text.strip().lower().split("x"))
        except ValueError:
            size = ()
        if len(size) not in self.ranks or min(size) < 1:
            raise ValueError(f"{text!r} is not {self.meaning}")
        return size

    def words(self, size: Size) -> str:
        """A size as `parse` takes it, with what it counts."""
        return "x".join(map(_number, size)) + self.unit


def _extent(text: str) -> int:
    return int(text[:-1]) * SUFFIXES[text[-1]] if text[-1:] in SUFFIXES else int(text)


def _number(extent: int) -> str:
    """An extent, with M or k where that is exact."""
    for letter, scale in (("M", 1_000_000), ("k", 1_000)):
        if extent >= SHORTENED and extent % scale == 0:
            return f"{extent // scale}{letter}"
    return str(extent)
