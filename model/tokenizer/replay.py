"""How a tokenizer cuts a text, step by step.

BPE's merges with their ranks, WordPiece's longest matches, Unigram's lattice with its scores.
Done here by the published algorithms on the tokenizer's own tables, and held to what the library
gives for the same text. Knows the description that `tokenizers` gives of its models; no file, no
model of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, cast

LONGEST = 400
"""Characters of a text that is replayed; a word has fewer."""
UNKNOWN_PENALTY = 10.0
"""By how much an unknown character is worse than the worst piece (sentencepiece)."""

Algorithm = Literal["BPE", "WordPiece", "Unigram", "WordLevel"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of a piece's symbols.

    Attributes:
        start, end: symbols, the last excluded.
        id: of its token; -1 where there is none.
        score: of a Unigram piece, a logarithm; 0 for the others.
    """

    start: int
    end: int
    id: int
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """What was done.

    Attributes:
        spans: the piece after it (BPE), or what was tried (WordPiece).
        made: index in ``spans`` of what was made or found; -1 where nothing was.
        rank: of the merge; -1 where there is no such thing.
    """

    spans: tuple[Span, ...]
    made: int = -1
    rank: int = -1


@dataclass(frozen=True, slots=True)
class PieceCut:
    """One piece of the text, which is cut by itself.

    Attributes:
        symbols: what it begins with, each as the tokenizer writes it.
        texts: the same as bytes.
        steps: in order; the first of BPE is before any merge.
        lattice: all pieces that Unigram could take.
        cut: what it becomes.
        whole: the piece is a token, taken without a merge (``ignore_merges``).
    """

    symbols: tuple[str, ...]
    texts: tuple[bytes, ...]
    steps: tuple[Step, ...]
    lattice: tuple[Span, ...]
    cut: tuple[Span, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Replay:
    """How a text was cut.

    Attributes:
        text: it.
        normalized: it as the tokenizer reads it.
        algorithm: of the tokenizer.
        pieces: in order.
        ids: what they give together.
        names: how the tokenizer writes the tokens that occur, by id.
        agrees: whether the library gives the same ids.
        notes: what else is to be known, a sentence each.
    """

    text: str
    normalized: str
    algorithm: Algorithm
    pieces: tuple[PieceCut, ...]
    ids: tuple[int, ...]
    names: Mapping[int, str]
    agrees: bool
    notes: tuple[str, ...]


class Replayer:
    """Replays texts of one tokenizer; its tables are read once.

    Args:
        inner: the library's tokenizer.
        bytes_of: a token's bytes from how it is written.
    """

    def __init__(self, inner: Any, bytes_of: Callable[[str], bytes]) -> None:
        self._inner = inner
        self._bytes_of = bytes_of
        self._model: dict[str, Any] = json.loads(inner.model.__getstate__())
        self.algorithm = cast(Algorithm, type(inner.model).__name__)
        vocab = self._model["vocab"]
        if self.algorithm == "Unigram":
            self._vocab = {piece: id for id, (piece, _) in enumerate(vocab)}
            self._scores = [score for _, score in vocab]
        else:
            self._vocab = vocab
        merges = self._model.get("merges") or []
        pairs = [m.split(" ") if isinstance(m, str) else m for m in merges]
        self._ranks = {(left, right): rank for rank, (left, right) in enumerate(pairs)}

    def replay(self, text: str) -> Replay:
        """Cut a text; only its first `LONGEST` characters."""
        n_all, text = len(text), text[:LONGEST]
        notes = [f"Of {n_all:,} characters the first {LONGEST} are replayed."]
        inner = self._inner
        normalized = text if inner.normalizer is None else inner.normalizer.normalize_str(text)
        words = [normalized]
        if inner.pre_tokenizer is not None:
            words = [word for word, _ in inner.pre_tokenizer.pre_tokenize_str(normalized)]
        ways: dict[str, Callable[[str], PieceCut]] = {
            "BPE": self._bpe,
            "WordPiece": self._word_piece,
            "Unigram": self._unigram,
        }
        pieces = tuple(ways.get(self.algorithm, self._word)(word) for word in words if word)
        ids = tuple(span.id for piece in pieces for span in piece.cut)
        wanted = tuple(inner.encode(text, add_special_tokens=False).ids)
        occurring = {s.id for p in pieces for s in (*p.cut, *p.lattice)} | {
            s.id for p in pieces for step in p.steps for s in step.spans
        }
        return Replay(
            text=text,
            normalized=normalized,
            algorithm=self.algorithm,
            pieces=pieces,
            ids=ids,
            names={id: inner.id_to_token(id) or "" for id in occurring if id >= 0},
            agrees=ids == wanted,
            notes=(*notes[: n_all > LONGEST], *((_DIFFERS,) if ids != wanted else ())),
        )

    # ---------------------------------------------------------------------------------- BPE

    def _bpe(self, word: str) -> PieceCut:
        model, vocab = self._model, self._vocab
        if model.get("ignore_merges") and word in vocab:
            span = Span(0, len(word), vocab[word])
            return self._piece(tuple(word), (Step((span,), 0),), (span,), whole=True)
        symbols, spans, names = self._first_symbols(word)
        steps = [Step(tuple(spans))]
        while len(spans) > 1:
            ranks = [
                self._ranks.get(pair, len(self._ranks)) if pair[0] and pair[1] else 1 << 62
                for pair in pairwise(names)
            ]
            best = min(ranks)
            if best >= len(self._ranks):
                break
            at = ranks.index(best)
            prefix = model.get("continuing_subword_prefix") or ""
            name = names[at] + names[at + 1].removeprefix(prefix)
            names[at : at + 2] = [name]
            made = Span(spans[at].start, spans[at + 1].end, vocab[name])
            spans[at : at + 2] = [made]
            steps.append(Step(tuple(spans), at, best))
        return self._piece(symbols, tuple(steps), tuple(spans))

    def _first_symbols(self, word: str) -> tuple[tuple[str, ...], list[Span], list[str]]:
        """Symbols, their spans, and the name of each: empty for one that can't be merged."""
        model, vocab = self._model, self._vocab
        prefix = model.get("continuing_subword_prefix") or ""
        suffix = model.get("end_of_word_suffix") or ""
        unknown = model.get("unk_token")
        symbols: list[str] = []
        spans: list[Span] = []
        names: list[str] = []

        def add(symbol: str, name: str) -> None:
            spans.append(Span(len(symbols), len(symbols) + 1, vocab[name]))
            symbols.append(symbol)
            names.append(name)

        for i, character in enumerate(word):
            name = (prefix if i else "") + character + (suffix if i + 1 == len(word) else "")
            if name in vocab:
                add(character, name)
                continue
            raw = [f"<0x{byte:02X}>" for byte in name.encode()]
            if model.get("byte_fallback") and all(byte in vocab for byte in raw):
                for byte in raw:
                    add(byte, byte)
            elif unknown is not None and unknown in vocab:
                fused = model.get("fuse_unk") and spans and spans[-1].id == vocab[unknown]
                if fused:
                    spans[-1] = Span(spans[-1].start, len(symbols) + 1, vocab[unknown])
                    symbols.append(character)
                else:
                    add(character, unknown)
        return tuple(symbols), spans, names

    # ---------------------------------------------------------------------------- WordPiece

    def _word_piece(self, word: str) -> PieceCut:
        model, vocab = self._model, self._vocab
        prefix, unknown = model["continuing_subword_prefix"], vocab.get(model["unk_token"], -1)
        nothing = (Span(0, len(word), unknown),)
        if len(word) > model["max_input_chars_per_word"]:
            return self._piece(tuple(word), (), nothing)
        steps: list[Step] = []
        cut: list[Span] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                name = (prefix if start else "") + word[start:end]
                found = vocab.get(name, -1)
                tried = Span(start, end, found)
                steps.append(Step((*cut, tried), len(cut) if found >= 0 else -1))
                if found >= 0:
                    cut.append(tried)
                    start = end
                    break
            else:  # one unknown character makes the whole word unknown
                return self._piece(tuple(word), tuple(steps), nothing)
        return self._piece(tuple(word), tuple(steps), tuple(cut))

    def _word(self, word: str) -> PieceCut:
        unknown = self._vocab.get(self._model.get("unk_token") or "", -1)
        span = Span(0, len(word), self._vocab.get(word, unknown))
        return self._piece(tuple(word), (), (span,))

    # ------------------------------------------------------------------------------ Unigram

    def _unigram(self, word: str) -> PieceCut:
        """The path with the highest sum of scores (Kudo 2018), by Viterbi."""
        unknown = self._model["unk_id"]
        worst = min(self._scores) - UNKNOWN_PENALTY
        lattice: list[Span] = []
        best: list[tuple[float, Span | None]] = [(0.0, None)]
        best += [(-float("inf"), None)] * len(word)
        longest = max((len(piece) for piece in self._vocab), default=1)
        for start in range(len(word)):
            single = False
            for end in range(start + 1, min(len(word), start + longest) + 1):
                id = self._vocab.get(word[start:end])
                if id is None:
                    continue
                single = single or end == start + 1
                lattice.append(Span(start, end, id, self._scores[id]))
            if not single and unknown is not None:
                lattice.append(Span(start, start + 1, unknown, worst))
            for span in lattice:
                if span.start == start and best[start][0] + span.score > best[span.end][0]:
                    best[span.end] = best[start][0] + span.score, span
        path: list[Span] = []
        at = len(word)
        while at > 0:
            last = best[at][1]
            if last is None:
                break
            path.insert(0, last)
            at = last.start
        return self._piece(tuple(word), (), self._finished(word, path), tuple(lattice))

    def _finished(self, word: str, path: list[Span]) -> tuple[Span, ...]:
        """Unknown characters as one token, or as their bytes where there are such tokens."""
        unknown, fallback = self._model["unk_id"], self._model.get("byte_fallback")
        fused: list[Span] = []
        for span in path:
            if fused and span.id == fused[-1].id == unknown:
                fused[-1] = Span(fused[-1].start, span.end, span.id, fused[-1].score + span.score)
            else:
                fused.append(span)
        cut: list[Span] = []
        for span in fused:
            raw = [f"<0x{byte:02X}>" for byte in word[span.start : span.end].encode()]
            if span.id == unknown and fallback and all(byte in self._vocab for byte in raw):
                cut += [Span(span.start, span.end, self._vocab[byte]) for byte in raw]
            else:
                cut.append(span)
        return tuple(cut)

    def _piece(
        self,
        symbols: tuple[str, ...],
        steps: tuple[Step, ...],
        cut: tuple[Span, ...],
        lattice: tuple[Span, ...] = (),
        *,
        whole: bool = False,
    ) -> PieceCut:
        return PieceCut(
            symbols=symbols,
            texts=tuple(self._bytes_of(symbol) for symbol in symbols),
            steps=steps,
            lattice=lattice,
            cut=cut,
            whole=whole,
        )


_DIFFERS = (
    "The library cuts this text otherwise as a whole: it holds a special token, or pieces that "
    "depend on what stands around them."
)
