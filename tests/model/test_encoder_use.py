"""Encoders outside the window: traced like any other, refused where a text would have to go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from model import messages as m
from model.engine import Engine
from model.language_model import open_model
from model.trace import Trace
from tests.model.cli.commands import CliRunner, make_app
from tests.small_models import TEXT, VOCABULARY, small_bert

HEADS = ("BertForMaskedLM", "BertModel")


@pytest.fixture(scope="module", params=HEADS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_bert(tmp_path_factory.mktemp("bert") / "small", request.param)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(make_app(), [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_a_trace_holds_the_output_whether_or_not_there_is_a_head(folder: Path, tmp_path: Path):
    out = tmp_path / "trace.safetensors"
    code, said = run("trace", folder, "--text", TEXT, "--out", out, "--names", "*.hook_pattern")
    assert code == 0, said
    trace = Trace.load(out)
    has_logits = open_model(folder).config.has_logits
    output = "logits" if has_logits else "blocks.1.ln2.hook_normalized"
    width = len(VOCABULARY) if has_logits else 36
    assert trace[output].shape == (1, 12, width)
    assert trace["blocks.1.attn.hook_pattern"].shape == (1, 3, 12, 12)


@pytest.mark.parametrize(
    "arguments", [("generate", "--prompt", TEXT, "--max-new-tokens", 3), ("score",)]
)
def test_what_needs_a_next_token_is_refused_in_a_sentence(
    folder: Path, arguments: tuple[object, ...]
):
    code, said = run(arguments[0], folder, *arguments[1:])
    assert code == 2
    assert "fills masks in a text" in said or "gives vectors, no next token" in said
    assert "Traceback" not in said


def test_the_engine_refuses_to_generate_and_goes_on(folder: Path):
    engine = Engine("cpu", threads=1)
    opened = list(engine.handle(m.OpenModel(path=str(folder))))
    while engine.busy:
        opened += engine.advance()
    (info,) = [result.info for result in opened if isinstance(result, m.ModelOpened)]
    (failed,) = engine.handle(m.Generate(text=TEXT))
    assert isinstance(failed, m.Failed)
    assert failed.message == info.config.no_continuation
    (traced,) = engine.handle(m.ReadPrompt(text=TEXT))
    assert isinstance(traced, m.PromptRead)
    assert traced.tokens[5].id == info.mask_id == VOCABULARY.index("[MASK]")


def test_logits_of_a_network_without_a_head_are_refused(folder: Path):
    lm = open_model(folder)
    if lm.config.has_logits:
        assert lm.logits(TEXT).shape == (1, 12, len(VOCABULARY))
    else:
        with pytest.raises(ValueError, match="gives vectors"):
            lm.logits(TEXT)


def test_pieces_that_continue_a_word_say_so(folder: Path):
    tokenizer = open_model(folder).tokenizer
    assert tokenizer is not None
    tokens = tokenizer.encode("sings").tokens
    assert [token.text for token in tokens] == ["[CLS]", "sing", "##s", "[SEP]"]
    assert tokens[2].bytes == b"s"
