"""Texts beside the prompt, cut into tokens as the model in view reads them.

Who shows a second text asks for its tokens here each time it draws: what isn't known yet is sent to
the worker, and `changed` tells when it came. Knows messages; no widget.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gui.session.feature import Feature
from model import messages as m

if TYPE_CHECKING:
    from gui.session.store import Store

REMEMBERED = 32


@dataclass(frozen=True, slots=True)
class Cut:
    """A text in tokens.

    Attributes:
        ids: of its tokens; empty where it can't be read.
        problem: why it can't; empty if it can.
    """

    ids: tuple[int, ...] = ()
    problem: str = ""


class OtherTexts(Feature):
    """The tokens of the last texts that somebody asked for."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._known: OrderedDict[str, Cut] = OrderedDict()
        self._asking: dict[int, str] = {}

    def cut(self, text: str) -> Cut | None:
        """The tokens of a text; None until they are here."""
        if not text.strip() or self._store.model is None:
            return Cut()
        found = self._known.get(text)
        if found is None and text not in self._asking.values():
            request = m.CutText(text=text)
            self._asking[request.id] = text
            self._store.send(request)
            found = self._known.get(text)  # where the worker is no thread, it is here by now
        return found

    def take(self, result: m.Result) -> bool:
        text = self._asking.pop(result.request_id, None)
        if text is None:
            return False
        match result:
            case m.TextCut():
                self._known[text] = Cut(result.ids)
            case m.Failed():
                self._known[text] = Cut(problem=result.message)
            case _:  # given up: it is asked for again when it is next drawn
                return True
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        self.changed.emit()
        return True

    def reset(self, model: m.ModelInfo) -> bool:
        had = bool(self._known)
        self._known.clear()
        self._asking.clear()
        return had
