"""A short run on disk, and its model: for questions about a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model.bench import Bench
from model.language_model import LanguageModel, open_model
from model.probe.answering import answering
from model.probe.question import Answer, Question
from model.subject import Subject
from model.train.loop import Training
from model.train.recipe import Recipe

RECIPE = Recipe(
    name="short",
    data="world",
    data_tokens=3_000,
    tokenizer="char",
    n_layers=1,
    n_heads=2,
    d_model=16,
    n_ctx=16,
    batch_size=4,
    steps=8,
    lr=1e-2,
    min_lr=1e-2,
    warmup_steps=0,
    eval_every=8,
    eval_batches=2,
    sample_every=0,
    snapshot_every=2,
    snapshot_early=False,
)


def trained(folder: Path, recipe: Recipe = RECIPE) -> Path:
    """A run that is over."""
    for _ in Training(recipe, folder).events():
        pass
    return folder


class OnBench:
    """A run's newest model, its steps to travel through, asked as the window asks."""

    def __init__(self, path: Path) -> None:
        self.lm: LanguageModel = open_model(path, "cpu")
        self.bench = Bench()
        self.bench.hold(0, self.lm)

    def answers(self, question: Question, step: int | None = None) -> Sequence[Answer]:
        """All that comes, coarse to whole."""
        steps = answering(question)(question, Subject(0, step, (1,)), self.bench)
        return [answer for answer in steps if answer is not None]
