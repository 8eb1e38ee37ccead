"""What the pane of tokens says: of a token, of its surprisal, of a prompt that isn't there.

Knows the store's state; no widget.
"""

from __future__ import annotations

import math

from gui.session.store import Store
from gui.widgets.text import counted as with_noun
from model.messages import PromptRead
from model.probe.not_finite.asks import NO_NUMBER
from model.tokenizer.tokens import Token

SURPRISAL = (
    "Show every token's surprisal: −log₂ p given what stands before it, in bits, as colour and "
    "as the figure below"
)
NO_SURPRISAL = (
    "This model reads the whole text at once, so it says of no token how likely it is given what "
    "stands before it: there is no surprisal"
)
NOT_FOR_THIS_MODEL = "no surprisal: the model reads the whole text, this token too"
MASK = "Double-click or M to mask it"
UNMASK = "Double-click or M to put it back"


def raw(token: Token) -> str:
    """A token's bytes in hexadecimal."""
    return "special" if token.special else token.bytes.hex(" ").upper()


def bytes_sentence(token: Token) -> str:
    """How many bytes a token stands for, and which."""
    part = ", part of a character" if token.partial else ""
    return f"{with_noun(len(token.bytes), 'byte')} {raw(token)}{part}"


def readings(
    index: int, token: Token, text: str, bits: float, *, no_number: bool = False
) -> tuple[str, ...]:
    """A token in one line: all that there is to say, then less and less, for less room.

    Args:
        index: its position.
        token: as it was read.
        text: as it is written.
        bits: its surprisal; NaN for none.
        no_number: it was answered, by no number.
    """
    place, id = f"{index}  {text}", f"   id {token.id}"
    cost = "" if math.isnan(bits) else f"   {bits:.3f} bits"
    cost = f"   surprisal: {NO_NUMBER}" if no_number else cost
    return (
        f"{place}{id}{cost}   {raw(token)}",
        f"{place}{id}{cost}",
        place + cost,
        place,
        str(index),
    )


def surprisal(index: int, bits: float, *, pending: bool) -> str:
    """A token's surprisal, or why there is none.

    Args:
        index: its position.
        bits: NaN for none.
        pending: whether it may still come.
    """
    if index == 0:
        return "no surprisal: nothing stands before it"
    if math.isnan(bits):
        return "its surprisal is being worked out" if pending else "its surprisal is no number"
    return f"surprisal {bits:.4f} bits (p = {2.0**-bits:.4g} before it was read)"


def counted(read: PromptRead, *, narrow: bool) -> str:
    """How long a prompt is in tokens, characters and bytes; without characters if narrow."""
    parts = [with_noun(read.n_tokens, "token")]
    if read.n_bytes:
        if not narrow:
            parts.append(with_noun(len(read.text[: read.truncated_at]), "character"))
        parts.append(with_noun(read.n_bytes, "byte"))
    return " · ".join(parts)


def why_empty(store: Store) -> str:
    """Why there are no tokens, and what to do."""
    if store.model is None:
        return "No model is open. Open a checkpoint to see how it cuts a text into tokens."
    return store.prompt_problem or "Type a prompt to see its tokens."


def widths(read: PromptRead, carries: str, of_bits: int) -> tuple[int, ...]:
    """How many characters stand below each token at most; surprisals have `of_bits`."""
    match carries:
        case "surprisal":
            return (of_bits,) * read.n_tokens
        case "ids":
            return tuple(len(str(token.id)) for token in read.tokens)
        case _:
            return tuple(len(raw(token)) for token in read.tokens)
