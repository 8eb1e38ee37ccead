"""What the scene was before the interventions: the same question about the model as it is.

Asked only while the difference is shown. Knows the store; no widget.
"""

from __future__ import annotations

from collections.abc import Callable

from gui.session.store import Store
from model.probe.scene.asks import SceneFound

OWNER = "stage: before"


class Before:
    """Asks what was before.

    Args:
        store: whose subject is changed.
        changed: called when an answer came.
    """

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self._store = store
        store.asked.join(OWNER, changed)

    @property
    def wanted(self) -> bool:
        """Whether the difference is shown, and there is one."""
        changing = self._store.intervening
        return changing.view == "difference" and bool(changing.applied)

    def ask(self, drawn: SceneFound | None) -> None:
        """Ask about the scene that is drawn; give up where no difference is shown."""
        if drawn is None or not self.wanted or not drawn.subject.interventions:
            self._store.asked.want(OWNER, None, {})
            return
        self._store.asked.want(OWNER, drawn.subject.of_clean(), {"before": drawn.question})

    def found(self, drawn: SceneFound | None) -> SceneFound | None:
        """The answer, if it is about the same prompt and question as one that is drawn."""
        found = self._store.asked.find(OWNER, "before", SceneFound)
        if found is None or drawn is None or not self.wanted or not found.panels:
            return None
        same = found.subject == drawn.subject.of_clean()
        return found if same and found.question == drawn.question else None
