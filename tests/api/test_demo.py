"""The command line and its demo, run for real."""

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl
from fastloss.cli import main
from fastloss.cli.demo import diabetes, digits, throughput


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "fastloss", *arguments], capture_output=True, text=True)


@pytest.fixture(scope="module")
def digits_result():
    return digits.train_digits(epochs=60, seed=0)


@pytest.fixture(scope="module")
def diabetes_result():
    return diabetes.fit_diabetes(splits=4, seed=0)


def test_digits_reach_the_accuracy(digits_result):
    assert digits_result.accuracy >= 0.97
    assert digits_result.train_images + digits_result.test_images == 1797
    assert digits_result.losses[-1] < 0.05 * digits_result.losses[0]


def test_digits_are_deterministic(digits_result):
    seen = []
    again = digits.train_digits(epochs=3, seed=0, on_epoch=seen.append)
    assert again.losses == seen == digits_result.losses[:3]
    assert digits.train_digits(epochs=3, seed=1).losses != again.losses


def test_huber_survives_what_ruins_mse(diabetes_result):
    fits = {(fit.loss, fit.training_targets): fit for fit in diabetes_result.robust}
    clean, ruined = fits["mse_loss", "clean"], fits["mse_loss", "corrupted"]
    assert ruined.rmse > 2 * clean.rmse
    for name in ("huber_loss", "l1_loss"):
        assert fits[name, "corrupted"].rmse < 1.1 * clean.rmse
        assert fits[name, "corrupted"].mae < 0.5 * ruined.mae
    assert diabetes_result.corrupted == round(0.1 * diabetes_result.train_patients)


def test_predicted_variance_tells_large_errors_from_small(diabetes_result):
    own = diabetes_result.variance
    assert own.confident_deviation < own.unsure_deviation
    assert own.confident_mae < own.unsure_mae
    assert 0.8 < own.inside_90 < 0.97


def test_throughput_compares_before_it_times():
    timings = throughput.time_losses(elements=20_000, rounds=1, seed=0)
    assert {t.name for t in timings} <= set(fl.losses())
    assert len(timings) == 4
    assert all(min(t.numpy_ms, t.one_thread_ms, t.all_threads_ms) > 0 for t in timings)
    ones = np.ones(4, np.float32)
    with pytest.raises(RuntimeError, match=r"some_loss: .*disagree"):
        throughput.check_equal("some_loss", (1.0, ones), (1.0, 2 * ones))
    with pytest.raises(RuntimeError, match=r"some_loss: .*disagree"):
        throughput.check_equal("some_loss", (1.0, ones), (1.1, ones))


def test_demo_command():
    result = run("demo", "--quick", "--seed", "3")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    accuracy = float(re.search(r"never seen in training: ([\d.]+)%", " ".join(result.stdout.split())).group(1))
    assert accuracy >= 97
    for name in (
        "cross_entropy.value_and_grad",
        "mse_loss",
        "huber_loss",
        "binary_cross_entropy_with_logits",
        "gaussian_nll_loss",
        "NumPy",
        "ratio",
    ):
        assert name in result.stdout
    seconds = float(re.search(r"Whole demo: ([\d.]+) s", result.stdout).group(1))
    assert seconds > 0


def test_losses_command_lists_the_registry_by_family():
    result = run("losses")
    assert (result.returncode, result.stderr) == (0, "")
    listed = {}
    for block in result.stdout.rstrip("\n").split("\n\n"):
        family, *rows = block.splitlines()
        listed[family] = {row.split()[0]: row for row in rows}
    assert [(family, name) for family, rows in listed.items() for name in rows] == [
        (info.family, name) for name, info in fl.losses().items()
    ]
    for name, info in fl.losses().items():
        row = listed[info.family][name]
        assert all(text in row for text in (*info.also_named, info.task, info.summary))
        assert row.index(info.summary) == result.stdout.splitlines()[1].index(next(iter(fl.losses().values())).summary)


def test_config_command():
    result = run("config")
    assert (result.returncode, result.stderr) == (0, "")
    assert fl.__version__ in result.stdout
    assert all(name.replace("_", " ") in result.stdout for name in fl.show_config(mode="dict"))


def test_version_and_help(capsys):
    for flag, expected in (("--version", fl.__version__), ("--help", "demo")):
        with pytest.raises(SystemExit, match=r"^0$"):
            main([flag])
        assert expected in capsys.readouterr().out


def test_cmakedir():
    result = run("--cmakedir")
    assert (result.returncode, result.stderr) == (0, "")
    assert (Path(result.stdout.strip()) / "fastlossConfig.cmake").is_file()


def test_entry_point():
    (script,) = importlib.metadata.distribution("fastloss").entry_points.select(group="console_scripts")
    assert script.name == "fastloss"
    assert script.load() is main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a command is needed"),
        (["demmo"], "invalid choice: 'demmo'"),
        (["demo", "--fast"], "unrecognized arguments: --fast"),
        (["demo", "--seed", "x"], "argument --seed: invalid seed value: 'x'"),
        (["demo", "--seed", "-1"], "argument --seed: must be between 0 and"),
        (["losses", "surplus"], "unrecognized arguments: surplus"),
    ],
)
def test_bad_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["rich", "sklearn"])
def test_demo_without_its_extra(missing, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["demo"]) == 1
    assert "pip install 'fastloss[demo]'" in capsys.readouterr().err


DEMO = "import runpy, sys; sys.argv = ['fastloss', 'demo']; runpy.run_module('fastloss', run_name='__main__')"


def test_interrupt_is_clean():
    with subprocess.Popen(
        # Where the tests themselves run in the background of a shell, they ignore the signal, and so would the child.
        [sys.executable, "-c", f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {DEMO}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=600)
    assert process.returncode == 130
    assert errors.strip() == "fastloss: interrupted"


PRINTING = [["losses"], ["config"], ["--cmakedir"], ["--version"], ["--help"], ["demo", "--quick"]]


def named(arguments):
    return " ".join(arguments)


@pytest.mark.parametrize("arguments", PRINTING, ids=named)
def test_closed_pipe_is_clean(arguments):
    with subprocess.Popen(
        [sys.executable, "-m", "fastloss", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        errors = process.stderr.read()
        process.wait()
    # rich ends the demo by itself.
    assert process.returncode == (1 if arguments[0] == "demo" else 141)
    assert errors == ""


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("arguments", PRINTING, ids=named)
def test_a_full_disk_is_reported(arguments, buffered):
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "fastloss", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"},
            text=True,
        )
    assert result.returncode == 1
    assert result.stderr == "fastloss: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
@pytest.mark.parametrize("arguments", PRINTING, ids=named)
def test_a_closed_output_is_reported(arguments, closed):
    command = f'exec "$@" {closed}'
    result = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "fastloss", *arguments],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    expected = "" if "2>" in closed else "fastloss: cannot write the output: stdout is closed\n"
    assert (result.stdout, result.stderr) == ("", expected)


def test_errors_of_files_are_not_taken_for_the_output(monkeypatch):
    def demo(**_):
        raise FileNotFoundError(2, "No such file or directory", "data.csv")

    monkeypatch.setattr("fastloss.cli.commands.demo", demo)
    with pytest.raises(FileNotFoundError):
        main(["demo"])
