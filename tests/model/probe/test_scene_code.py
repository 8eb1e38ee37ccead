"""The lines of Python beside a scene compute what the operation wrote: run, of every network."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import torch

import model
from model.config import Activation
from model.interventions import AblateHead, RemoveMask
from model.network.mlp import activate
from model.operations import PROBABILITIES, Kind
from model.parameters import parameter
from model.probe.scene.asks import Scene
from model.probe.scene.code.of_mlp import ACTIVATIONS
from model.sampling import Sampling, probabilities
from tests.model.networks import VARIANTS
from tests.model.probe.asking import Asked

AT = 7


def run(
    asked: Asked,
    lines: str,
    changed: Callable[[dict[str, Any]], None] | None = None,
    opened: list[str] | None = None,
) -> Any:
    """What the lines leave; ``lm`` and ``trace`` are the network's own.

    Args:
        asked: whose.
        lines: that are run.
        changed: does something to the trace before.
        opened: takes the names of the parameters that are fetched.
    """

    def fetched(name: str) -> torch.Tensor:
        if opened is not None:
            opened.append(name)
        return parameter(asked.network, name)

    lm = SimpleNamespace(
        config=asked.config,
        parameter=fetched,
        ids=lambda text: torch.tensor([text]),
    )
    there: dict[str, Any] = {
        "torch": torch,
        "model": model,
        "lm": lm,
        "text": list(asked.subject.ids),
        "trace": dict(asked.trace),
    }
    if changed is not None:
        changed(there["trace"])
    exec(lines, there)
    return there


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_lines_of_every_operation_give_what_it_wrote(variant: str):
    asked = Asked(variant)
    for op in asked.network.operations:
        lines = asked.ask(Scene(op.output, AT)).lines
        if op.output == PROBABILITIES:
            continue
        assert f'trace["{op.output}"]' in lines.splitlines()[-1]
        try:
            run(asked, lines)
        except Exception as error:
            raise AssertionError(f"{op.output}:\n{lines}\n{error}") from error
        assert all(len(line) <= 100 for line in lines.splitlines()), lines


def test_the_comparison_at_the_end_notices_another_result():
    asked = Asked("learned")
    lines = asked.ask(Scene("blocks.1.attn.hook_q", AT)).lines

    def shifted(trace: dict[str, Any]) -> None:
        trace["blocks.1.attn.hook_q"] = trace["blocks.1.attn.hook_q"] + 0.1

    with pytest.raises(AssertionError):
        run(asked, lines, shifted)


@pytest.mark.parametrize(
    "sampling", [Sampling(), Sampling(0.6), Sampling(0.0), Sampling(1.3, top_k=4, top_p=0.8)]
)
def test_probabilities_are_those_that_are_drawn_from(sampling: Sampling):
    asked = Asked("untied")
    lines = asked.ask(Scene(PROBABILITIES, AT, sampling=sampling)).lines
    found = run(asked, lines)["p"]
    wanted = probabilities(asked.trace["logits"][0, AT].numpy(), sampling)
    assert torch.as_tensor(found).numpy() == pytest.approx(wanted, abs=1e-9)


def test_every_kind_of_operation_is_among_these_networks():
    kinds = {op.kind for name in VARIANTS for op in Asked(name).network.operations}
    assert kinds == set(get_args(Kind))


@pytest.mark.parametrize(
    ("cut", "name"),
    [(AblateHead(1, 2), "blocks.1.attn.hook_z"), (RemoveMask(1), "blocks.1.attn.hook_attn_scores")],
)
def test_under_an_intervention_the_lines_say_what_changes_the_result(cut: Any, name: str):
    asked = Asked("learned", interventions=(cut,))
    lines = asked.ask(Scene(name, AT)).lines
    assert cut.words in lines.splitlines()[-1]
    run(asked, lines)
    other = asked.ask(Scene("blocks.1.attn.hook_q", AT)).lines
    assert "assert" in other
    run(asked, other)


@pytest.mark.parametrize("activation", get_args(Activation))
def test_every_nonlinearity_has_a_line(activation: str):
    x = torch.linspace(-12, 12, 97, dtype=torch.float64)
    line = ACTIVATIONS[activation].format("x")
    assert torch.allclose(eval(line, {"torch": torch, "x": x}), activate(x, activation))


@pytest.mark.parametrize("variant", [name for name in VARIANTS if "expert" in name])
@pytest.mark.parametrize("part", ["hook_pre", "hook_pre_linear", "hook_post", "hook_mlp_out"])
def test_the_lines_of_experts_are_of_all_positions_and_of_those_that_were_chosen(
    variant: str, part: str
) -> None:
    asked = Asked(variant)
    names = [op.output for op in asked.network.operations if op.output.endswith(part)]
    for name in names:
        lines = asked.ask(Scene(name, AT)).lines
        assert f'"{name}"], rtol' in lines.splitlines()[-1], "no position is picked out"
        opened: list[str] = []
        there = run(asked, lines, opened=opened)
        chosen = there.get("experts")
        if chosen is not None:
            numbers = {int(one.split(".experts.")[1].split(".")[0]) for one in opened}
            assert numbers == set(chosen.unique().tolist()), "none that nobody asked is opened"
