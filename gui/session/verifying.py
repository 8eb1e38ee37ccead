"""Comparing the open model with its original.

Knows messages; no widget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui.session.feature import Feature
from gui.session.state import Notice
from model import messages as m

if TYPE_CHECKING:
    from gui.session.store import Store


class Verifying(Feature):
    """The comparison that is going, and what the last one said.

    Attributes:
        request: that is being answered; None if none is.
        verdict: of the model in view; None where nobody has compared it.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.request: m.VerifyModel | None = None
        self.verdict: m.ModelVerified | None = None

    @property
    def going(self) -> bool:
        """Whether a comparison is going."""
        return self.request is not None

    def start(self) -> None:
        """Compare the open model with its original; `verdict` follows."""
        if self._store.model is not None:
            self.request = m.VerifyModel()
            self._store.send(self.request)
            self.changed.emit()

    def cancel(self) -> None:
        """Stop the comparison that is going; the older verdict stays."""
        if self.request is not None:
            self._store.send(m.Cancel(target=self.request.id))

    def take(self, result: m.Result) -> bool:
        current = self.request is not None and self.request.id == result.request_id
        match result:
            case m.ModelVerified():
                model = self._store.model
                if current:
                    self.request = None
                    if model is not None and model.model_id == result.model_id:
                        self.verdict = result
                    self.changed.emit()
            case m.Cancelled() if current:
                self.request = None
                self.changed.emit()
            case m.Failed() if current:
                self.request = self.verdict = None
                self.changed.emit()
                self._store.post(Notice.of(result))
            case _:
                return False
        return True

    def reset(self, model: m.ModelInfo) -> bool:
        """Nobody has compared this one; the worker drops a comparison of another by itself."""
        before = (self.request, self.verdict)
        self.request = self.verdict = None
        return before != (None, None)
