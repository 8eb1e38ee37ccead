"""How the prompt may go on, as a tree to walk along; and how likely it is as it stands.

Two views of which one is seen and asks. Draws `ContinuationsFound` and `SurprisalFound`; a click
lets the prompt go on, or selects a position. Holds no logits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane
from gui.panes.continuations import ENTRY, two_words, words
from gui.panes.continuations.text_view import ORDERS, OtherText, TextView
from gui.panes.continuations.tree_view import Strands, TreeView
from gui.panes.continuations.two_sides import BothTrees, TwoTrees
from gui.reading import waiting
from gui.reading.quoting import quoted
from gui.session.store import Store
from gui.widgets.control_button import ControlButton
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.number_boxes import WholeBox
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model.counting import counted
from model.messages import ModelInfo, PromptRead
from model.probe.continuations.asks import Continuations, ContinuationsFound
from model.probe.question import Named, Question
from model.probe.surprisal.asks import Surprisal, SurprisalFound

VIEWS = {
    "tree": ("Tree", "The likeliest continuations, each branch as thick as its token is likely"),
    "text": ("Text", "How likely the text is as it stands: bits, perplexity, worst tokens"),
}
DEPTH, BEAMS = 5, 6
MOST_DEPTH, MOST_BEAMS = 12, 24
BRANCHES = 4
LEGEND = "thick: a likely token   bright: a likely way"
ROOT_TOKENS = 3
"""So many of the prompt's last tokens are written where the tree begins."""


class ContinuationsPane(Pane):
    """A line of controls, a picture, a sentence."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.two_trees = TwoTrees(self)
        self._both: BothTrees | None = None  # that the tree draws
        self._refused = ""  # why what was typed last is no such number
        self.views = Segments(self, font=small)
        self.views.setAccessibleName("What is shown of the text")
        for key, (text, tip) in VIEWS.items():
            self.views.add(key, text, tip)
        self.views.chosen.connect(self._on_option)
        self.ahead = WholeBox(1, MOST_DEPTH, "number of tokens", self)
        self.kept = WholeBox(1, MOST_BEAMS, "number of continuations", self)
        for box, value, name, tip in (
            (self.ahead, DEPTH, "Tokens ahead", "How many tokens the tree looks ahead"),
            (
                self.kept,
                BEAMS,
                "Continuations kept",
                "Beam search: after each token so many of the likeliest continuations are "
                "followed; a likelier one may hide behind a token that was not",
            ),
        ):
            box.setValue(value)
            box.setFont(theme.mono(theme.FONT_SIZE - 0.5))
            box.setFixedSize(44, theme.CONTROL_HEIGHT)
            box.setAlignment(Qt.AlignmentFlag.AlignRight)
            box.setAccessibleName(name)
            box.setToolTip(tip)
            box.refusals.tell = self._refuse
            box.valueChanged.connect(self._on_option)
        self._labels = (
            Text("tokens ahead", self, tone="dim", font=small),
            Text("kept", self, tone="dim", font=small),
            Text(LEGEND, self, tone="dim", font=small),
        )
        self.back_button = ControlButton("press", self, sign="undo")
        self.back_button.setAccessibleName("Take back the last token")
        self.back_button.setToolTip(
            "Take back the last token that was added to the prompt (Ctrl+Shift+Backspace)"
        )
        self.back_button.clicked.connect(store.adding.back)
        self.tree = TreeView(self)
        self.tree.node_taken.connect(self.take)
        self.tree.node_lit.connect(self._say_node)
        self.tree.tip = self._node_tip
        self.text = TextView(self)
        self.text.position_chosen.connect(self.go_to)
        self.text.order_changed.connect(self._on_option)
        self.sentence = Text(parent=self, font=theme.sans(), wrap=True)
        self._says = Text(parent=self, tone="warning", font=small, wrap=True)
        self._empty = EmptyState(parent=self)
        self._lay_out()
        for signal in (
            store.sampling_changed,
            store.model_changed,
            store.intervening.changed,
            store.guessing.changed,
        ):
            signal.connect(self.ask)
            signal.connect(self.invalidate)
        store.adding.changed.connect(self.invalidate)
        store.selection_changed.connect(self._follow_position)

    def _lay_out(self) -> None:
        controls = FlowLayout(spacing=theme.SPACE)
        tokens, kept, legend = self._labels
        parts = (self.views, tokens, self.ahead, kept, self.kept, self.back_button, legend)
        for widget in parts:
            controls.addWidget(widget)
        tree = QWidget(self)
        column = QVBoxLayout(tree)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.tree, 1)
        column.addWidget(self.sentence)
        pages = QWidget(self)
        self._pages = QStackedLayout(pages)
        for page in (tree, self.text, self._empty):
            self._pages.addWidget(page)
        self._tree_page = tree
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        layout.setSpacing(theme.SPACE)
        row = QHBoxLayout()
        nest(row, controls, 1)
        nest(layout, row)
        layout.addWidget(self._says)
        layout.addWidget(pages, 1)
        self._says.hide()

    # ----------------------------------------------------------------------- questions

    def questions(self) -> Mapping[str, Question]:
        store = self.store
        if store.read is None or self._refusal():
            return {}
        if self.views.current == "text":
            return {"text": Surprisal(ranks=True)}
        return {"tree": self._tree_question, **self.two_trees.questions(self._tree_question)}

    @property
    def _tree_question(self) -> Continuations:
        return Continuations(
            position=self._wanted_position,
            beams=self.kept.value(),
            depth=self.ahead.value(),
            branches=BRANCHES,
            sampling=self.store.sampling,
        )

    @property
    def _wanted_position(self) -> int:
        read, at = self.store.read, self.store.selection.position
        if read is None:
            return -1
        return at if 0 <= at < read.n_tokens else read.n_tokens - 1

    def _refusal(self) -> str:
        """Why nothing can be shown of the model in view; empty if it can."""
        store = self.store
        model = store.model
        if model is None:
            return "Open a model to see how a text may go on."
        if model.config.no_continuation:
            return (
                f"{model.config.no_continuation} So there is no next token to follow, and no "
                "probability of a whole text."
            )
        if store.guessing.going:
            return "Hidden while you guess. Leave the game in Next token to see it."
        return ""

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        store, model = self.store, self.store.model
        tree = self.views.current == "tree"
        for widget in (self.ahead, self.kept, *self._labels):
            widget.setVisible(tree)
        self.back_button.setEnabled(store.adding.can_go_back)
        said = self._refused or store.adding.message
        self._says.setText(said)
        self._says.setVisible(bool(said))
        problem = self._refusal() or store.prompt_problem
        slot = self.slot("tree" if tree else "text")
        if not problem and slot is not None:
            problem = slot.problem
        if not problem and (slot is None or slot.answer is None or slot.read is None):
            problem = "Looking ahead …" if tree else "Reading the text …"
        if problem or model is None or slot is None or slot.read is None:
            self._empty.setText(problem)
            self._pages.setCurrentWidget(self._empty)
            return
        if tree:
            self._show_tree(model, slot.read)
        else:
            self._show_text(model, slot.read)

    def _show_tree(self, model: ModelInfo, read: PromptRead) -> None:
        found = self.answered("tree", ContinuationsFound)
        if found is None:
            return
        if found.problem:
            self._empty.setText(found.problem)
            self._pages.setCurrentWidget(self._empty)
            return
        at = min(position_of(found), read.n_tokens - 1)
        root = _root(read, at)
        self._both = both = self.two_trees.merged(self._tree_question)
        said = LEGEND
        if both is not None:
            said = "thick: a likely token, {} above and {} below".format(*both.sides.names)
        self._labels[-1].setText(said)
        if both is not None:
            self.tree.show_tree(both.tree, root, model.token_text, self._strands(both, root))
        elif not self._is_coming(found):
            self.tree.show_tree(found, root, model.token_text)
        self._pages.setCurrentWidget(self._tree_page)
        self._say_node(self.tree.lit)

    def _is_coming(self, found: ContinuationsFound) -> bool:
        """Whether both trees are about to be drawn: until then the old picture stays."""
        pane_waits = self.store.asked.waits(self.key) is not None or self.other_waits
        alone = self.two_trees.why_alone(position_of(found))
        return (
            self.two_trees.wanted and not alone and not pane_waits and self.tree.found is not None
        )

    def _strands(self, both: BothTrees, root: str) -> Strands:
        """What the tree draws of both sides."""
        read = self.store.comparing.other
        at = self.store.comparing.other_position(position_of(both.tree))
        theirs = root if read is None or at is None else _root(read, at)
        return two_words.strands(both, root, theirs)

    def _show_text(self, model: ModelInfo, read: PromptRead) -> None:
        found = self.answered("text", SurprisalFound)
        if found is None:
            return
        if read.n_tokens < 2:
            self._empty.setText("One token alone is predicted by nothing: write one more.")
            self._pages.setCurrentWidget(self._empty)
            return
        other = self._other_text(found)
        self.text.show_found(found, other, read, model, self.store.adding.marks(read))
        self._pages.setCurrentWidget(self.text)
        self._follow_position()

    def other_questions(self) -> Mapping[str, Question]:
        if self.store.comparing.no_predictions or self._refusal():
            return {}
        if self.views.current == "tree":
            return self.two_trees.other_questions(self._tree_question)
        return self.questions()

    def _other_text(self, found: SurprisalFound) -> OtherText | None:
        """The other side's surprisals, where the difference is shown and they have come."""
        other, comparing = self.other("text", SurprisalFound), self.store.comparing
        if other is None or found.subject != self.store.subject:
            return None
        bits = [math.nan] * len(found.bits_T)
        for at, its in comparing.alignment.pairs:
            bits[at] = float(other.bits_T[its])
        return OtherText(tuple(bits), other.total_bits, comparing.sides)

    def _say_node(self, node: int | None) -> None:
        model, found = self.store.model, self.tree.found
        if model is None or found is None:
            return
        if self._both is not None and self._both.tree is found:
            self.sentence.setText(two_words.sentence(model, self._both, node))
        elif node is None:
            self.sentence.setText(f"{words.tree_sentence(model, found)} {self.alone}".strip())
        else:
            self.sentence.setText(words.node_sentence(model, found, node))

    def _node_tip(self, node: int) -> str:
        model, found = self.store.model, self.tree.found
        if model is None or found is None:
            return ""
        if self._both is not None and self._both.tree is found:
            return two_words.node_tip(model, self._both, node)
        return words.node_tip(model, found, node)

    def _follow_position(self) -> None:
        self.text.rows.set_position(self.store.selection.position)

    def no_difference(self) -> str:
        if self.views.current == "text":
            return self.store.comparing.no_predictions
        return self.two_trees.why_alone(self._wanted_position)

    def header_note(self) -> str:
        waits = waiting.words(self.store.asked.waits(self.key))
        if not waits and self.other_waits:
            waits = f"waiting for {self.store.comparing.sides.other}"
        if waits or self._pages.currentWidget() is self._empty:
            return waits
        if self.views.current == "text":
            found = self.answered("text", SurprisalFound)
            return "" if found is None else f"{counted(found.n_predicted, 'token')} predicted"
        found_tree, model = self.answered("tree", ContinuationsFound), self.store.model
        slot = self.slot("tree")
        if found_tree is None or model is None or slot is None or slot.read is None:
            return ""
        at = min(position_of(found_tree), slot.read.n_tokens - 1)
        return f"after {quoted(slot.read.tokens[at].text)} ({at})"

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        """The answer that is seen; of a tree a row a node, with the whole text up to it."""
        model = self.store.model
        if self.views.current == "text":
            found = self.answered("text", SurprisalFound)
            slot = self.slot("text")
            if found is None or slot is None or slot.read is None:
                return {}
            texts = np.array([token.text for token in slot.read.tokens])
            marks = self.store.adding.marks(slot.read)
            came = np.array([marks[i].how if i in marks else "" for i in range(len(texts))])
            columns = {name: named.values for name, named in found.arrays().items()}
            return {"text": texts, "added": came, **columns}
        both = self.two_trees.merged(self._tree_question)
        tree = self.answered("tree", ContinuationsFound) if both is None else both.tree
        if tree is None or model is None:
            return {}
        paths = np.array([words.path_text(model, tree, i) for i in range(len(tree.ids))])
        columns = {name: one.values for name, one in tree.arrays().items()}
        return {"text": paths, **columns, **({} if both is None else both.columns())}

    def remember(self) -> dict[str, Any]:
        return {
            "view": self.views.current,
            "depth": self.ahead.value(),
            "beams": self.kept.value(),
            "order": self.text.orders.current,
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        if kept.get("view") in VIEWS:
            self.views.set_current(str(kept["view"]))
        if kept.get("order") in ORDERS:
            self.text.orders.set_current(str(kept["order"]))
        for box, name in ((self.ahead, "depth"), (self.kept, "beams")):
            value = kept.get(name)
            if isinstance(value, int) and box.minimum() <= value <= box.maximum():
                box.setValue(value)

    # ------------------------------------------------------------------------- actions

    def take(self, node: int) -> None:
        """Let the prompt go on with the tokens up to a node.

        Of a tree that is still that of an earlier prompt nothing is put into the one of now.
        """
        found, slot = self.tree.found, self.slot("tree")
        read = None if slot is None else slot.read
        if found is None or read is None or read.text != self.store.prompt:
            return
        path = list(found.path(node))
        self.store.adding.put(
            read,
            position_of(found),
            found.ids[path].tolist(),
            "taken",
            found.probabilities[path].tolist(),
        )

    def go_to(self, position: int) -> None:
        """Select a token in every pane."""
        read = self.store.read
        if read is not None and 0 <= position < read.n_tokens:
            self.store.select(position=position)

    def _on_option(self, _: object = None) -> None:
        self.ask()
        self.invalidate()

    def _refuse(self, why: str) -> None:
        self._refused = why
        self.invalidate()


def _root(read: PromptRead, at: int) -> str:
    """The end of a text where a tree begins."""
    return "".join(token.text for token in read.tokens[max(0, at + 1 - ROOT_TOKENS) : at + 1])


def position_of(found: ContinuationsFound) -> int:
    """After which position a tree begins."""
    question = found.question
    assert isinstance(question, Continuations)
    return question.position
