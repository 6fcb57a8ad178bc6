"""The table on the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 140  # of a file or a pipe


def duration(seconds: float) -> str:
    """A time in the unit that suits it, with three digits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


def number(size: int | str) -> str:
    """A number of elements, with k or M where that is exact, or a shape."""
    if isinstance(size, str):
        return size
    for letter, scale in (("M", 1_000_000), ("k", 1_000)):
        if size % scale == 0:
            return f"{size // scale}{letter}"
    return str(size)


def unit(size: int | str) -> str:
    """What a size counts."""
    return " elements" if isinstance(size, int) else ""


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _against(name: str, row: dict) -> str:
    """How many times faster fastloss is than a peer, with a mark on the fastest one."""
    peer = row["peers"].get(name)
    if peer is None:
        return "-"
    return _ratio(peer["ratio"]) + ("*" if name == row["fastest_peer"] else " ")


def _table(rows: list[dict], names: list[str]) -> Table:
    """The rows of one size and number of threads."""
    first = rows[0]
    table = Table(
        title=f"{number(first['size'])}{unit(first['size'])}, {first['dtype']}, {first['threads']} thread"
        f"{'s' if first['threads'] > 1 else ''}, fastloss on {first['isa']}",
        title_justify="left",
        box=box.SIMPLE,
        padding=(0, 1, 0, 0),
    )
    table.add_column("loss", overflow="fold")
    table.add_column("returns", no_wrap=True)
    for heading in ("median", "minimum", "GB/s", "/ floor", *names):
        table.add_column(heading.replace(".", ".\n"), justify="right", no_wrap=True)
    previous = None
    for row in rows:
        own, floor = row["fastloss"], row["floor"]
        if row["loss"] != previous and previous is not None:
            table.add_section()
        table.add_row(
            row["loss"] if row["loss"] != previous else "",
            row["mode"] + (" out=" if row["output"] == "out" else ""),
            duration(own["median"]),
            duration(own["minimum"]),
            f"{own['gigabytes_per_second']:.1f}",
            "-" if floor is None else _ratio(floor["ratio"]),
            *(_against(name, row) for name in names),
        )
        previous = row["loss"]
    return table


def show(result: dict, console: Console | None = None) -> None:
    """Print a table for each size and number of threads, and who is missing from it."""
    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, PLAIN_WIDTH)
    names = list(dict.fromkeys(name for row in result["rows"] for name in row["peers"]))
    for key in dict.fromkeys((row["threads"], row["size"]) for row in result["rows"]):
        console.print(_table([row for row in result["rows"] if (row["threads"], row["size"]) == key], names))
    console.print(
        "/ floor: time of fastloss over the time to move the same bytes once. Under a peer: its time over that of "
        "fastloss, * on the fastest.\nBoth are medians over the rounds of the quotient within each round.",
        highlight=False,
    )
    for name, reason in result["missing_peers"].items():
        console.print(f"left out: {name} ({reason})", markup=False, highlight=False)
    for entry in result["unfit"]:
        console.print(
            f"not timed: {entry['peer']} {entry['loss']} ({entry['mode']}, {entry['size']}{unit(entry['size'])}, "
            f"{entry['threads']} threads): {entry['reason']}",
            markup=False,
            highlight=False,
        )
