"""Masked tokens: putting the mask into the prompt in place of a token, and a token in its place.

The prompt stays a text, and the tokenizer may cut a changed text in another way than was meant:
then this says so. Knows the store; no widget, no tokenizer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from model.messages import ModelInfo, TraceReady

if TYPE_CHECKING:
    from gui.session.store import Store


@dataclass(frozen=True, slots=True)
class Masked:
    """A token that was masked.

    Attributes:
        prompt: with the mask.
        position: of the mask.
        token_id: that stood there.
        text: as it was written in the prompt.
    """

    prompt: str
    position: int
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
        self._masked: tuple[Masked, ...] = ()
        self._expected: tuple[str, int, tuple[int, ...]] | None = None
        store.trace_changed.connect(self._check)
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

    def is_mask(self, position: int) -> bool:
        """Whether the mask stands at a position."""
        trace, model = self._store.trace, self._store.model
        if trace is None or model is None or not 0 <= position < trace.n_tokens:
            return False
        return model.mask_id is not None and trace.tokens[position].id == model.mask_id

    def original(self, position: int) -> int | None:
        """The token that was masked at a position; None if it is not known."""
        masked = self._masked_at(position)
        return None if masked is None else masked.token_id

    # ------------------------------------------------------------------------ changing

    def toggle(self, position: int) -> None:
        """Mask a token, or put back what was masked here."""
        masked = self._masked_at(position)
        if masked is not None:
            self._put_back(masked)
        elif self.is_mask(position):
            self._say("This is the mask already: fill it with one of the tokens.")
        else:
            self.mask(position)

    def mask(self, position: int) -> None:
        """Put the mask in place of a token of the prompt."""
        trace, model = self._current()
        if trace is None or model is None or not self.possible:
            return
        mask = _mask(model)
        if not 0 <= position < trace.n_tokens or mask is None or model.mask_id is None:
            return
        token = trace.tokens[position]
        if token.char_start == token.char_end:
            self._say(f"{token.text} is put there by the tokenizer: it can't be masked.")
            return
        start, end = token.char_start, token.char_end
        prompt = trace.text[:start] + _space_before(trace.text[start:end]) + mask
        prompt += trace.text[end:]
        # Earlier masks stay known while the prompt only gains others.
        kept = [m for m in self._masked if m.prompt == trace.text]
        self._masked = (
            *(replace(m, prompt=prompt) for m in kept),
            Masked(prompt, position, token.id, trace.text[start:end].strip()),
        )
        self._put(prompt, trace, position, model.mask_id)

    def fill(self, position: int, token_id: int) -> None:
        """Put a token in place of what stands at a position."""
        trace, model = self._current()
        if trace is None or model is None or not 0 <= position < trace.n_tokens:
            return
        token = trace.tokens[position]
        if not model.vocabulary:
            ids = [t.id for t in trace.tokens]
            ids[position] = token_id
            self._put(" ".join(map(str, ids)), trace, position, token_id)
            return
        if token.char_start == token.char_end:
            self._say(f"{token.text} is put there by the tokenizer: nothing can take its place.")
            return
        try:
            text = model.vocabulary[token_id].decode("utf-8")
        except (UnicodeDecodeError, IndexError):
            self._say(f"{model.token_text(token_id)} is no whole text: it can't stand alone.")
            return
        before, after = trace.text[: token.char_start], trace.text[token.char_end :]
        before += _space_before(trace.text[token.char_start : token.char_end])
        prompt = _joined(model, before, text, token_id) + after
        others = [m for m in self._masked if m.prompt == trace.text and m.position != position]
        self._masked = tuple(replace(m, prompt=prompt) for m in others)
        self._put(prompt, trace, position, token_id)

    # -------------------------------------------------------------------------- inside

    def _current(self) -> tuple[TraceReady | None, ModelInfo | None]:
        """Trace and model, where the trace is of the prompt as it is now."""
        store = self._store
        trace = store.trace
        if trace is None or trace.text != store.prompt:
            return None, None
        return trace, store.model

    def _masked_at(self, position: int) -> Masked | None:
        trace = self._store.trace
        if trace is None or not self.is_mask(position):
            return None
        return next(
            (m for m in self._masked if m.position == position and m.prompt == trace.text), None
        )

    def _put_back(self, masked: Masked) -> None:
        trace, _ = self._current()
        if trace is None:
            return
        token = trace.tokens[masked.position]
        before, after = trace.text[: token.char_start], trace.text[token.char_end :]
        before += _space_before(trace.text[token.char_start : token.char_end])
        prompt = before + masked.text + after
        others = [m for m in self._masked if m.prompt == trace.text and m != masked]
        self._masked = tuple(replace(m, prompt=prompt) for m in others)
        self._put(prompt, trace, masked.position, masked.token_id)

    def _put(self, prompt: str, trace: TraceReady, position: int, token_id: int) -> None:
        ids = [token.id for token in trace.tokens]
        ids[position] = token_id
        self._expected = (prompt, position, tuple(ids))
        self._store.select(position=position)
        self._store.set_prompt(prompt)

    def _check(self) -> None:
        """A text may be cut into other tokens than those it was put together from: say so."""
        trace, expected = self._store.trace, self._expected
        if trace is None or expected is None or trace.text != expected[0]:
            return
        self._expected = None
        _, position, meant_ids = expected
        self._store.select(position=position)  # what was changed is what is looked at
        ids = tuple(token.id for token in trace.tokens)
        if ids != meant_ids:
            n, meant = len(ids), len(meant_ids)
            how = f"into {n} tokens, not {meant}" if n != meant else "into other tokens"
            pairs = zip(ids, meant_ids, strict=False)
            moved = next((i for i, (is_, was) in enumerate(pairs) if is_ != was), min(n, meant))
            # Behind the first token that is another one, places have moved.
            self._masked = tuple(m for m in self._masked if m.position < moved)
            self._say(f"The tokenizer cuts the changed text differently: {how}.")

    def _say(self, message: str) -> None:
        if message != self.message:
            self.message = message
            self.changed.emit()

    def _hush(self) -> None:
        self._say("")

    def _forget(self) -> None:
        self._masked = ()
        self._expected = None
        self._say("")


def _mask(model: ModelInfo) -> str | None:
    """How the mask is written."""
    if model.mask_id is None or model.mask_id >= len(model.vocabulary):
        return None
    return model.vocabulary[model.mask_id].decode("utf-8", "replace")


def _space_before(text: str) -> str:
    """The white space with which a token's text begins: it belongs to the text, not to the mask."""
    return text[: len(text) - len(text.lstrip())]


def _joined(model: ModelInfo, before: str, text: str, token_id: int) -> str:
    """A text and a token after it, with the space between that the token's vocabulary means."""
    if token_id in model.continuing_ids:
        return before.rstrip() + text
    if model.continuing_ids:  # every other token begins a word
        apart = before and not before[-1].isspace() and text[:1].isalnum() and before[-1].isalnum()
        return f"{before} {text}" if apart else before + text
    # Tokens have their spaces written in them.
    return before.rstrip(" ") + text if before.strip() else before + text.lstrip(" ")
