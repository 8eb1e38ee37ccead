"""The game: a text that ends, points on what may follow, and then both scores.

Asks the store's game for everything; computes nothing of the model.
"""

from __future__ import annotations

from PySide6.QtCore import QStringListModel, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.panes.prediction import guess_words, words
from gui.panes.prediction.bars import Bar, ProbabilityBars
from gui.panes.prediction.scrolled import scrolled
from gui.panes.prediction.stakes import Stakes
from gui.reading.token_search import TokenSearch
from gui.session.guessing import staked
from gui.session.store import Store
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model.messages import ModelInfo

OFFERED = 12
SHOWN = 220
"""Characters of the text that are seen: its end."""
SOURCES = {
    "story": ("Story", "A text of the story world, of a seed that no model was trained on"),
    "prompt": ("My prompt", "Your prompt, token by token; what is behind is hidden everywhere"),
}


class GuessView(QWidget):
    """All of the game in the place of the bars.

    Attributes:
        entry: where a token is typed.
        stakes: the points.
        bars: the model's probabilities, once they are revealed.
        go_button: reveals, and goes on to the next token.
    """

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.game = store.guessing
        self._search: TokenSearch | None = None
        self._model: ModelInfo | None = None
        self._offered: tuple[int, ...] = ()
        small = theme.sans(theme.SMALL_FONT_SIZE + 0.5)
        inner = QWidget(self)
        self.sources = Segments(inner, font=theme.sans(theme.SMALL_FONT_SIZE))
        self.sources.setAccessibleName("Whose text is guessed")
        for key, (text, tip) in SOURCES.items():
            self.sources.add(key, text, tip)
        self.sources.chosen.connect(self._on_source)
        self.leave_button = ControlButton("press", inner, sign="close")
        self.leave_button.setAccessibleName("Leave the game")
        self.leave_button.setToolTip("Leave the game (Esc); the prompt is again what it was")
        self.leave_button.clicked.connect(self.game.stop)
        self.text = Text(parent=inner, font=theme.mono(), wrap=True)
        self.text.setAccessibleName("The text, up to the token that is guessed")
        self.entry = QLineEdit(inner)
        self.entry.setFont(theme.mono())
        self.entry.setFixedHeight(theme.CONTROL_HEIGHT)
        self.entry.setPlaceholderText("What comes next?")
        self.entry.setAccessibleName("Guess a token")
        self.entry.setToolTip("Type what comes next; Return takes the first token of the list")
        self._list = QStringListModel(self)
        completer = QCompleter(self._list, self)
        completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        popup = completer.popup()
        assert popup is not None
        popup.setFont(theme.mono())
        completer.activated.connect(self._on_offered)
        self.entry.setCompleter(completer)
        self.entry.textEdited.connect(self._on_typed)
        self.entry.returnPressed.connect(self._on_return)
        self.hint_button = QPushButton("Candidates", inner)
        self.hint_button.setFixedHeight(theme.CONTROL_HEIGHT)
        self.hint_button.setAccessibleName("Candidates")
        self.hint_button.setToolTip(
            "The model's eight likeliest tokens, in the order of their letters and without their "
            "probabilities; the round is marked"
        )
        self.hint_button.clicked.connect(self.game.show_candidates)
        self.candidates = QWidget(inner)
        self._chips = FlowLayout(self.candidates)
        self.stakes = Stakes(inner)
        self.stakes.committed.connect(self._on_go)
        self.bars = ProbabilityBars(inner)
        self.bars.setAccessibleName("The model's probabilities, with a mark where yours are")
        self.bars.tip = self._tip
        self._legend = Text(
            "bars: the model   │ you", inner, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE)
        )
        self.outcome = Text(parent=inner, font=small, wrap=True)
        self.says = Text(parent=inner, tone="warning", font=small, wrap=True)
        self.go_button = QPushButton(inner)
        self.go_button.setFixedHeight(theme.CONTROL_HEIGHT)
        make_primary(self.go_button)
        self.go_button.clicked.connect(self._on_go)
        self.over_button = QPushButton("Start over", inner)
        self.over_button.setFixedHeight(theme.CONTROL_HEIGHT)
        self.over_button.setAccessibleName("Start the game over")
        self.over_button.setToolTip("Forget the rounds so far")
        self.over_button.clicked.connect(self.game.start_over)
        self.total = Text(
            parent=inner, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE), wrap=True
        )
        self.verdict = Text(parent=inner, tone="dim", font=small, wrap=True)
        self._name_go_button(revealed=False)
        self._lay_out(inner)
        self.setFocusProxy(self.entry)

    def _lay_out(self, inner: QWidget) -> None:
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE)
        top.addWidget(self.sources)
        top.addStretch(1)
        top.addWidget(self.leave_button)
        typing = QHBoxLayout()
        typing.setSpacing(theme.SPACE)
        typing.addWidget(self.entry, 1)
        typing.addWidget(self.hint_button)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE)
        buttons.addWidget(self.go_button)
        buttons.addStretch(1)
        buttons.addWidget(self.over_button)
        column = QVBoxLayout(inner)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        nest(column, top)
        column.addWidget(self.text)
        nest(column, typing)
        column.addWidget(self.candidates)
        column.addWidget(self.stakes)
        column.addWidget(self.bars, 1)
        column.addWidget(self._legend)
        column.addWidget(self.outcome)
        column.addWidget(self.says)
        nest(column, buttons)
        column.addWidget(self.total)
        column.addWidget(self.verdict)
        column.addStretch(0)
        scroll = scrolled(inner, self)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        """Show the game as it stands."""
        game, model = self.game, self.store.model
        if model is not self._model:
            self._model, self._search = model, None if model is None else TokenSearch(model)
        if model is None:
            return
        d_vocab = model.config.d_vocab
        playing = game.state == "guessing"
        revealed = game.state in ("revealed", "over") and game.found is not None
        self.sources.set_current(game.source)
        self.stakes.set_vocabulary(model.token_text, d_vocab)
        end = "" if revealed else " ▁" if not model.vocabulary else "▁"
        seen = game.seen if len(game.seen) <= SHOWN else f"…{game.seen[-SHOWN:]}"
        self.text.setText(f"{seen}{end}")
        self.text.setToolTip(guess_words.rule(d_vocab))
        for widget in (self.entry, self.hint_button, self.stakes):
            widget.setVisible(not revealed)
            widget.setEnabled(playing)
        self.hint_button.setEnabled(playing and not game.candidates)
        self._show_candidates(model, shown=not revealed)
        for shown in (self.bars, self._legend, self.outcome):
            shown.setVisible(revealed)
        if revealed:
            self._show_outcome(model)
        self.says.setVisible(bool(self.says.text()))
        self.go_button.setEnabled(playing or revealed)
        self._name_go_button(revealed=revealed)
        self.total.setText(guess_words.total(game.rounds, d_vocab))
        self.verdict.setText(guess_words.verdict(game.rounds))
        self.total.setVisible(bool(game.rounds))
        self.verdict.setVisible(bool(game.rounds))
        self.over_button.setVisible(bool(game.rounds))
        self.setToolTip(guess_words.rule(d_vocab))

    def _name_go_button(self, *, revealed: bool) -> None:
        if not revealed:
            text, tip = (
                "Reveal",
                "Stake your points and see what comes, and what the model thought",
            )
        elif self.game.state == "over":
            text, tip = "Next text", "The text has ended: go on with another"
        else:
            text, tip = "Next token", f"{self.game.left - 1:,} more of this text"
        self.go_button.setText(text)
        self.go_button.setAccessibleName(text)
        self.go_button.setToolTip(tip)

    def _show_candidates(self, model: ModelInfo, *, shown: bool) -> None:
        ids = self.game.candidates
        self.candidates.setVisible(bool(ids) and shown)
        drawn = tuple(self._chip(i).property("token") for i in range(self._chips.count()))
        if drawn == ids:
            return
        while (item := self._chips.takeAt(0)) is not None:
            old = item.widget()
            assert old is not None
            old.hide()
            old.deleteLater()
        for token_id in ids:
            chip = ControlButton("press", self.candidates)
            chip.setText(model.token_text(token_id))
            chip.setFont(theme.mono(theme.SMALL_FONT_SIZE))
            chip.setAccessibleName(f"Guess {chip.text()}")
            chip.setProperty("token", token_id)
            chip.clicked.connect(self._on_chip)
            self._chips.addWidget(chip)
            chip.show()

    def _chip(self, index: int) -> QWidget:
        item = self._chips.itemAt(index)
        chip = None if item is None else item.widget()
        assert chip is not None
        return chip

    def _show_outcome(self, model: ModelInfo) -> None:
        game, found = self.game, self.game.found
        actual = game.actual
        if found is None or actual is None or not game.rounds:
            return
        bars = [
            Bar(
                token_id=int(token_id),
                text=model.token_text(int(token_id)),
                rank=int(found.ranks[row]),
                probability=float(found.probabilities[row]),
                uncut=float(found.uncut[row]),
                actual=int(token_id) == actual,
                before=staked(game.points, int(token_id), model.config.d_vocab),
                led=int(token_id) in game.points,
            )
            for row, token_id in enumerate(found.ids)
        ]
        self.bars.set_bars(bars)
        likeliest = int(found.ids[found.ranks.argmin()])
        came, best = words.plain(model, actual), words.plain(model, likeliest)
        self.outcome.setText(guess_words.outcome(game.rounds[-1], came, best))

    def _tip(self, bar: Bar) -> str:
        return (
            f"{bar.text}   id {bar.token_id}   rank {bar.rank:,}\n"
            f"the model: {bar.probability:.6g}\nyou: {bar.before or 0:.6g}"
        )

    def apply_theme(self) -> None:
        """Take new colours."""
        self.update()

    # ------------------------------------------------------------------------- actions

    def _on_source(self, source: str) -> None:
        self.stakes.clear()
        self._say("")
        self.game.begin("prompt" if source == "prompt" else "story")

    def _on_typed(self, typed: str) -> None:
        model, search = self._model, self._search
        self._offered = ()
        if model is not None and search is not None:
            found = search.find(typed, limit=OFFERED * 4)
            # A word that follows a word has its space in its token.
            wants_space = not self.game.seen[-1:].isspace()
            exact = [i for i in found if model.token_text(i).strip("·#") == typed.strip()]
            exact.sort(key=lambda i: model.token_text(i).startswith("·") != wants_space)
            self._offered = tuple(dict.fromkeys((*exact, *found)))[:OFFERED]
            self._list.setStringList([model.token_text(i) for i in self._offered])
        whole = bool(self._offered) or not typed.strip()
        self._say("" if whole else self._no_token(typed.strip()))

    def _no_token(self, typed: str) -> str:
        model, search = self._model, self._search
        if model is None or search is None:
            return ""
        if not model.vocabulary:
            return f"“{typed}” is no token: type an id from 0 to {model.config.d_vocab - 1:,}."
        for n in range(len(typed) - 1, 0, -1):
            near = search.find(typed[:n], limit=OFFERED)
            exact = [i for i in near if model.token_text(i).strip("·#") == typed[:n]]
            if exact:
                first = model.token_text(exact[0])
                return f"“{typed}” is more than one token; guess how it begins, “{first}” perhaps."
        return f"No token of this model holds “{typed}”."

    def _on_return(self) -> None:
        if not self.entry.text().strip():
            self._on_go()
        elif self._offered:
            self._take(self._offered[0])

    def _on_offered(self, text: str) -> None:
        model = self._model
        if model is not None:
            named = [i for i in self._offered if model.token_text(i) == text]
            if named:
                self._take(named[0])

    def _on_chip(self) -> None:
        sender = self.sender()
        if isinstance(sender, ControlButton):
            self._take(int(sender.property("token")))

    def _take(self, token_id: int) -> None:
        before = self.stakes.left
        self.stakes.add(token_id)
        full = self.stakes.left == before and token_id not in self.stakes.points
        self._say("All points are spent: take some from another token first." if full else "")
        self._offered = ()
        self.entry.clear()

    def _on_go(self) -> None:
        if self.game.state == "guessing":
            self._say("")
            self.game.reveal(self.stakes.points)
            self.go_button.setFocus()
        else:
            self.stakes.clear()
            self.game.go_on()
            self.entry.setFocus()

    def _say(self, why: str) -> None:
        self.says.setText(why)
        self.says.setVisible(bool(why))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.game.stop()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.entry.isHidden():
            self._on_go()  # while it is there, it has the key itself
        else:
            super().keyPressEvent(event)
