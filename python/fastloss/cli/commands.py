"""Arguments in, exit codes out."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fastloss as fl

DEMO_NEEDS = ("rich", "sklearn")
INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended
READER_GONE = 141  # and for one whose output nobody reads any more


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code: 0, 1 for a failure, 2 for bad arguments."""
    if sys.stdout is None:  # whoever started this has closed it
        return fail("cannot write the output: stdout is closed")
    try:
        try:
            return dispatch(build_parser(), arguments)
        finally:  # also where --help or --version end the program
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("fastloss: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        discard_output()
        return READER_GONE
    except OSError as error:
        if error.filename is not None:  # of a file, while an error of the output names none
            raise
        discard_output()
        return fail(f"cannot write the output: {error.strerror}")


def fail(message: str) -> int:
    if sys.stderr is not None:  # print() would take stdout instead
        print(f"fastloss: {message}", file=sys.stderr)
    return 1


def discard_output() -> None:
    """Python flushes stdout once more on its way out, and would complain there."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Parser(argparse.ArgumentParser):
    def _print_message(self, message: str, file: Any = None) -> None:
        """argparse would ignore that its help cannot be written."""
        if stream := file or sys.stderr:
            stream.write(message)


def build_parser() -> argparse.ArgumentParser:
    result = Parser(
        prog="fastloss",
        description="Value and gradient of machine-learning losses on plain arrays.",
        allow_abbrev=False,
    )
    result.add_argument("--version", action="version", version=f"fastloss {fl.__version__}")
    result.add_argument(
        "--cmakedir",
        action="store_true",
        help="print the folder in which CMake's find_package(fastloss) finds the C++ library",
    )
    commands = result.add_subparsers(dest="command", metavar="command")
    commands.add_parser("losses", help="list the losses", allow_abbrev=False)
    commands.add_parser(
        "config", help="show version, compiler, instruction sets, threads and cache", allow_abbrev=False
    )
    demo = commands.add_parser(
        "demo", help="train on real data, then measure the throughput beside NumPy", allow_abbrev=False
    )
    demo.add_argument("--quick", action="store_true", help="fewer epochs and smaller arrays")
    demo.add_argument("--seed", type=seed, default=0, help="seed of everything random (default 0)")
    return result


def seed(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"must be between 0 and 2**32 - 1, got {text}")
    return value


def dispatch(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    options = parser.parse_args(arguments)
    if options.cmakedir:
        print(cmake_folder())
        return 0
    if options.command == "losses":
        print(loss_table())
        return 0
    if options.command == "config":
        fl.show_config()
        return 0
    if options.command == "demo":
        return demo(quick=options.quick, seed=options.seed)
    parser.error("a command is needed: losses, config or demo")


def cmake_folder() -> Path:
    return Path(fl.__file__).parent / "lib" / "cmake" / "fastloss"


def loss_table() -> str:
    """Every loss with its task and summary: a block of lines for each family, in columns that all of them share."""
    rows = [(" = ".join([info.name, *info.also_named]), info.task, info.summary) for info in fl.losses().values()]
    name_width, task_width = (max(len(row[i]) for row in rows) for i in range(2))
    lines: list[str] = []
    family = ""
    for row, info in zip(rows, fl.losses().values(), strict=True):
        if info.family != family:
            family = info.family
            lines += ["", family] if lines else [family]
        lines.append(f"  {row[0]:{name_width}}  {row[1]:{task_width}}  {row[2]}")
    return "\n".join(lines)


def demo(*, quick: bool, seed: int) -> int:
    missing = [name for name in DEMO_NEEDS if importlib.util.find_spec(name) is None]
    if missing:
        return fail("the demo needs rich and scikit-learn: pip install 'fastloss[demo]'")
    from fastloss.cli.demo import run

    run(quick=quick, seed=seed)
    return 0
