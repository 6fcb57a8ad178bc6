"""What the demo shows: progress bars while it works, tables of what it measured."""

from __future__ import annotations

import time

import rich
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import fastloss as fl
from fastloss.cli.demo import diabetes, digits, throughput


def run(*, quick: bool, seed: int) -> None:
    """Runs the three parts and prints them; `quick` trains for fewer epochs and times smaller arrays."""
    console = rich.get_console()
    started = time.perf_counter()
    show_digits(console, epochs=20 if quick else 60, seed=seed)
    show_diabetes(console, splits=4 if quick else 20, seed=seed)
    show_throughput(console, elements=1_000_000 if quick else 4_000_000, rounds=15 if quick else 11, seed=seed)
    console.print(f"\nWhole demo: {time.perf_counter() - started:.1f} s.")


def progress_bar(console: Console, fields: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(fields),
        TimeElapsedColumn(),
        console=console,
    )


def table(title: str, *columns: str) -> Table:
    result = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        result.add_column(column, justify="left" if i == 0 else "right")
    return result


def show_digits(console: Console, *, epochs: int, seed: int) -> None:
    console.rule("1. Handwritten digits")
    console.print(
        "A NumPy network with one hidden layer learns scikit-learn's 8 x 8 digits. Its ten outputs are the scores of "
        "the ten digits: value and gradient come from cross_entropy.value_and_grad."
    )
    with progress_bar(console, "loss {task.fields[loss]:.4f}") as progress:
        task = progress.add_task("training", total=epochs, loss=float("nan"))
        result = digits.train_digits(
            epochs=epochs, seed=seed, on_epoch=lambda loss: progress.update(task, advance=1, loss=loss)
        )
    console.print(
        f"Trained on {result.train_images} images for {result.epochs} epochs in {result.seconds:.1f} s: the loss fell "
        f"from {result.losses[0]:.4f} to {result.losses[-1]:.4f}."
    )
    console.print(f"Accuracy on {result.test_images} images never seen in training: [bold]{result.accuracy:.2%}[/bold]")


def show_diabetes(console: Console, *, splits: int, seed: int) -> None:
    console.rule("2. Diabetes progression")
    console.print("Linear models predict the progression of diabetes in a year from ten measurements of each patient.")
    with progress_bar(console, "random splits") as progress:
        task = progress.add_task("fitting", total=splits)
        result = diabetes.fit_diabetes(splits=splits, seed=seed, on_split=lambda: progress.advance(task))
    console.print(
        f"Each split has {result.train_patients} patients to learn from and {result.test_patients} to be judged by. In "
        f"the corrupted training targets {result.corrupted} values are multiplied by {diabetes.CORRUPTION_FACTOR:g}, "
        "as a slipped decimal point would; the test targets stay as they are."
    )
    robust = table("Test error in units of the target", "trained with", "training targets", "RMSE", "mean |error|")
    for fit in result.robust:
        robust.add_row(fit.loss, fit.training_targets, f"{fit.rmse:.1f}", f"{fit.mae:.1f}")
    console.print(robust)
    own = result.variance
    variance = table(
        "gaussian_nll_loss: the model also predicts its own variance",
        *("test patients", "predicted deviation", "mean |error|"),
    )
    variance.add_row("the half it is sure of", f"{own.confident_deviation:.1f}", f"{own.confident_mae:.1f}")
    variance.add_row("the other half", f"{own.unsure_deviation:.1f}", f"{own.unsure_mae:.1f}")
    console.print(variance)
    console.print(
        f"{own.inside_90:.1%} of the test targets lie inside their predicted 90 % intervals. All figures are averages "
        "over the splits."
    )


def show_throughput(console: Console, *, elements: int, rounds: int, seed: int) -> None:
    console.rule("3. Throughput")
    with console.status("timing") as status:
        timings = throughput.time_losses(
            elements=elements, rounds=rounds, seed=seed, on_case=lambda name: status.update(f"timing {name}")
        )
    threads = fl.get_num_threads()
    speeds = table(
        "Value and gradient: billions of elements per second",
        *("loss", "NumPy", "1 thread", f"{threads} threads", "ratio"),
    )
    for t in timings:
        figures = [f"{t.elements / ms / 1e6:.3f}" for ms in (t.numpy_ms, t.one_thread_ms, t.all_threads_ms)]
        speeds.add_row(t.name, *figures, f"{t.numpy_ms / t.all_threads_ms:.1f}")
    console.print(speeds)
    console.print(
        f"{elements:,} float32 elements, results allocated by every call, medians of {rounds} rounds. The NumPy column "
        f"is the same formula written in NumPy, which uses one thread; the ratio compares it with fastloss on "
        f"{threads} threads."
    )
