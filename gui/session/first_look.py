"""What is worth seeing in the first prompt of a program: the head that reads one token most.

Knows the store; no widget.
"""

from __future__ import annotations

from PySide6.QtCore import QObject

from gui.reading.inspecting import inspected
from gui.reading.sentences import weight_sentence
from gui.session.state import Selection
from gui.session.store import Store
from model.probe.strongest_head.asks import StrongestHead, StrongestHeadFound

OWNER = "first_look"


class FirstLook(QObject):
    """On the first prompt that is read, puts the focus on something worth seeing; once.

    That is the head that reads one token most at the selected position (not the first, where heads
    park what they do not need, and not itself), and that weight in the inspector. Whoever selects
    something before that is known is left where they are.
    """

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._began_at: Selection | None = None
        self._done = False
        store.asked.join(OWNER, self._look)
        store.model_changed.connect(self._begin_anew)
        store.subject_changed.connect(self._ask)
        store.selection_changed.connect(self._leave)
        store.inspected_changed.connect(self._leave)

    @property
    def over(self) -> bool:
        """Whether it has shown something, or never will: from now on only the person selects."""
        return self._done

    def _begin_anew(self) -> None:
        """Another model, before anything was shown of the one before."""
        self._began_at = None

    def _ask(self) -> None:
        store = self._store
        if self._done or store.subject is None:
            return
        # What the prompt itself has moved is nobody's choice.
        self._began_at = store.selection
        question = StrongestHead(store.selection.position)
        if store.asked.want(OWNER, store.subject, {"head": question}):
            self._look()

    def _leave(self) -> None:
        """Somebody has chosen something: nothing is to be shown to them any more."""
        store, began = self._store, self._began_at
        if self._done or began is None:
            return
        if store.inspected is not None or _place(store.selection) != _place(began):
            self._end()

    def _end(self) -> None:
        self._done = True
        self._store.asked.want(OWNER, None, {})

    def _look(self) -> None:
        store = self._store
        slot = store.asked.slot(OWNER, "head")
        found = store.asked.find(OWNER, "head", StrongestHeadFound)
        if self._done or slot is None or not (slot.problem or slot.is_current):
            return
        read, model, asked = slot.read, store.model, slot.question
        self._end()
        if found is None or read is None or model is None or found.layer is None:
            return
        assert isinstance(asked, StrongestHead)
        at = min(asked.position, read.n_tokens - 1)
        name = f"blocks.{found.layer}.attn.hook_pattern"
        names = [op.output for op in store.operations]
        store.select(
            operation=names.index(name),
            layer=found.layer,
            head=found.head,
            position=at,
            key=found.key,
        )
        index = (0, found.head, at, found.key)
        store.inspect(inspected(model, read, name, index, found.weight, says=weight_sentence))


def _place(selection: Selection) -> tuple[int, int, int, int]:
    """What is chosen, without what is only hovered."""
    return selection.position, selection.layer, selection.head, selection.operation
