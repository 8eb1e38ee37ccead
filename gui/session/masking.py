"""Masked tokens: putting the mask into the prompt in place of a token, and a token in its place.

The prompt stays a text, and the tokenizer may cut a changed text in another way than was meant:
then this says so. Knows the store; no widget, no tokenizer.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from model.counting import counted
from model.messages import ModelInfo, PromptRead

if TYPE_CHECKING:
    from gui.session.store import Store

REMEMBERED = 16
"""Prompts whose masks stay known, so that what is still drawn of an earlier one is told rightly."""


@dataclass(frozen=True, slots=True)
class Masked:
    """A token that was masked.

    Attributes:
        token_id: that stood there.
        text: as it was written in the prompt.
    """

    token_id: int
    text: str


class Masking(QObject):
    """What becomes of the prompt when a token is masked or a mask filled.

    Attributes:
        message: what a person should know of the last change; empty for nothing.

    Signals:
        changed: there is another message.
    """

    changed = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store
        self.message = ""
        self._masked: OrderedDict[str, dict[int, Masked]] = OrderedDict()  # by prompt, position
        self._expected: tuple[str, int, tuple[int, ...]] | None = None
        store.subject_changed.connect(self._check)
        store.model_changed.connect(self._forget)
        store.prompt_changed.connect(self._hush)

    # ------------------------------------------------------------------------- reading

    @property
    def possible(self) -> bool:
        """Whether the model in view fills masks, and a mask can be written."""
        return bool(self.written)

    @property
    def written(self) -> str:
        """How the mask is written in the prompt of a masked model; empty where there is none."""
        model = self._store.model
        if model is None or model.config.head != "mlm":
            return ""
        return _mask(model) or ""

    def is_mask(self, position: int, read: PromptRead | None = None) -> bool:
        """Whether the mask stands at a position of a prompt; of the one in view by default."""
        read, model = read or self._store.read, self._store.model
        if read is None or model is None or not 0 <= position < read.n_tokens:
            return False
        return model.mask_id is not None and read.tokens[position].id == model.mask_id

    def original(self, position: int, read: PromptRead | None = None) -> int | None:
        """The token that was masked at a position of a prompt; None if it is not known."""
        masked = self._masked_at(position, read or self._store.read)
        return None if masked is None else masked.token_id

    # ------------------------------------------------------------------------ changing

    def toggle(self, position: int) -> None:
        """Mask a token, or put back what was masked here."""
        masked = self._masked_at(position, self._store.read)
        if masked is not None:
            self._put_back(position, masked)
        elif self.is_mask(position):
            self._say("This is the mask already: fill it with one of the tokens.")
        else:
            self.mask(position)

    def mask(self, position: int) -> None:
        """Put the mask in place of a token of the prompt."""
        read, model = self._current()
        if read is None or model is None or not self.possible:
            return
        mask = _mask(model)
        if not 0 <= position < read.n_tokens or mask is None or model.mask_id is None:
            return
        token = read.tokens[position]
        if token.char_start == token.char_end:
            self._say(f"{token.text} is put there by the tokenizer: it can't be masked.")
            return
        before, written, after = _around(read, position)
        prompt = before + mask + after
        # Earlier masks stay known while the prompt only gains others.
        masked = Masked(token.id, written)
        self._remember(prompt, {**self._masks_of(read), position: masked})
        self._put(prompt, read, position, model.mask_id)

    def fill(self, position: int, token_id: int) -> None:
        """Put a token in place of what stands at a position."""
        read, model = self._current()
        if read is None or model is None or not 0 <= position < read.n_tokens:
            return
        token = read.tokens[position]
        if not model.vocabulary:
            ids = [t.id for t in read.tokens]
            ids[position] = token_id
            self._put(" ".join(map(str, ids)), read, position, token_id)
            return
        if token.char_start == token.char_end:
            self._say(f"{token.text} is put there by the tokenizer: nothing can take its place.")
            return
        try:
            text = model.vocabulary[token_id].decode("utf-8")
        except (UnicodeDecodeError, IndexError):
            self._say(f"{model.token_text(token_id)} is no whole text: it can't stand alone.")
            return
        before, _, after = _around(read, position)
        prompt = _joined(model, before, text, token_id) + after
        self._remember(prompt, _without(self._masks_of(read), position))
        self._put(prompt, read, position, token_id)

    # -------------------------------------------------------------------------- inside

    def _current(self) -> tuple[PromptRead | None, ModelInfo | None]:
        """Prompt and model, where the prompt was read as it is now."""
        store = self._store
        read = store.read
        if read is None or read.text != store.prompt:
            return None, None
        return read, store.model

    def _masks_of(self, read: PromptRead) -> dict[int, Masked]:
        return self._masked.get(read.text, {})

    def _remember(self, prompt: str, masks: dict[int, Masked]) -> None:
        self._masked[prompt] = masks
        self._masked.move_to_end(prompt)
        while len(self._masked) > REMEMBERED:
            self._masked.popitem(last=False)

    def _masked_at(self, position: int, read: PromptRead | None) -> Masked | None:
        if read is None or not self.is_mask(position, read):
            return None
        return self._masks_of(read).get(position)

    def _put_back(self, position: int, masked: Masked) -> None:
        read, _ = self._current()
        if read is None:
            return
        before, _, after = _around(read, position)
        prompt = before + masked.text + after
        self._remember(prompt, _without(self._masks_of(read), position))
        self._put(prompt, read, position, masked.token_id)

    def _put(self, prompt: str, read: PromptRead, position: int, token_id: int) -> None:
        ids = [token.id for token in read.tokens]
        ids[position] = token_id
        self._expected = (prompt, position, tuple(ids))
        self._store.select(position=position)
        self._store.set_prompt(prompt)

    def _check(self) -> None:
        """A text may be cut into other tokens than those it was put together from: say so."""
        read, expected = self._store.read, self._expected
        if read is None or expected is None or read.text != expected[0]:
            return
        self._expected = None
        prompt, position, meant_ids = expected
        self._store.select(position=position)  # what was changed is what is looked at
        ids = read.subject.ids
        if ids != meant_ids:
            n, meant = len(ids), len(meant_ids)
            how = f"into {counted(n, 'token')}, not {meant}" if n != meant else "into other tokens"
            pairs = zip(ids, meant_ids, strict=False)
            moved = next((i for i, (is_, was) in enumerate(pairs) if is_ != was), min(n, meant))
            # Behind the first token that is another one, places have moved.
            kept = {at: masked for at, masked in self._masks_of(read).items() if at < moved}
            self._remember(prompt, kept)
            self._say(f"The tokenizer cuts the changed text differently: {how}.")

    def _say(self, message: str) -> None:
        if message != self.message:
            self.message = message
            self.changed.emit()

    def _hush(self) -> None:
        self._say("")

    def _forget(self) -> None:
        self._masked.clear()
        self._expected = None
        self._say("")


def _mask(model: ModelInfo) -> str | None:
    """How the mask is written."""
    if model.mask_id is None or model.mask_id >= len(model.vocabulary):
        return None
    return model.vocabulary[model.mask_id].decode("utf-8", "replace")


def _around(read: PromptRead, position: int) -> tuple[str, str, str]:
    """The prompt before a token, the token as it is written, and what comes after.

    White space with which a token's text begins belongs to what is before, not to the mask.
    """
    token = read.tokens[position]
    written = read.text[token.char_start : token.char_end]
    space = written[: len(written) - len(written.lstrip())]
    return read.text[: token.char_start] + space, written.strip(), read.text[token.char_end :]


def _without(masks: dict[int, Masked], position: int) -> dict[int, Masked]:
    return {at: masked for at, masked in masks.items() if at != position}


def _joined(model: ModelInfo, before: str, text: str, token_id: int) -> str:
    """A text and a token after it, with the space between that the token's vocabulary means."""
    if token_id in model.continuing_ids:
        return before.rstrip() + text
    if model.continuing_ids:  # every other token begins a word
        apart = before and not before[-1].isspace() and text[:1].isalnum() and before[-1].isalnum()
        return f"{before} {text}" if apart else before + text
    # Tokens have their spaces written in them.
    return before.rstrip(" ") + text if before.strip() else before + text.lstrip(" ")
