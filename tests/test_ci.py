"""CI's own checks: a test that runs in no environment is found out, and the order of steps is what the README says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEVER_RUN = ROOT / ".ci" / "never_run.py"

SUITE = """
import os
import pytest

def test_of_everybody():
    pass

@pytest.mark.skipif(os.environ["PLACE"] == "first", reason="needs an oracle")
@pytest.mark.parametrize("x", [1, 2])
def test_with_an_oracle(x):
    pass
"""
SKIPPED = {
    "skip": "def test_left_out():\n    pytest.skip('some day')\n",
    "xfail": "@pytest.mark.xfail(strict=True)\ndef test_left_out():\n    assert False\n",
    "misspelt": "@pytest.mark.skipif(True, reason='needs torhc')\ndef test_left_out():\n    pass\n",
    "fixture": "@pytest.fixture\ndef f():\n    pytest.skip('no')\ndef test_left_out(f):\n    pass\n",
}


@pytest.fixture
def verdict(tmp_path):
    """Runs a suite in two environments, and tells the exit code of the check and what it printed."""

    def judge(suite):
        (tmp_path / "test_some.py").write_text(suite)
        for place in ("first", "second"):
            command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider"]
            command += [f"--junitxml={place}.xml", "test_some.py"]
            done = subprocess.run(
                command, cwd=tmp_path, env={**os.environ, "PLACE": place}, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
        command = [sys.executable, NEVER_RUN, "first.xml", "second.xml"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.stderr == ""
        return done.returncode, done.stdout

    return judge


def test_a_test_may_be_skipped_in_one_environment(verdict):
    assert verdict(SUITE) == (0, "3 tests; skipped in one environment after the other: 2, 0; in all of them: 0\n")


@pytest.mark.parametrize("kind", SKIPPED)
def test_a_test_that_runs_nowhere_is_found(verdict, kind):
    code, printed = verdict(SUITE + SKIPPED[kind])
    assert code == 1
    assert printed.splitlines()[1:] == ["never run: test_some::test_left_out"]


def test_reports_without_a_test_are_no_success(tmp_path):
    (tmp_path / "empty.xml").write_text("<testsuites></testsuites>")
    command = [sys.executable, NEVER_RUN, tmp_path / "empty.xml"]
    assert subprocess.run(command, capture_output=True).returncode == 1
