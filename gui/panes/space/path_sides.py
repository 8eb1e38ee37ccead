"""The ways through the layers of the text in view and of the other one, at work.

What is asked of both sides, which positions belong together, what is drawn and what the page says.
Knows the store, the widgets, the cloud and what is near; of the pane what every pane has.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal

from gui.panes.base import NO_TOKEN, Pane
from gui.panes.space import words
from gui.panes.space.body import SpaceBody
from gui.panes.space.cloud import Cloud
from gui.panes.space.nearness import Nearness
from gui.panes.space.path_page import Shown
from gui.panes.space.ways import OTHER_TONE, PATH_TONE, Paths, Side, Ways
from model.messages import PromptRead
from model.probe.path.asks import Path, stations
from model.probe.path_near.asks import PathNear, PathNearFound
from model.probe.question import Named, Question
from model.space.projections import PROJECTIONS
from model.space.registry import entry_of
from model.space.sources.asks import TokenTable

N_NEAR = 12
PAGE = "path"


class PathSides(QObject):
    """Draws one text's ways, or both texts'.

    Args:
        pane: whose questions these are.
        body: the widgets.
        cloud: what is projected, with the ways in it.
        near: by which metric something is near.

    Signals:
        asked: something else is to be asked.
        changed: something else is to be drawn.
    """

    asked = Signal()
    changed = Signal()

    def __init__(self, pane: Pane, body: SpaceBody, cloud: Cloud, near: Nearness) -> None:
        super().__init__(body)
        self._pane, self._store, self._body = pane, pane.store, body
        self._cloud, self._near = cloud, near
        self._page, self._tools = body.column.path, body.tools
        self._station: int | None = None  # one before the first layer, which no layer stands for
        self._layer = -1
        body.column.page_chosen.connect(self.asked)
        self._page.station_chosen.connect(self._choose_station)
        self._page.other_wanted.connect(self._compare)

    # ----------------------------------------------------------------- what is asked

    @property
    def looks(self) -> bool:
        """Whether the page is seen."""
        return self._body.column.page == PAGE

    def _table(self) -> TokenTable | None:
        """The table that ways are drawn in; None where they can't be."""
        vocabulary, model = self._store.vocabulary, self._store.model
        if vocabulary is None or model is None or words.is_wider(model.config):
            return None
        return vocabulary.source if isinstance(vocabulary.source, TokenTable) else None

    def questions(self, position: int | None) -> Mapping[str, Question]:
        """Where a position is at each layer, or all are, and what it is near there."""
        table, vocabulary = self._table(), self._store.vocabulary
        if table is None or vocabulary is None or position is None or position < 0:
            return {}
        asked: dict[str, Question] = {}
        if self._tools.path.isChecked() and entry_of(PROJECTIONS, vocabulary.how.name).linear:
            positions = () if self._tools.all_paths.isChecked() else (position,)
            asked["path"] = Path.on(vocabulary.how, positions, table.matrix)
        if self.looks:
            metric = self._near.metric
            asked["near"] = PathNear(position, N_NEAR, table.matrix, metric)
        return asked

    def other_questions(self) -> Mapping[str, Question]:
        """The same of the other side, where both have one table."""
        if self._store.comparing.kind not in ("prompt", "changes"):
            return {}
        return self.questions(self.other_position())

    def other_position(self) -> int | None:
        """The other side's position: the same token's, or else what stands there in its place."""
        comparing, read = self._store.comparing, self._store.read
        position, other = self._store.selection.position, comparing.other
        found = comparing.other_position(position)
        if read is None or other is None or not 0 <= position < read.n_tokens:
            return found
        token, theirs = read.subject.ids[position], other.subject.ids
        if found is not None and theirs[found] == token:
            return found
        # Two texts of one length are aligned place by place, wherever a word stands in them.
        same = [at for at, one in enumerate(theirs) if one == token]
        return min(same, key=lambda at: abs(at - position), default=found)

    def no_difference(self, one_side: str) -> str:
        """Why only one side's way is drawn; empty where both are."""
        if self._store.comparing.kind not in ("prompt", "changes") or self._table() is None:
            return one_side
        if not self._tools.path.isChecked() and not self.looks:
            return "Switch Path on: then the ways of both through the layers are drawn."
        return NO_TOKEN if self.other_position() is None else ""

    # ----------------------------------------------------------------- what is drawn

    @property
    def station(self) -> int | None:
        """The place of the way that is looked at: the selected layer's, if no earlier one is."""
        model, layer = self._store.model, self._store.selection.layer
        if layer != self._layer:
            self._layer, self._station = layer, None
        if model is None or self._station is not None:
            return self._station
        first = len(stations(model.config)) - model.config.n_layers
        return first + layer

    def _choose_station(self, at: int) -> None:
        model = self._store.model
        if model is None:
            return
        first = len(stations(model.config)) - model.config.n_layers
        self._layer = self._store.selection.layer if at < first else at - first
        self._station = at if at < first else None
        if at >= first:
            self._store.select(layer=at - first)
        self.changed.emit()

    def _compare(self, text: str) -> None:
        comparing = self._store.comparing
        if text:
            comparing.compare_prompt(text)
            self._tools.path.setChecked(True)
        elif comparing.kind == "prompt":
            comparing.close()

    @property
    def _both(self) -> bool:
        return self._pane.shows_difference and not self._pane.no_difference()

    def _name(self, *, other: bool) -> str:
        sides = self._store.comparing.sides
        if not self._both:
            return ""
        return sides.other if other else sides.in_view

    def _tone(self, *, other: bool) -> tuple[str, bool]:
        """A is drawn as one alone is; B in another colour, and dashed."""
        is_b = self._both and self._store.comparing.in_view_is_b != other
        return (OTHER_TONE, True) if is_b else (PATH_TONE, False)

    def _found(self) -> tuple[PathNearFound | None, PathNearFound | None]:
        """What both sides are near, of the table that is drawn."""
        slot, table = self._pane.slot("near"), self._table()
        if not self.looks or slot is None or table is None:
            return None, None
        mine = self._pane.answered("near", PathNearFound)
        theirs = self._pane.other("near", PathNearFound) if self._both else None
        return mine, theirs

    def ways(self) -> Ways:
        """Lines and marks, in the order A, B."""
        mine, theirs = self._found()
        at = self.station if self.looks else None
        position, other_at = self._store.selection.position, self.other_position()
        sides = []
        for paths, found, where, other in (
            (self._cloud.paths, mine, position, False),
            (self._cloud.other_paths, theirs, other_at, True),
        ):
            if paths is not None and (not other or self._both):
                sides.append(self._side(paths, found, -1 if where is None else where, other=other))
        return Ways(tuple(sorted(sides, key=lambda side: side.dashed)), at)

    def _side(self, paths: Paths, found: PathNearFound | None, at: int, *, other: bool) -> Side:
        station, near = self.station, ()
        if found is not None and station is not None and station < len(found.ids_Sk):
            near = tuple(found.ids_Sk[station].tolist())
        tone, dashed = self._tone(other=other)
        return Side(self._name(other=other), tone, dashed, paths, at, near)

    def refresh(self) -> None:
        """Fill the page."""
        if not self.looks:
            return
        comparing, model = self._store.comparing, self._store.model
        self._page.show_other(comparing.text if comparing.kind == "prompt" else "")
        slot = self._pane.slot("near")
        mine, theirs = self._found()
        if model is None or slot is None or mine is None:
            self._page.show_sentence(*self._why(slot.problem if slot is not None else ""))
            return
        shown = [self._shown(mine, slot.read, other=False)]
        hint = ""
        if theirs is not None:
            shown.append(self._shown(theirs, comparing.other, other=True))
        elif self._pane.shows_difference:
            hint = self._pane.other_problem("near") or self._pane.no_difference()
        shown.sort(key=lambda side: side.dashed)
        self._page.show_sides(shown, self.station, model.token_text, hint)

    def arrays(self) -> dict[str, Named]:
        """What was found, for export; of two sides the one in view first, the other as b or a."""
        mine, theirs = self._found()
        data: dict[str, Named] = {}
        sides = self._store.comparing.sides
        names = ("", "") if theirs is None else (f"_{sides.in_view}", f"_{sides.other}")
        for found, name in ((mine, names[0]), (theirs, names[1])):
            if found is not None:
                for key, named in found.arrays().items():
                    data[f"path_near_{key}{name}".lower()] = named
        if mine is not None and theirs is not None:
            data["path_cosines"] = Named(mine.cosines_with(theirs), ("station",))
        both = self._cloud.other_found, self._cloud.other_paths
        if both[0] is not None and both[1] is not None:
            drawn = both[0].arrays()["projected"]
            data["other_path_points"] = Named(both[1].points_PS3, drawn.axes, drawn.at)
        return data

    def _shown(self, found: PathNearFound, read: PromptRead | None, *, other: bool) -> Shown:
        question = found.question
        assert isinstance(question, PathNear)
        at = question.position
        token = read.tokens[at].text if read is not None and at < read.n_tokens else ""
        tone, dashed = self._tone(other=other)
        return Shown(self._name(other=other), token, at, tone, dashed, found)

    def _why(self, problem: str) -> tuple[str, str]:
        """Why there is nothing to show, and its tone."""
        model = self._store.model
        if problem:
            return problem, "warning"
        if model is not None and words.is_wider(model.config):
            return "The residual stream is wider than the token vectors: nothing is near it.", "dim"
        if self._store.vocabulary is not None and self._table() is None:
            return "Choose W_E or W_U above: the stream is held against a table of tokens.", "dim"
        if self._store.read is None:
            return "Type a prompt, and select one of its tokens.", "dim"
        return "Finding what the selected token is near after each layer…", "dim"
