"""The command line: checks what is asked for, runs one process per number of threads, shows and saves the result."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.cases import CASES
from bench.contestants import PEERS
from bench.machine import describe
from bench.mode import MODES
from bench.plan import Plan
from bench.sampling import SPINNING
from bench.sizes import Size, Sizes
from bench.worker import available_cpus, environment

FORMAT = 2  # of the JSON; raised when a reader of older files would misunderstand
ROOT = Path(__file__).resolve().parent.parent

# These compile each function, which takes longer than all the rest of a quick run.
COMPILING = ("torch.compile", "jax")


class UsageError(Exception):
    """The command line asks for something that cannot be measured."""


def _names(option: str, text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The names in a comma-separated list; "all" and "none" stand for themselves."""
    if text == "all":
        return tuple(known)
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if names == ("none",):
        return ()
    for name in names:
        if name not in known:
            raise UsageError(f"{option}: {name!r} is not one of {', '.join(known)}")
    if not names:
        raise UsageError(f"{option}: nothing given; choose from {', '.join(known)}")
    return names


def kinds_of_sizes() -> tuple[Sizes, ...]:
    """The sizes that cases have; each kind has an option of its own."""
    return tuple(dict.fromkeys(case.sizes for case in CASES.values()))


def _sizes(kind: Sizes, text: str) -> tuple[Size, ...]:
    try:
        return tuple(dict.fromkeys(kind.parse(part) for part in text.split(",")))
    except ValueError as error:
        raise UsageError(f"--{kind.option}: {error}") from None


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise UsageError(f"{option}: {text!r} is not a list of positive numbers such as 1,2")
    return numbers


def parser() -> argparse.ArgumentParser:
    """The options of `python -m bench`."""
    result = argparse.ArgumentParser(
        prog="python -m bench",
        description="Times the losses of fastloss against NumPy, PyTorch, JAX, scikit-learn and the memory floor.",
    )
    add = result.add_argument
    add("--losses", default="all", metavar="A,B", help=f"what to measure (default all): {', '.join(CASES)}")
    for kind in kinds_of_sizes():
        add(f"--{kind.option}", dest=kind.option, metavar=kind.metavar, help=f"{kind.help} (default {kind.default})")
    add("--threads", metavar="N,M", help="numbers of threads (default 1,2, or 1 on a single CPU)")
    add("--modes", default="all", metavar="A,B", help=f"what a call returns (default all): {', '.join(MODES)}")
    add("--peers", metavar="A,B", help=f"all (default), none, or some of {', '.join(PEERS)}")
    add("--dtype", default="float32", choices=("float32", "float64"), help="of all operands (default float32)")
    add("--rounds", type=int, metavar="N", help="interleaved rounds (default 11)")
    add("--duration", type=float, metavar="MS", help="time for each contestant in each round, in ms (default 5)")
    add(
        "--quick",
        action="store_true",
        help="everything, in small sizes and few rounds, without peers that compile: shows that it works",
    )
    add("--isa", metavar="ISA", help="instruction set that fastloss has to use, such as v3 (default: its own choice)")
    add("--json", metavar="FILE", type=Path, help="save all figures")
    add("--plot", metavar="FILE", type=Path, help="save a picture of the ratios (the suffix decides the format: .png)")
    return result


def plans(options: argparse.Namespace) -> list[Plan]:
    """One plan per number of threads.

    Raises
    ------
    UsageError
        If an option names nothing that exists or asks for more than the machine has.
    """
    cpus = len(available_cpus())
    teams = "2" if options.quick else "1,2"
    threads = _numbers("--threads", options.threads or (teams if cpus > 1 else "1"))
    if max(threads) > cpus:
        raise UsageError(f"--threads: {max(threads)} threads need as many CPUs; this process may use {cpus}")
    quick_peers = ",".join(name for name in PEERS if name not in COMPILING)
    rounds = options.rounds if options.rounds is not None else (3 if options.quick else 11)
    duration = options.duration if options.duration is not None else (0.2 if options.quick else 5.0)
    if rounds < 1:
        raise UsageError(f"--rounds: at least 1, not {rounds}")
    if not 0 < duration < 1e5:
        raise UsageError(f"--duration: a positive number of milliseconds, not {duration}")
    if (modes := _names("--modes", options.modes, tuple(MODES))) == ():
        raise UsageError(f"--modes: choose from {', '.join(MODES)}")
    if (losses := _names("--losses", options.losses, tuple(CASES))) == ():
        raise UsageError(f"--losses: choose from {', '.join(CASES)}")
    common = {
        "losses": losses,
        "sizes": {
            kind.option: _sizes(kind, getattr(options, kind.option) or (kind.quick if options.quick else kind.default))
            for kind in kinds_of_sizes()
        },
        "modes": modes,
        "peers": _names("--peers", options.peers or (quick_peers if options.quick else "all"), tuple(PEERS)),
        "dtype": options.dtype,
        "rounds": rounds,
        "duration": duration / 1e3,
        "pause": 0.0 if options.quick else SPINNING,
    }
    for option in ("json", "plot"):
        path = getattr(options, option)
        if path is not None and not path.resolve().parent.is_dir():
            raise UsageError(f"--{option}: there is no directory {path.parent}")
    if importlib.util.find_spec("fastloss") is None:
        raise UsageError("fastloss is not installed in this environment; `pip install .` installs it")
    return [Plan(threads=number, **common) for number in threads]


def run_worker(plan: Plan, isa: str | None) -> dict:
    """Measure a plan in a process of its own.

    Raises
    ------
    UsageError
        If that process could not measure; it has said why.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "result.json"
        process = subprocess.run(
            [sys.executable, "-m", "bench.worker", str(path)],
            input=json.dumps(dataclasses.asdict(plan)),
            text=True,
            cwd=ROOT,
            env=environment(plan.threads, isa),
            check=False,
        )
        if process.returncode != 0 or not path.exists():
            raise UsageError(f"the measurement with {plan.threads} threads failed (exit status {process.returncode})")
        return json.loads(path.read_text())


def collect(plans: Sequence[Plan], isa: str | None) -> dict:
    """Run every plan and put the results together."""
    started = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    result: dict = {
        "format": FORMAT,
        "started": started,
        "machine": describe(len(available_cpus())),
        "plans": [dataclasses.asdict(plan) for plan in plans],
        "versions": {},
        "missing_peers": {},
        "unfit": [],
        "wrong": [],
        "rows": [],
    }
    for plan in plans:
        measured = run_worker(plan, isa)
        result["rows"] += [{"isa": measured["isa"]} | row for row in measured["rows"]]
        result["unfit"] += measured["unfit"]
        result["wrong"] += measured["wrong"]
        result["missing_peers"] |= measured["missing_peers"]
        result["versions"] |= measured["versions"]
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    options = parser().parse_args(arguments)
    missing = [
        name for name in ("rich", "matplotlib")[: 2 if options.plot else 1] if not importlib.util.find_spec(name)
    ]
    try:
        if missing:
            raise UsageError(
                f"{' and '.join(missing)} missing; `pip install '.[bench]'` installs what the benchmark uses"
            )
        result = collect(plans(options), options.isa)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    from bench.report import show

    show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.plot:
        from bench.plot import save

        save(result, options.plot)
    for wrong in result["wrong"]:
        print(f"error: {wrong}", file=sys.stderr)
    return 1 if result["wrong"] else 0
