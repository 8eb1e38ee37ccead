"""What is said of a state of a history. Knows histories and tokens; no widget."""

from __future__ import annotations

from collections.abc import Iterable

from model.counting import counted
from model.tokenizer.bpe_history import BpeHistory
from model.tokenizer.tokens import visible

EMPTY = (
    "Choose a text and press Learn. The most frequent pair of neighbours becomes one token, "
    "again and again, and every step can be gone to."
)
MOST_LISTED = 12
"""Tokens of a text that a sentence lists."""
BEHIND = "Press Learn: text or size are others now than in this picture."
BY_HAND = "Click a bar, or a token, to merge that pair by hand."
NOTHING_TO_MERGE = "No pair occurs often enough in this text: nothing was merged."


def pair_of(history: BpeHistory, left: int, right: int) -> str:
    """Two tokens that stand beside each other."""
    return f"“{visible(history.tokens[left])}” + “{visible(history.tokens[right])}”"


def made_by(history: BpeHistory, k: int) -> str:
    """The token that merge number k, from 1 on, makes."""
    return visible(history.tokens[int(history.made[k - 1])])


def here(history: BpeHistory, k: int, n_ctx: int) -> str:
    """What a state is, in sentences.

    Args:
        history: of which.
        k: merges that are done.
        n_ctx: tokens of a context.
    """
    n = history.n_merges
    each = history.bytes_per_token(k)
    length = counted(int(history.n_tokens[k]), "token")
    if k == 0:
        start = f"Before the first merge every byte is a token: the text is {length} long."
        if not n:
            return f"{start} {NOTHING_TO_MERGE}"
        left, right = history.pairs[0].tolist()
        times = counted(int(history.counts[0]), "time")
        return f"{start} The most frequent pair is {pair_of(history, left, right)}, {times}."
    left, right = history.pairs[k - 1].tolist()
    times = counted(int(history.counts[k - 1]), "time")
    said = (
        f"Merge {k:,} of {n:,}: {pair_of(history, left, right)}, found {times}, is one token now: "
        f"“{made_by(history, k)}”, id {history.made[k - 1]}. The text is {length} long, "
        f"{each:.2f} bytes each; a context of {n_ctx:,} holds {each * n_ctx:,.0f} bytes of it, "
        f"where bytes alone would hold {n_ctx:,}."
    )
    said += by_hand(history, k)
    return f"{said} {ending(history)}" if k == n else said


def in_use(history: BpeHistory, ids: Iterable[int]) -> str:
    """Of what a short text is made now, as the textbook lists it: ``low, e, r, s, t``.

    Args:
        history: of which.
        ids: of the whole text's tokens.
    """
    used = dict.fromkeys(ids)
    if not 0 < len(used) <= MOST_LISTED:
        return ""
    # Spaces and line breaks last: the textbook has none.
    raws = sorted((history.tokens[id] for id in used), key=lambda raw: not raw.strip())
    return f"It is made of {counted(len(raws), 'token')}: {', '.join(map(visible, raws))}."


def by_hand(history: BpeHistory, k: int) -> str:
    """What training would have done, where a person chose merge number k otherwise."""
    if k > len(history.settings.chosen) or not history.leader_counts[k - 1, 0]:
        return ""
    first, count = history.leaders[k - 1, 0].tolist(), int(history.leader_counts[k - 1, 0])
    if first == history.pairs[k - 1].tolist():
        return ""
    return f" Chosen by hand; training would take {pair_of(history, *first)}, {count:,} times."


def ending(history: BpeHistory) -> str:
    """Why there are no more merges."""
    if history.ended == "full":
        return "The vocabulary is full."
    return f"No pair is left that occurs {history.settings.min_frequency} times."


def figures(history: BpeHistory, k: int) -> str:
    """The same as figures, for one line."""
    start = max(1, int(history.n_tokens[0]))
    share = int(history.n_tokens[k]) / start
    return (
        f"vocabulary {history.vocab_size(k):,} · {int(history.n_tokens[k]):,} tokens · "
        f"{history.bytes_per_token(k):.2f} bytes each · attention n² {share * share:.1%}"
    )


def header(history: BpeHistory, k: int) -> str:
    """For the pane's header."""
    return f"merge {k:,} of {history.n_merges:,}"


def pair_tip(history: BpeHistory, left: int, right: int, count: int, *, first: bool) -> str:
    """Of a bar."""
    whole = f"“{visible(history.tokens[left] + history.tokens[right])}”"
    what = "is merged next" if first else "would make"
    return (
        f"{pair_of(history, left, right)}: {counted(count, 'time')} in the text\n"
        f"{what} {whole}; click to merge it now\n"
        f"ids {left} and {right}; of equal counts the lower ids come first"
    )


def token_tip(history: BpeHistory, id: int, after: int) -> str:
    """Of a token in the text, and of the one that follows it in its word."""
    raw = history.tokens[id]
    said = f"{visible(raw)}\nid {id} · {counted(len(raw), 'byte')} · {raw.hex(' ')}"
    if after < 0:
        return said
    return f"{said}\nclick to merge it with “{visible(history.tokens[after])}” behind it"
