"""The byte-pair encoding that is being learnt, or was the last.

Asks the worker for it, and has its tokenizer written. Knows messages; no widget, no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m
from model.tokenizer.bpe_history import BpeHistory

if TYPE_CHECKING:
    from gui.session.store import Store


class LearningBpe(Feature):
    """What was learnt, and from what.

    Attributes:
        asked: what is being learnt; None if nothing is.
        learnt_from: what `history` was learnt from.
        history: the last that came; it stays until another comes.
        words: how its text begins.
        problem: why what was asked for last did not come; empty if it did.

    Signals:
        written: a tokenizer is on disk now, `TokenizerWritten`.
    """

    written = Signal(object)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked: m.LearnBpe | None = None
        self.learnt_from: m.LearnBpe | None = None
        self.history: BpeHistory | None = None
        self.words: tuple[bytes, ...] = ()
        self.problem = ""
        self._writing: set[int] = set()

    @property
    def progress(self) -> m.Progress | None:
        """How far it is; None if that is not known."""
        return self._store.activity.progress_of(self.asked)

    def learn(self, request: m.LearnBpe) -> None:
        """Learn anew; what was being learnt is given up."""
        self.asked, self.problem = request, ""
        self._store.send(request)
        self.changed.emit()

    def stop(self) -> None:
        """Give up what is being learnt; what was learnt before stays."""
        if self.asked is not None:
            self._store.send(m.Cancel(target=self.asked.id))

    def write(self, n_merges: int, path: str, text_path: str = "") -> None:
        """Write the tokenizer; `written` follows, or a notice that says why not.

        Args:
            n_merges: so many of its merges.
            path: of the file.
            text_path: where its text goes, if it was no file; empty for nowhere. What lies there
                stays: `written` says where it is.
        """
        if self.history is None or self.learnt_from is None:
            return
        text = self.learnt_from.text if text_path else ""
        request = m.WriteTokenizer(
            history=self.history, n_merges=n_merges, path=path, text=text, text_path=text_path
        )
        self._writing.add(request.id)
        self._store.send(request)

    def take(self, result: m.Result) -> bool:
        mine = self.asked is not None and result.request_id == self.asked.id
        match result:
            case m.BpeLearnt():
                if mine:
                    self.history, self.words = result.history, result.words
                    self.learnt_from, self.asked = self.asked, None
                    self.changed.emit()
            case m.TokenizerWritten():
                self._writing.discard(result.request_id)
                tokens = f"{result.vocab_size:,} tokens"
                self._store.post(Notice(f"Wrote a tokenizer of {tokens} to {result.path}."))
                self.written.emit(result)
            case m.Failed() if mine:
                self.asked, self.problem = None, result.message
                self.changed.emit()
            case m.Cancelled() if mine:
                self.asked = None
                self.changed.emit()
            case m.Failed() if result.request_id in self._writing:
                self._writing.discard(result.request_id)
                self._store.post(Notice.of(result))
            case _:
                return False
        return True
