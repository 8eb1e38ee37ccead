"""Tokens that are measured: told by their text or id, and numbers that can be compared."""

from __future__ import annotations

import pytest
import tokenizers
import torch
from tokenizers import decoders, models, normalizers

from model.device import choose_device
from model.language_model import LanguageModel
from model.probe.facts.asks import Facts
from model.probe.graph.asks import Graph
from model.probe.measuring import Measure, token_of, tokens_of
from model.probe.metric import Metric
from model.probe.patch.asks import Patch
from model.probe.question import Question
from model.tokenizer.tokenizer import Tokenizer
from tests.model.networks import overflowing
from tests.model.probe.asking import Asked


def test_each_kind_of_measure_is_its_formula():
    scores_BV = torch.randn((3, 7), generator=torch.Generator().manual_seed(1))
    wide_BV = scores_BV.double()
    for measure, expected_B in (
        (Measure("logit", 4), wide_BV[:, 4]),
        (Measure("logit difference", 4, 2), wide_BV[:, 4] - wide_BV[:, 2]),
        (Measure("probability", 4), wide_BV.softmax(-1)[:, 4]),
        (Measure("log probability", 4), wide_BV.log_softmax(-1)[:, 4]),
    ):
        ids = measure.ids(scores_BV)
        found_B = measure.of(scores_BV if ids is None else scores_BV[:, ids])
        assert torch.allclose(found_B, expected_B, rtol=0, atol=1e-12)


def test_a_token_with_its_space_is_found_where_every_text_gets_one():
    """SentencePiece writes a space before a text, so that " Paris" comes out as two tokens."""
    vocab = {"▁": 0, "▁Paris": 1, "Paris": 2, "▁Rome": 3, "x": 4}
    inner = tokenizers.Tokenizer(models.Unigram([(name, -1.0) for name in vocab], unk_id=4))
    inner.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    inner.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse()])
    asked = Asked("learned")
    tokenizer = Tokenizer(inner)
    assert len(tokenizer.encode(" Paris", add_special=False).ids) == 2
    device = choose_device("cpu")
    asked.bench.hold(1, LanguageModel(asked.network, tokenizer, None, "", device))
    assert tokens_of(Metric(" Paris", against=" Rome"), asked.bench, asked.subject) == (1, 3)
    with pytest.raises(ValueError, match=r"target ' Paris Rome' is 3 tokens \("):
        token_of(asked.bench, asked.subject, " Paris Rome", "target")


@pytest.mark.parametrize(
    "question", [Patch(clean_ids=(3, 9, 7, 1, 30, 4, 4, 22, 9, 11, 2)), Graph(), Facts(first=2)]
)
def test_scores_that_are_not_finite_are_said_with_where_they_come_from(question: Question):
    asked = Asked("like Llama")
    network = overflowing().half()
    asked.network.half().adopt(network.state_dict())
    with pytest.raises(ValueError, match=r"not finite.*layer 0|not finite.*MLP"):
        asked.ask(question)
