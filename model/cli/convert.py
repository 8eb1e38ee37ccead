"""`python -m model convert`: any checkpoint as a Hugging Face folder."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from model.cli.common import (
    AsJson,
    Checkpoint,
    Dtype,
    dtype_name,
    one_sentence,
    opened,
    print_json,
    say,
)

if TYPE_CHECKING:
    from model.language_model import LanguageModel


def command(
    path: Checkpoint,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder to write")],
    dtype: Dtype = None,
    as_json: AsJson = False,
) -> None:
    """Write a model of any format as a Hugging Face folder that transformers loads.

    Also the saved state of a run (its folder "state"), whole or in shards of several processes.
    """
    with one_sentence():
        from model.checkpoint import save_checkpoint
        from model.checkpoint.errors import NoRoomError

        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ValueError(f"{out} exists and is not empty; choose a new folder.")
        start = time.perf_counter()
        state = _state_of_a_run(path)
        lm = opened(path, "cpu", dtype) if state is None else state
        say(lm.notes)
        written = lm.dtype_to_save
        try:
            save_checkpoint(
                out, lm.transformer, lm.tokenizer, family=lm.family, dtype=written, ends=lm.ends
            )
        except NoRoomError as error:
            raise NoRoomError(f"{error} A smaller --dtype takes less.") from error
        files = {file.name: file.stat().st_size for file in sorted(out.iterdir())}
    seconds = time.perf_counter() - start
    if as_json:
        found = {"out": str(out), "family": lm.family, "n_params": lm.n_params, "files": files}
        print_json(found | {"dtype": dtype_name(written), "seconds": seconds})
    else:
        print(
            f"{lm.family}, {lm.n_params:,} parameters in {dtype_name(written)}, "
            f"{sum(files.values()):,} bytes in {out}"
        )


def _state_of_a_run(path: Path) -> LanguageModel | None:
    """The model in a run's saved state, which may lie in the shards of several processes."""
    from model.train.saved_network import run_of_state, saved_network

    if run_of_state(path) is None:
        return None
    from model.checkpoint.families import family_for
    from model.device import DeviceChoice
    from model.language_model import LanguageModel

    step, transformer, tokenizer = saved_network(path)
    print(f"The state of step {step:,}.", file=sys.stderr)
    return LanguageModel(
        transformer=transformer,
        tokenizer=tokenizer,
        path=path,
        family=family_for(transformer.config),
        device=DeviceChoice("cpu", "where it is put together"),
    )
