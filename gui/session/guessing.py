"""A game: the person guesses the next token before the model says what it thinks, both scored.

The text is the story world's, of a seed that no model of ours was trained on, or the person's own
prompt. What is still to be guessed is nowhere on the screen, and neither is what the model thinks
of it: while a person guesses, the prompt in view ends one token before the text that they see.

Both are scored in bits, -log2 of the probability that was given to the token that really comes
next. A person spreads 100 points over tokens; what they keep back is spread evenly over the rest
of the vocabulary. The model is scored by its own distribution, at temperature 1 and without
filters. On average, who says what they really believe loses the fewest bits.

Knows the store; no widget.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from PySide6.QtCore import QObject, Signal

from model.probe.next_token.asks import NextToken, NextTokenFound
from model.probe.question import Answer, Question
from model.probe.tokenized.asks import Tokenized, TokenizedFound
from model.subject import Subject
from model.world import write

if TYPE_CHECKING:
    from gui.session.store import Store

OWNER = "guessing"
POINTS = 100
KEPT_BACK = 1
"""Points that are never spent: whoever is certain and wrong would lose without end."""
SEEN_FIRST = 8
"""Tokens of a story that are seen before the first guess."""
CANDIDATES = 8
STORY_WORDS = 60
STORY_SEED = 2_000_000_011
"""Stories of the game have seeds from here on: training and validation texts lie below."""

A = TypeVar("A", bound=Answer)
Source = Literal["story", "prompt"]
State = Literal["off", "loading", "guessing", "scoring", "revealed", "over"]


@dataclass(frozen=True, slots=True)
class Round:
    """One token that was guessed.

    Attributes:
        token_id: that really came.
        points: what the person gave to tokens, by id.
        person, model: the probability that each gave it.
        helped: whether the person had seen the model's candidates.
    """

    token_id: int
    points: Mapping[int, int]
    person: float
    model: float
    helped: bool = False

    @property
    def bits(self) -> tuple[float, float]:
        """What it cost the person, and the model."""
        return bits(self.person), bits(self.model)


class Guessing(QObject):
    """One text, guessed token by token.

    Attributes:
        state: what is waited for.
        source: whose text it is.
        rounds: all that were scored since the last `start_over`.
        problem: why it can't go on; empty if it can.
        candidates: the model's likeliest tokens in no order of likelihood, once a person has asked
            for them; empty before.
        found: the model's distribution, once it is revealed.

    Signals:
        changed: any of these.
    """

    changed = Signal()

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._store = store
        self.state: State = "off"
        self.source: Source = "story"
        self.rounds: tuple[Round, ...] = ()
        self.problem = ""
        self.candidates: tuple[int, ...] = ()
        self.found: NextTokenFound | None = None
        self._text = ""
        self._ids: tuple[int, ...] = ()
        self._ends: tuple[int, ...] = ()  # characters that have gone by with each token
        self._special: tuple[bool, ...] = ()
        self._at = 0  # the token that is guessed
        self._wants_candidates = False
        self._points: Mapping[int, int] = {}
        self._original = ""
        self._shown: str | None = None  # what the prompt is while it is played
        store.asked.join(OWNER, self._take)
        store.prompt_changed.connect(self._leave)
        store.subject_changed.connect(self._ask)
        store.model_changed.connect(self._forget)

    # ------------------------------------------------------------------------- reading

    @property
    def going(self) -> bool:
        """Whether it is played."""
        return self.state != "off"

    @property
    def refusal(self) -> str:
        """Why it can't be played with the model in view; empty if it can."""
        model = self._store.model
        return "Open a model to play." if model is None else model.config.no_continuation

    @property
    def seen(self) -> str:
        """The text up to the token that is guessed; with it, once it is revealed."""
        return self._up_to(self._at + (self.state in ("revealed", "over")))

    @property
    def left(self) -> int:
        """How many tokens of the text are still to be guessed, this one among them."""
        return max(0, self._last - self._at)

    @property
    def actual(self) -> int | None:
        """The token that really comes; None until it is revealed."""
        return self._ids[self._at] if self.state in ("revealed", "over") and self._ids else None

    @property
    def points(self) -> Mapping[int, int]:
        """What was staked in the round that is revealed."""
        return self._points

    # ------------------------------------------------------------------------ changing

    def begin(self, source: Source) -> None:
        """Play with a text; a game that is played is left for it."""
        store = self._store
        if not self.going:
            self._original = store.prompt
        self.source, self.problem = source, self.refusal
        self._ids, self._at = (), 0
        self._clear_round()
        if not self.problem and store.subject is None:
            self.problem = "Type a prompt first."
        if self.problem:
            self._end()
            return
        self.state = "loading"
        if source == "prompt":
            self._begin_with_prompt()
        elif store.model is not None and not store.model.vocabulary:
            self._refuse("This model reads ids, not words: it can be played with your prompt only.")
        else:
            self._text = write(STORY_WORDS, STORY_SEED + random.randrange(2**30))
            self._ask()
        self.changed.emit()

    def show_candidates(self) -> None:
        """See which tokens the model finds likeliest, without their probabilities."""
        if self.state == "guessing" and not self.candidates:
            self._wants_candidates = True
            self._ask()

    def reveal(self, points: Mapping[int, int]) -> None:
        """Stake points on tokens and see what the model thinks, and what really comes.

        Args:
            points: by token id, at least 1 each, `POINTS` less `KEPT_BACK` at most together.
        """
        if self.state != "guessing" or not stake_is_fair(points):
            return
        self._points = dict(points)
        self.state = "scoring"
        self._ask()
        self.changed.emit()

    def go_on(self) -> None:
        """On to the next token, or to another story where this one has ended."""
        if self.state == "over":
            self.begin(self.source if self.source == "story" else "story")
        elif self.state == "revealed":
            self._at += 1
            self._clear_round()
            self.state = "guessing"
            self._ask()
            self.changed.emit()

    def stop(self) -> None:
        """Leave the game; the prompt is again what it was."""
        if self.going:
            self._end()
            self._store.set_prompt(self._original)

    def start_over(self) -> None:
        """Forget all rounds."""
        self.rounds = ()
        self.changed.emit()

    # -------------------------------------------------------------------------- inside

    @property
    def _last(self) -> int:
        """One behind the last token that is guessed: marks that end a text are not."""
        n = len(self._ids)
        while n and self._special[n - 1]:
            n -= 1
        return n

    def _begin_with_prompt(self) -> None:
        read = self._store.read
        if read is None or self._store.prompt != self._original:
            # It is another game's prefix that is in view: the person's own comes back first.
            self._shown = self._original
            self._store.set_prompt(self._original)
            read = self._store.read
        if read is None or read.text != self._original:
            return  # it is read in a moment
        tokens = read.tokens
        self._text = read.text
        first = next((i for i, token in enumerate(tokens) if not token.special), 0)
        self._start(
            read.subject.ids,
            tuple(token.char_end for token in tokens),
            tuple(token.special for token in tokens),
            first + 2,
        )

    def _start(
        self,
        ids: tuple[int, ...],
        ends: tuple[int, ...],
        special: tuple[bool, ...],
        at: int,
    ) -> None:
        self._ids, self._ends, self._special, self._at = ids, ends, special, at
        if self.left < 1:
            self._refuse("The text is too short: at least three tokens are needed.")
            return
        self.state = "guessing"
        self._show(at - 1)

    def _show(self, n: int) -> None:
        """Let the prompt be the first so many tokens: all panes read them and no more."""
        self._shown = self._up_to(n)
        self._store.set_prompt(self._shown)

    def _up_to(self, n: int) -> str:
        if not self._ids:
            return ""
        model = self._store.model
        if model is not None and not model.vocabulary:
            return " ".join(map(str, self._ids[:n]))
        return self._text[: self._ends[n - 1]] if n else ""

    def _ask(self) -> None:
        """Ask what is waited for; anew where the model has learned on."""
        store, subject = self._store, self._store.subject
        if self.state == "loading" and self.source == "prompt":
            self._begin_with_prompt()
            self.changed.emit()
            return
        if subject is None or self.state in ("off", "revealed", "over"):
            return
        if self.state == "loading":
            if store.asked.want(OWNER, subject, {"text": Tokenized(self._text)}):
                self._take()
            return
        questions: dict[str, Question] = {}
        if self._wants_candidates:
            questions["candidates"] = NextToken(self._at - 1, n=CANDIDATES)
        if self.state == "scoring":
            named = (self._ids[self._at], *self._points)
            questions["model"] = NextToken(self._at - 1, n=CANDIDATES, also=named)
        about = Subject(subject.model, subject.step, self._ids[: self._at], store.interventions)
        if store.asked.want(OWNER, about, questions):
            self._take()

    def _take(self) -> None:
        """An answer has come."""
        asked = self._store.asked
        for slot in filter(None, (asked.slot(OWNER, n) for n in ("text", "candidates", "model"))):
            if slot.problem:
                self._refuse(slot.problem)
                return
        if self.state == "loading":
            self._take_text()
        elif self.state in ("guessing", "scoring"):
            self._take_candidates()
            self._take_model()

    def _take_text(self) -> None:
        found = self._answer("text", TokenizedFound)
        if found is None:
            return
        special = tuple(bool(one) for one in found.special)
        first = next((i for i, one in enumerate(special) if not one), 0)
        self._start(
            tuple(found.ids.tolist()),
            tuple(found.ends.tolist()),
            special,
            first + SEEN_FIRST,
        )
        self.changed.emit()

    def _take_candidates(self) -> None:
        found = self._answer("candidates", NextTokenFound)
        model = self._store.model
        if found is not None and model is not None and not self.candidates:
            # In the order of their letters: that of their likelihood is what is guessed.
            ids = [int(i) for i in found.ids[:CANDIDATES]]
            self.candidates = tuple(sorted(ids, key=lambda i: model.token_text(i).casefold()))
            self.changed.emit()

    def _take_model(self) -> None:
        found = self._answer("model", NextTokenFound)
        model = self._store.model
        if self.state != "scoring" or found is None or model is None:
            return
        if found.problem:
            self._refuse(found.problem)
            return
        actual = self._ids[self._at]
        own = float(found.probabilities[found.ids == actual][0])
        person = staked(self._points, actual, model.config.d_vocab)
        self.rounds = (
            *self.rounds,
            Round(actual, self._points, person, own, helped=bool(self.candidates)),
        )
        self.found = found
        self.state = "revealed" if self._at + 1 < self._last else "over"
        self._show(self._at)
        self.changed.emit()

    def _answer(self, name: str, kind: type[A]) -> A | None:
        """What was asked, once it is known."""
        slot = self._store.asked.slot(OWNER, name)
        found = self._store.asked.find(OWNER, name, kind)
        return found if slot is not None and slot.is_current else None

    def _clear_round(self) -> None:
        self.candidates, self.found, self._points = (), None, {}
        self._wants_candidates = False

    def _refuse(self, why: str) -> None:
        self.problem = why
        self._end()

    def _end(self) -> None:
        self.state = "off"
        self._shown = None
        self._clear_round()
        self._store.asked.want(OWNER, None, {})
        self.changed.emit()

    def _leave(self) -> None:
        """Somebody has written another prompt: that is what they look at now."""
        if self.going and self.state != "loading" and self._store.prompt != self._shown:
            self._end()

    def _forget(self) -> None:
        self.rounds, self.problem = (), ""
        self._end()


def bits(probability: float) -> float:
    """What it costs that a token came to which so much was given."""
    return -math.log2(probability) + 0.0 if probability > 0 else math.inf


def stake_is_fair(points: Mapping[int, int]) -> bool:
    """Whether a stake is whole points, and leaves something for all other tokens."""
    return all(one >= 1 for one in points.values()) and sum(points.values()) <= POINTS - KEPT_BACK


def staked(points: Mapping[int, int], token_id: int, d_vocab: int) -> float:
    """The probability that a stake gives to a token."""
    if token_id in points:
        return points[token_id] / POINTS
    others = d_vocab - len(points)
    return (POINTS - sum(points.values())) / POINTS / max(1, others)
