"""Toy tasks: answers are right, what is held out is never trained on, and accuracy is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import model
from model.checkpoint import open_checkpoint
from model.generate import generate
from model.probe.batch_losses.asks import BatchLosses, BatchLossesFound
from model.sampling import Sampling
from model.slices import finish
from model.train.batch_text import of_run
from model.train.batches import Batches, batches_of
from model.train.curves_file import reading_curves
from model.train.data import DataError, prepare
from model.train.events import Finished, Sampled, Started
from model.train.loop import train
from model.train.measure import mean_loss
from model.train.recipe import Recipe, RecipeError
from model.train.run_folder import read_run, snapshots
from model.train.task_presets import TASK_PRESETS, recipe_of_task
from model.train.tasks.chosen import TaskError, chosen_task, task_of
from model.train.tasks.examples import examples_of
from model.train.tasks.list import TASKS
from model.train.tasks.vocabulary import tokenizer_of
from model.train.watches import ACCURACY, HELD_OUT, TRAINED_ON

GREEDY = Sampling(temperature=0)
SIZES = {
    "sorting": (3, 8, 18),
    "addition": (1, 2, 9),
    "modular-addition": (7, 113),
    "brackets": (6, 12),
    "copying": (2, 13),
}


def balanced(text: str) -> bool:
    while "()" in text:
        text = text.replace("()", "")
    return not text


def right(name: str, size: int, question: str) -> str:
    """The answer, from the text of a question alone."""
    asked = question.removesuffix("=")
    match name:
        case "sorting":
            return "".join(sorted(asked))
        case "addition":
            return f"{sum(map(int, asked.split('+'))):0{size + 1}}"
        case "modular-addition":
            return str(sum(map(int, asked.split("+"))) % size)
        case "brackets":
            return "yes" if balanced(asked) else "no"
    return asked


@pytest.mark.parametrize(("name", "size"), [(n, s) for n, sizes in SIZES.items() for s in sizes])
def test_every_answer_is_right_and_no_question_is_in_both_parts(name: str, size: int) -> None:
    chosen = chosen_task(f"{name}:{size}")
    tokenizer = tokenizer_of(chosen)
    found = examples_of(chosen, 400, seed=3)
    parts = []
    for rows in (found.train_NT, found.held_out_NT):
        texts = [tokenizer.decode(row.tolist()) for row in rows[:400]]
        for text in texts:
            question, sign, answer = text.partition("=")
            assert answer == right(name, size, question + sign)
            assert (
                tokenizer.encode(question + sign).ids
                == tokenizer.encode(text).ids[: chosen.answer_at]
            )
        assert len({text.partition("=")[0] for text in texts}) == len(texts)
        parts.append({row[: chosen.answer_at].tobytes() for row in rows})
    assert not parts[0] & parts[1]
    assert parts[1]
    other = examples_of(chosen, 400, seed=4)
    assert examples_of(chosen, 400, seed=3).train_NT.tolist() == found.train_NT.tolist()
    assert other.train_NT.tolist() != found.train_NT.tolist()


def test_half_of_the_brackets_are_balanced_and_counting_is_not_enough() -> None:
    chosen = chosen_task("brackets:12")
    rows = examples_of(chosen, 10_000, seed=0).train_NT
    opens, closes, yes = (rows == 1).sum(1), (rows == 2).sum(1), (rows[:, -1] == 4).mean()
    assert (opens == closes).all()
    assert yes == pytest.approx(0.5, abs=0.05)


def test_modular_addition_trains_on_thirty_percent_of_all_pairs() -> None:
    found = examples_of(chosen_task("modular-addition"), 10**6, seed=0)
    assert len(found.train_NT) == round(0.3 * 113 * 113)


def test_a_models_vocabulary_tells_its_task() -> None:
    for name, sizes in SIZES.items():
        chosen = chosen_task(f"{name}:{sizes[-1]}")
        tokenizer = tokenizer_of(chosen)
        assert task_of(tokenizer.vocabulary, chosen.n_ctx) == chosen
        for text in chosen.examples:
            ids = tokenizer.encode(text).ids
            assert len(ids) == chosen.answer_at
            assert tokenizer.unknown_id not in ids
    assert task_of([bytes([i]) for i in range(256)], 128) is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("task:chess", r"There is no task 'chess'; known are sorting, addition, modular-addition"),
        ("task:sorting:99", r"size of sorting is 2 to 18 \(digits\), for example task:sorting:8"),
        ("task:brackets:7", r"is even 6 to 20"),
        ("task:sorting:", r"'' is not"),
    ],
)
def test_a_task_that_there_is_not_is_told(data: str, says: str) -> None:
    with pytest.raises(TaskError, match=says):
        chosen_task(data)
    with pytest.raises(RecipeError, match=says):
        replace(TASK_PRESETS["sorting"], data=data).validate()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tokenizer": "char"}, "A task has a vocabulary of its own.* set tokenizer to 'task'"),
        ({"n_ctx": 64}, "a network reads 16 tokens: set n_ctx to 16"),
        ({"data": "world"}, "The tokenizer 'task' is that of a task, and world is none"),
        ({"data_tokens": 5}, "one example of task:sorting has 17"),
    ],
)
def test_a_recipe_that_does_not_fit_its_task_says_so(changes: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        replace(TASK_PRESETS["sorting"], **changes).validate()  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TASKS)
def test_each_task_has_a_preset_for_any_of_its_sizes(name: str) -> None:
    for size in SIZES[name]:
        recipe = recipe_of_task(f"{name}:{size}").validate()
        ready = finish(prepare(recipe))
        assert batches_of(ready, recipe).at(1).shape == (recipe.batch_size, recipe.n_ctx + 1)
    assert Recipe.from_toml(TASK_PRESETS[name].to_toml()) == TASK_PRESETS[name]


def test_a_batch_is_whole_examples_and_the_largest_is_all_of_them() -> None:
    ids = np.arange(40, dtype=np.uint16)
    drawn = Batches(ids, 5, 3, seed=0, apart=4).at(2)
    assert (drawn[:, 0] % 4 == 0).all()
    whole = Batches(ids, 10, 3, seed=0, apart=4).at(2)
    assert whole.tolist() == ids.reshape(10, 4).tolist()


def test_a_batch_that_is_larger_than_all_examples_says_so() -> None:
    with pytest.raises(DataError, match=r"more than the 90 examples that there are to train on"):
        finish(prepare(replace(recipe_of_task("addition:1"), batch_size=91)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Recipe, list[object]]:
    """A short run that learns to copy two letters."""
    folder = tmp_path_factory.mktemp("task") / "run"
    recipe = replace(
        recipe_of_task("copying:2"),
        n_layers=1,
        d_model=32,
        steps=120,
        data_tokens=600 * 5,
        batch_size=64,
        lr=1e-2,
        warmup_steps=5,
        eval_every=40,
        sample_every=60,
        snapshot_every=60,
        threads=1,
    )
    return folder, recipe, list(train(recipe, folder))


def test_only_answers_are_learned_and_counted(run: tuple[Path, Recipe, list[object]]) -> None:
    folder, recipe, _ = run
    data = finish(prepare(recipe))
    network = open_checkpoint(snapshots(folder)[-1][1]).transformer
    at = data.answer_at
    for rows, place in zip(data.rows, (TRAINED_ON, HELD_OUT), strict=True):
        with torch.inference_mode():
            logits = network(torch.from_numpy(rows[:, :-1].astype(np.int64)))[:, at - 1 :]
        log_p = logits.double().log_softmax(-1).numpy()
        targets = rows[:, at:].astype(np.int64)
        loss = -np.take_along_axis(log_p, targets[..., None], -1).mean()
        share = (log_p.argmax(-1) == targets).all(1).mean()
        curves = finish(reading_curves(folder, recipe.steps))
        values = {value[:2]: value[2] for event in curves for value in event.values}
        assert values[place, ACCURACY] == pytest.approx(share)
    finished = run[2][-1]
    assert isinstance(finished, Finished)
    assert finished.val_loss == pytest.approx(loss, abs=1e-5)
    # What is counted is what a greedy generation writes.
    written = [
        [
            one.token_id
            for one in generate(network, row[:at].tolist(), 2, GREEDY, np.random.default_rng(0))
        ]
        for row in rows
    ]
    assert np.mean([w == r[at:].tolist() for w, r in zip(written, rows, strict=True)]) == share
    assert share > 0.3  # it learns: by chance one in 676 is right


def test_a_run_tells_its_task_and_samples_a_held_out_question(
    run: tuple[Path, Recipe, list[object]],
) -> None:
    folder, recipe, events = run
    [started] = [event for event in events if isinstance(event, Started)]
    assert started.notes == ("Copying: 600 of 676 questions to train on, 76 others held out.",)
    assert read_run(folder)["data"]["notes"] == started.notes[0]
    data = finish(prepare(recipe))
    question = data.tokenizer.decode(data.val_ids[: data.answer_at].tolist())
    samples = [event.text for event in events if isinstance(event, Sampled)]
    assert len(samples) == 2
    assert all(len(text) == 5 and text.startswith(question) for text in samples)


def test_a_task_is_resumed_and_its_batches_are_had_again(
    run: tuple[Path, Recipe, list[object]], tmp_path: Path
) -> None:
    recipe = run[1]
    half = tmp_path / "half"
    list(train(replace(recipe, steps=60), half))
    again = list(train(recipe, half, resume=True))
    # The learning rate's schedule differs up to there, so the curve does; the examples do not.
    assert isinstance(again[-1], Finished)
    data = finish(prepare(recipe))
    text = finish(of_run(half, data.tokenizer, "training"))
    assert (text.batch(7) == batches_of(data, recipe).at(7)).all()
    held_out = finish(of_run(half, data.tokenizer, "validation"))
    assert held_out.batch(0).tolist() == data.rows[1][:64].tolist()
    assert held_out.n_batches == 2


def test_the_losses_of_a_batch_are_those_of_its_answers(
    run: tuple[Path, Recipe, list[object]],
) -> None:
    folder, recipe, _ = run
    lm = model.open(snapshots(folder)[-1][1], device="cpu")
    found = lm.ask([[1]], BatchLosses(part="training", batch=7))
    assert isinstance(found, BatchLossesFound)
    data = finish(prepare(recipe))
    assert np.isnan(found.nats_BT[:, : data.answer_at]).all()
    windows_BT = torch.from_numpy(batches_of(data, recipe).at(7))
    with torch.inference_mode():
        loss = mean_loss(lm.transformer, windows_BT, data.answer_at).item()
    assert found.loss == pytest.approx(loss, rel=1e-5)
