"""The text that a model writes, token by token.

Knows messages; no widget.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui.session.feature import Feature
from gui.session.state import Generation, Notice
from model import messages as m

if TYPE_CHECKING:
    from gui.session.store import Store


class Generating(Feature):
    """The text that is being written.

    Attributes:
        current: that text, or the last one; None if there is none by the model in view.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.current: Generation | None = None

    @property
    def going(self) -> bool:
        """Whether text is being written."""
        return self.current is not None and self.current.running

    def start(self, max_new_tokens: int, seed: int | None = None, *, alone: bool = False) -> None:
        """Continue the prompt; `current` grows token by token. Replaces one that is going.

        Args:
            max_new_tokens: at most so many.
            seed: draws the same text again; None is random.
            alone: whoever asks puts it into the prompt.
        """
        store = self._store
        request = m.Generate(
            text=store.prompt,
            max_new_tokens=max_new_tokens,
            sampling=store.sampling,
            seed=seed,
            interventions=store.interventions,
            model_id=None if store.model is None else store.model.model_id,
        )
        self.current = Generation(request.id, store.prompt, store.model, alone=alone)
        store.send(request)
        self.changed.emit()

    def cancel(self) -> None:
        """End the text that is being written; what is there stays."""
        if self.current is not None and self.current.running:
            self._store.send(m.Cancel(target=self.current.request_id))

    def take(self, result: m.Result) -> bool:
        current = self.current
        if current is None or current.request_id != result.request_id:
            return isinstance(result, m.TokenGenerated | m.GenerationFinished)
        match result:
            case m.TokenGenerated():
                current.text = result.text
                current.steps = (*current.steps, result)
            case m.GenerationFinished():
                current.text = result.text
                current.running, current.finished = False, result
            case m.Cancelled():  # before it began
                current.running = False
            case m.Failed():
                current.running = False
                self.changed.emit()
                self._store.post(Notice.of(result))
                return True
            case _:
                return False
        self.changed.emit()
        return True

    def reset(self, model: m.ModelInfo) -> bool:
        """A text is its model's: another one could neither go on with it nor read its tokens.

        A run that has ended gives its model back as one that is open: that one is the same.
        """
        text = self.current
        if text is None:
            return False
        if text.model is not None and text.model.training and text.model.path == model.path:
            return False
        self.current = None
        if text.running:
            self._store.send(m.Cancel(target=text.request_id))
        return True
