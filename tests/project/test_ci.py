"""CI's own checks find out a test that runs in no environment, other bits, and other counts of instructions."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
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


def script(name):
    """A script of CI as a module."""
    spec = importlib.util.spec_from_file_location(f"ci_{name}", ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_counts_of_instructions_are_compared():
    compare = script("instructions").compare
    kept = {"a": 1000, "b": 1000}
    assert compare(kept, {"a": 1029, "b": 971}) == []
    assert compare(kept, {"a": 1031, "b": 1000}) == ["a: 1000 -> 1031 (+3.1%)"]
    assert compare(kept, {"a": 1000, "b": 960}) == ["b: 1000 -> 960 (-4.0%)"]
    assert compare(kept, {"a": 1000}) == ["b: in instructions.json, and no call"]
    assert compare(kept, {"a": 1000, "b": 1000, "c": 1}) == ["c: not in instructions.json"]


def test_every_counted_call_is_kept_and_can_be_made():
    instructions = script("instructions")
    names = []
    for name, _, call in instructions.calls():
        call()
        names.append(name)
    assert names == list(json.loads(instructions.KEPT.read_text()))
    assert len(names) >= 30
    assert shutil.which("valgrind"), "valgrind counts the instructions, and is not installed"


def run_digests(*arguments):
    command = [sys.executable, ROOT / ".ci" / "digests.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_digests_of_results(tmp_path):
    recorded, loss = tmp_path / "digests.json", ("--losses", "mse_loss")
    assert run_digests("record", recorded, *loss)[0] == 0
    code, printed = run_digests("compare", recorded, *loss)
    assert (code, printed.splitlines()[-1]) == (0, "0 differ")
    found = json.loads(recorded.read_text())
    assert len(found["digests"]) > 500
    name = "mse_loss (7,) float32, plain: mean, 1 threads"
    found["digests"][name] = "0" * 16
    recorded.write_text(json.dumps(found))
    code, printed = run_digests("compare", recorded, *loss)
    assert code == 1
    assert f"differs: {name}: 0000000000000000 -> " in printed
