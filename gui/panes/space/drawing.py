"""The cloud on the screen: its points, what is drawn over them, and what is brought into sight.

Puts into the view what the pane's parts hold. Knows the store and those parts; asks for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gui.panes.space import framing, scene, words
from gui.panes.space.body import SpaceBody
from gui.panes.space.cloud import Cloud
from gui.panes.space.grouping import Grouping
from gui.panes.space.lookup import Lookup
from gui.panes.space.nearness import Nearness
from gui.panes.space.path_sides import PathSides
from gui.panes.space.picking import Picking
from gui.panes.space.picture import Picture
from gui.panes.space.trails import Trails
from gui.session.store import Store
from model.messages import VocabularyProjected


class Drawing:
    """Draws what the parts hold.

    Args:
        store: the store.
        body: the widgets.
        lookup, near, cloud, picking: what is looked for, near, projected and selected.
        grouping: which points are drawn, and in which colours.
        sides: the ways through the layers.

    Attributes:
        trails: where words came from while the model learnt.
        listed_hover: the row under the mouse in the list; None for none.
    """

    def __init__(
        self,
        store: Store,
        body: SpaceBody,
        lookup: Lookup,
        near: Nearness,
        cloud: Cloud,
        picking: Picking,
        grouping: Grouping,
        sides: PathSides,
    ) -> None:
        self._store, self._list = store, body.side.list
        self._view, self._tools = body.view, body.tools
        self._lookup, self._near, self._cloud, self._picking = lookup, near, cloud, picking
        self._grouping, self._sides = grouping, sides
        self._drawn: object = None
        self._ambient: Sequence[int] | NDArray[np.intp] = ()
        self._points = np.empty((0, 3), np.float32)
        self.trails = Trails()
        self.listed_hover: int | None = None

    def forget(self) -> None:
        """The points are to be drawn anew."""
        self._drawn = None

    def draw(self, vocabulary: VocabularyProjected) -> None:
        """The points, if they are others than those that are drawn."""
        if vocabulary is not self._drawn:
            self._drawn = vocabulary
            self.trails.take(vocabulary)
            self._draw_points(vocabulary)

    def _draw_points(self, vocabulary: VocabularyProjected) -> None:
        points, rgb = self._grouping.drawn(vocabulary)
        self._points = points
        self._ambient = framing.outermost(points)
        run = self._store.run.current
        learning = run is not None and self._store.run.running and not run.paused
        self._view.set_points(points, rgb, calm=learning)
        self.set_home()
        if self._view.shows_part:
            self.show_sum()  # it goes where its words go, until a person looks elsewhere

    def set_home(self) -> None:
        """What a reset shows: the cloud without its outliers, and the paths at true length."""
        drawn, extent = self._cloud.vocabulary, self._view.extent
        if drawn is not None and len(self._points) == len(drawn.points):
            both = (self._cloud.paths, self._cloud.other_paths)
            paths = [one for one in both if one is not None]
            self._view.set_home(framing.home(drawn, self._points, extent, paths))

    def show_sum(self) -> None:
        """Turn and zoom to where a sum is, its arrows seen from the front."""
        found, drawn = self._near.answer, self._cloud.vocabulary
        if found is not None and drawn is not None and scene.is_sum(found.terms):
            self._view.show_part(*framing.sum_frame(found, drawn))

    def compose(self) -> bool:
        """Put together what is drawn over the points, at the places where they are now.

        Returns:
            Whether there is a cloud to draw it over.
        """
        vocabulary, points = self._cloud.vocabulary, self._view.shown_points
        if vocabulary is None or len(points) != len(vocabulary.points):
            return False
        read = self._store.read
        marked = read is not None and vocabulary.source.of_vocabulary
        ways = self._sides.ways()
        picture = Picture(
            vocabulary=vocabulary,
            points=points,
            extent=self._view.extent,
            found=None if self._sides.looks and ways.sides else self._near.answer,
            matches=self._lookup.matches,
            lit=self._list.current or 0,
            ways=ways,
            tokens=read.tokens if read is not None and marked else (),
            selection=self._store.selection,
            chosen=self._picking.chosen(vocabulary),
            axis_names=words.axis_names(vocabulary, self._lookup.text),
            flat=self._view.camera.flat,
            trails=self.trails if self._tools.trails.isChecked() else None,
            pointed=(self._view.hovered, self.listed_hover),
            ambient=self._ambient if self._tools.labels.isChecked() else (),
            text_of=self._lookup.text,
        )
        self._view.set_overlay(picture.overlay())
        return True
