"""The table on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table


def duration(seconds: float) -> str:
    """A time in the unit that suits it, with three digits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


def number(size: int) -> str:
    """A number of elements, with k or M where that is exact."""
    for letter, scale in (("M", 1_000_000), ("k", 1_000)):
        if size % scale == 0:
            return f"{size // scale}{letter}"
    return str(size)


def _against(name: str, row: dict) -> str:
    """How many times faster fastloss is than a peer, with a mark on the fastest one."""
    peer = row["peers"].get(name)
    if peer is None:
        return "-"
    text = f"{peer['ratio']:.2f}x"
    return f"[bold]{text}[/]" if name == row["fastest_peer"] else text


def show(result: dict, console: Console | None = None) -> None:
    """Print the table, and who is missing from it."""
    console = console or Console()
    names = list(dict.fromkeys(name for row in result["rows"] for name in row["peers"]))
    for threads in dict.fromkeys(row["threads"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["threads"] == threads]
        first = rows[0]
        table = Table(title=f"{first['dtype']}, {threads} threads, fastloss on {first['isa']}", title_justify="left")
        for heading in ("size", "loss", "returns", "gradient"):
            table.add_column(heading, no_wrap=True)
        for heading in ("median", "minimum", "GB/s", "x floor", *names):
            table.add_column(heading, justify="right", no_wrap=True)
        previous = None
        for row in rows:
            if (row["size"], row["loss"]) != previous:
                table.add_section()
                previous = (row["size"], row["loss"])
            floor, own = row["floor"], row["fastloss"]
            table.add_row(
                number(row["size"]),
                row["loss"],
                row["mode"],
                row["output"] if row["mode"] != "value" else "",
                duration(own["median"]),
                duration(own["minimum"]),
                f"{own['gigabytes_per_second']:.1f}",
                "-" if floor is None else f"{floor['ratio']:.2f}",
                *(_against(name, row) for name in names),
            )
        console.print(table)
    console.print(
        "x floor: fastloss over the time to move the same bytes once. Under a peer: its time over fastloss's, the "
        "median over rounds of the quotient within each round; bold marks the fastest peer."
    )
    for name, reason in result["missing_peers"].items():
        console.print(f"not installed: {name} ({reason})", markup=False)
    for entry in result["unfit"]:
        console.print(
            f"not timed: {entry['peer']} {entry['loss']} ({entry['mode']}, {entry['size']} elements, "
            f"{entry['threads']} threads): {entry['reason']}",
            markup=False,
        )
