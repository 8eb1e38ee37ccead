"""The command line: `python -m model --help`.

Every command prints for a person, or with ``--json`` one JSON object as the last line of standard
output; progress and errors go to standard error. What goes wrong is one sentence and exit code 2.
Torch is imported by the command that needs it, so help answers at once.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from model.checkpoint.opening import OpeningSlice
    from model.checkpoint.previewing import Headers
    from model.language_model import LanguageModel

T = TypeVar("T")
Y = TypeVar("Y")

app = typer.Typer(
    help="Open, trace, train and score transformers, without a window.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Checkpoint = Annotated[
    Path,
    typer.Argument(metavar="PATH", help="a checkpoint: folder, file, run, or owner/name on a hub"),
]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object, last")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps")]
Dtype = Annotated[
    str | None, typer.Option(help="float32, float64, bfloat16 or float16; the file's if left out")
]
Threads = Annotated[int, typer.Option(min=0, help="processor threads; 0 takes all cores but one")]


@app.command()
def info(path: Checkpoint, as_json: AsJson = False) -> None:
    """What a checkpoint is: family, sizes, parameters by part."""
    from dataclasses import asdict

    from model.checkpoint.errors import TooLargeError
    from model.config_words import described

    with _one_sentence():
        lm: LanguageModel | Headers
        notes: tuple[str, ...]
        try:
            lm = _open(path, "cpu")
            notes = lm.notes
        except TooLargeError as error:
            lm = _headers(path)
            notes = (*lm.notes, f"Its weights were not read: {error}")
        tokenizer, n_params = lm.tokenizer, lm.config.n_params
        found = {
            "path": str(lm.path),
            "family": lm.family,
            "format": lm.format,
            "notes": list(notes),
            "dtype": _name(lm.dtype),
            "n_params": n_params,
            "parameters": lm.config.parameter_counts(),
            "tokenizer": tokenizer and {"kind": tokenizer.kind, "n_tokens": tokenizer.n_tokens},
            "config": asdict(lm.config),
        }
    if as_json:
        _print_json(found)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    kind = f"{tokenizer.kind}, {tokenizer.n_tokens:,} tokens" if tokenizer else "none: ids only"
    for label, value in (
        ("family", lm.family),
        ("format", lm.format),
        *(("note", note) for note in notes),
        ("path", str(lm.path)),
        ("tokenizer", kind),
        ("dtype", str(found["dtype"])),
        ("parameters", f"{n_params:,}"),
        *(
            (f"  {part}", f"{n:,}  {n / n_params:.1%}")
            for part, n in lm.config.parameter_counts().items()
        ),
        *described(lm.config).items(),
    ):
        table.add_row(label, value)
    Console().print(table)


@app.command(context_settings={"allow_extra_args": True})
def trace(
    context: typer.Context,
    path: Checkpoint,
    out: Annotated[Path, typer.Option(help="the safetensors file to write")],
    text: Annotated[str | None, typer.Option(help="the text to run")] = None,
    ids: Annotated[
        str | None, typer.Option(help='token ids to run, sequences apart by ";": "1,2,3;4,5,6"')
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(help='keep only these, for example "*.attn.hook_pattern"; several may follow'),
    ] = None,
    device: Device = "auto",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Run a text once and write every activation, under its TransformerLens name.

    The input ids are always among them, and the logits, or the last hidden state of a network
    without a head.
    """
    from model.operations import output_name

    with _one_sentence():
        prompt = _prompt("--text", text, ids)
        # "--names A B" reaches us as the option A and a stray argument B.
        if context.args and not names:
            raise ValueError(f"What is {' '.join(context.args)!r}? Names come after --names.")
        lm = _open(path, device, dtype, threads)
        _tell(lm, prompt, "--text")
        kept = [*names, *context.args, output_name(lm.config)] if names else None
        start = time.perf_counter()
        recorded = lm.trace(prompt, kept, lazy=kept is not None)
        seconds = time.perf_counter() - start
        recorded.save(out)
    shape = list(recorded.input_ids.shape)
    if as_json:
        _print_json(
            {
                "out": str(out),
                "names": list(recorded.names),
                "shape": shape,
                "seconds": seconds,
                "device": lm.device.name,
            }
        )
    else:
        print(f"{len(recorded)} activations of {shape[0]} × {shape[1]} tokens in {out}")


@app.command()
def generate(
    path: Checkpoint,
    prompt: Annotated[str | None, typer.Option(help="the text to continue")] = None,
    ids: Annotated[str | None, typer.Option(help='token ids to continue: "1,2,3"')] = None,
    max_new_tokens: Annotated[int, typer.Option(min=0, help="tokens at most")] = 50,
    temperature: Annotated[float, typer.Option(help="0 is greedy")] = 1.0,
    top_k: Annotated[int, typer.Option(help="draw from the k likeliest; 0: from all")] = 0,
    top_p: Annotated[float, typer.Option(help="draw from this much probability; 1: all")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="makes it repeatable")] = None,
    cache: Annotated[bool, typer.Option(help="keep keys and values of earlier tokens")] = True,
    device: Device = "auto",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Continue a text, or token ids, which are all there is without a tokenizer."""
    with _one_sentence():
        given = _prompt("--prompt", prompt, ids)
        lm = _open(path, device, dtype, threads)
        _tell(lm, given, "--prompt")
        prompt_ids = lm.ids(given)[0].tolist()
        tokenizer = lm.tokenizer
        console = Console(quiet=as_json, soft_wrap=True, highlight=False, markup=False)
        stream = lm.stream(given, max_new_tokens, temperature, top_k, top_p, seed, cache)

        def text_of(before: list[int], new: list[int]) -> str:
            if tokenizer is None:
                return "".join(f"{',' if before or i else ''}{id}" for i, id in enumerate(new))
            return tokenizer.decode_after(before, [i for i in new if i != tokenizer.end_of_text])

        start_text = text_of([], prompt_ids) if tokenizer is None else tokenizer.decode(prompt_ids)
        if prompt is not None:
            start_text = prompt
        console.print(start_text, end="", style="dim")
        start = time.perf_counter()
        new_ids: list[int] = []
        shown = ""
        while True:
            try:
                new_ids.append(next(stream))
            except StopIteration as stop:
                ended = stop.value
                break
            completion = text_of(prompt_ids, new_ids)
            # A token may end inside a character: wait for the rest of it.
            if not completion.endswith("\ufffd"):
                console.print(completion.removeprefix(shown), end="")
                shown = completion
        seconds = time.perf_counter() - start
        completion = text_of(prompt_ids, new_ids)
        console.print(completion.removeprefix(shown))
    if as_json:
        _print_json(
            {
                "prompt": None if tokenizer is None else start_text,
                "completion": None if tokenizer is None else completion,
                "text": None if tokenizer is None else start_text + completion,
                "prompt_ids": prompt_ids,
                "ids": new_ids,
                "ended": ended,
                "seconds": seconds,
                "tokens_per_second": len(new_ids) / seconds,
                "device": lm.device.name,
            }
        )


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="the run folder to write")],
    data: Annotated[
        str | None, typer.Option(help='a text file, or "world"; the preset\'s if left out')
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="char, bpe:SIZE, or a tokenizer's file or folder")
    ] = None,
    preset: Annotated[str, typer.Option(help="the recipe to start from")] = "minute",
    steps: Annotated[int | None, typer.Option(min=1, help="updates at most")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="seconds at most")] = None,
    target_val_loss: Annotated[
        float | None, typer.Option(help="stop once the validation loss is this low, in nats")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="of weights, data order and samples")] = None,
    device: Device = "auto",
    threads: Threads = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a model from a text; the run folder opens like any checkpoint."""
    with _one_sentence():
        from model.cli.training_display import run_from_command_line

        result = run_from_command_line(
            out=out,
            data=data,
            tokenizer=tokenizer,
            preset_name=preset,
            steps=steps,
            max_seconds=max_seconds,
            target_val_loss=target_val_loss,
            seed=seed,
            device=device,
            threads=threads,
            resume=resume,
        )
    if as_json:
        _print_json(result)
        return
    loss = "none measured" if result["val_loss"] is None else f"{result['val_loss']:.4f}"
    print(
        f"{result['steps']} steps in {result['seconds']:.1f} s, "
        f"{result['tokens_per_second']:,.0f} tokens/s, validation loss {loss}: {out}"
    )


@app.command()
def world(
    out: Annotated[Path, typer.Option(help="the text file to write")],
    tokens: Annotated[int, typer.Option(min=1, help="words and marks, at least")] = 100_000,
    seed: Annotated[int, typer.Option(help="the same seed gives the same text")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write text of the story world."""
    with _one_sentence():
        from model.world import count_tokens, write

        text = write(tokens, seed)
        raw = text.encode()
        beside = out.with_name(f".{out.name}.part")
        try:
            beside.write_bytes(raw)
            beside.replace(out)
        finally:
            beside.unlink(missing_ok=True)
        written = count_tokens(text)
    if as_json:
        _print_json({"out": str(out), "tokens": written, "bytes": len(raw), "seed": seed})
    else:
        print(f"{written:,} words and marks, {len(raw):,} bytes in {out}")


@app.command()
def score(
    path: Checkpoint, device: Device = "auto", threads: Threads = 0, as_json: AsJson = False
) -> None:
    """Ask a model what it knows of the story world."""
    with _one_sentence():
        from model.probe.score import score as ask

        scores = ask(_open(path, device, None, threads)).as_json()
    if as_json:
        _print_json(scores)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    counts = scores.get("n")
    for name, value in scores.items():
        if isinstance(value, float | None):
            n = counts.get(name, "") if isinstance(counts, dict) else ""
            table.add_row(name, "none asked" if value is None else f"{value:.3f}", f"[dim]{n}")
    Console().print(table)


@app.command()
def verify(
    path: Checkpoint,
    tokens: Annotated[int, typer.Option(min=1, help="how many tokens to run")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="the tokens are drawn with")] = 0,
    write_reference: Annotated[
        bool, typer.Option("--write-reference", help="write what transformers computes beside PATH")
    ] = False,
    device: Device = "cpu",
    dtype: Dtype = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Compare a model with what transformers computes from it, or with a reference file.

    Exit code 1 if they differ by more than rounding, 2 if nothing can be compared.
    """
    with _one_sentence():
        from dataclasses import asdict

        from model.checkpoint import verify as comparing
        from model.device import default_threads

        lm = _open(path, device, dtype, threads)
        _say(lm.notes)
        n_threads = threads or default_threads()
        if write_reference:
            written = _finish(comparing.write_reference(lm, tokens, seed, n_threads), _unhurried)
            if as_json:
                _print_json({"reference": str(written)})
            else:
                print(written)
            return
        found = _finish(comparing.verify(lm, tokens, seed, n_threads), _unhurried)
    what = "logit" if found.compared == "logits" else "number of the last hidden state"
    if as_json:
        about = {"path": str(lm.path), "family": lm.family, "equal": found.equal}
        _print_json(asdict(found) | about)
    else:
        _say(found.notes)
        print(
            f"{'equals' if found.equal else 'differs from'} {found.against}: the largest "
            f"difference of a {what} is {found.max_abs_logit_difference:.2g} over "
            f"{found.n_tokens} tokens in {found.dtype} (up to {found.tolerance:.2g} is rounding)"
        )
    if not found.equal:
        raise typer.Exit(1)


@app.command()
def convert(
    path: Checkpoint,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder to write")],
    dtype: Dtype = None,
    as_json: AsJson = False,
) -> None:
    """Write a model of any format as a Hugging Face folder that transformers loads."""
    with _one_sentence():
        from model.checkpoint import save_checkpoint

        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ValueError(f"{out} exists and is not empty; choose a new folder.")
        start = time.perf_counter()
        lm = _open(path, "cpu", dtype)
        _say(lm.notes)
        save_checkpoint(out, lm.transformer, lm.tokenizer, family=lm.family)
        files = {file.name: file.stat().st_size for file in sorted(out.iterdir())}
    seconds = time.perf_counter() - start
    if as_json:
        found = {"out": str(out), "family": lm.family, "n_params": lm.n_params, "files": files}
        _print_json(found | {"dtype": _name(lm.dtype), "seconds": seconds})
    else:
        print(
            f"{lm.family}, {lm.n_params:,} parameters in {_name(lm.dtype)}, "
            f"{sum(files.values()):,} bytes in {out}"
        )


def _finish(steps: Generator[Y, None, T], say: Callable[[Y], str] | None = None) -> T:
    """Go through something long, telling on standard error what is being done."""
    said = ""
    try:
        while True:
            step = next(steps)
            doing = "" if say is None else say(step)
            if doing != said:
                print(doing, file=sys.stderr)
                said = doing
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        steps.close()


def _unhurried(what: str) -> str:
    """What a comparison does; it waits for another process, so there is no hurry."""
    time.sleep(0.02)
    return what


def _name(dtype: object) -> str:
    return str(dtype).removeprefix("torch.")


def _open(path: Path, device: str, dtype: str | None = None, threads: int = 0) -> LanguageModel:
    from model.device import default_threads, set_threads
    from model.hub import is_hub_name
    from model.language_model import opening_model

    set_threads(threads or default_threads())
    steps = opening_model(path, device, dtype)
    return _finish(steps, _fetched if is_hub_name(str(path)) else None)


def _headers(path: Path) -> Headers:
    from model.checkpoint.previewing import headers
    from model.hub import is_hub_name
    from model.hub.known import cached_folder

    fetched = cached_folder(str(path)) if is_hub_name(str(path)) else None
    return headers(fetched or path)


def _fetched(step: OpeningSlice) -> str:
    """A line for every file, and for every tenth of it."""
    if not step.total_bytes:
        return step.what
    tenths = 10 * step.done_bytes // step.total_bytes
    return f"{step.what}, {10 * tenths} % of {step.total_bytes / 1e6:,.1f} MB in all"


def _prompt(option: str, text: str | None, ids: str | None) -> str | list[list[int]]:
    """What is to be run: a text, or sequences of ids."""
    if text is not None and ids is None:
        return text
    if ids is not None and text is None:
        return _parse_ids(ids)
    raise ValueError(f"Give either {option} or --ids.")


def _tell(lm: LanguageModel, prompt: str | list[list[int]], option: str) -> None:
    """Say on standard error what a person should know of a model, and of a text in its tokens."""
    notes = lm.notes
    if isinstance(prompt, str):
        if lm.tokenizer is None:
            raise ValueError(
                f"{lm.path} has no tokenizer, so it takes no text: give token ids instead of "
                f"{option}, for example --ids 1,2,3."
            )
        notes += lm.tokenizer.encode(prompt).notes
    _say(notes)


def _say(notes: tuple[str, ...]) -> None:
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


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Turn what a person can mend into its sentence; a bug keeps its traceback."""
    try:
        yield
    except Exception as error:
        ours = type(error).__module__.startswith("model.")
        if not ours and not isinstance(error, ValueError | KeyError | OSError):
            raise
        sentence = str(error)
        if isinstance(error, KeyError):  # whose str() is a quotation
            sentence = str(error.args[0])
        elif isinstance(error, OSError) and error.filename:
            sentence = f"{Path(error.filename).parent}: {error.strerror}."
        print(" ".join(sentence.split()), file=sys.stderr)
        raise typer.Exit(2) from None


def _print_json(value: dict[str, Any]) -> None:
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


def main() -> None:
    """Run the command that the arguments name."""
    app(prog_name="python -m model")
