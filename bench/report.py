"""The table on the terminal."""

from __future__ import annotations

from collections.abc import Callable

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


def megabytes(count: int | None) -> str:
    """A number of bytes in millions."""
    return "-" if count is None else f"{count / 1e6:.1f}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _against(name: str, row: dict) -> str:
    """How many times faster fastloss is than a peer, with a mark on the fastest one."""
    peer = row["peers"].get(name)
    if peer is None:
        return "-"
    return _ratio(peer["ratio"]) + ("*" if name == row["fastest_peer"] else " ")


def _heading(rows: list[dict]) -> str:
    """The size, dtype, threads and instruction set of rows that share them."""
    first = rows[0]
    threads = f"{first['threads']} thread{'s' if first['threads'] > 1 else ''}"
    return f"{first['extent']}, {first['dtype']}, {threads}, fastloss on {first['isa']}"


def _names(rows: list[dict]) -> list[str]:
    """The peers that take part in some row."""
    return list(dict.fromkeys(name for row in rows for name in row["peers"]))


def _empty(title: str, headings: list[str]) -> Table:
    """A table of losses and modes with more columns."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("loss", overflow="fold")
    table.add_column("returns", no_wrap=True)
    for heading in headings:
        table.add_column(heading.replace(".", ".\n"), justify="right", no_wrap=True)
    return table


def _fill(table: Table, rows: list[dict], cells: Callable[[dict], list[str]]) -> Table:
    """A line for each row, a section for each loss."""
    previous = None
    for row in rows:
        if row["loss"] != previous and previous is not None:
            table.add_section()
        name = row["loss"] if row["loss"] != previous else ""
        table.add_row(name, row["mode"] + (" out=" if row["output"] == "out" else ""), *cells(row))
        previous = row["loss"]
    return table


def _times(rows: list[dict]) -> Table:
    """The rows of one size and number of threads."""
    names = _names(rows)

    def cells(row: dict) -> list[str]:
        own, floor = row["fastloss"], row["floor"]
        return [
            duration(own["median"]),
            duration(own["minimum"]),
            f"{own['gigabytes_per_second']:.1f}",
            "-" if floor is None else _ratio(floor["ratio"]),
            *(_against(name, row) for name in names),
        ]

    return _fill(_empty(_heading(rows), ["median", "minimum", "GB/s", "/ floor", *names]), rows, cells)


def _memory(rows: list[dict]) -> Table:
    """The memory of the same calls."""
    names = _names(rows)

    def cells(row: dict) -> list[str]:
        return [
            megabytes(figures.get("extra_memory"))
            for figures in (row["fastloss"], *(row["peers"].get(name, {}) for name in names))
        ]

    return _fill(_empty("MB beside operands and results", ["fastloss", *names]), rows, cells)


def show(result: dict, console: Console | None = None) -> None:
    """Print a table for each size and number of threads, and who is missing from it."""
    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, PLAIN_WIDTH)
    for key in dict.fromkeys((row["threads"], row["extent"]) for row in result["rows"]):
        rows = [row for row in result["rows"] if (row["threads"], row["extent"]) == key]
        console.print(_times(rows))
        if rows := [row for row in rows if "extra_memory" in row["fastloss"]]:
            console.print(_memory(rows))
    console.print(
        "/ floor: time of fastloss over the time to move the same bytes once. Under a peer: its time over that of "
        "fastloss, * on the fastest.\nBoth are medians over the rounds of the quotient within each round.",
        highlight=False,
    )
    for name, reason in result["missing_peers"].items():
        console.print(f"left out: {name} ({reason})", markup=False, highlight=False)
    for entry in result["unfit"]:
        console.print(
            f"not timed: {entry['peer']} {entry['loss']} ({entry['mode']}, {entry['extent']}, "
            f"{entry['threads']} threads): {entry['reason']}",
            markup=False,
            highlight=False,
        )
