"""What a person types about a table, read as rows: sums, directions, pairs, suites.

Knows the names of rows as bytes; no tensor, no tokenizer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

from model.probe.neighbours.sums import SumError, pieces_of, terms_of, token_named
from model.space.projections.asks import Direction
from model.space.questions.asks import Four, Terms

MOST_ANALOGIES = 2_000
"""Of so many at most a suite consists; of more every n-th is taken."""
MOST_MATCHES = 20_000
_SIDES = re.compile(r"\s+[-−–]\s+")


class RowNames:
    """The names of a table's rows.

    Args:
        names: the bytes of each; empty where rows have only numbers.
        n: how many rows there are.
        text: how a row is written for people.
        what: in sentences, "token of this model" or "row of glove.txt".
    """

    def __init__(
        self,
        names: Sequence[bytes],
        n: int,
        text: Callable[[int], str],
        what: str = "token of this model",
    ) -> None:
        self.names = names
        self.n = n
        self.text = text
        self.what = what
        self._rows: dict[bytes, int] | None = None

    def row(self, word: str) -> int | None:
        """The row that a word stands for, as of `token_named`."""
        if self._rows is None:
            self._rows = {}
            for row, name in enumerate(self.names):
                self._rows.setdefault(name, row)
        return token_named(word, self.names, self.n, self._rows)

    def matching(self, pattern: str) -> tuple[int, ...]:
        """Rows whose name, without spaces around it, matches an expression.

        Raises:
            SumError: it is no regular expression, or nothing matches.
        """
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise SumError(f"/{pattern}/ is no regular expression: {error}.") from None
        found = []
        for row, name in enumerate(self.names):
            text = name.decode("utf-8", "ignore").strip()
            if text and compiled.search(text):
                found.append(row)
        if not found:
            raise SumError(f"No {self.what} matches /{pattern}/.")
        return tuple(found[:MOST_MATCHES])

    def needed(self, word: str) -> int:
        """The row of a word.

        Raises:
            SumError: there is none.
        """
        found = self.row(word)
        if found is None:
            raise SumError(f"“{word}” is not one {self.what}.", word)
        return found

    # ------------------------------------------------------------------ what was typed

    def sum(self, typed: str) -> tuple[Terms, int]:
        """``king - man + woman = queen``: signed rows, and the row expected (-1 for none).

        Raises:
            SumError: a sign or a word is missing, or a word is no row.
        """
        left, equals, right = typed.partition("=")
        terms = terms_of(pieces_of(left), self.row)
        expected = -1
        if equals and right.strip():
            expected = self.needed(right.strip())
        return terms, expected

    def direction(self, typed: str) -> Direction:
        """``woman − man``, ``cats, dogs − cat, dog``, ``/s$/ − /[^s]$/``, or one side alone.

        Raises:
            SumError: a side is empty, or names no row.
        """
        sides = _SIDES.split(typed.strip())
        if not typed.strip() or len(sides) > 2:
            raise SumError("A direction is one word or list, or two with − between them.")
        read = [self._side(side) for side in sides]
        minus = read[1] if len(read) > 1 else ()
        return Direction(read[0], minus, " − ".join(side.strip() for side in sides))

    def _side(self, typed: str) -> tuple[int, ...]:
        typed = typed.strip()
        if len(typed) > 2 and typed[0] == typed[-1] == "/":
            return self.matching(typed[1:-1])
        words = [word.strip() for word in typed.split(",") if word.strip()]
        if not words:
            raise SumError("A side of the direction is empty; put a word there.")
        return tuple(self.needed(word) for word in words)

    def pairs(self, typed: str) -> PairsRead:
        """Lines of two words; after a line of ``---`` those that are held out, or single words."""
        read: list[list[tuple[int, int]]] = [[], []]
        singles: list[int] = []
        skipped: list[str] = []
        part = 0
        for line in typed.splitlines():
            words = line.replace(",", " ").split()
            if line.strip() and set(line.strip()) <= set("-–—"):
                part = 1
                continue
            rows = [self.row(word) for word in words]
            skipped += [word for word, row in zip(words, rows) if row is None]
            known = [row for row in rows if row is not None]
            if len(known) != len(words):
                continue
            if len(known) == 2:
                read[part].append((known[0], known[1]))
            else:
                singles += known
        return PairsRead(tuple(read[0]), tuple(read[1]), tuple(singles), tuple(skipped))

    def suite(self, typed: str) -> SuiteRead:
        """Analogies, a line each, under headings that begin with a colon.

        Four words a b c d (``man woman king queen``) ask whether b − a + c is d, as the suites
        that are handed round have it. Two words are a pair: every ordered pair of pairs of its
        heading is asked.
        """
        fours: list[Four] = []
        groups: list[str] = []
        skipped: list[str] = []
        group = ""
        pairs: list[tuple[int, int]] = []

        def close() -> None:
            for (a, b), (c, d) in permutations(pairs, 2):
                fours.append((b, a, c, d))
                groups.append(group)
            pairs.clear()

        for line in typed.splitlines():
            if line.strip().startswith(":"):
                close()
                group = line.strip().lstrip(": ").strip()
                continue
            words = line.replace(",", " ").split()
            rows = [self.row(word) for word in words]
            skipped += [word for word, row in zip(words, rows) if row is None]
            known = [row for row in rows if row is not None]
            if len(known) != len(words) or not words:
                continue
            if len(known) == 2:
                pairs.append((known[0], known[1]))
            elif len(known) == 4:
                a, b, c, d = known
                fours.append((b, a, c, d))
                groups.append(group)
            else:
                skipped.append(line.strip())
        close()
        every = -(-len(fours) // MOST_ANALOGIES) if fours else 1
        return SuiteRead(
            tuple(fours[::every]), tuple(groups[::every]), tuple(dict.fromkeys(skipped)), len(fours)
        )


@dataclass(frozen=True, slots=True)
class PairsRead:
    """Pairs as they were typed.

    Attributes:
        pairs, held_out, singles: rows.
        skipped: words that are no row; their lines are left out.
    """

    pairs: tuple[tuple[int, int], ...]
    held_out: tuple[tuple[int, int], ...]
    singles: tuple[int, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SuiteRead:
    """A suite as it was typed.

    Attributes:
        fours: (a, b, c, d) each: a − b + c should be d.
        groups: the heading of each.
        skipped: words that are no row, and lines that are neither two words nor four.
        n_all: how many there were before some were left out.
    """

    fours: tuple[Four, ...]
    groups: tuple[str, ...]
    skipped: tuple[str, ...]
    n_all: int
