"""Where a condition holds first: every condition held to the whole trace, gone through by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from model.interventions import AblateHead
from model.operations import LOGITS, streams
from model.probe.question import TokenId
from model.probe.until.asks import Until, UntilFound
from tests.model.networks import VARIANTS
from tests.model.probe.asking import IDS, Asked

AT = 6


def outputs(asked: Asked) -> list[str]:
    return [op.output for op in asked.network.operations]


@pytest.mark.parametrize("variant", ["learned", "like Llama", "like Gemma 2", "masked", "alibi"])
@pytest.mark.parametrize("head", [-1, 1])
def test_a_weight_is_the_first_that_is_above(variant: str, head: int) -> None:
    asked = Asked(variant)
    trace, ops = asked.trace, asked.network.operations
    patterns = [
        (i, trace[op.output][0, :, AT, 3]) for i, op in enumerate(ops) if op.kind == "pattern"
    ]
    seen = torch.stack([row if head < 0 else row[head : head + 1] for _, row in patterns])
    bound = float(seen.max(dim=1).values.median()) - 1e-6
    wanted = next(i for i, row in zip([i for i, _ in patterns], seen) if float(row.max()) > bound)
    found = asked.ask(Until("weight", AT, head=head, key=3, above=bound))
    assert found.operation == wanted
    assert found.activation == ops[wanted].output
    own = trace[found.activation][0, :, AT, 3]
    assert found.head == (int(own.argmax()) if head < 0 else head)
    assert found.value == pytest.approx(float(own[found.head]), abs=1e-6)


def test_a_weight_that_is_never_reached_is_said_to_be_none() -> None:
    found = Asked().ask(Until("weight", AT, key=3, above=1.0))
    assert not found.holds
    assert found.activation == ""
    assert found.n_looked == len(Asked().network.operations)
    assert found.as_rows() == {"stop": []}


def likeliest(asked: Asked) -> list[tuple[int, float]]:
    """Of every border of the stream, by the whole head on the whole trace."""
    trace, names = asked.trace, streams(asked.config)
    found = []
    for name in names:
        with torch.inference_mode():
            logits = asked.network.compute((LOGITS,), {names[-1]: trace[name]})[LOGITS]
        shares = logits[0, AT].double().softmax(-1)
        found.append((int(shares.argmax()), float(shares.max())))
    return found


@pytest.mark.parametrize("variant", ["learned", "like Llama"])
def test_it_stops_where_the_likeliest_token_changes(variant: str) -> None:
    asked = Asked(variant)
    said, names = likeliest(asked), streams(asked.config)
    changes = [i for i in range(1, len(said)) if said[i][0] != said[i - 1][0]]
    found = asked.ask(Until("token_changes", AT))
    if not changes:
        assert not found.holds
        return
    first = changes[0]
    assert found.activation == names[first]
    assert (found.token, found.before) == (said[first][0], said[first - 1][0])
    assert found.probability == pytest.approx(said[first][1], rel=1e-5)
    # From there on the next change, which is measured from that border.
    later = asked.ask(Until("token_changes", AT, after=found.activation))
    assert later.activation == (names[changes[1]] if len(changes) > 1 else "")


def test_it_stops_where_a_token_is_the_likeliest() -> None:
    asked = Asked()
    said, names = likeliest(asked), streams(asked.config)
    for token in {token for token, _ in said}:
        first = next(i for i, (each, _) in enumerate(said) if each == token)
        found = asked.ask(Until("token_is", AT, token=TokenId(token)))
        assert (found.activation, found.token) == (names[first], token)
    absent = next(i for i in range(33) if i not in {token for token, _ in said})
    assert not asked.ask(Until("token_is", AT, token=TokenId(absent))).holds


@pytest.mark.parametrize("variant", ["learned", "like Llama", "parallel", "norms after"])
def test_it_stops_where_the_stream_is_longer(variant: str) -> None:
    asked = Asked(variant)
    trace, ops, names = asked.trace, asked.network.operations, streams(asked.config)
    written = [op for op in ops if op.kind == "add" or op.output in names]
    lengths = {op.output: float(trace[op.output][0, AT].double().norm()) for op in written}
    bound = sorted(lengths.values())[len(lengths) // 2] - 1e-6
    wanted = next(name for name, length in lengths.items() if length > bound)
    found = asked.ask(Until("norm", AT, above=bound))
    assert found.activation == wanted
    assert found.value == pytest.approx(lengths[wanted], rel=1e-5)


def test_it_stops_at_the_next_of_a_kind() -> None:
    asked = Asked()
    ops = asked.network.operations
    at = [i for i, op in enumerate(ops) if op.kind == "mlp_act"]
    first = asked.ask(Until("kind", AT, kind="mlp_act"))
    assert first.operation == at[0]
    assert first.n_looked == at[0] + 1
    again = asked.ask(Until("kind", AT, after=first.activation, kind="mlp_act"))
    assert (again.operation, again.n_looked) == (at[1], at[1] - at[0])
    assert not asked.ask(Until("kind", AT, after=again.activation, kind="mlp_act")).holds


def test_it_begins_behind_an_alias_too() -> None:
    found = Asked().ask(Until("kind", AT, after="blocks.1.hook_resid_pre", kind="pattern"))
    assert found.activation == "blocks.1.attn.hook_pattern"


def test_it_stops_where_a_number_is_not_finite() -> None:
    asked = Asked()
    with torch.no_grad():
        asked.network.get_parameter("blocks.1.mlp.up.weight")[2, 0] = math.inf
    found = asked.ask(Until("not_finite", AT))
    trace, ops = asked.trace, asked.network.operations
    wanted = next(
        i
        for i, op in enumerate(ops)
        if op.kind not in ("tokens", "softmax", "mask") and not trace[op.output].isfinite().all()
    )
    assert found.operation == wanted
    assert found.activation == "blocks.1.mlp.hook_pre"
    bad = ~trace[found.activation][0].isfinite().all(-1)
    assert found.position == int(bad.nonzero()[0])
    after = asked.ask(Until("not_finite", AT, after=found.activation))
    assert after.operation == wanted + 1


def test_where_all_is_finite_it_never_stops() -> None:
    assert not Asked().ask(Until("not_finite", AT)).holds


def test_interventions_count() -> None:
    clean = Asked()
    pattern = clean.trace["blocks.0.attn.hook_pattern"][0, :, AT, 3]
    head = int(pattern.argmax())
    cut = Asked(interventions=(AblateHead(0, head),))
    lengths = [
        each.ask(Until("norm", AT, above=0.0, after="blocks.0.hook_attn_out")).value
        for each in (clean, cut)
    ]
    assert lengths[0] != pytest.approx(lengths[1])


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (Until("weight", AT, key=99), "There is no key 99"),
        (Until("weight", AT, head=9), "There is no head 9"),
        (Until("norm", 40), "There is no position 40"),
        (Until("token_is", AT), "Say which token"),
        (Until("token_is", AT, token=TokenId(2_000)), "There is no token 2000"),
        (Until("kind", AT, kind="router"), "No operation is of the kind 'router'"),
    ],
)
def test_what_cannot_be_asked_is_said(question: Until, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Asked().ask(question)


def test_an_encoder_without_a_head_has_no_tokens() -> None:
    headless = next(name for name, config in VARIANTS.items() if not config.has_logits)
    with pytest.raises(KeyError, match="lens"):
        Asked(headless).ask(Until("token_changes", AT))


def test_its_row_names_the_token() -> None:
    found = Asked().ask(Until("token_is", AT, token=TokenId(likeliest(Asked())[0][0])))
    assert isinstance(found, UntilFound)
    row = found.as_rows()["stop"][0]
    assert row["id"] == found.token
    assert row["operation"] == outputs(Asked()).index(found.activation)
    assert np.isfinite(row["probability"])
    assert len(IDS) > AT
