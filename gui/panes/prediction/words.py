"""What the prediction pane says, by the head of the model: next token, masked token, no head.

Everything is about a prompt as it was read, which whoever asks names: that of the answer that is
drawn. Knows the store's masks; no widget.
"""

from __future__ import annotations

import numpy as np

from gui.panes.prediction.answers import asked, cuts, position_of, row_of
from gui.panes.prediction.bars import Bar, three_digits
from gui.reading.quoting import quoted
from gui.session.store import Store
from model.config import Head
from model.counting import counted
from model.messages import ModelInfo, PromptRead
from model.probe.next_token.asks import NextTokenFound
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
    text = plain(model, read.tokens[position].id)
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


def plain(model: ModelInfo, token_id: int) -> str:
    """A token in a sentence: without the mark of the space before it."""
    text = model.token_text(token_id)
    return text.removeprefix(SPACE) or text


def figures(found: NextTokenFound, waiting: str, mark: str = "") -> str:
    """The entropy, and what the cut leaves.

    Args:
        found: what is drawn.
        waiting: that another answer is waited for; or empty.
        mark: what the mark beside each bar is, where the difference is shown: before, B.
    """
    parts = [waiting] if waiting else []
    parts.append(f"entropy {found.entropy_bits:.2f} bits")
    if mark:
        parts.append(f"│ {mark}")
    if cuts(found):
        parts.append(f"kept {found.kept:.3f} ({counted(found.n_kept, 'token')})")
    return "   ".join(parts)


def goes_on(
    store: Store, model: ModelInfo, read: PromptRead, found: NextTokenFound, actual: int
) -> str:
    """What the prompt really goes on with; empty where the answer lacks it."""
    row = row_of(found, actual)
    if row is None:
        return ""
    p = three_digits(float(found.probabilities[row]))
    said = real_words(store, read, position_of(found))
    return f"{said} {model.token_text(actual)}   {p}   rank {found.ranks[row]:,}"


def bar(store: Store, read: PromptRead, found: NextTokenFound, bar: Bar) -> str:
    """What hovering a bar says.

    Args:
        store: whose masks and head it asks.
        read: the prompt that the answer is about.
        found: the answer, with this bar's token in it.
        bar: the bar.
    """
    at = position_of(found)
    row = row_of(found, bar.token_id)
    assert row is not None
    lines = [
        f"{bar.text}   id {bar.token_id}   rank {bar.rank:,}",
        f"p = {bar.probability:.6g}" + (f" (left out by {bar.cut_by})" if bar.cut else ""),
        f"logit {repr32(found.logits[row])}",
        f"logits[0, {at}, {bar.token_id}]",
    ]
    if bar.uncut != bar.probability:
        greedy = asked(found).sampling.temperature == 0
        lines[1] += f", {bar.uncut:.6g} {'at temperature 1' if greedy else 'before the cut'}"
    if bar.before is not None:
        moved = bar.probability - bar.before
        if store.comparing.kind == "changes":
            lines.append(f"{bar.before:.6g} before the interventions ({moved:+.6g})")
        else:
            lines.append(f"B: {bar.before:.6g}, B − A {-moved:+.6g}")
    masked = head_of(store) == "mlm"
    if bar.actual:
        said = real_words(store, read, at)
        lines.append(f"{said} this token" if masked else "the prompt goes on with this token")
    put = "put it in this place" if masked else "let the text go on with it"
    lines.append(f"Click to see why · double-click to {put}")
    return "\n".join(lines)


def repr32(value: np.floating) -> str:
    """All the digits that a float32 has."""
    return str(np.float32(value))


def chosen_note(
    model: ModelInfo, read: PromptRead, token_id: int, position: int, logit: str, rank: int
) -> str:
    """A sentence about one probability."""
    at = model.token_text(read.tokens[position].id)
    where = "in the place of" if model.config.head == "mlm" else "after"
    verb = "stands" if model.config.head == "mlm" else "comes"
    return (
        f"How likely {quoted(model.token_text(token_id))} {verb} {where} {quoted(at)}: its logit "
        f"is {logit}, of rank {rank:,}."
    )


def waiting(share: float) -> str:
    """That an answer is waited for, and how far the work for it is."""
    return f"reading the prompt … {share:.0%}" if 0 < share < 1 else "waiting for the answer …"
