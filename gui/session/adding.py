"""Tokens that were added to the prompt's end, drawn by the model or put there by a person.

The prompt stays a text, and the tokenizer may cut a longer text in another way than was meant: then
this says so. Knows the store; no widget, no tokenizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Signal

from gui.session.state import Generation
from model.messages import ModelInfo, PromptRead
from model.tokenizer.tokens import visible

if TYPE_CHECKING:
    from gui.session.store import Store

How = Literal["drawn", "forced", "taken"]
CAME: dict[How, str] = {
    "drawn": "drawn at random by the model",
    "forced": "put there by you",
    "taken": "taken by you out of the tree of continuations",
}
"""How a token came into the prompt, in words."""


@dataclass(frozen=True, slots=True)
class AddedToken:
    """One token at the end of the prompt.

    Attributes:
        token_id: that was added.
        how: who chose it.
        position: where it is meant to stand; -1 where that isn't known.
        start, end: the characters of the prompt that came with it.
        probability: with which it would have been drawn, or was; NaN where that isn't known.
    """

    token_id: int
    how: How
    position: int
    start: int
    end: int
    probability: float = float("nan")


class Adding(QObject):
    """What was added at the prompt's end, and the way back.

    Attributes:
        message: what a person should know of the last change; empty for nothing.

    Signals:
        changed: there are other tokens, or another message.
    """

    changed = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store
        self.message = ""
        self._added: list[AddedToken] = []
        self._text = ""  # the prompt with all that was added
        self._noted: tuple[int, int] | None = None  # a generation, and how many of its tokens
        self._expected: tuple[str, int, tuple[int, ...]] | None = None
        store.prompt_changed.connect(self._keep_what_stands)
        store.subject_changed.connect(self._check)
        store.model_changed.connect(self._forget)

    # ------------------------------------------------------------------------- reading

    @property
    def tokens(self) -> tuple[AddedToken, ...]:
        """All that were added and still stand in the prompt, in order."""
        return tuple(self._added)

    @property
    def can_go_back(self) -> bool:
        """Whether the prompt ends with a token that was added."""
        return bool(self._added) and self._added[-1].end == len(self._store.prompt)

    def marks(self, read: PromptRead | None) -> dict[int, AddedToken]:
        """What was added to a prompt, by position."""
        if read is None or not self._added:
            return {}
        same = _common(read.text, self._text)
        return {
            one.position: one
            for one in self._added
            if one.end <= same
            and 0 <= one.position < read.n_tokens
            and read.tokens[one.position].id == one.token_id
        }

    # ------------------------------------------------------------------------ changing

    def put(
        self,
        read: PromptRead,
        position: int,
        ids: Sequence[int],
        how: How,
        probabilities: Sequence[float] = (),
    ) -> bool:
        """Let a prompt go on with tokens after a position; what stood there is replaced.

        Args:
            read: the prompt, as it was read.
            position: after which.
            ids: the tokens.
            how: who chose them.
            probabilities: of each.

        Returns:
            Whether it was done; if not, ``message`` says why.
        """
        model = self._store.model
        if model is None or not ids or not 0 <= position < read.n_tokens:
            return False
        start = start_of(model, read, position)
        texts = _texts(model, start, ids)
        if texts is None:
            shown = " ".join(model.token_text(i) for i in ids)
            self._say(f"{shown} is a part of a character: it can't stand in a text alone.")
            return False
        chances = [*probabilities, *[float("nan")] * (len(ids) - len(probabilities))]
        ends = [len(start), *map(len, texts)]
        new = [
            AddedToken(token_id, how, position + 1 + i, ends[i], ends[i + 1], chances[i])
            for i, token_id in enumerate(ids)
        ]
        self._noted = None
        self._set(new, texts[-1], (position + 1, tuple(ids)))
        return True

    def note(self, generation: Generation, position: int | None) -> None:
        """Put what a generation has drawn so far at the end of its prompt.

        Args:
            generation: that writes.
            position: of its first token; None where the prompt is read otherwise.
        """
        model, steps = self._store.model, generation.steps
        if model is None:
            return
        kept = kept_text(generation, model)
        text = joined(model, generation.prompt, kept)
        goes_on = self._noted is not None and self._noted[0] == generation.request_id
        first = (
            self._noted[1] if goes_on and self._noted and self._text == self._store.prompt else 0
        )
        new = []
        for i in range(first, len(steps)):
            if not kept.startswith(steps[i].text):
                break  # it ends inside a character, or is the mark of the end
            before = steps[i - 1].text if i else ""
            new.append(
                AddedToken(
                    steps[i].token_id,
                    "drawn",
                    -1 if position is None else position + i,
                    len(joined(model, generation.prompt, before)),
                    len(joined(model, generation.prompt, steps[i].text)),
                    steps[i].probability,
                )
            )
        self._noted = generation.request_id, first + len(new)
        ids = tuple(one.token_id for one in new)
        self._set(new, text, None if position is None else (position + first, ids))

    def back(self) -> None:
        """Take the last token that was added away again."""
        if self.can_go_back:
            self._store.set_prompt(self._store.prompt[: self._added[-1].start])

    # -------------------------------------------------------------------------- inside

    def _set(
        self, new: list[AddedToken], text: str, expected: tuple[int, tuple[int, ...]] | None
    ) -> None:
        first = new[0].start if new else len(text)
        # What was added earlier stays known where the new tokens stand behind it.
        same = min(_common(text, self._text), first)
        self._added = [one for one in self._added if one.end <= same] + new
        self._text = text
        self._expected = None if expected is None else (text, *expected)
        self._store.set_prompt(text)
        self.changed.emit()

    def _keep_what_stands(self) -> None:
        prompt, n = self._store.prompt, len(self._added)
        if prompt != self._text:
            same = _common(prompt, self._text)
            while self._added and self._added[-1].end > same:
                self._added.pop()
            self._text = prompt[:same]
            self._noted = None
        said, self.message = self.message, ""
        if said or len(self._added) != n:
            self.changed.emit()

    def _check(self) -> None:
        """A text may be cut into other tokens than those it was put together from: say so."""
        read, model, expected = self._store.read, self._store.model, self._expected
        if read is None or model is None or expected is None or read.text != expected[0]:
            return
        self._expected = None
        _, position, ids = expected
        if read.subject.ids[position : position + len(ids)] != ids:
            last = visible(b"".join(token.bytes for token in read.tokens[-2:]))
            what = " ".join(model.token_text(token_id) for token_id in ids[-3:])
            self._say(
                f"Added was {what}; as text the tokenizer cuts it differently, and the prompt "
                f"now ends …{last}."
            )

    def _say(self, message: str) -> None:
        if message != self.message:
            self.message = message
            self.changed.emit()

    def _forget(self) -> None:
        self._added, self._text = [], ""
        self._noted = self._expected = None
        self._say("")


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    same, n = 0, min(len(one), len(other))
    while same < n:  # halves: a text of a hundred thousand is compared in a moment
        middle = (same + n + 1) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            n = middle - 1
    return same


def start_of(model: ModelInfo, read: PromptRead, position: int) -> str:
    """The prompt up to and with a position: characters, or ids where there is no tokenizer."""
    if not model.vocabulary:
        return " ".join(str(token.id) for token in read.tokens[: position + 1])
    return read.text[: read.tokens[position].char_end]


def joined(model: ModelInfo, prompt: str, text: str) -> str:
    """A prompt and what follows: characters, or ids where the model has no tokenizer."""
    return prompt + text if model.vocabulary else f"{prompt.rstrip()} {text}".strip()


def kept_text(generation: Generation, model: ModelInfo) -> str:
    """The generated text without the mark that ended it, and without half a character."""
    steps = generation.steps
    text = generation.text
    ended = generation.finished is not None and generation.finished.reason == "end_of_text"
    if steps and (ended or steps[-1].token_id in model.special_ids):
        text = steps[-2].text if len(steps) > 1 else ""
    while (
        steps
        and text.endswith("\ufffd")
        and not is_text(b"".join(model.vocabulary[step.token_id] for step in steps))
    ):
        text = text[:-1]
    return text


def is_text(raw: bytes) -> bool:
    """Whether bytes begin and end with whole characters."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _texts(model: ModelInfo, start: str, ids: Sequence[int]) -> list[str] | None:
    """The prompt after each token; None where the last one ends inside a character."""
    if not model.vocabulary:
        found = [start]
        for token_id in ids:
            found.append(f"{found[-1]} {token_id}")
        return found[1:]
    if any(not 0 <= token_id < len(model.vocabulary) for token_id in ids):
        return None
    raw = [model.vocabulary[token_id] for token_id in ids]
    if not is_text(b"".join(raw)):
        return None
    # A token that ends inside a character adds what it has completed.
    return [start + b"".join(raw[: i + 1]).decode("utf-8", "ignore") for i in range(len(raw))]
