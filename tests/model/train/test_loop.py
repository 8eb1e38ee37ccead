"""A run as a user sees it: it learns, repeats itself, stops, goes on, and ends once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.checkpoint import CheckpointError, open_checkpoint
from model.slices import finish
from model.train import events as e
from model.train import run_folder
from model.train.data import DataError
from model.train.loop import Training, train
from model.train.presets import PRESETS
from model.train.recipe import Recipe, RecipeError
from model.train.run_folder import RunError, read_metrics, read_recipe, snapshots
from model.train.state import load_state


def weights(training: Training) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in training.transformer.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def losses(events: Iterable[e.Event]) -> list[float]:
    return [event.train_loss for event in events if isinstance(event, e.StepDone)]


def until_step(training: Training, step: int) -> tuple[list[e.Event], Iterable[e.Event]]:
    """The events up to the end of a step, and the rest."""
    source = training.events()
    seen: list[e.Event] = []
    for event in source:
        seen.append(event)
        if isinstance(event, e.StepDone) and event.step == step:
            break
    return seen, source


def break_the_weights(training: Training) -> None:
    norm = training.transformer.ln_final
    assert norm is not None
    assert norm.w is not None
    with torch.no_grad():
        norm.w[0] = math.inf


# Learning


def test_loss_falls_on_real_text(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, n_layers=2, d_model=32, batch_size=8, steps=150, eval_every=150)
    events = list(train(recipe, tmp_path / "run"))
    first, last = (event for event in events if isinstance(event, e.Evaluated))
    assert first.step == 0
    d_vocab = next(event for event in events if isinstance(event, e.Started)).config.d_vocab
    assert first.val_loss == pytest.approx(math.log(d_vocab), abs=0.1)  # knows nothing yet
    assert last.val_loss < 2.6
    assert np.mean(losses(events)[-10:]) < 2.5


def test_bits_per_byte_are_the_loss_in_other_units(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, tokenizer="bpe:300", steps=1)
    training = Training(recipe, tmp_path / "run")
    events = list(training.events())
    text = Path(recipe.data).read_text(encoding="utf-8")
    val = text[round(0.9 * len(text)) :]
    n_tokens, n_bytes = len(training.tokenizer.encode(val).ids), len(val.encode())
    for event in events:
        if isinstance(event, e.Evaluated):
            bits = event.val_loss * n_tokens / math.log(2) / n_bytes
            assert event.bits_per_byte == pytest.approx(bits)


def test_gradients_are_reported_before_they_are_clipped(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, steps=1)
    norms = []
    for limit in (0.0, 0.01):
        events = train(replace(recipe, grad_clip=limit), tmp_path / f"clip-{limit}")
        norms += [event.grad_norm for event in events if isinstance(event, e.StepDone)]
    assert norms[0] == norms[1] > 0.01


def test_an_update_is_that_of_a_plain_loop(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, steps=3, grad_clip=0.5, eval_every=0, sample_every=0)
    training = Training(recipe, tmp_path / "run")
    seen, rest = until_step(training, 1)
    list(rest)
    ours = weights(training)

    from model.train.batches import Batches
    from model.train.data import prepare
    from model.transformer import Transformer

    data = finish(prepare(recipe))
    plain = Transformer(recipe.config(data.tokenizer.n_tokens))
    plain.initialize(torch.Generator().manual_seed(recipe.seed), recipe.init_std)
    matrices = [p for p in plain.parameters() if p.ndim >= 2]
    vectors = [p for p in plain.parameters() if p.ndim < 2]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(
        groups,
        betas=(recipe.beta1, recipe.beta2),
        weight_decay=recipe.weight_decay,
        fused=False,
    )
    for step in (1, 2, 3):
        windows = torch.from_numpy(Batches(data.train_ids, 4, 16, recipe.seed).at(step))
        logits = plain(windows[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        if step == 1:
            assert losses(seen) == [loss.item()]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate(step)
        optimiser.step()
        optimiser.zero_grad()
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=2e-6)


# The same again


def test_the_same_seed_gives_the_same_run(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, dropout=0.1)
    runs: list[tuple[list[float], list[str], dict[str, torch.Tensor]]] = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.manual_seed(len(runs))  # a run does not depend on the global generator
        training = Training(replace(recipe, seed=seed), tmp_path / name)
        events = list(training.events())
        texts = [event.text for event in events if isinstance(event, e.Sampled)]
        runs.append((losses(events), texts, weights(training)))
    first, again, other = runs
    assert first[:2] == again[:2]
    assert same(first[2], again[2])
    assert first[0] != other[0]


def test_a_run_leaves_the_global_generator_alone(recipe: Recipe, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(train(replace(recipe, steps=2, dropout=0.5), tmp_path / "run"))
    assert torch.equal(torch.rand(3), expected)


FAST = {
    name: getattr(PRESETS["fast"], name)
    for name in (
        *("norm", "norm_weights", "embedding_norm", "positions", "rotary_base", "qk_norm"),
        *("activation", "mlp_bias", "tied_embeddings", "zero_outputs", "init_std"),
        *("optimiser", "matrix_lr", "momentum", "beta1", "beta2"),
    )
} | {"head_offsets": "1,2", "logit_cap": 15.0, "precision": "bfloat16"}
"""All switches at once."""


@pytest.mark.parametrize("change", [{}, {"dropout": 0.2}, FAST], ids=["plain", "dropout", "fast"])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_last_bit(
    recipe: Recipe, tmp_path: Path, change: dict[str, Any]
) -> None:
    recipe = replace(recipe, **change)
    whole = Training(recipe, tmp_path / "whole")
    expected = losses(whole.events())

    first = Training(recipe, tmp_path / "parts")
    seen, rest = until_step(first, 10)
    first.stop()
    assert [type(event) for event in rest] == [e.Finished]

    second = Training(None, tmp_path / "parts", resume=True)
    events = list(second.events())
    started = next(event for event in events if isinstance(event, e.Started))
    assert started.step == 10
    assert losses(seen) + losses(events) == expected
    assert same(weights(second), weights(whole))
    metrics = [read_metrics(tmp_path / name) for name in ("whole", "parts")]
    np.testing.assert_array_equal(metrics[0]["train_loss"], metrics[1]["train_loss"])
    np.testing.assert_array_equal(metrics[0]["step"], metrics[1]["step"])
    assert (np.diff(metrics[1]["seconds"]) > 0).all()


def test_a_crashed_run_goes_on_from_its_last_saved_state(recipe: Recipe, tmp_path: Path) -> None:
    whole = Training(recipe, tmp_path / "whole")
    list(whole.events())
    crashed = Training(recipe, tmp_path / "crashed")
    _, rest = until_step(crashed, 13)
    del rest  # the caller went away: no stop, nothing saved since step 10
    assert read_metrics(tmp_path / "crashed")["step"].tolist() == list(range(14))
    resumed = Training(None, tmp_path / "crashed", resume=True)
    events = list(resumed.events())
    assert len(losses(events)) == 10
    assert same(weights(resumed), weights(whole))
    assert read_metrics(tmp_path / "crashed")["step"].tolist() == list(range(21))


def test_a_finished_run_can_be_made_longer(recipe: Recipe, tmp_path: Path) -> None:
    list(train(recipe, tmp_path / "run"))
    events = list(train(replace(recipe, steps=23), tmp_path / "run", resume=True))
    assert [event.step for event in events if isinstance(event, e.StepDone)] == [21, 22, 23]


def test_what_cannot_change_on_resuming_is_named(recipe: Recipe, tmp_path: Path) -> None:
    list(train(replace(recipe, steps=1), tmp_path / "run"))
    with pytest.raises(RunError, match="begun with d_model = 16 and can't go on with 32"):
        Training(replace(recipe, d_model=32), tmp_path / "run", resume=True)
    Path(recipe.data).write_text("Another text. " * 100, encoding="utf-8")
    with pytest.raises(RunError, match="has changed since the run began"):
        list(train(None, tmp_path / "run", resume=True))


# Ends


@pytest.mark.parametrize(
    ("change", "reason", "says"),
    [
        ({}, "steps", "All 20 steps are done"),
        ({"max_seconds": 1e-9}, "time", "Time is up after 0 steps"),
        ({"target_val_loss": 100.0}, "target", "The target is reached after 0 steps"),
        ({"steps": 5, "eval_every": 0, "target_val_loss": 100.0}, "target", "after 5 steps"),
        ({"steps": 12}, "steps", "All 12 steps are done"),
    ],
)
def test_a_run_ends_once_and_is_saved(
    recipe: Recipe, tmp_path: Path, change: dict[str, object], reason: str, says: str
) -> None:
    recipe = replace(recipe, **change)  # type: ignore[arg-type]
    events = list(train(recipe, tmp_path / "run"))
    ends = [event for event in events if isinstance(event, e.Finished)]
    assert ends == [events[-1]]
    assert ends[0].reason == reason
    assert says in ends[0].message
    evaluated = [event for event in events if isinstance(event, e.Evaluated)]
    assert evaluated[-1].step == ends[0].step
    assert evaluated[-1].val_loss == ends[0].val_loss
    assert snapshots(tmp_path / "run")[-1][0] == ends[0].step
    assert load_state(tmp_path / "run", "cpu").step == ends[0].step
    steps = [event.step for event in events if isinstance(event, e.SnapshotSaved)]
    assert steps == sorted(set(steps))


def test_a_stop_is_the_next_event_and_saves(recipe: Recipe, tmp_path: Path) -> None:
    training = Training(recipe, tmp_path / "run")
    _, rest = until_step(training, 7)
    training.stop()
    (end,) = rest
    assert isinstance(end, e.Finished)
    assert (end.reason, end.step) == ("stopped", 7)
    state = load_state(tmp_path / "run", "cpu")
    assert state.step == 7
    assert same(state.transformer, weights(training))
    assert snapshots(tmp_path / "run")[-1][0] == 7
    assert read_metrics(tmp_path / "run")["step"].tolist() == list(range(8))


def test_a_stop_while_it_evaluates_is_the_next_event_too(recipe: Recipe, tmp_path: Path) -> None:
    training = Training(recipe, tmp_path / "run")
    source = training.events()
    for event in source:
        if isinstance(event, e.Working) and event.step == 5:
            training.stop()
            break
    (end,) = source
    assert isinstance(end, e.Finished)
    assert (end.reason, end.step) == ("stopped", 5)


def test_a_stop_before_the_first_step_leaves_no_folder(recipe: Recipe, tmp_path: Path) -> None:
    training = Training(recipe, tmp_path / "run")
    source = training.events()
    assert isinstance(next(source), e.Prepared)
    training.stop()
    (end,) = source
    assert isinstance(end, e.Finished)
    assert (end.reason, end.step, end.val_loss) == ("stopped", 0, None)
    assert not (tmp_path / "run").exists()


def test_a_stop_before_a_run_goes_on_leaves_it_as_it_was(recipe: Recipe, tmp_path: Path) -> None:
    list(train(replace(recipe, steps=3), tmp_path / "run"))
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    training = Training(replace(recipe, steps=9), tmp_path / "run", resume=True)
    source = training.events()
    next(source)
    training.stop()
    (end,) = source
    assert isinstance(end, e.Finished)
    assert end.message == "Stopped before it went on; the run is as it was."
    after = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert after == before


def test_a_loss_that_is_no_number_keeps_curve_and_snapshot(recipe: Recipe, tmp_path: Path) -> None:
    training = Training(recipe, tmp_path / "run")
    _, rest = until_step(training, 12)
    break_the_weights(training)
    step, end = rest
    assert isinstance(step, e.StepDone)
    assert step.step == 13
    assert not math.isfinite(step.train_loss)
    assert isinstance(end, e.Finished)
    assert (end.reason, end.step) == ("diverged", 12)
    assert "The loss is no finite number at step 13" in end.message
    metrics = read_metrics(tmp_path / "run")
    assert metrics["step"].tolist() == list(range(14))
    assert np.isfinite(metrics["train_loss"][1:13]).all()
    assert [step for step, _ in snapshots(tmp_path / "run")] == [0, 10]
    saved = open_checkpoint(snapshots(tmp_path / "run")[-1][1]).transformer
    assert all(p.isfinite().all() for p in saved.parameters())
    assert load_state(tmp_path / "run", "cpu").step == 10


def test_weights_that_are_no_numbers_are_never_saved(recipe: Recipe, tmp_path: Path) -> None:
    training = Training(recipe, tmp_path / "run")
    _, rest = until_step(training, 12)
    break_the_weights(training)
    training.stop()
    (end,) = rest
    assert isinstance(end, e.Finished)
    assert end.reason == "diverged"
    assert "A weight is no finite number" in end.message
    assert [step for step, _ in snapshots(tmp_path / "run")] == [0, 10]


def test_an_update_that_would_ruin_the_weights_is_not_made(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, lr=1e30, min_lr=1e30, warmup_steps=0, grad_clip=0.0)
    training = Training(recipe, tmp_path / "run")
    *_, end = training.events()
    assert isinstance(end, e.Finished)
    assert end.reason == "diverged"
    assert [step for step, _ in snapshots(tmp_path / "run")] == [0]


def test_a_gpu_reports_every_step_one_later(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = losses(train(recipe, tmp_path / "cpu"))
    training = Training(recipe, tmp_path / "late")
    seen: list[e.Event] = []
    for event in training.events():
        seen.append(event)
        if isinstance(event, e.Started):
            # There is no GPU here; the order of work is the same without one.
            monkeypatch.setattr(training._run.updates, "_late", True)
    assert losses(seen) == pytest.approx(expected, rel=1e-5)
    steps = [event.step for event in seen if isinstance(event, e.StepDone)]
    assert steps == list(range(1, 21))
    for event, following in pairwise(seen):
        # Everything that happens between two steps comes after the report of the first.
        if isinstance(event, e.Evaluated | e.Sampled | e.SnapshotSaved) and isinstance(
            following, e.StepDone
        ):
            assert following.step == event.step + 1


# The folder


def test_metrics_hold_what_the_events_said(recipe: Recipe, tmp_path: Path) -> None:
    events = list(train(recipe, tmp_path / "run"))
    metrics = read_metrics(tmp_path / "run")
    steps = [event for event in events if isinstance(event, e.StepDone)]
    assert metrics["step"].tolist() == [0, *(event.step for event in steps)]
    assert metrics["tokens"].tolist() == [64 * step for step in range(21)]
    for name in ("seconds", "train_loss", "lr", "grad_norm", "tokens_per_second"):
        assert metrics[name][1:].tolist() == [getattr(event, name) for event in steps], name
    validated = {event.step: event.val_loss for event in events if isinstance(event, e.Evaluated)}
    assert list(validated) == [0, 5, 10, 15, 20]
    for step, val_loss in zip(metrics["step"], metrics["val_loss"], strict=True):
        assert validated.get(step) == (None if math.isnan(val_loss) else val_loss)


def test_a_snapshot_has_the_logits_of_the_live_network(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, tied_embeddings=False)
    training = Training(recipe, tmp_path / "run")
    ids = torch.arange(8)[None]
    live: dict[int, torch.Tensor] = {}
    for event in training.events():
        if isinstance(event, e.SnapshotSaved):
            with torch.inference_mode():
                live[event.step] = training.transformer(ids)
    assert list(live) == [0, 10, 20]
    for step, path in snapshots(tmp_path / "run"):
        opened = open_checkpoint(path)
        with torch.inference_mode():
            assert torch.equal(opened.transformer(ids), live[step])
    assert not torch.equal(live[0], live[20])
    opened = open_checkpoint(tmp_path / "run")  # a run opens as its last snapshot
    with torch.inference_mode():
        assert torch.equal(opened.transformer(ids), live[20])
    assert opened.tokenizer is not None
    assert opened.tokenizer.encode("Alice").ids == training.tokenizer.encode("Alice").ids


LLAMA = {
    "positions": "rotary",
    "norm": "rms",
    "gated": True,
    "activation": "silu",
    "attention_bias": False,
    "mlp_bias": False,
}


@pytest.mark.parametrize(
    ("change", "family"),
    [
        ({}, "gpt2"),
        (LLAMA | {"dropout": 0.1, "rotary_base": 30.0}, "llama"),
        (LLAMA | {"qk_norm": True}, "qwen3"),
        (FAST, "nanochat"),
        ({"positions": "rotary", "zero_outputs": True}, "starcoder2"),
    ],
    ids=["gpt2", "llama", "qwen3", "nanochat", "starcoder2"],
)
def test_transformers_opens_a_snapshot(
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    family: str,
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)  # its bars start a thread that never ends
    recipe = replace(recipe, tokenizer="bpe:300", **change)
    training = Training(recipe, tmp_path / "run")
    list(training.events())
    folder = snapshots(tmp_path / "run")[-1][1]
    theirs = AutoModelForCausalLM.from_pretrained(folder)
    assert theirs.config.model_type == family
    assert open_checkpoint(folder).family == family
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("Alice was beginning")["input_ids"]
    assert ids == training.tokenizer.encode("Alice was beginning").ids
    with torch.inference_mode():
        batch = torch.tensor([ids])
        logits = theirs(batch).logits
        difference = (logits - training.transformer(batch)).abs().max()
    assert difference < 1e-5
    assert logits.std() > 0.01  # what is small agrees by being small


@pytest.mark.parametrize(("slow", "found"), [(0.3, "bfloat16"), (1.2, "float32")])
def test_a_precision_that_is_left_open_is_found_once(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: float, found: str
) -> None:
    monkeypatch.setattr("model.train.parts.slowdown", lambda dtype: slow)
    left_open = replace(recipe, precision="auto")
    training = Training(left_open, tmp_path / "run")
    for event in training.events():
        if isinstance(event, e.StepDone) and event.step == 10:
            training.stop()
    assert training.recipe.precision == read_recipe(tmp_path / "run").precision == found
    # Elsewhere another one may be faster: the run goes on as it was begun.
    monkeypatch.setattr("model.train.parts.slowdown", lambda dtype: 1.5 - slow)
    again = Training(left_open, tmp_path / "run", resume=True)
    assert list(again.events())
    assert again.recipe.precision == found


def test_in_bfloat16_a_run_learns_what_it_learns_in_float32(recipe: Recipe, tmp_path: Path) -> None:
    curves = []
    for precision in ("float32", "bfloat16"):
        events = train(replace(recipe, precision=precision), tmp_path / precision)
        curves.append(losses(events))
    assert curves[0] != curves[1]
    np.testing.assert_allclose(curves[1], curves[0], rtol=0.01)


def test_an_exception_while_saving_leaves_no_half_snapshot(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model.checkpoint import saving

    def breaks_off(path: Path, *_: object) -> Iterator[int]:
        path.write_bytes(b"half")
        yield 4
        raise OSError(28, "No space left on device")

    training = Training(recipe, tmp_path / "run")
    _, rest = until_step(training, 8)
    monkeypatch.setattr(saving, "writing_tensors", breaks_off)
    with pytest.raises(CheckpointError, match="No space left"):
        list(rest)
    folder = tmp_path / "run" / "snapshots"
    assert [path.name for path in folder.iterdir()] == ["step-000000"]
    assert read_metrics(tmp_path / "run")["step"].tolist() == list(range(11))
    monkeypatch.undo()
    *_, end = train(None, tmp_path / "run", resume=True)
    assert isinstance(end, e.Finished)
    assert end.reason == "steps"


def test_run_toml_says_what_was_run(recipe: Recipe, tmp_path: Path) -> None:
    events = list(train(replace(recipe, steps=1), tmp_path / "run"))
    started = next(event for event in events if isinstance(event, e.Started))
    tables = run_folder.read_run(tmp_path / "run")
    assert read_recipe(tmp_path / "run") == started.recipe
    assert tables["network"]["n_params"] == started.n_params == started.config.n_params
    assert tables["data"]["n_train_tokens"] == started.n_train_tokens
    assert tables["data"]["n_bytes"] == Path(recipe.data).stat().st_size
    assert tables["machine"] == {"device": "cpu", "threads": torch.get_num_threads()}


# Bad input


def test_a_bad_text_leaves_no_folder(recipe: Recipe, tmp_path: Path) -> None:
    Path(recipe.data).write_bytes(b"\0\1\2")
    with pytest.raises(DataError, match="zero byte"):
        list(train(recipe, tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_network_that_cannot_be_saved_is_refused_before_it_is_trained(
    recipe: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=r"No family .* has positions 'sinusoidal'"):
        list(train(replace(recipe, positions="sinusoidal"), tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_bad_recipe_or_a_taken_folder_is_refused_at_once(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="batch_size"):
        Training(replace(recipe, batch_size=0), tmp_path / "run")
    with pytest.raises(RunError, match="needs a recipe"):
        Training(None, tmp_path / "run")
    with pytest.raises(RunError, match="is not empty"):
        Training(recipe, tmp_path)
    with pytest.raises(RunError, match="holds no run"):
        Training(recipe, tmp_path / "run", resume=True)


def test_the_network_is_there_once_the_run_has_started(recipe: Recipe, tmp_path: Path) -> None:
    training = Training(recipe, tmp_path / "run")
    with pytest.raises(RunError, match="has not started yet"):
        _ = training.transformer
    assert training.step == 0
    seen, rest = until_step(training, 2)
    assert training.step == 2
    assert not training.transformer.training
    assert [type(event) for event in seen].count(e.Started) == 1
    with pytest.raises(RuntimeError, match="can be had once"):
        next(training.events())
    del rest


def test_a_pause_is_not_counted(recipe: Recipe, tmp_path: Path) -> None:
    import time

    training = Training(recipe, tmp_path / "run")
    seen, rest = until_step(training, 3)
    before = seen[-1]
    assert isinstance(before, e.StepDone)
    time.sleep(1.0)
    after = next(event for event in rest if isinstance(event, e.StepDone))
    assert after.seconds - before.seconds < 0.9
