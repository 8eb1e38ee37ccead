"""A store on a real engine, without a thread: every request is answered before it returns."""

from __future__ import annotations

from collections.abc import Iterator

from gui.session.store import Store
from model import messages as m
from model.engine import Engine
from model.language_model import LanguageModel

QUESTIONS = (m.Ask, m.ReadPrompt, m.ProjectVocabulary, m.FindNeighbours, m.AskTable)
PROMPT = "The king lost his crown. The queen lost her"


class Desk:
    """A store and the engine behind it.

    ``store.set_prompt(…)`` and its like return with the answer in the store; long work (training,
    generation) goes on by `advance`.
    """

    def __init__(self) -> None:
        self.engine = Engine("cpu", threads=1)
        self.results: list[m.Result] = []
        self.held: list[m.Request] | None = None
        self.store = Store(self._submit)
        self._take(self.engine.start())

    def _submit(self, request: m.Request) -> None:
        if self.held is not None:
            self.held.append(request)
            return
        self._take(self.engine.handle(request))
        self.settle()

    def settle(self) -> None:
        """Answer all questions to their ends; what else goes on waits for `advance`."""
        while asked := [
            live
            for live in tuple(self.engine._live.values())
            if isinstance(live.request, QUESTIONS)
        ]:
            self._take(self.engine._slice(asked[0]))

    def _take(self, results: Iterator[m.Result]) -> None:
        for result in results:
            self.results.append(result)
            self.store.receive(result)

    def hold(self) -> None:
        """Keep requests in `held` instead of answering them, as a worker that is busy does."""
        self.held = []

    def release(self) -> None:
        """Answer what was held, in order."""
        held, self.held = self.held or [], None
        for request in held:
            self._submit(request)

    def advance(self, slices: int = 1) -> None:
        """Let long work go on by some slices."""
        for _ in range(slices):
            if not self.engine.busy:
                return
            self._take(self.engine.advance())

    def finish(self) -> None:
        """Let long work go on to its end, in however many slices a machine needs."""
        for _ in range(100_000):
            if not self.engine.busy:
                return
            self._take(self.engine.advance())
        raise AssertionError("the engine never comes to rest")

    @property
    def lm(self) -> LanguageModel:
        """The model in view, whose numbers the window must show."""
        return self.engine.place.lm

    def close(self) -> None:
        self._take(self.engine.close())
