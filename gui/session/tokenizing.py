"""What tokenizers do to a text: step by step, several beside each other, and how often each token.

Whoever draws it asks each time; what is asked already is not asked twice. Knows messages; no
widget.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gui.session.feature import Feature
from model import messages as m

if TYPE_CHECKING:
    from gui.session.store import Store


class Tokenizing(Feature):
    """The newest of each kind.

    Attributes:
        replayed: the last that came; None before, and for another model.
        replay_problem: why the last that was asked did not come; empty if it did.
        compared: the last comparison.
        compare_problem: as above.
        chat, chat_problem: as above, of the chat template.
        counting: what is being counted; None if nothing is.
        counted: how often each token of the model in view occurs; None before, and for another.
        counted_in: what `counted` was counted in.
        count_problem: as above.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.replayed: m.TextReplayed | None = None
        self.replay_problem = ""
        self.compared: m.TokenizersCompared | None = None
        self.compare_problem = ""
        self.counting: m.CountTokens | None = None
        self.counted: m.TokensCounted | None = None
        self.counted_in: m.CountTokens | None = None
        self.count_problem = ""
        self.chat: m.TemplateApplied | None = None
        self.chat_problem = ""
        self._chatting: m.PutInTemplate | None = None
        self._replaying: m.ReplayText | None = None
        self._comparing: m.CompareTokenizers | None = None

    def replay(self, text: str) -> None:
        """Have a text replayed by the tokenizer of the model in view."""
        if self._store.model is None or (self._replaying and self._replaying.text == text):
            return
        self._replaying = m.ReplayText(text=text)
        self._store.send(self._replaying)

    def compare(self, request: m.CompareTokenizers) -> None:
        """Have a text cut by several tokenizers."""
        before = self._comparing
        if before is not None and replace(request, id=before.id) == before:
            return
        self._comparing = request
        self._store.send(request)

    def put_in_template(self, request: m.PutInTemplate) -> None:
        """Have turns put into the chat template of the model in view."""
        before = self._chatting
        if before is None or replace(request, id=before.id) != before:
            self._chatting = request
            self._store.send(request)

    def count(self, request: m.CountTokens) -> None:
        """Have the tokens of a long text counted; what was being counted is given up."""
        self.counting, self.count_problem = request, ""
        self._store.send(request)
        self.changed.emit()

    def stop_counting(self) -> None:
        """Give it up; what was counted before stays."""
        if self.counting is not None:
            self._store.send(m.Cancel(target=self.counting.id))

    @property
    def count_progress(self) -> m.Progress | None:
        """How far the counting is; None if that is not known."""
        return self._store.activity.progress_of(self.counting)

    def take(self, result: m.Result) -> bool:
        replay = self._replaying is not None and result.request_id == self._replaying.id
        compare = self._comparing is not None and result.request_id == self._comparing.id
        chat = self._chatting is not None and result.request_id == self._chatting.id
        count = self.counting is not None and result.request_id == self.counting.id
        match result:
            case m.TextReplayed():
                if replay:
                    self.replayed, self.replay_problem = result, ""
            case m.TokenizersCompared():
                if compare:
                    self.compared, self.compare_problem = result, ""
            case m.Failed() if replay:
                self.replayed, self.replay_problem = None, result.message
            case m.Failed() if compare:
                self.compared, self.compare_problem = None, result.message
            case m.TemplateApplied():
                if chat:
                    self.chat, self.chat_problem = result, ""
            case m.Failed() if chat:
                self.chat, self.chat_problem = None, result.message
            case m.TokensCounted():
                if count:
                    self.counted, self.counted_in, self.counting = result, self.counting, None
            case m.Failed() if count:
                self.counting, self.count_problem = None, result.message
            case m.Cancelled() if count:
                self.counting = None
            case _:
                return False
        self.changed.emit()
        return True

    def reset(self, model: m.ModelInfo) -> bool:
        had = any((self.replayed, self.compared, self.chat, self.counted, self.counting))
        self.stop_counting()
        self.replayed = self.compared = self._replaying = self._comparing = None
        self.counting = self.counted = self.counted_in = None
        self.chat, self._chatting, self.chat_problem = None, None, ""
        self.replay_problem = self.compare_problem = self.count_problem = ""
        return had
