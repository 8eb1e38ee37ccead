"""A chat template gives the text that transformers gives, and says whose words are whose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model.tokenizer.chat import Chat, Turn, rendered, template_in
from model.tokenizer.tokenizer import Tokenizer, TokenizerError

CHATML = (
    "{% for message in messages %}\n"
    "{% if loop.first and message.role != 'system' %}\n"
    "{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}\n"
    "{% endif %}\n"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] | trim + '<|im_end|>\n' }}\n"
    "{% endfor %}\n"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TURNS = (Turn("user", "  Who is the queen?\n"), Turn("assistant", "Anna."), Turn("user", "Why?"))
TEMPLATES = {
    "chatml": CHATML,
    "json": "{% for m in messages %}{{ m | tojson }}{{ bos_token }}{% endfor %}",
    "break": "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}"
    "{{ m.content }}|{% endfor %}",
    "tools": "{% if not tools %}none {% endif %}{{ messages[-1].content }}",
}


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("begins", [True, False])
def test_the_text_is_that_of_transformers(name: str, begins: bool, tmp_path: Path):
    transformers = pytest.importorskip("transformers")
    tokenizer = Tokenizer.train_bpe("The queen and the king. " * 4, 280)
    tokenizer.save(tmp_path)
    theirs = transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
    messages = [{"role": turn.role, "content": turn.content} for turn in TURNS]
    settings = tokenizer.settings() | {"chat_template": TEMPLATES[name]}
    expected = theirs.apply_chat_template(
        messages,
        chat_template=TEMPLATES[name],
        add_generation_prompt=begins,
        tokenize=False,
    )
    assert rendered(settings, TURNS, answer_begins=begins).text == expected


def test_whose_words_are_whose():
    chat = rendered({"chat_template": CHATML}, TURNS)
    own = [chat.text[start:end] for start, end in chat.spans]
    assert own == ["Who is the queen?", "Anna.", "Why?"]
    at = chat.text.index("queen")
    assert chat.is_own(at, at + 5)
    assert not chat.is_own(0, 5)
    assert chat.text.endswith("<|im_start|>assistant\n")


def test_what_a_template_changes_is_nobodys_words():
    chat = rendered({"chat_template": "{{ messages[0].content | upper }}"}, (Turn("user", "Hi"),))
    assert chat == Chat("HI", ((0, 0),))


def test_of_several_templates_the_default_counts():
    several: list[dict[str, Any]] = [
        {"name": "tool_use", "template": "t"},
        {"name": "default", "template": "d"},
    ]
    assert template_in({"chat_template": several}) == "d"
    assert template_in({"chat_template": several[:1]}) == "t"
    assert template_in({"chat_template": "  "}) is None
    assert template_in({}) is None


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (None, "has no chat template"),
        ("{% for %}", "can't be used"),
        ("{{ raise_exception('Roles must alternate') }}", "refuses this: Roles must alternate"),
        ("{{ cycler.__init__.__globals__.os.getcwd() }}", "can't be used"),
        ("{% for i in range(99999) %}{{ 'x' * 100 }}{% endfor %}", "too long a text"),
    ],
)
def test_what_cannot_be_rendered_says_why(template: str | None, says: str):
    with pytest.raises(TokenizerError, match=says):
        rendered({"chat_template": template}, TURNS)
