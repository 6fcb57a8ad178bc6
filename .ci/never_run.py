"""Fails where a test was skipped, or expected to fail, in every environment that it was selected in.

    python .ci/never_run.py FIRST.xml SECOND.xml ...

Each file is what `pytest --junitxml` wrote in one environment.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree


def outcomes(path: Path) -> dict[str, bool]:
    """Of every test in a report: whether it ran to a verdict."""
    cases = ElementTree.parse(path).iter("testcase")
    return {f"{case.get('classname')}::{case.get('name')}": case.find("skipped") is None for case in cases}


def main(paths: list[str]) -> int:
    reports = [outcomes(Path(path)) for path in paths]
    tests = set().union(*reports)
    never = sorted(test for test in tests if not any(report.get(test, False) for report in reports))
    skipped = ", ".join(str(sum(not ran for ran in report.values())) for report in reports)
    print(f"{len(tests)} tests; skipped in one environment after the other: {skipped}; in all of them: {len(never)}")
    for test in never:
        print(f"never run: {test}")
    return 1 if never or not tests else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
