"""What is worth seeing in the first trace of a program: the head that reads one token most.

Knows the store; no widget.
"""

from __future__ import annotations

from PySide6.QtCore import QObject

from gui.session.state import Inspected
from gui.session.store import Store


class FirstLook(QObject):
    """On the first trace, puts the focus on something worth seeing; once.

    That is the head that reads one token most at the selected position (not the first, where heads
    park what they do not need, and not itself), and that weight in the inspector.
    """

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._began = False
        store.trace_changed.connect(self._look)

    def _look(self) -> None:
        trace, model = self._store.trace, self._store.model
        if self._began or trace is None or model is None:
            return
        self._began = True
        n, at = trace.n_tokens, self._store.selection.position
        best: tuple[float, int, int, int] | None = None
        for layer in range(model.config.n_layers):
            pattern_HQS = trace.pattern(layer)
            if pattern_HQS is None or n < 3:
                return
            row_HS = pattern_HQS[:, at].copy()
            row_HS[:, [0, at]] = -1.0
            head, key = divmod(int(row_HS.argmax()), row_HS.shape[1])
            found = (float(row_HS[head, key]), layer, head, key)
            best = found if best is None else max(best, found)
        if best is None:
            return
        weight, layer, head, key = best
        name = f"blocks.{layer}.attn.hook_pattern"
        names = [op.output for op in self._store.operations]
        self._store.select(
            operation=names.index(name), layer=layer, head=head, position=at, key=key
        )
        words = [model.token_text(trace.tokens[i].id) for i in (at, key)]
        self._store.inspect(
            Inspected(
                name=name,
                index=(0, head, at, key),
                value=weight,
                dtype=model.dtype,
                code=f'trace["{name}"][0, {head}, {at}, {key}]',
                note=f"{weight:.0%} of what “{words[0]}” reads in this head is “{words[1]}”.",
            )
        )
