"""What the prediction pane says, by the head of the model: next token, masked token, no head.

Everything is about a prompt as it was read, which whoever asks names: that of the answer that is
drawn. Knows the store's masks; no widget.
"""

from __future__ import annotations

from gui.session.store import Store
from model.config import Head
from model.messages import ModelInfo, PromptRead
from model.tokenizer.tokens import SPACE

TITLES: dict[Head, str] = {"lm": "Next token", "mlm": "Masked token", "none": "No head"}

NO_HEAD = (
    "This model has no head that scores tokens: it ends with a vector at every position. See the "
    "vectors in Layers and Inspector, who reads whom in Attention, their ways in Embedding space."
)


def head_of(store: Store) -> Head:
    """How the model in view ends; as a language model where there is none."""
    return "lm" if store.model is None else store.model.config.head


def note(model: ModelInfo, read: PromptRead, position: int) -> str:
    """A short fact for the header: which place is predicted."""
    text = model.token_text(read.tokens[position].id)
    text = text.removeprefix(SPACE) or text
    return f"at “{text}” ({position})" if model.config.head == "mlm" else f"after “{text}”"


def real_token(store: Store, read: PromptRead, position: int) -> int | None:
    """The token that is really there: the next one, or the one that is or was at the position."""
    if not 0 <= position < read.n_tokens:
        return None
    if head_of(store) == "mlm":
        if store.masking.is_mask(position, read):
            return store.masking.original(position, read)
        return read.tokens[position].id
    return read.tokens[position + 1].id if position + 1 < read.n_tokens else None


def real_words(store: Store, read: PromptRead, position: int) -> str:
    """How the line about that token begins."""
    if head_of(store) != "mlm":
        return "goes on with"
    return "was" if store.masking.is_mask(position, read) else "seen here:"


def real_tip(store: Store) -> str:
    """What the dot before it means."""
    if head_of(store) != "mlm":
        return "The token that really comes next in the prompt"
    return (
        "The token that was masked; or, without a mask, the one that stands here: the model sees "
        "it and need not guess. Mask it to let the model guess."
    )


def chosen_note(
    model: ModelInfo, read: PromptRead, token_id: int, position: int, logit: str, rank: int
) -> str:
    """A sentence about one probability."""
    at = model.token_text(read.tokens[position].id)
    where = "in the place of" if model.config.head == "mlm" else "after"
    verb = "stands" if model.config.head == "mlm" else "comes"
    return (
        f"How likely “{model.token_text(token_id)}” {verb} {where} “{at}”: its logit is {logit}, "
        f"of rank {rank:,}."
    )


def waiting(share: float) -> str:
    """That an answer is waited for, and how far the work for it is."""
    return f"reading the prompt … {share:.0%}" if 0 < share < 1 else "waiting for the answer …"
