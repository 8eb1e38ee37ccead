"""What the embedding space says in its own place: caption, status line, or why there is no cloud.

Puts what the pane's parts hold into the sentences of `gui.panes.space.words`. Knows the store and
those parts; asks for nothing.
"""

from __future__ import annotations

from gui.panes.space import ENTRY, words
from gui.panes.space.body import SpaceBody
from gui.panes.space.chooser import Chooser
from gui.panes.space.cloud import Cloud
from gui.panes.space.drawing import Drawing
from gui.panes.space.lookup import Lookup
from gui.panes.space.nearness import Nearness
from gui.session.asked import Slot
from gui.session.store import Store
from gui.widgets.point_cloud import thinning
from model.messages import VocabularyProjected
from model.space.projections import PROJECTIONS
from model.space.registry import entry_of
from model.space.sources.asks import TextInContext

KEY = ENTRY.key


class Telling:
    """Says what is drawn.

    Args:
        store: the store.
        body: the widgets.
        lookup, near, cloud, chooser, drawing: what is looked for, near, projected, chosen, drawn.
    """

    def __init__(
        self,
        store: Store,
        body: SpaceBody,
        lookup: Lookup,
        near: Nearness,
        cloud: Cloud,
        chooser: Chooser,
        drawing: Drawing,
    ) -> None:
        self._store, self._body = store, body
        self._lookup, self._near, self._cloud = lookup, near, cloud
        self._chooser, self._drawing = chooser, drawing

    def show_doing(self) -> None:
        """A sentence in place of the cloud, while there is none of what is chosen."""
        tables = self._store.tables
        at = self._store.activity.progress_of(tables.drawing)
        why = ""
        if self._cloud.vocabulary is None or self.is_elsewhere:
            problem = tables.problem or self._chooser.missing
            why = words.why_empty(self._store.model, problem, words.doing(at))
        self._body.show_sentence(why, tables.sample if why else 0)
        if why:
            self._body.status.setText("")

    @property
    def is_elsewhere(self) -> bool:
        """Whether another table is chosen than the one that is there: it comes, or it can't."""
        drawn, refused = self._cloud.vocabulary, self._store.tables.refused
        if not self._chooser.is_drawn:
            return True
        return refused is not None and drawn is not None and refused != drawn.source

    def say(self, vocabulary: VocabularyProjected, path: Slot | None) -> None:
        """The caption, and the line below: a problem, what the mouse is on, or what else is."""
        self._body.caption.setText(words.caption(vocabulary, self._lookup.text))
        token = self._body.view.hovered
        problem = self._lookup.said or self._body.form.problem or self._store.tables.problem
        if problem:
            tone, text = "warning", problem
        elif token is not None and token < len(vocabulary.points):
            tone, text = "text", words.token(vocabulary, token, self._lookup.rows)
        else:
            tone, text = "dim", self._notes(vocabulary, path)
        self._body.status.set_tone(tone)
        self._body.status.setText(text)

    def _notes(self, vocabulary: VocabularyProjected, slot: Slot | None) -> str:
        model = self._store.model
        tools = self._body.tools
        wider = tools.path.isChecked() and model is not None and words.is_wider(model.config)
        return words.notes(
            vocabulary,
            fallback=self._body.view.fallback_reason,
            hint=self._running or self._chooser.hint,
            path=words.path_note(
                vocabulary,
                "" if slot is None else slot.problem,
                self._store.asked.waits(KEY),
                self._cloud.paths,
                wider=wider and vocabulary.source.of_vocabulary,
            ),
            by_length=tools.norm.isChecked(),
            flat=self._body.view.camera.flat,
            thinned=thinning.said(len(vocabulary.points), software=self._body.view.is_software),
            trails=self._drawing.trails.said() if tools.trails.isChecked() else "",
            sum_in_map=not vocabulary.has_axes and len(self._near.terms) > 1,
        )

    @property
    def _running(self) -> str:
        """What is done for a map that converges, or a text that is read; empty where nothing is."""
        drawing = self._store.tables.drawing
        if drawing is None:
            return ""
        long = entry_of(PROJECTIONS, drawing.how.name).on_request
        if not long and not isinstance(drawing.source, TextInContext):
            return ""
        told = words.doing(self._store.activity.progress_of(drawing))
        drawn = self._store.vocabulary
        if drawn is not None and drawn.request_id == drawing.id and drawn.share < 1:
            return f"{drawn.share:.0%} of the steps; Stop keeps what came"
        return told or "starting…"

    def inspect(self, token: int) -> None:
        """A token's vector goes to the inspector."""
        drawn, model, near = self._cloud.vocabulary, self._store.model, self._near.answer
        if drawn is None or model is None or not drawn.source.of_vocabulary:
            return
        # What is drawn may be another model's for a moment, with fewer tokens.
        if drawn.model_id == model.model_id and token < len(drawn.points):
            text_of = self._lookup.text
            self._store.inspect(words.inspected(drawn, near, token, text_of, model.dtype))
