"""A run in forms that others read: numbers as CSV or TensorBoard's events, the network at a step.

TensorBoard's files are written by tensorboardX, which is small and knows their format; the package
is asked for only here. Knows run folders; no window.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

from model.train.events import Prepared
from model.train.metrics import MEASURES
from model.train.run_folder import METRICS_FILE, RUN_FILE, RunError, read_recipe, whole_lines
from model.train.samples import read_samples
from model.whole_file import write_whole
from model.whole_folder import whole_folder

ROWS_A_SLICE = 500
NEEDS_TENSORBOARDX = (
    "TensorBoard's events are written by the package tensorboardX, which is not installed: "
    "pip install tensorboardX. The same numbers are in the run's metrics.csv."
)


def write_csv(run_dir: Path, out: Path) -> Path:
    """The run's numbers, a row a step; what is only half written is left out.

    Raises:
        RunError: there are none.
        WriteError: the disk refuses.
    """
    lines = _lines(run_dir)
    write_whole(out, "".join(f"{line}\n" for line in lines), ordinary=True)
    return out


def writing_events(run_dir: Path, out: Path) -> Generator[Prepared, None, Path]:
    """Write a folder that TensorBoard reads: every number of the run over its steps, its samples.

    Args:
        run_dir: of the run, which may still be going on.
        out: the folder to make: it must not exist, or be empty. It appears whole or not at all.

    Yields:
        Signs of progress.

    Returns:
        The folder.

    Raises:
        RunError: tensorboardX is not there, the run has no numbers, the folder is taken, or the
            disk refuses.
    """
    try:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import scalar, text
    except ImportError as error:
        raise RunError(NEEDS_TENSORBOARDX) from error
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} exists and is not empty. Choose a new folder.")
    header, *lines = _lines(run_dir)
    names = header.split(",")
    if not lines or "step" not in names:
        raise RunError(f"{run_dir} has measured nothing yet, so there is nothing to write.")
    began = (run_dir / RUN_FILE).stat().st_mtime
    try:
        with whole_folder(out) as beside, closing(EventsWriter(str(beside / "events"))) as writer:
            seconds = 0.0

            def add(summary: Any, step: int) -> None:
                writer.write_event(Event(wall_time=began + seconds, step=step, summary=summary))

            add(text("recipe", _as_markdown(read_recipe(run_dir).to_toml())), 0)
            for n, line in enumerate(lines):
                row = dict(zip(names, line.split(","), strict=True))
                step, seconds = int(row["step"]), float(row.get("seconds") or seconds)
                for name, cell in row.items():
                    if cell and name not in ("step", "seconds"):
                        add(scalar(_tag(name), float(cell)), step)
                if n % ROWS_A_SLICE == 0:
                    yield Prepared("Writing TensorBoard events", n / len(lines))
            for sample in read_samples(run_dir, step):
                add(text("sample", _as_markdown(sample.text)), sample.step)
    except ValueError as error:
        raise RunError(f"{run_dir / METRICS_FILE} is damaged: {error}.") from error
    except OSError as error:
        raise RunError(f"{out} can't be written: {error.strerror or error}.") from error
    return out


def exporting_model(run_dir: Path, step: int, out: Path) -> Generator[Prepared, None, str]:
    """Write the network of a step as a Hugging Face folder, also where it has no snapshot.

    Returns:
        What a person should know of how its weights were had; mostly nothing.

    Raises:
        RunError: nothing near enough is kept of that step.
        CheckpointError: the folder is taken, or the disk refuses.
    """
    import torch

    from model.checkpoint import save_checkpoint
    from model.checkpoint.errors import CheckpointError
    from model.checkpoint.fitting import note_of
    from model.tokenizer.tokenizer import Tokenizer
    from model.train.branching.departure import finding
    from model.train.branching.record import Departure
    from model.train.tuning import base_of
    from model.train.under import extra_of
    from model.transformer import Transformer

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CheckpointError(f"{out} exists and is not empty. Choose a new folder.")
    recipe, tokenizer = read_recipe(run_dir), Tokenizer.from_folder(run_dir)
    found = yield from finding(Departure(str(run_dir), step), recipe)
    with torch.random.fork_rng(devices=[]):
        base = base_of(recipe, run_dir)
        config = recipe.config(tokenizer.n_tokens) if base is None else base.config
        transformer = Transformer(config, empty=True)
    transformer.load_state_dict(found.weights)
    under = recipe.interventions(transformer.config.n_layers)
    family = None if base is None else base.family
    save_checkpoint(out, transformer.eval(), tokenizer, extra_of(step, under), family)
    notes = [found.note] if found.optimiser_is == "repeated" else []
    return " ".join((*notes, *note_of(extra_of(step, under))))


def _lines(run_dir: Path) -> list[str]:
    try:
        return whole_lines(run_dir / METRICS_FILE)
    except OSError as error:
        reason = error.strerror or error
        raise RunError(f"{run_dir} has no readable {METRICS_FILE}: {reason}.") from error
    except ValueError as error:
        raise RunError(f"{run_dir / METRICS_FILE} is damaged: {error}.") from error


def _tag(name: str) -> str:
    """Losses lie in one group of TensorBoard's, all else in another."""
    unit = next((measure.unit for measure in MEASURES if measure.name == name), "")
    return f"loss/{name}" if unit == "nats per token" else f"run/{name}"


def _as_markdown(written: str) -> str:
    """Text as it is: TensorBoard reads Markdown, where four spaces begin what is not read."""
    return "".join(f"    {line}\n" for line in written.splitlines())
