"""What several verbs share: arguments, opening, and how results and refusals are told.

A result is printed for a person, or with ``--json`` as one JSON object, the last line of standard
output; progress and errors go to standard error. What goes wrong is one sentence and exit code 2.
Torch is imported when a model is opened, so help answers at once.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from model.cli.output import OutputError
from model.cli.shortage import shortage
from model.preview import file_size
from model.slices import finish

if TYPE_CHECKING:
    from model.checkpoint.opening import OpeningSlice
    from model.language_model import LanguageModel

T = TypeVar("T")
Y = TypeVar("Y")

Checkpoint = Annotated[
    Path,
    typer.Argument(metavar="PATH", help="a checkpoint: folder, file, run, or owner/name on a hub"),
]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object, last")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps")]
Dtype = Annotated[
    str | None,
    typer.Option(
        help="float32, float64, bfloat16 or float16; the file's if left out, or float32 where the "
        "processor is slow at it"
    ),
]
Threads = Annotated[int, typer.Option(min=0, help="processor threads; 0 takes all cores but one")]


def progressing(steps: Generator[Y, None, T], saying: Callable[[Y], str]) -> T:
    """Go through something long, telling on standard error what is being done."""
    said = ""

    def tell_once(step: Y) -> None:
        nonlocal said
        doing = saying(step)
        if doing != said:
            print(doing, file=sys.stderr)
            said = doing

    return finish(steps, tell_once)


def dtype_name(dtype: object) -> str:
    """A dtype of torch's without its ``torch.``."""
    return str(dtype).removeprefix("torch.")


def opened(path: Path, device: str, dtype: str | None = None, threads: int = 0) -> LanguageModel:
    """The model at a path or a name on a hub, whose fetching is told."""
    from model.device import default_threads, set_threads
    from model.hub import is_hub_name
    from model.language_model import opening_model

    set_threads(threads or default_threads())
    steps = opening_model(path, device, dtype)
    return progressing(steps, _fetched) if is_hub_name(str(path)) else finish(steps)


def _fetched(step: OpeningSlice) -> str:
    """A line for every file, and for every tenth of it."""
    if not step.total_bytes:
        return step.what
    tenths = 10 * step.done_bytes // step.total_bytes
    return f"{step.what}, {10 * tenths} % of {file_size(step.total_bytes)} in all"


def prompt_of(option: str, text: str | None, ids: str | None) -> str | list[list[int]]:
    """What is to be run: a text, or sequences of ids."""
    if text is not None and ids is None:
        return text
    if ids is not None and text is None:
        return _parse_ids(ids)
    raise ValueError(f"Give either {option} or --ids.")


def tell(lm: LanguageModel, prompt: str | list[list[int]], option: str) -> None:
    """Say on standard error what a person should know of a model, and of a text in its tokens."""
    notes = lm.notes
    if isinstance(prompt, str):
        if lm.tokenizer is None:
            raise ValueError(
                f"{lm.path} has no tokenizer, so it takes no text: give token ids instead of "
                f"{option}, for example --ids 1,2,3."
            )
        notes += lm.tokenizer.encode(prompt).notes
    say(notes)


def say(notes: tuple[str, ...]) -> None:
    """Sentences on standard error, a line each."""
    for note in notes:
        print(note, file=sys.stderr)


def _parse_ids(text: str) -> list[list[int]]:
    """Ids apart by commas, sequences apart by semicolons."""
    try:
        return [[int(id) for id in row.split(",")] for row in text.split(";")]
    except ValueError as error:
        raise ValueError(
            f'--ids {text!r} are no token ids; "1,2,3" or "1,2,3;4,5,6" are.'
        ) from error


def tell_written(out: Path, sentence: str) -> None:
    """Say what was written; not into it, where that is standard output."""
    try:
        itself = os.path.samestat(out.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):  # gone since, or a stream that is no file
        itself = False
    print(sentence, file=sys.stderr if itself else sys.stdout)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn what a person can mend into its sentence; a bug keeps its traceback."""
    try:
        yield
    except (BrokenPipeError, OutputError):  # told once, at the end: see `model.cli.output`
        raise
    except Exception as error:
        if shortage(error) is not None:
            raise  # said by who called the verb, in the same way for all of them
        ours = type(error).__module__.startswith("model.")
        if not ours and not isinstance(error, ValueError | KeyError | OSError):
            raise
        sentence = str(error)
        if isinstance(error, KeyError):  # whose str() is a quotation
            sentence = str(error.args[0])
        elif isinstance(error, OSError) and error.filename and not ours:
            sentence = f"{Path(error.filename).parent}: {error.strerror}."
        print(" ".join(sentence.split()), file=sys.stderr)
        raise typer.Exit(2) from None


def print_json(value: dict[str, Any]) -> None:
    """A result, in one line."""
    print(json.dumps(_finite(value)))


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: null stands for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


@contextmanager
def each_says_its_own() -> Iterator[None]:
    """Of processes that train together only the one that fails says why; all end."""
    try:
        yield
    except ValueError as error:
        from model.train.processes.group import OtherEndedError

        if isinstance(error, OtherEndedError):
            raise typer.Exit(2) from None
        raise
