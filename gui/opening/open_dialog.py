"""Open a checkpoint: one field for folders, files and hub names, with a preview before.

Nothing is read here: the worker looks at headers and opens, folders are listed in a thread of
their own. The open model stays until the new one is there. Knows the store and the settings.
"""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import (
    Qt,
    QTimer,
)
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
)
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.file_dialog import file_dialog
from gui.on_screen import keep_on_screen
from gui.opening.path_field import PathField
from gui.opening.preview_card import PreviewCard
from gui.opening.recent_list import RecentList
from gui.opening.words import expanded, opening_words
from gui.session.state import Notice
from gui.session.store import Store
from gui.settings import Settings
from gui.widgets.control_button import make_primary
from gui.widgets.nest import nest
from gui.widgets.text import Text
from gui.window.notice_bar import show_details
from model.preview import PLUS, Preview
from resources import STORY_WORLD

LOOK_MS = 180
"""How long the typing must rest before the worker is asked to look."""

BUNDLED = str(STORY_WORLD)
"""The model that comes with the program."""
FILTERS = (
    "Checkpoints (*.safetensors *.gguf *.pt *.pth *.ckpt *.bin *.index.json config.json run.toml)",
    "All files (*)",
)


class OpenDialog(QDialog):
    """The dialog. Opened, never executed.

    Args:
        store: asked to look and to open.
        settings: remembers what was opened before.
        beside: what is opened is compared with the model in view, which stays.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        parent: QWidget | None = None,
        *,
        beside: bool = False,
    ) -> None:
        super().__init__(parent)
        self._beside = beside
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("open_dialog")
        self.setWindowTitle("Compare with another model" if beside else "Open a model")
        self.setAcceptDrops(True)
        self.resize(880, 560)
        keep_on_screen(self)
        self._store = store
        self._settings = settings
        self._waiting = False  # for a model that this dialog has asked for
        self._refusal: Notice | None = None  # why the last one was not opened
        self._build()
        self._wire()
        self._show_recent()
        self.card.show_message(
            "Choose a folder, a file or a recent model, or type a name on a hub. What it is and "
            "what memory it needs is shown here before anything is opened."
        )
        self._update()
        self.field.setFocus()

    def _build(self) -> None:
        self.field = PathField(self)
        self.field.setPlaceholderText("Folder, file, or owner/name on a hub")
        self.field.setAccessibleName("Checkpoint")
        self.field.setToolTip(
            "A Hugging Face folder, a .safetensors, .bin, .pt or .gguf file, a run folder, or "
            "owner/name on a hub"
        )
        self.field.setClearButtonEnabled(True)
        self.field.setAcceptDrops(False)  # the dialog takes what is dropped, as a path
        self._folder_button = self._button("&Folder…", "Choose a folder")
        self._file_button = self._button("F&ile…", "Choose a file")
        self.recent = RecentList(self)
        self.base_button = self._button(
            "Choose its &base…", "The model that this adapter changes: a folder, or a file"
        )
        self._no_recent = Text(
            "What you open is kept here, with a line on what it is.",
            parent=self,
            tone="dim",
            font=theme.sans(theme.SMALL_FONT_SIZE),
            wrap=True,
        )
        self._recent_title = Text("Recent", parent=self, tone="dim")
        self.card = PreviewCard(self)
        self._scroll = QScrollArea(self)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self.card)
        self._scroll.setAccessibleName("What it is")
        self.field.over = self._scroll  # of a path that isn't whole there is little to say
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("How far the opening is")
        self.status = Text(parent=self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        self._details_button = self._button("&Details", "What happened inside, for a bug report")
        self.cancel_button = self._button("Cancel", "Close this dialog")
        self.open_button = self._button("&Open", "Open this model; the open one stays until then")
        if self._beside:
            self.open_button.setText("&Open as B")
            self.open_button.setToolTip("Open this model beside the one in view, to compare both")
        self.open_button.setDefault(True)
        make_primary(self.open_button)

        top = QHBoxLayout()
        top.setSpacing(theme.SPACE)
        top.addWidget(self.field, 1)
        top.addWidget(self._folder_button)
        top.addWidget(self._file_button)
        left = QVBoxLayout()
        left.setSpacing(theme.TIGHT)
        left.addWidget(self._recent_title)
        left.addWidget(self._no_recent)
        left.addWidget(self.recent, 1)
        middle = QHBoxLayout()
        middle.setSpacing(2 * theme.SPACE)
        nest(middle, left, 42)
        middle.addWidget(self._scroll, 58)
        bottom = QHBoxLayout()
        bottom.setSpacing(theme.SPACE)
        bottom.addWidget(self.status, 1)
        bottom.addWidget(self._details_button)
        bottom.addWidget(self.cancel_button)
        bottom.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 14, 14, 12)
        layout.setSpacing(theme.SPACE + 2)
        nest(layout, top)
        nest(layout, middle, 1)
        layout.addWidget(self.base_button, 0, Qt.AlignmentFlag.AlignRight)
        layout.addWidget(self.progress)
        nest(layout, bottom)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        return button

    def _wire(self) -> None:
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(LOOK_MS)
        self._look.timeout.connect(self._preview)
        self.field.textChanged.connect(self._typed)
        self.field.returnPressed.connect(self.open_chosen)
        self._folder_button.clicked.connect(self._ask_folder)
        self._file_button.clicked.connect(self._ask_file)
        self.base_button.clicked.connect(self._ask_base)
        self.recent.chosen.connect(self.choose)
        self.recent.opened.connect(self._recent_opened)
        self._details_button.clicked.connect(self._show_details)
        self.cancel_button.clicked.connect(self.reject)
        self.open_button.clicked.connect(self.open_chosen)
        store = self._store
        store.opening.previewed.connect(self._take_preview)
        store.opening.changed.connect(self._opening_changed)
        store.opening.ended.connect(self._opening_ended)
        store.model_changed.connect(self._model_changed)
        if self._beside:
            store.comparing.changed.connect(self._model_changed)

    # ------------------------------------------------------------------------- choices

    @property
    def path(self) -> str:
        """What is to be opened: what was typed, without a person's ``~`` and stray spaces."""
        return self._settings.meant(expanded(self.field.text()))

    def choose(self, path: object) -> None:
        """Put a path into the field, as typing would, and look at it now."""
        self.field.setText(str(path))
        self._look.stop()
        self._preview()

    def open_chosen(self) -> None:
        """Open what is chosen; the dialog closes once it is there."""
        path, preview = self.path, self._shown()
        if not path or self._waiting:
            return
        if preview is not None and preview.problem is not None:
            return
        self._waiting = True
        self._refusal = None
        self._store.opening.open(
            path,
            dtype=self.card.dtype,
            answered_in_place=True,
            remembered=path in self._settings.recent,
            beside=self._beside,
        )
        self._update()
        self.cancel_button.setFocus()  # what was in focus can't be used meanwhile

    def _shown(self) -> Preview | None:
        return self._store.opening.previews.get(self.path)

    def _typed(self) -> None:
        self._look.start()
        self._refusal = None
        self.recent.mark(self.path)
        self._update()

    def _ask_folder(self) -> None:
        dialog = self._file_dialog("Choose a model's folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.open()

    def _ask_file(self) -> None:
        dialog = self._file_dialog("Choose a model's file")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(list(FILTERS))
        dialog.open()

    def _ask_base(self) -> None:
        """Ask for the model that an adapter changes; both are opened as one."""
        dialog = self._file_dialog("Choose the model that this adapter changes")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.disconnect(self.choose)
        dialog.fileSelected.connect(self.choose_base)
        dialog.open()

    def choose_base(self, path: str) -> None:
        """Open the adapter that is chosen on this model."""
        self.choose(f"{self.path.partition(PLUS)[0]}{PLUS}{path}")

    def _file_dialog(self, title: str) -> QFileDialog:
        dialog = file_dialog(self, title)
        dialog.fileSelected.connect(self.choose)
        return dialog

    # ------------------------------------------------------------------------- preview

    def _preview(self) -> None:
        """Ask the worker what lies there; what is known already is shown meanwhile."""
        if self.path:
            known = self._shown()
            if known is not None:
                self.card.show_preview(known)
            else:
                self.card.show_message("Looking …")
            remembered = self.path in self._offered
            self._store.opening.preview(self.path, remembered=remembered)
        else:
            self.card.show_message("")
        self._update()

    def _take_preview(self, path: object) -> None:
        preview = self._store.opening.previews[str(path)]
        if path == self.path:
            self.card.show_preview(preview)
            if preview.line and not preview.problem:
                self.field.hide_offer()
            # Its choices are made anew, and would be reached last.
            chain = (self._scroll, *self.card.memory.choices, self._details_button)
            for before, after in pairwise(chain):
                self.setTabOrder(before, after)
            self._update()
        if preview.line and path in self._settings.recent:
            self._settings.recent_lines[str(path)] = preview.line
        if path in self._offered:
            self._write_recent(str(path), preview)

    # -------------------------------------------------------------------------- recent

    @property
    def _offered(self) -> tuple[str, ...]:
        """What stands in the list: what was opened before, and what comes with the program."""
        recent = self._settings.recent
        return (*recent, *(() if BUNDLED in recent else (BUNDLED,)))

    def _show_recent(self) -> None:
        for path in self._offered:
            self.recent.add(path)
            self._write_recent(path, self._store.opening.previews.get(path))
            if path not in self._store.opening.previews:
                self._store.opening.preview(path, remembered=True)
        self._recent_title.setText("Recent" if self._settings.recent else "To begin with")
        self._no_recent.setVisible(not self._settings.recent)

    def _write_recent(self, path: str, preview: Preview | None) -> None:
        line = self._settings.recent_lines.get(path, "")
        if preview is not None:
            line = preview.problem or preview.line or " ".join(preview.notes)
        if path == BUNDLED and not (preview is not None and preview.problem):
            line = " · ".join(filter(None, ("comes with the program", line)))
        self.recent.write(path, line, problem=preview is not None and bool(preview.problem))

    def _recent_opened(self, path: object) -> None:
        self.choose(str(path))
        self.open_chosen()

    # ------------------------------------------------------------------------- opening

    def _opening_changed(self) -> None:
        self._update()

    def _opening_ended(self, why: object) -> None:
        """It was not opened: say why here, where the person looks."""
        if not self._waiting:
            return
        self._waiting = False
        if isinstance(why, Notice):
            self._refusal = why
            self.card.show_problem(why.message)
            self._scroll.ensureWidgetVisible(self.card.problem)
        self._update()
        self.field.setFocus()

    def _show_details(self) -> None:
        if self._refusal is not None:
            show_details(self._refusal, self)

    def _model_changed(self) -> None:
        if self._waiting and not self._store.opening.going:
            self._waiting = False
            self.accept()

    def reject(self) -> None:
        """Cancel and Escape stop the opening that is going; without one they close the dialog."""
        if self._waiting:
            self._store.opening.cancel()
        else:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closed, it can't say how the opening goes on: so that ends, too."""
        if self._waiting:
            self._waiting = False
            self._store.opening.cancel()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if not self._waiting and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """What is dropped here is looked at, as what is typed."""
        for url in event.mimeData().urls():
            if url.isLocalFile():
                event.acceptProposedAction()
                self.choose(url.toLocalFile())
                return

    def _update(self) -> None:
        """Buttons, progress and the line at the bottom."""
        opening = self._waiting and self._store.opening.going
        preview = self._shown()
        possible = bool(self.path) and not (preview is not None and preview.problem)
        self.open_button.setEnabled(possible and not opening)
        self.base_button.setVisible(preview is not None and preview.needs_base)
        self.base_button.setEnabled(not opening)
        for widget in (self.field, self._folder_button, self._file_button, self.recent, self.card):
            widget.setEnabled(not opening)
        self.cancel_button.setToolTip("Stop opening it" if opening else "Close this dialog")
        self.progress.setVisible(opening)
        self._details_button.setVisible(bool(self._refusal and self._refusal.details))
        self.status.setText("")
        if not opening:
            return
        words, share = opening_words(self._store)
        self.status.setText(words)
        self.progress.setRange(0, 1000 if share is not None else 0)
        if share is not None:
            self.progress.setValue(round(1000 * share))
