"""A batch's losses: those of the training itself, token by token."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import model
from model.interventions import AblateHead
from model.probe.batch import losing, pieces
from model.probe.batch_losses.asks import BatchLosses, BatchLossesFound
from model.probe.landscape.asks import Landscape, LandscapeFound
from model.probe.question import ProbeError
from model.slices import finish
from model.train.batch_text import BatchText, NoBatchError, Part
from model.train.run_folder import read_metrics, snapshots
from tests.model.networks import VARIANTS, network
from tests.model.numpy_forward import forward
from tests.model.probe.asking import Asked
from tests.model.probe.runs import RECIPE, trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("losses") / "run")


def asked(path: Path, question: BatchLosses) -> BatchLossesFound:
    found = model.open(path, device="cpu").ask([[1]], question)
    assert isinstance(found, BatchLossesFound)
    return found


def test_the_next_batch_costs_what_the_run_wrote_down_for_it(run: Path):
    metrics = read_metrics(run)
    rows = dict(zip(metrics["step"].tolist(), metrics["train_loss"].tolist(), strict=True))
    for step, path in snapshots(run)[:3]:
        found = asked(path, BatchLosses())
        assert (found.step, found.number, found.of_run) == (step, step + 1, True)
        assert found.loss == pytest.approx(rows[step + 1], abs=1e-6)


def test_of_a_run_that_learns_without_parts_of_the_network_it_is_the_loss_without_them(
    tmp_path: Path,
):
    recipe = replace(RECIPE, mask=False, norms=False, residual=False)
    *_, (step, path), _ = snapshots(trained(tmp_path / "run", recipe))
    lm, under = model.open(path, device="cpu"), recipe.interventions()
    rows = read_metrics(tmp_path / "run")
    expected = rows["train_loss"][rows["step"] == step + 1][0]
    found = lm.ask([[1]], BatchLosses(), under)
    plain = lm.ask([[1]], BatchLosses())
    # What else is changed is about one text, which the batch is not.
    and_a_head = lm.ask([[1]], BatchLosses(), (*under, AblateHead(0, 0)))
    assert isinstance(found, BatchLossesFound)
    assert isinstance(plain, BatchLossesFound)
    assert isinstance(and_a_head, BatchLossesFound)
    assert found.loss == pytest.approx(expected, abs=1e-6)
    assert abs(plain.loss - expected) > 1e-3
    assert and_a_head.loss == found.loss
    surface = lm.ask([[1]], Landscape(grid=3, part="training", batch=found.number), under)
    assert isinstance(surface, LandscapeFound)
    assert surface.centre == pytest.approx(expected, abs=1e-6)


def test_all_validation_batches_together_cost_the_validation_loss(run: Path):
    n = asked(run, BatchLosses(part="validation")).n_batches
    assert n == 2
    losses = [asked(run, BatchLosses(part="validation", batch=at)).loss for at in range(n)]
    metrics = read_metrics(run)
    assert np.mean(losses) == pytest.approx(metrics["val_loss"][-1], abs=1e-6)


def test_each_token_costs_minus_its_logarithm(run: Path):
    lm = model.open(run, device="cpu", dtype="float64")
    found = lm.ask([[1]], BatchLosses(part="validation"))
    assert isinstance(found, BatchLossesFound)
    for ids_T, nats_T, top_T in zip(found.ids_BT, found.nats_BT, found.top_BT, strict=True):
        assert np.isnan(nats_T[0])
        assert top_T[0] == -1
        with torch.inference_mode():
            logits_TV = lm.transformer(torch.tensor(ids_T[None, :-1].astype(np.int64)))[0].numpy()
        p_TV = np.exp(logits_TV) / np.exp(logits_TV).sum(-1, keepdims=True)
        own_T = p_TV[np.arange(len(ids_T) - 1), ids_T[1:]]
        np.testing.assert_allclose(nats_T[1:], -np.log(own_T), rtol=1e-5)
        np.testing.assert_array_equal(top_T[1:], p_TV.argmax(-1))


def test_the_worst_are_the_dearest_in_order(run: Path):
    found = asked(run, BatchLosses(worst=7))
    costs = [float(found.nats_BT[row, at]) for row, at in found.worst_K2]
    every = found.nats_BT[np.isfinite(found.nats_BT)]
    assert costs == sorted(every.tolist(), reverse=True)[:7]


def test_a_text_file_stands_in_for_the_runs_text(run: Path, tmp_path: Path):
    text = tmp_path / "other.txt"
    text.write_text("the king met the queen in the tower. " * 60)
    found = asked(run, BatchLosses(file=str(text)))
    assert (found.source, found.of_run) == ("other.txt", False)
    tokenizer = model.open(run, device="cpu").tokenizer
    assert tokenizer is not None
    for ids_T in found.ids_BT:
        assert tokenizer.decode(ids_T.tolist()) in text.read_text()


def test_a_batch_that_is_none_is_refused_with_those_there_are(run: Path):
    with pytest.raises(ProbeError, match="there are 0 to 1"):
        asked(run, BatchLosses(part="validation", batch=2))
    with pytest.raises(ProbeError, match="counted from 1"):
        asked(run, BatchLosses(batch=0))


@pytest.mark.parametrize("part", ["training", "validation"])
def test_a_text_shorter_than_a_window_is_refused_with_its_length(part: Part) -> None:
    text = BatchText(part, np.arange(20, dtype=np.uint16), 4, 32, 0, 2, "a text", of_run=False)
    with pytest.raises(NoBatchError, match=r"20 tokens, fewer than the 33 of one window"):
        text.batch(1)


def test_a_text_that_has_changed_since_is_not_taken_for_the_runs(tmp_path: Path):
    text = tmp_path / "text.txt"
    text.write_text("abc def ghi jkl mno pqr stu vwx yz. " * 40)
    path = trained(tmp_path / "run", replace(RECIPE, data=str(text), steps=2))
    asked(path, BatchLosses())
    text.write_text("abc def ghi jkl mno pqr stu vwx yz! " * 40)
    with pytest.raises(ProbeError, match="has changed since the run began"):
        asked(path, BatchLosses())


def test_a_network_that_predicts_no_next_token_says_so():
    with pytest.raises(ProbeError, match="no loss token by token"):
        Asked("masked").ask(BatchLosses())
    with pytest.raises(ProbeError, match="no tokenizer"):
        Asked("learned").ask(BatchLosses())


def test_the_loss_is_that_of_a_plain_forward():
    """The same numbers from the published formulas, in float64."""
    net = network(VARIANTS["learned"])
    rows_BT = np.array([[3, 17, 8, 1, 30], [4, 4, 22, 9, 11]])
    ours = finish(losing(net, pieces(rows_BT, net)))
    every = []
    for row_T in rows_BT:
        logits_TV = forward(net, row_T[:-1].tolist())
        logs_TV = logits_TV - np.log(np.exp(logits_TV).sum(-1, keepdims=True))
        every += [-logs_TV[at, token] for at, token in enumerate(row_T[1:])]
    assert ours == pytest.approx(np.mean(every), rel=1e-6)
