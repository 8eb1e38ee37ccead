"""What a chat template puts around a message is told from the message, token by token."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from gui.panes.tokenizer.chat_view import kind_of
from gui.panes.tokenizer.pane import TokenizerPane
from model.tokenizer.chat import NO_TEMPLATE, template_in
from model.tokenizer.files import read_folder
from model.tokenizer.tokenizer import Tokenizer
from tests.gui.desk import Desk
from tests.gui.panes.tokenizer.test_tokenizer_pane import drawn, pane
from tests.gui.pixels import color_named, pixels

__all__ = ["pane"]
TEMPLATE = (
    "{% for m in messages %}<|endoftext|>{{ m.role }}: {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


@pytest.fixture
def talk(pane: TokenizerPane, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> TokenizerPane:
    assert desk.lm.tokenizer is not None
    monkeypatch.setitem(desk.lm.tokenizer._settings, "chat_template", TEMPLATE)
    QTest.mouseClick(pane.views.buttons["chat"], Qt.MouseButton.LeftButton)
    pane.chat.user.setText("the queen")
    drawn(pane, desk)
    return pane


def own_text(pane: TokenizerPane) -> str:
    found = pane.store.tokenizing.chat
    assert found is not None
    own = (token.bytes for token in found.tokens if kind_of(found, token) == "own")
    return b"".join(own).decode().strip()


def test_own_words_are_told_from_the_templates(talk: TokenizerPane, desk: Desk):
    found = talk.store.tokenizing.chat
    assert found is not None
    assert found.chat.text == "<|endoftext|>user: the queen\nassistant:"
    assert own_text(talk) == "the queen"
    kinds = [chip.kind for chip in talk.chat.canvas.chips]
    assert kinds[0] == "special"
    assert kinds.count("special") == 1
    assert f"The model reads {len(kinds)} tokens" in talk.sentence.text()
    image = pixels(talk.chat.canvas.viewport())
    own = next(chip for chip in talk.chat.canvas.chips if chip.kind == "own").rect.toRect()
    assert tuple(image[own.center().y(), own.left() + 3]) == color_named("accent_soft")
    added = talk.chat.canvas.chips[1].rect.toRect()
    assert tuple(image[added.center().y(), added.left() + 3]) == color_named("raised")


def test_a_system_message_and_where_the_answer_begins(talk: TokenizerPane, desk: Desk):
    talk.chat.system.setText("be kind")
    talk.chat.begins.setChecked(False)
    drawn(talk, desk)
    found = talk.store.tokenizing.chat
    assert found is not None
    assert found.chat.text == "<|endoftext|>system: be kind\n<|endoftext|>user: the queen\n"
    assert [found.chat.text[a:b] for a, b in found.chat.spans] == ["be kind", "the queen"]


def test_the_talk_becomes_the_prompt(talk: TokenizerPane, desk: Desk):
    found = talk.store.tokenizing.chat
    assert found is not None
    QTest.mouseClick(talk.chat.use, Qt.MouseButton.LeftButton)
    while desk.engine.busy:
        desk.advance()
    read = talk.store.read
    assert read is not None
    assert read.subject.ids == tuple(token.id for token in found.tokens)


def test_a_template_that_refuses_says_why_and_none_says_so(
    talk: TokenizerPane, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    assert desk.lm.tokenizer is not None
    settings = desk.lm.tokenizer._settings
    monkeypatch.setitem(settings, "chat_template", "{{ raise_exception('Only one turn') }}")
    talk.chat.user.setText("the king")
    drawn(talk, desk)
    assert talk.sentence.text() == "The chat template refuses this: Only one turn"
    assert talk.chat.user.isVisible()
    assert not talk.chat.use.isEnabled()
    monkeypatch.delitem(settings, "chat_template")
    talk.chat.user.setText("the boy")
    drawn(talk, desk)
    assert talk._empty.text().startswith(NO_TEMPLATE)
    assert "Instruct" in talk._empty.text()


def test_a_template_in_a_file_of_its_own_counts_first(tmp_path: Path):
    tokenizer = Tokenizer.train_bpe("The queen and the king. " * 4, 280)
    tokenizer.save(tmp_path)
    (tmp_path / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    assert template_in(read_folder(tmp_path).settings) == TEMPLATE
    (tmp_path / "chat_template.jinja").write_bytes(b"\xff\xfe\xff")
    found = read_folder(tmp_path)
    assert template_in(found.settings) is None
    assert "chat_template.jinja can't be read" in found.notes[0]
