"""The process that measures at one number of threads: `python -m bench.worker RESULT` with a plan on standard input.

A process has one number of threads for good, because JAX and OpenBLAS fix theirs when they are loaded, and because
JAX can only be limited through the CPUs that the process may use.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import sys
from pathlib import Path

from bench.cases import CASES
from bench.contestants import Fastloss, load_peers
from bench.measure import WrongResult, measure
from bench.plan import Plan


def available_cpus() -> list[int]:
    """The CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


# OpenBLAS lets idle threads spin for 2^26 clock ticks, into the time of the next contestant; 2^20 is half a
# millisecond, so they stay awake from one call to the next as they do by default.
SPIN_EXPONENT = 20


def environment(threads: int, isa: str | None) -> dict[str, str]:
    """The environment of a worker; the variables are read when the libraries are loaded."""
    variables = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    variables["OPENBLAS_THREAD_TIMEOUT"] = str(SPIN_EXPONENT)
    return {**os.environ, **variables, **({"FASTLOSS_ISA": isa} if isa else {})}


def confine(threads: int) -> None:
    """Keep the process on as many CPUs as it is to have threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, available_cpus()[:threads])


def work(plan: Plan) -> dict:
    """Everything of a plan: rows, who was left out, versions and the instruction set."""
    library = Fastloss(plan.threads)
    peers, missing = load_peers(plan.peers, plan.threads)
    gc.freeze()  # collections before each measurement need not look through the peers' modules
    result: dict = {
        "rows": [],
        "unfit": [],
        "wrong": [],
        "missing_peers": missing,
        "isa": library.isa,
        "versions": {contestant.name: contestant.version for contestant in (library, *peers)},
    }
    for option, sizes in plan.sizes.items():
        names = [name for name in plan.losses if CASES[name].sizes.option == option]
        for size, name in itertools.product(sizes, names):
            case = CASES[name]
            print(f"{plan.threads} threads, {case.sizes.words(size)}: {name}", file=sys.stderr, flush=True)
            try:
                measured = measure(plan, name, case, size, library, peers)
            except WrongResult as error:
                result["wrong"].append(str(error))
                continue
            result["rows"] += measured["rows"]
            result["unfit"] += measured["unfit"]
    return result


def main() -> int:
    """Read the plan, measure, write the result as JSON to the file named on the command line."""
    plan = Plan.from_json(json.load(sys.stdin))
    confine(plan.threads)
    try:
        result = work(plan)
    except ImportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    Path(sys.argv[1]).write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
