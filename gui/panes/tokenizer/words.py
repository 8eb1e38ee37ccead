"""What is said of a replay and of tokenizers side by side. Knows both; no widget."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import messages as m
from model.counting import counted
from model.tokenizer.replay import PieceCut, Replay, Span, Step
from model.tokenizer.side_by_side import CHARACTERS, CutBy
from model.tokenizer.tokens import visible

MOST_QUOTED = 40
"""Signs of a text that a sentence quotes."""
WAITING = {
    "word": "The word is being cut, step by step…",
    "beside": "The prompt is being cut by each tokenizer…",
    "chat": "The template is being filled…",
}
"""Until the first answer is there, by view."""
HAVE_TEMPLATES = "Open one that was: its name often ends in Instruct or Chat."
EMPTY_WORD = "Type a word, or select a token of the prompt: here stands how it was cut."
NO_TEXTS = "This checkpoint has no tokenizer: its tokens are ids alone, without a text."
EMPTY_TEXT = "Type a prompt: here it stands in the tokens of several tokenizers."
GLITCH = (
    "Tokens that never occur in the text that was counted and whose vectors have less than half "
    "the median length of those that do: training may never have seen them"
)
HOW = {
    "BPE": "byte-pair encoding: of all neighbours the pair with the lowest rank is joined, again "
    "and again",
    "WordPiece": "WordPiece: from the left, the longest piece that is in the vocabulary",
    "Unigram": "Unigram: of all ways through the lattice the one with the highest sum of scores",
    "WordLevel": "a table of whole words",
}


def of_span(replay: m.TextReplayed, span: Span, piece: PieceCut) -> str:
    """What a span says: the token's bytes, or the symbols where it is none."""
    raw = replay.vocabulary.get(span.id, b"") if span.id >= 0 else b""
    return visible(raw or b"".join(piece.texts[span.start : span.end]))


def quoted(text: str) -> str:
    """A text as one line in quotes, its middle left out where it is long."""
    seen = visible(text.encode("utf-8", "replace"))
    if len(seen) > MOST_QUOTED:
        seen = f"{seen[: MOST_QUOTED // 2]}…{seen[-MOST_QUOTED // 4 :]}"
    return f"“{seen}”"


def is_unknown(replay: m.TextReplayed, piece: PieceCut) -> bool:
    """Whether WordPiece gave a word up: all pieces were tried, and one token stands for it."""
    tried = bool(piece.steps) and piece.steps[-1].made < 0
    return replay.replay.algorithm == "WordPiece" and tried and len(piece.cut) == 1


def unknown_caption(replay: m.TextReplayed, piece: PieceCut) -> str:
    """Beside the one token that stands for a word of which no piece is known."""
    whole = piece.cut[0]
    return f"no piece fits: the whole word becomes “{of_span(replay, whole, piece)}”, id {whole.id}"


def caption(replay: m.TextReplayed, piece: PieceCut, index: int) -> str:
    """Beside a step of BPE or WordPiece."""
    step = piece.steps[index]
    if replay.replay.algorithm == "WordPiece":
        return _tried(replay, piece, step)
    if piece.whole:
        return f"the whole is a token, id {step.spans[0].id}: no merge is done (ignore_merges)"
    if index == 0:
        return f"{counted(len(step.spans), 'symbol')}, none merged"
    before = piece.steps[index - 1].spans
    left, right = (of_span(replay, span, piece) for span in before[step.made : step.made + 2])
    made = step.spans[step.made]
    whole = of_span(replay, made, piece)
    return f"rank {step.rank:,}: “{left}” + “{right}” is “{whole}”, id {made.id}"


def _tried(replay: m.TextReplayed, piece: PieceCut, step: Step) -> str:
    tried = step.spans[-1]
    name = visible(b"".join(piece.texts[tried.start : tried.end]))
    name = f"##{name}" if tried.start else name
    if step.made < 0:
        return f"“{name}” is not in the vocabulary"
    return f"“{name}” is: id {tried.id}"


def lattice_caption(piece: PieceCut) -> str:
    """Of a Unigram lattice."""
    total = sum(span.score for span in piece.cut)
    return (
        f"{counted(len(piece.lattice), 'piece')} could stand here; the best way has "
        f"{len(piece.cut)}, sum {total:.2f}"
    )


def here(found: m.TextReplayed) -> str:
    """What the replay says here."""
    replay: Replay = found.replay
    n = len(replay.ids)
    steps = sum(max(0, len(piece.steps) - 1) for piece in replay.pieces)
    said = f"{quoted(replay.text)} is {counted(n, 'token')}"
    if replay.algorithm == "BPE":
        whole = sum(piece.whole for piece in replay.pieces)
        said += f" after {counted(steps, 'merge')}"
        if whole:
            said += f", {counted(whole, 'piece')} taken whole"
    said += f". {HOW.get(replay.algorithm, replay.algorithm)[0].upper()}"
    said += f"{HOW.get(replay.algorithm, replay.algorithm)[1:]}."
    if replay.normalized != replay.text:
        said += f" It is read as {quoted(replay.normalized)}."
    return " ".join((said, *replay.notes))


def short_name(name: str) -> str:
    """Of a tokenizer, for a label: a path's last two parts."""
    if name == CHARACTERS:
        return "characters"
    return "/".join(name.replace("\\", "/").rstrip("/").split("/")[-2:])


def heading(cut: CutBy, *, short: bool = False) -> str:
    """The figures of a tokenizer, for one line."""
    parts = [
        counted(cut.n_tokens, "token"),
        f"{cut.bytes_per_token:,.2f} {'B' if short else 'bytes'} each",
        f"n² = {cut.attention_pairs:,}",
    ]
    if cut.unknown:
        parts.append(f"{len(cut.unknown)} unknown")
    if not cut.same_text:
        parts.append("text lost" if short else "does not give the text back")
    return " · ".join(parts)


def of_head(cut: CutBy | object, said: str) -> str:
    """Of a tokenizer's line of figures, at length."""
    if not isinstance(cut, CutBy):
        return said
    lines = [f"{short_name(cut.name)}: {cut.kind}, {cut.vocab_size:,} tokens", said]
    lines.append("n²: scores that a head of attention computes for this text, without a mask")
    return "\n".join((*lines, *cut.notes))


def compared(cuts: tuple[CutBy, ...]) -> str:
    """What the comparison says here."""
    if not cuts:
        return ""
    best = min(cuts, key=lambda cut: cut.n_tokens)
    worst = max(cuts, key=lambda cut: cut.n_tokens)
    if best.n_tokens == worst.n_tokens:
        return f"All cut this text into {counted(best.n_tokens, 'token')}."
    times = worst.attention_pairs / max(1, best.attention_pairs)
    price = f"{times:,.1f}" if times < 100 else f"{times:,.0f}"
    loses = "" if best.same_text else " (and does not give the text back)"
    return (
        f"{short_name(best.name)} needs the fewest tokens, {best.n_tokens:,}{loses}, "
        f"{short_name(worst.name)} the most, {worst.n_tokens:,}: "
        f"an attention layer pays {price} times as much for it."
    )


def nothing_found(query: str, kind: str) -> str:
    """Where the search has no row, and what to do."""
    of_kind = f" of the kind “{kind}”" if kind else ""
    holds = f" contains {quoted(query)}, nor has that id" if query else " is there"
    return f"No token{of_kind}{holds}. Clear the search or choose all kinds."


def shown(n: int, of: int) -> str:
    """How many rows a search has left."""
    return "" if n == of else f"{counted(n, 'token')} of {of:,} {'is' if n == 1 else 'are'} shown. "


def counts(model: m.ModelInfo, found: m.TokensCounted, where: str, n_glitches: int | None) -> str:
    """What the counts of a text say."""
    n_tokens, seen = int(found.counts.sum()), int((found.counts > 0).sum())
    if not n_tokens:
        return f"{where} has no token."
    most = np.argsort(-found.counts, kind="stable")[:3].tolist()
    often = ", ".join(f"“{model.token_text(id)}” {found.counts[id] / n_tokens:.1%}" for id in most)
    said = (
        f"{where}: {n_tokens:,} tokens, {found.n_bytes / n_tokens:.2f} bytes each; {seen:,} of "
        f"{len(model.vocabulary):,} occur, most often {often}."
    )
    if n_glitches is None:
        return said
    if not n_glitches:
        return f"{said} No token that never occurs has a vector far shorter than theirs."
    return f"{said} Never seen, and with a tiny vector: {n_glitches:,}, the glitch candidates."


def vocabulary(model: m.ModelInfo, norms: NDArray[Any] | None, n_shown: int) -> str:
    """What the table says here, of a model that has a tokenizer."""
    n = len(model.vocabulary)
    said = f"{counted(n, 'token')}, {len(model.special_ids):,} of them special"
    if n_shown < n:
        said += f"; {n_shown:,} are shown"
    if norms is None:
        return f"{said}."
    n_vectors = min(n, len(norms))
    # What is special, or no token at all, is no surprise.
    plain = [
        id
        for id in np.argsort(norms[:n_vectors], kind="stable")[
            : 3 + len(model.special_ids)
        ].tolist()
        if id not in model.special_ids and model.vocabulary[id]
    ]
    shortest = ", ".join(f"“{model.token_text(id)}” {norms[id]:.3g}" for id in plain[:3])
    median = float(np.median(norms[:n_vectors]))
    share = float(norms[plain[0]]) / median if plain and median else 1.0
    return (
        f"{said}. The shortest vectors: {shortest}; the shortest has {share:.0%} of the median. "
        "Far shorter than all others can be the vector of a token that training never saw."
    )
