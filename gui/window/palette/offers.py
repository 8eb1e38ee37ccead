"""Everything that the palette can find, read from what the window has at the moment.

Knows commands, docks, settings, recent models and the store; panes by their entries and by the
controls in them, none by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton

from gui.opening.words import short_name
from gui.reading.glossary import TERMS
from gui.reading.token_search import TokenSearch
from gui.widgets.action_row import ActionRow
from gui.widgets.segments import Segments
from gui.window.palette.ranking import Offer, ranked
from gui.window.settings_rows import ROWS
from model.train.presets import PRESETS
from resources import STORY_WORLD

if TYPE_CHECKING:
    from gui.panes.base import Pane
    from gui.window.main_window import MainWindow

MOST_TOKENS = 20
MOST_IN_PROMPT = 10


class Offers:
    """Finds what a person types.

    Args:
        window: whose commands, panes, settings and store are searched.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._tokens: tuple[int, TokenSearch] | None = None

    def find(self, typed: str) -> list[Offer]:
        """What has the words that were typed, the best first; all commands, if none were."""
        return ranked(self._all(typed), typed)

    def _all(self, typed: str) -> Iterator[Offer]:
        yield from self._commands()
        if typed.strip():
            yield from self._panes()
            yield from self._options()
            yield from self._settings()
            yield from self._models()
            yield from self._presets()
            yield from self._glossary()
            yield from self._of_prompt(typed)
            yield from self._operations()
            yield from self._tensors()
            yield from self._vocabulary(typed)

    def _commands(self) -> Iterator[Offer]:
        for owned in self._window.commands:
            command = owned.command
            action = self._window.actions_by_id[command.id]
            if action.isEnabled() and command.id != "palette":
                yield Offer(
                    title=action.text().replace("&", "").rstrip("…"),
                    kind="command",
                    where=command.menu,
                    tip=command.tip,
                    do=action.trigger,
                    keys=action.shortcut().toString(),
                )

    def _panes(self) -> Iterator[Offer]:
        for key, dock in self._window.docks.items():
            show = partial(self._window.layouts.show_pane, key)
            yield Offer(dock.windowTitle(), "pane", "show the pane", dock.entry.hint, show)

    def _options(self) -> Iterator[Offer]:
        """What stands in the rows of the panes that are made: views and options, also hidden."""
        for pane in self._window.host.panes:
            seen = set[int]()
            for row in pane.findChildren(ActionRow):
                for action in row.offered:
                    if id(action) not in seen and action.isEnabled():
                        seen.add(id(action))
                        do = self._in_front(pane, action.trigger)
                        yield Offer(
                            action.text(), "option", _said(pane, action), action.toolTip(), do
                        )
            for segments in pane.findChildren(Segments):
                for button in segments.buttons.values():
                    if button.isEnabled():
                        do = self._in_front(pane, button.click)
                        where = _said(pane, button)
                        yield Offer(button.text(), "option", where, button.toolTip(), do)

    def _settings(self) -> Iterator[Offer]:
        for row in ROWS:
            show = partial(self._window.show_settings, row.key)
            yield Offer(row.title, "setting", "settings", row.tip, show)

    def _models(self) -> Iterator[Offer]:
        settings, files = self._window.settings, self._window.files
        yield Offer("story-world", "model", "comes with the program", "", files.open_bundled)
        for path in settings.recent:
            if path != str(STORY_WORLD):
                line = settings.recent_lines.get(path, "opened before")
                do = partial(files.open_path, path)
                yield Offer(short_name(path), "model", line, path, do)

    def _presets(self) -> Iterator[Offer]:
        for name in PRESETS:
            do = partial(self._show, "preset", name)
            tip = "Put this recipe into Training; it begins where Start is pressed"
            yield Offer(name, "preset", "recipe to train by", tip, do)

    def _glossary(self) -> Iterator[Offer]:
        for term in TERMS:
            show = partial(self._window.show_glossary, term.name)
            yield Offer(term.name, "glossary", "what it means", term.says, show)

    def _of_prompt(self, typed: str) -> Iterator[Offer]:
        read, store = self._window.store.read, self._window.store
        if read is None or store.model is None:
            return
        wanted, n = typed.casefold().strip("· "), 0
        for position, token in enumerate(read.tokens):
            text = store.model.token_text(token.id)
            if n == MOST_IN_PROMPT:
                return
            if wanted in text.casefold():
                n += 1
                where = f"position {position} of the prompt"
                do = partial(store.select, position=position)
                yield Offer(text, "prompt", where, "Select this token of the prompt", do)

    def _operations(self) -> Iterator[Offer]:
        store = self._window.store
        for index, operation in enumerate(store.operations):
            block = "" if operation.layer is None else f" in block {operation.layer}"
            yield Offer(
                operation.output,
                "operation",
                f"{operation.label}{block}",
                operation.sentence,
                partial(store.select, operation=index),
            )

    def _tensors(self) -> Iterator[Offer]:
        for tensor in self._window.store.weights.tensors:
            shape = "×".join(map(str, tensor.shape))
            do = partial(self._show, "tensor", tensor.name)
            yield Offer(tensor.name, "tensor", shape, "A parameter of the model", do)

    def _vocabulary(self, typed: str) -> Iterator[Offer]:
        model = self._window.store.model
        if model is None:
            return
        if self._tokens is None or self._tokens[0] != model.model_id:
            self._tokens = model.model_id, TokenSearch(model)
        for token_id in self._tokens[1].find(typed, MOST_TOKENS):
            tip = "Show this token and its nearest neighbours"
            do = partial(self._show, "token", token_id)
            yield Offer(model.token_text(token_id), "token", f"id {token_id}", tip, do)

    # ---------------------------------------------------------------------------- inside

    def _show(self, kind: str, what: object) -> None:
        self._window.show_thing(kind, what)

    def _in_front(self, pane: Pane, do: Callable[[], object]) -> Callable[[], object]:
        def shown() -> None:
            self._window.layouts.show_pane(pane.key)
            do()

        return shown


def _said(pane: Pane, what: QAction | QAbstractButton) -> str:
    """The pane in which it stands, and whether it is on."""
    return f"{pane.title}  ·  on" if what.isCheckable() and what.isChecked() else pane.title
