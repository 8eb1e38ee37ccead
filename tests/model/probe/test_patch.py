"""Activation patching: every cell is a whole pass with that activation replaced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import model
from model.bench import MovedOnError
from model.interventions import AblateHead, RemoveMask
from model.operations import streams
from model.probe.answering import answering
from model.probe.metric import Metric
from model.probe.patch.asks import OF_HEADS, Kind, Patch, PatchFound
from model.probe.question import TokenId
from model.trace import record
from resources import STORY_WORLD
from tests.model.conftest import PROMPT
from tests.model.networks import VARIANTS, shared_out
from tests.model.numpy_forward import Array, forward
from tests.model.probe.asking import IDS, Asked

CLEAN = (3, 17, 8, 2, 30, 4, 9, 22, 9, 11, 2)
AT = 9
DIFFERENCE = Metric(target=TokenId(5), against=TokenId(7))
KINDS: tuple[Kind, ...] = ("residual", "attention", "mlp", *OF_HEADS)
WITH_A_HEAD = [name for name, config in VARIANTS.items() if config.has_logits]


def question(kind: Kind = "residual", **more: object) -> Patch:
    asked = Patch(clean_ids=CLEAN, kind=kind, metric=DIFFERENCE, position=AT)
    return replace(asked, **more)  # type: ignore[arg-type]


def name_of(asked: Asked, kind: Kind, layer: int) -> str:
    names = {
        "residual": streams(asked.config)[layer],
        "attention": f"blocks.{layer}.hook_attn_out",
        "mlp": f"blocks.{layer}.hook_mlp_out",
    }
    return names.get(kind, f"blocks.{layer}.attn.hook_{kind}")


def patched(asked: Asked, kind: Kind, layer: int, head: int, position: int) -> float:
    """The difference of logits in a whole traced pass with one activation of the clean text."""
    name, change = name_of(asked, kind, layer), asked.subject.interventions
    clean = record(asked.network, torch.tensor([CLEAN]), (name,), interventions=change)[name][0]

    def tap(other: str, tensor: Tensor) -> Tensor:
        if other != name:
            return tensor
        tensor = tensor.clone()
        place: tuple[int, ...] = (position,)
        if kind in OF_HEADS:
            place = (head, position) if kind == "pattern" else (position, head)
        tensor[(0, *place)] = clean[place]
        return tensor

    trace = record(asked.network, torch.tensor([IDS]), ("logits",), tap, change)
    logits_V = trace["logits"][0, AT]
    return float(logits_V[5] - logits_V[7])


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name in WITH_A_HEAD for kind in shared_out(name, KINDS)]
)
def test_every_cell_is_a_whole_pass_with_that_activation_replaced(name: str, kind: Kind):
    asked = Asked(name)
    found: PatchFound = asked.ask(question(kind))
    assert found.done.all()
    values = found.values if kind in OF_HEADS else found.values[:, None]
    n_heads = {"k": asked.config.n_kv_heads, "v": asked.config.n_kv_heads}.get(
        kind, asked.config.n_heads if kind in OF_HEADS else 1
    )
    assert values.shape == (2, n_heads, len(IDS))
    for layer, head, position in ((0, 0, 3), (1, n_heads - 1, 6), (0, n_heads - 1, 8), (1, 0, 9)):
        expected = patched(asked, kind, layer, head, position)
        assert values[layer, head, position] == pytest.approx(expected, abs=1e-9)
    scale = found.clean - found.corrupted
    assert np.allclose(found.recovered, (found.values - found.corrupted) / scale, atol=1e-12)


def test_cells_are_those_of_a_forward_pass_in_numpy():
    asked = Asked("learned")
    kept: dict[tuple[str, int], Array] = {}
    forward(asked.network, CLEAN, lambda part, layer, x: kept.setdefault((part, layer), x))
    for kind, part in (("residual", "resid"), ("attention", "attn"), ("mlp", "mlp")):
        found = asked.ask(question(kind))  # type: ignore[arg-type]
        for layer in range(2):
            for position in range(len(IDS)):

                def tap(
                    of: str, at: int, x: Array, layer: int = layer, position: int = position
                ) -> Array:
                    if (of, at) != (part, layer):  # noqa: B023
                        return x
                    x = x.copy()
                    x[position] = kept[of, at][position]
                    return x

                logits_V = forward(asked.network, IDS, tap)[AT]
                expected = logits_V[5] - logits_V[7]
                assert found.values[layer, position] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["learned", "like Gemma 2", "masked", "parallel", "experts"])
def test_all_patched_is_the_clean_text_and_nothing_patched_the_corrupted(name: str):
    asked = Asked(name)
    found = asked.ask(question(together=True))
    assert found.recovered.shape == (2,)
    assert np.allclose(found.recovered, 1, rtol=0, atol=1e-9)
    clean_V = record(asked.network, torch.tensor([CLEAN]))["logits"][0, AT]
    assert found.clean == pytest.approx(float(clean_V[5] - clean_V[7]), abs=1e-9)
    alone = asked.ask(question())
    if asked.config.causal:  # the texts are alike before, and nobody looks behind
        assert np.array_equal(np.flatnonzero(np.any(alone.recovered != 0, 0)), range(3, AT + 1))
        assert (alone.recovered[0] != 0).tolist() == [a != b for a, b in zip(IDS, CLEAN)]
    heads = asked.ask(question("z", together=True))
    assert heads.recovered.shape == (2, asked.config.n_heads)


def test_a_cell_that_can_not_differ_costs_no_pass(monkeypatch: pytest.MonkeyPatch):
    from model.bench.restart import Restart

    rows: list[int] = []
    real = Restart.resid

    def counting(self: Restart, border: int, n_variants: int) -> Tensor:
        rows.append(n_variants)
        return real(self, border, n_variants)

    monkeypatch.setattr(Restart, "resid", counting)
    Asked("learned").ask(question())
    # Two tokens differ; in the second block all from the first of them to the one measured.
    assert sum(rows) == 2 + (AT - 3 + 1)


def test_under_interventions_both_texts_are_read_so():
    for change in (RemoveMask(0), AblateHead(0, 1, mean=True)):
        asked = Asked("like Llama", interventions=(change,))
        found = asked.ask(question("attention"))
        for layer, position in ((0, 3), (1, 4), (1, 10)):
            expected = patched(asked, "attention", layer, 0, position)
            assert found.values[layer, position] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimate_is_the_slope_at_the_corrupted_text(kind: Kind):
    """With weights that hardly read what differs, the first order is all there is."""
    asked = Asked("like Gemma 2")
    near = tuple(CLEAN)
    with torch.no_grad():  # tokens that are almost the same
        table = asked.network.embed.weight
        for one, other in zip(IDS, near):
            table[other] = table[one] + 1e-5 * (table[other] - table[one])
    found = asked.ask(question(kind))
    ran = np.abs(found.values - found.corrupted) > 1e-12
    assert ran.any()
    assert np.allclose(
        (found.preview * (found.clean - found.corrupted))[ran],
        (found.values - found.corrupted)[ran],
        rtol=2e-2,
        atol=1e-9,
    )
    assert found.preview_correlation > 0.999


def test_the_estimate_is_there_at_once_and_exact_cells_overwrite_it():
    asked = Asked("learned")
    steps = list(answering(question())(question(), asked.subject, asked.bench))
    first, *_, last = (one for one in steps if isinstance(one, PatchFound))
    assert first.share == 0
    assert not first.done.any()
    assert np.array_equal(first.recovered, first.preview)
    assert last.done.all()
    assert np.array_equal(last.preview, first.preview)
    assert not np.array_equal(last.recovered, first.preview)
    assert len(steps) > 8, "in slices, so that it can be cancelled"
    only = asked.ask(question(exact=False))
    assert np.array_equal(only.recovered, first.preview)
    assert np.isnan(only.preview_correlation)


def test_layers_come_coarse_to_fine_and_can_be_chosen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("model.probe.sweeping.Pace.is_due", lambda self: True)
    asked = Asked("learned")
    shares = [one.share for one in asked.answers(question("mlp"))]
    assert shares == sorted(shares)
    assert len(set(shares)) > 3
    found = asked.ask(question("mlp", layers=(-1,)))
    assert found.layers == (1,)
    assert found.arrays()["recovered"].at["layer"].tolist() == [1]
    assert np.allclose(found.values[0], asked.ask(question("mlp")).values[1], atol=1e-12)


def test_estimate_and_exact_cells_agree_on_the_story_world():
    lm = model.open(STORY_WORLD, device="cpu")
    agreed = []
    for one, other, target, against in (
        ("The capital of Italy is", "The capital of France is", " Paris", " Rome"),
        ("The opposite of big is", "The opposite of hot is", " cold", " small"),
    ):
        for kind in KINDS:
            asked = Patch(clean=other, metric=Metric(target, against=against), kind=kind)
            found = lm.ask(one, asked)
            assert isinstance(found, PatchFound)
            assert found.clean > 2 > -2 > found.corrupted
            agreed.append(found.preview_correlation)
    assert min(agreed) > 0.85
    assert np.median(agreed) > 0.97


def test_what_can_not_be_patched_is_said(gpt2_folder: Path):
    lm = model.open(gpt2_folder, device="cpu")
    for asked, why in (
        (Patch(), "needs a second text: give clean or clean_ids"),
        (Patch(clean="The queen"), r"The clean text has \d tokens and this one 5"),
        (Patch(clean="a", clean_ids=(1,)), "Give either clean or clean_ids"),
        (Patch(clean_ids=(1, 2, 3, 4, 999)), "outside the vocabulary of 311"),
        (Patch(clean=PROMPT, metric=Metric("Czechoslovakia")), r"is \d+ tokens \(C"),
        (Patch(clean=PROMPT, metric=Metric(target=TokenId(311))), "token ids are 0 to 310"),
        (Patch(clean=PROMPT, metric=Metric(against=TokenId(3))), "no target"),
        (
            Patch(clean=PROMPT, metric=Metric(target=TokenId(3), against=TokenId(3))),
            "the same token",
        ),
        (Patch(clean=PROMPT, layers=(3,)), "There is no layer 3; there are 0 to 2"),
    ):
        with pytest.raises(ValueError, match=why):
            lm.ask(PROMPT, asked)
    with pytest.raises(KeyError, match="no language-model head"):
        Asked("encoder").ask(question())
    same = lm.ask(PROMPT, Patch(clean=PROMPT, metric=Metric(target=TokenId(5), against=TokenId(9))))
    assert isinstance(same, PatchFound)
    assert "nothing to recover" in same.problem
    assert np.isnan(same.recovered).all()


def test_without_tokens_the_models_own_answers_are_measured(gpt2_folder: Path):
    lm = model.open(gpt2_folder, device="cpu")
    clean = [7, 296, 12, 264, 31]
    found = lm.ask(PROMPT, Patch(clean_ids=tuple(clean)))
    assert isinstance(found, PatchFound)
    assert found.target == int(lm.logits(clean)[0, -1].argmax())
    assert found.against == int(lm.logits(PROMPT)[0, -1].argmax())
    one = lm.ask(PROMPT, Patch(clean_ids=tuple(clean), metric=Metric(target=TokenId(found.target))))
    assert isinstance(one, PatchFound)
    assert one.measure == "log probability"
    logs = lm.logits(clean)[0, -1].double().log_softmax(-1)
    assert one.clean == pytest.approx(float(logs[found.target]), abs=1e-5)


def test_the_lines_of_python_give_the_same(gpt2_folder: Path):
    lm = model.open(gpt2_folder, device="cpu")
    asked = Patch(
        clean_ids=(7, 296, 12, 264, 31), kind="v", metric=Metric(target=TokenId(9)), layers=(1,)
    )
    found = lm.ask(PROMPT, asked, (AblateHead(0, 1),))
    *imports, line = found.code().splitlines()
    space: dict[str, object] = {"lm": lm}
    exec("\n".join(imports), space)
    again = eval(line, space)
    assert isinstance(found, PatchFound)
    assert (again.question, again.subject) == (found.question, found.subject)
    assert np.allclose(again.recovered, found.recovered, atol=1e-5)


def test_a_sweep_ends_where_the_weights_are_gone():
    asked = Asked("learned")
    steps = answering(question())(question(), asked.subject, asked.bench)
    while not isinstance(next(steps), PatchFound):
        pass
    asked.bench.release(1)
    with pytest.raises(MovedOnError):
        list(steps)


@pytest.mark.parametrize("name", ["learned", "like Gemma 2", "masked"])
def test_a_divergence_is_of_the_whole_distribution_and_ends_at_zero(name: str):
    asked = Asked(name)
    found = asked.ask(question("mlp", by="kl", metric=Metric()))
    assert found.measure == "KL divergence"
    assert found.clean == pytest.approx(0, abs=1e-12)
    clean = record(asked.network, torch.tensor([CLEAN]))
    p_V = clean["logits"][0, AT].softmax(-1)
    for layer, position in ((0, 3), (1, AT)):
        place = f"blocks.{layer}.hook_mlp_out"

        def tap(other: str, tensor: Tensor, place: str = place, at: int = position) -> Tensor:
            if other == place:
                tensor = tensor.clone()
                tensor[0, at] = clean[place][0, at]
            return tensor

        q_V = record(asked.network, torch.tensor([IDS]), ("logits",), tap)["logits"][0, AT]
        expected = float((p_V * (p_V.log() - q_V.log_softmax(-1))).sum())
        assert found.values[layer, position] == pytest.approx(expected, abs=1e-9)
    assert found.recovered.max() <= 1 + 1e-9, "a divergence is never negative"


def test_a_probability_is_one_tokens():
    asked = Asked("learned")
    found = asked.ask(question(by="probability", metric=Metric(target=TokenId(5))))
    p_V = record(asked.network, torch.tensor([CLEAN]))["logits"][0, AT].softmax(-1)
    assert found.measure == "probability"
    assert found.clean == pytest.approx(float(p_V[5]), abs=1e-12)
    likeliest = asked.ask(question(by="probability", metric=Metric()))
    assert likeliest.target == int(p_V.argmax())


def test_a_metric_that_can_not_be_says_why():
    asked = Asked("learned")
    for more, why in (
        ({"by": "kl"}, "all tokens"),
        ({"by": "probability"}, "leave against away"),
    ):
        with pytest.raises(ValueError, match=why):
            asked.ask(question(**more))  # type: ignore[arg-type]
    alike = replace(question(), clean_ids=(3, *IDS[1:-1], 6), metric=Metric(), by="difference")
    with pytest.raises(ValueError, match="same after both texts"):
        asked.ask(alike)


@pytest.mark.parametrize(
    "theirs", [(3, 17, 8, 2, 12, 30, 4, 9, 22, 9, 11, 2), (3, 17, 8, 9, 22, 9, 11, 2)]
)
@pytest.mark.parametrize("kind", ["residual", "z"])
@pytest.mark.parametrize("name", ["learned", "masked"])
def test_texts_of_different_lengths_are_paired_from_both_ends(
    name: str, kind: Kind, theirs: tuple[int, ...]
):
    asked = Asked(name)
    found = asked.ask(question(kind, clean_ids=theirs, align=True))
    shift = len(theirs) - len(IDS)
    assert found.sources[:3] == (0, 1, 2)
    behind = [at + shift if at + shift >= 3 else -1 for at in range(3, len(IDS))]
    assert found.sources[3:] == tuple(behind)
    without = [at for at, source in enumerate(found.sources) if source < 0]
    assert np.isnan(found.recovered[..., without]).all()
    assert not np.isnan(np.delete(found.recovered, without, -1)).any()
    layer, position = (0 if kind == "z" else 1), 7
    place = name_of(asked, kind, layer)
    clean = record(asked.network, torch.tensor([theirs]))
    expected = float(clean["logits"][0, AT + shift, 5] - clean["logits"][0, AT + shift, 7])
    assert found.clean == pytest.approx(expected, abs=1e-9)

    def tap(other: str, tensor: Tensor) -> Tensor:
        if other == place:
            tensor = tensor.clone()
            to = (0, position, 0) if kind == "z" else (0, position)
            source = (0, position + shift, 0) if kind == "z" else (0, position + shift)
            tensor[to] = clean[place][source]
        return tensor

    logits_V = record(asked.network, torch.tensor([IDS]), ("logits",), tap)["logits"][0, AT]
    cell = found.values[layer, 0, position] if kind == "z" else found.values[layer, position]
    assert cell == pytest.approx(float(logits_V[5] - logits_V[7]), abs=1e-9)
    assert cell != pytest.approx(found.corrupted, abs=1e-9)


def test_patterns_need_as_many_tokens():
    with pytest.raises(ValueError, match="keys"):
        Asked("learned").ask(question("pattern", clean_ids=CLEAN[:-1], align=True))
