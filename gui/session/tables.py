"""Questions of tables of vectors: what was answered, and why something was not.

The newest answer of each kind of question. What a table looks like on its axes, and what is near
in it, is the store's (`Store.vocabulary`, `Store.neighbours`); why they are not there is known
here. Knows messages; no widget.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gui.session.feature import Feature
from model import messages as m
from model.space.registry import Source, TableQuestion
from model.space.sources.asks import TextInContext

MOVED_ON = "The model has learned on while the text was read. Pause the run, then press Run."

if TYPE_CHECKING:
    from gui.session.store import Store


class Tables(Feature):
    """What is asked of the table in view.

    Attributes:
        problem: why the table that was asked for isn't drawn; empty if it is, or is on its way.
        sample: of a file that is too large: every so many-th row can be had; 0 where not.
        refused: the source that `problem` is about.
        wanted: the source that was asked for last; what else is drawn meanwhile (the vocabulary of
            a model that learns) is nobody's.
        drawing: the table that is on its way to being drawn; None where it is there.
        near_problem: why there are no neighbours.
        answers: by the name of a question.
        problems: by the name of a question, why it was not answered.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.wanted: Source | None = None
        self._forget()

    def _forget(self) -> None:
        self.problem = self.near_problem = ""
        self.sample = 0
        self.refused: Source | None = None
        self.drawing: m.ProjectVocabulary | None = None
        self.answers: dict[str, m.TableAnswered] = {}
        self.problems: dict[str, str] = {}
        self._asked: dict[str, m.AskTable] = {}
        self._steps: dict[str, int | None] = {}

    def ask(self, source: Source, question: TableQuestion, step: int | None = None) -> None:
        """Ask, if that isn't asked already.

        Args:
            source: of which table.
            question: what.
            step: of which weights it is drawn: of others it is asked anew.
        """
        before = self._asked.get(question.name)
        request = m.AskTable(source=source, question=question)
        same_weights = self._steps.get(question.name) == step
        if before is not None and same_weights and replace(before, id=request.id) == request:
            return
        self._asked[question.name] = request
        self._steps[question.name] = step
        self.problems.pop(question.name, None)
        self._store.send(request)

    def stop(self, name: str) -> None:
        """Nobody waits for the answer to the question of that name any more."""
        asked = self._asked.pop(name, None)
        if asked is not None:
            self._store.send(m.Cancel(target=asked.id))

    def forget(self, name: str) -> None:
        """What was asked and answered by that name is over: the same may be asked again."""
        for of in (self._asked, self.answers, self.problems):
            of.pop(name, None)

    def waits(self, name: str) -> bool:
        """Whether the question of that name is asked and not answered in full."""
        asked, found = self._asked.get(name), self.answers.get(name)
        if asked is None or name in self.problems:
            return False
        return found is None or found.request_id != asked.id or found.answer.share < 1

    def draw(self, request: m.ProjectVocabulary) -> None:
        """Have a table drawn: what was wrong with the one before is over."""
        self.problem, self.sample, self.refused = "", 0, None
        self.drawing, self.wanted = request, request.source
        self._store.send(request)

    def wants(self, source: Source) -> bool:
        """Whether the picture of a table is one that was asked for, perhaps at another step."""
        wanted = self.wanted
        same = wanted is None or source == wanted
        return same or (wanted is not None and wanted.of_vocabulary and source.of_vocabulary)

    def stop_drawing(self) -> None:
        """Nobody waits for the picture any more; what came of it stays."""
        drawing, self.drawing = self.drawing, None
        if drawing is not None:
            self._store.send(m.Cancel(target=drawing.id))

    def take(self, result: m.Result) -> bool:
        match result:
            case m.TableAnswered():
                name = result.answer.question.name
                asked = self._asked.get(name)
                if asked is not None and asked.id == result.request_id:
                    self.answers[name] = result
            case m.TableTooLarge():
                self.drawing = None
                self.problem, self.sample = result.message, result.sample
                self.refused = result.source
            case m.Failed(request=m.ProjectVocabulary() as request):
                self.drawing = None
                self.problem, self.sample, self.refused = result.message, 0, request.source
            case m.Cancelled() if self._draws(result) and self._reads_text:
                # By the worker: whoever stops it forgets it first.
                assert self.drawing is not None
                self.problem, self.sample, self.refused = MOVED_ON, 0, self.drawing.source
                self.drawing = None
                self.changed.emit()
                return False
            case m.Failed(request=m.FindNeighbours()):
                self.near_problem = result.message
            case m.Failed(request=m.AskTable() as asked):
                self.problems[asked.question.name] = result.message
            case m.NeighboursFound():
                self.near_problem = ""
                return False
            case m.VocabularyProjected() if result.share >= 1 and self._draws(result):
                self.drawing = None
                return False
            case _:
                return False
        self.changed.emit()
        return True

    def _draws(self, result: m.Result) -> bool:
        return self.drawing is not None and result.request_id == self.drawing.id

    @property
    def _reads_text(self) -> bool:
        return self.drawing is not None and isinstance(self.drawing.source, TextInContext)

    def reset(self, model: m.ModelInfo) -> bool:
        """Rows of another model are other words."""
        had = bool(self.answers or self.problem)
        of_file = self.refused is not None and not self.refused.of_model
        kept = (self.problem, self.sample, self.refused) if of_file else ("", 0, None)
        self._forget()
        self.problem, self.sample, self.refused = kept
        return had
