"""Jobs of fine-tuning: two continuations to choose from, choices on disk, what a run changed.

Knows messages and the models that are held; no queue, no thread, no Qt.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.job import Job, RequestError
from model.engine.workplace import Workplace

if TYPE_CHECKING:
    from model.language_model import LanguageModel
    from model.train.preferences import Preference
    from model.transformer import Transformer

MOST_TRIES = 4
"""Draws of the second text: a model that is sure writes the same again."""


def draw_pair(request: m.DrawPair, place: Workplace) -> Job:
    """Answers `DrawPair`."""
    lm, model_id = place.lm, place.model_id
    if lm.tokenizer is None or lm.config.no_continuation:
        raise RequestError("This model continues no text, so there is nothing to prefer.")
    if not request.text:
        raise RequestError("There is no prompt to continue: type one first.")
    n_ctx = lm.config.n_ctx
    if len(lm.tokenizer.encode(request.text).ids) >= n_ctx:
        raise RequestError(
            f"The prompt fills the model's context of {n_ctx:,} tokens: there is no room for a "
            "continuation. Shorten it."
        )
    yield m.Activity(request_id=request.id, what="drawing two texts")
    one = yield from _drawn(lm, request, 0)
    other = one
    for more in range(1, MOST_TRIES + 1):
        other = yield from _drawn(lm, request, more)
        if other != one:
            break
    if not one or not other or one == other:
        raise RequestError(
            "Both continuations are the same: the model is sure of this one. Raise the "
            "temperature, or take another prompt."
        )
    yield m.PairDrawn(
        request_id=request.id, text=request.text, one=one, other=other, model_id=model_id
    )


def _drawn(
    lm: LanguageModel, request: m.DrawPair, more: int
) -> Generator[m.Result | None, None, str]:
    import numpy as np

    from model.generate import generate

    assert lm.tokenizer is not None
    prompt = list(lm.tokenizer.encode(request.text).ids)
    ids = list(prompt)
    for step in generate(
        lm.transformer,
        prompt,
        request.max_new_tokens,
        request.sampling,
        np.random.default_rng((request.seed, more)),
        stop_ids=lm.ends,
    ):
        if step.token_id not in lm.ends:
            ids.append(step.token_id)
        yield None
    whole, begun = lm.tokenizer.decode(ids), lm.tokenizer.decode(prompt)
    return whole[len(begun) :]


def write_choices(request: m.WriteChoices, place: Workplace) -> Job:
    """Answers `WriteChoices`."""
    from model.train.preferences import write_preferences

    path = Path(request.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = write_preferences(path, request.choices)
    except OSError as error:
        raise RequestError(f"{path} can't be written: {error.strerror or error}.") from error
    yield m.ChoicesWritten(request_id=request.id, path=str(written))


def read_tuning(request: m.ReadTuning, place: Workplace) -> Job:
    """Answers `ReadTuning`."""
    from model.checkpoint import CheckpointError
    from model.slices import retold
    from model.train.margins_file import read_margins
    from model.train.moved import moving
    from model.train.run_folder import RunError, read_recipe, snapshots
    from model.train.whole_snapshot import is_whole

    run_dir = Path(request.run_dir)
    try:
        recipe = read_recipe(run_dir)
        kept = [(step, path) for step, path in snapshots(run_dir) if is_whole(path)]
        if len(kept) < 2:
            raise RunError("What it changed is known once a step after the first one is kept.")
        margins = read_margins(run_dir)
        choices = _choices(recipe.data) if recipe.objective == "preferences" else ()
        yield m.Activity(request_id=request.id, what="comparing weights")
        before = yield from _opened(kept[0][1])
        after = yield from _opened(kept[-1][1])
        moved = yield from retold(
            moving(before, after),
            lambda done: m.Progress(
                request_id=request.id,
                what="comparing weights",
                done=round(1000 * done),
                total=1000,
            ),
        )
    except (ValueError, CheckpointError) as error:  # each has its sentence
        yield m.TuningRead(request_id=request.id, run_dir=request.run_dir, problem=str(error))
        return
    yield m.TuningRead(
        request_id=request.id,
        run_dir=request.run_dir,
        step=kept[-1][0],
        moved=moved,
        margins=margins,
        choices=choices,
    )


def _opened(path: Path) -> Generator[m.Result | None, None, Transformer]:
    """The network of a snapshot, in slices."""
    import torch

    from model.checkpoint.opening import opening

    steps = opening(path, torch.float32)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            network: Transformer = stop.value.transformer
            return network
        yield None


def _choices(path: str) -> tuple[Preference, ...]:
    """The texts, if they still lie there; margins are known without them."""
    from model.train.data import DataError, read_text
    from model.train.preferences import PreferenceError, read_preferences

    try:
        return tuple(read_preferences(read_text(Path(path)), path))
    except (DataError, PreferenceError):
        return ()
