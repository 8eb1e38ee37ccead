"""A store whose worker never answers: what the test answers is all there is. No torch."""

from __future__ import annotations

from typing import Any, TypeVar

from gui.session.state import Notice
from gui.session.store import Store
from model import messages as m
from model.config import TransformerConfig

Kind = TypeVar("Kind", bound=m.Request)

CONFIG = TransformerConfig(
    n_layers=2, n_heads=2, d_model=8, d_head=4, d_mlp=16, d_vocab=12, n_ctx=16
)


class Unanswered(Store):
    """Keeps what it would send, and what it told the person."""

    def __init__(self) -> None:
        self.sent: list[m.Request] = []
        self.notices: list[Notice] = []
        super().__init__(self.sent.append)
        self.notice_posted.connect(self.notices.append)

    def last(self, kind: type[Kind]) -> Kind:
        """The newest request of a kind."""
        return next(request for request in reversed(self.sent) if isinstance(request, kind))

    def fail(self, request: m.Request, message: str = "No memory is left.") -> None:
        self.receive(m.Failed(request_id=request.id, request=request, message=message))


def info(model_id: int, **changes: Any) -> m.ModelInfo:
    """A model as the window sees it."""
    facts: dict[str, Any] = {
        "name": "small",
        "path": f"/models/{model_id}",
        "family": "gpt2",
        "config": CONFIG,
        "n_params": 1_000,
        "parameters": {},
        "tokenizer": "none: type token ids",
        "vocabulary": (),
        "special_ids": frozenset(),
        "device": "cpu",
        "device_why": "",
        "dtype": "float32",
    }
    return m.ModelInfo(model_id=model_id, **(facts | changes))


def comes_into_view(store: Store, model_id: int, **changes: Any) -> m.ModelInfo:
    """A model that nobody asked for by `Opening.open`: a run has ended, or is followed."""
    shown = info(model_id, **changes)
    store.receive(m.ModelOpened(request_id=0, info=shown, seconds=0.0))
    return shown
