"""Sample one token, generate many, stop; the text that comes, and taking it over as the prompt.

Asks the store for everything; computes nothing of the model.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.panes.prediction.draw_strip import DrawStrip
from gui.panes.prediction.generated_text import GeneratedText
from gui.session.adding import is_text, joined
from gui.session.state import Generation
from gui.session.store import Store
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.number_boxes import SeedField, WholeBox
from gui.widgets.text import Text, counted

DEFAULT_LENGTH = 40
_UNKNOWN = -1
_ENDS = {
    "length": "",
    "end_of_text": "the model ended the text",
    "context": "the context is full",
    "cancelled": "stopped",
}


class GenerationControls(QWidget):
    """Buttons, length and seed, and below them the generated text.

    Signals:
        message_changed: there is something to say in place.
    """

    message_changed = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self._sample_id: int | None = None  # the generation whose one token goes to the prompt
        self._sample_taken = False
        self._message = ""
        self._wanted: tuple[Generation, int] | None = None  # a token whose reading is to be seen
        self.shows_text = False

        self.sample_button = _button(
            self, "Sample", "Draw one token from this distribution at the end and append it"
        )
        make_primary(self.sample_button)
        self.generate_button = _button(
            self, "Generate", "Draw as many tokens as the box says, one after the other"
        )
        self.length = WholeBox(1, 100_000, "number of tokens", self)
        self.length.refusals.tell = self._say
        self.length.setValue(DEFAULT_LENGTH)
        self.length.setFont(theme.mono(theme.FONT_SIZE - 0.5))
        self.length.setFixedSize(52, theme.CONTROL_HEIGHT)
        self.length.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.length.setAccessibleName("How many tokens to generate")
        self.length.setToolTip("How many tokens Generate draws at most")
        self.stop_button = _button(self, "Stop", "End the generation; what is there stays")
        self.seed = SeedField(self)
        self.seed.setFont(theme.mono(theme.FONT_SIZE - 0.5))
        self.seed.setFixedSize(56, theme.CONTROL_HEIGHT)
        self.seed.setToolTip("The same seed draws the same text; empty is random")
        self.use_button = _button(
            self, "Use as prompt", "Make the prompt with this continuation the prompt"
        )
        self.guess_button = _button(
            self, "Guess first", "See who guesses the next tokens better: you or the model"
        )
        self.back_button = ControlButton("press", self, sign="undo")
        self.back_button.setAccessibleName("Take back the last token")
        self.back_button.setToolTip(
            "Take back the last token that was added to the prompt (Ctrl+Shift+Backspace)"
        )
        self.follow_button = ControlButton("option", self)
        self.follow_button.setText("follow")
        self.follow_button.setAccessibleName("Follow a text that is written")
        self.follow_button.setToolTip(
            "While text is generated, the prompt grows with it: every pane shows what each new "
            "token reads"
        )
        self.strip = DrawStrip(self)
        self.text = GeneratedText(self)
        self.text.token_chosen.connect(self.show_read)
        self._status = Text(parent=self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))
        self._says = Text(
            parent=self, tone="warning", font=theme.sans(theme.SMALL_FONT_SIZE + 0.5), wrap=True
        )

        self.seed.textEdited.connect(self._say_of_seed)
        self.sample_button.clicked.connect(self.sample_one)
        self.generate_button.clicked.connect(self.generate)
        self.stop_button.clicked.connect(self.stop)
        self.use_button.clicked.connect(self.use_as_prompt)
        self.back_button.clicked.connect(store.adding.back)
        self.follow_button.clicked.connect(store.following.set_on)

        buttons = FlowLayout()
        for widget in (
            self.sample_button,
            self.generate_button,
            self.stop_button,  # in the same place, while it runs
            self.guess_button,
            self.length,
            self.seed,
            self.follow_button,
            self.back_button,
        ):
            buttons.addWidget(widget)
        below = QHBoxLayout()
        below.setSpacing(theme.SPACE)
        below.addWidget(self._status, 1)
        below.addWidget(self.use_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        nest(layout, buttons)
        layout.addWidget(self.strip)
        layout.addWidget(self._says)
        layout.addWidget(self.text, 1)
        for quiet in (self.strip, self._says, self.text, self._status, self.use_button):
            quiet.hide()  # until there is something to say: no room is given away meanwhile
        nest(layout, below)

        store.generating.changed.connect(self._take_sample)
        store.subject_changed.connect(self._go_to_wanted)
        store.adding.changed.connect(self.message_changed)
        store.following.changed.connect(self.message_changed)
        store.prompt_changed.connect(self._forget_message)
        store.model_changed.connect(self._forget_message)

    # ------------------------------------------------------------------------- actions

    def sample_one(self) -> None:
        """Draw one token at the end of the prompt and append its text."""
        if not self._begin():
            return
        # The store tells of the generation before its id is known here.
        self._sample_id, self._sample_taken = _UNKNOWN, False
        self.store.generating.start(1, self._seed(), alone=True)
        assert self.store.generating.current is not None
        self._sample_id = self.store.generating.current.request_id
        self._take_sample()

    def generate(self) -> None:
        """Continue the prompt."""
        if self._begin():
            self._sample_id = None
            self.store.generating.start(self.length.value(), self._seed())

    def stop(self) -> None:
        """End the generation."""
        self.store.generating.cancel()

    def use_as_prompt(self) -> None:
        """Make the prompt with its continuation the prompt."""
        generation = self.store.generating.current
        if generation is not None and not generation.alone:
            self.store.following.take(generation)

    def show_read(self, index: int) -> None:
        """Select what the model read when it wrote a token: the position before it."""
        generation = self.store.generating.current
        if generation is None or not 0 <= index < len(generation.steps):
            return
        self._wanted = generation, index
        self.text.choose(index)
        model = self.store.model
        if model is None:
            return
        with_it = joined(model, generation.prompt, generation.steps[index].text)
        if not self.store.prompt.startswith(with_it):
            self.use_as_prompt()
        self._go_to_wanted()

    def _go_to_wanted(self) -> None:
        """Once the prompt with the token has been read."""
        read, model, wanted = self.store.read, self.store.model, self._wanted
        if read is None or model is None or wanted is None or read.text != self.store.prompt:
            return
        generation, index = wanted
        before = generation.steps[index - 1].text if index else ""
        start = len(joined(model, generation.prompt, before))
        n = read.n_tokens  # of the mark that ended the text, which the prompt doesn't hold
        at = next((i for i, token in enumerate(read.tokens) if token.char_end > start), n)
        self._wanted = None
        token_id = generation.steps[index].token_id
        self.store.select(position=max(0, at - 1), vocabulary_id=token_id)

    # ------------------------------------------------------------------------- drawing

    def refresh(self, *, low: bool = False, more: bool = True) -> None:
        """Draw the generation as far as it has come.

        Args:
            low: there is room for what is used most only; the rest is in the menu.
            more: length, seed and what else is chosen seldom are seen; without, only those of
                them that are set otherwise than at first, since text comes out otherwise.
        """
        self.guess_button.setVisible(not low)
        self.back_button.setVisible(more and not low)
        self.follow_button.setVisible(not low and (more or not self.store.following.on))
        length, focused = self.length.value(), QApplication.focusWidget()
        self.length.setVisible(more or length != DEFAULT_LENGTH or self.length is focused)
        self.seed.setVisible(more or bool(self.seed.text()) or self.seed is focused)
        self.generate_button.setToolTip(f"Draw {counted(length, 'token')}, one after the other")
        generation, model = self.store.generating.current, self.store.model
        running = generation is not None and generation.running
        self.sample_button.setEnabled(self._can_run() and not running)
        self.generate_button.setEnabled(self._can_run())
        self.stop_button.setVisible(running)
        self.generate_button.setVisible(not running)
        self.guess_button.setEnabled(self._can_run() and not running)
        self.back_button.setEnabled(self.store.adding.can_go_back)
        self.follow_button.setChecked(self.store.following.on)
        store = self.store
        says = self._message or store.adding.message or store.guessing.problem
        self._says.setText(says)
        self._says.setVisible(bool(says))
        self._show_draw(low=low)
        shown = generation is not None and model is not None and not generation.alone
        self.text.setVisible(shown)
        self.shows_text = shown
        self._status.setVisible(shown)
        followed = generation is not None and self.store.following.follows(generation)
        self.use_button.setVisible(shown and not followed)
        if generation is None or model is None or not shown:
            return
        self.use_button.setEnabled(not generation.running and bool(generation.steps))
        prompt = generation.prompt if model.vocabulary else generation.prompt.rstrip() + " "
        self.text.show_generation(
            generation.request_id,
            prompt,
            generation.steps,
            [model.token_text(step.token_id) for step in generation.steps],
        )
        self._status.setText(_status(generation))

    def _show_draw(self, *, low: bool) -> None:
        """The draw of the token that is selected in the generated text, or of the last one."""
        generation, model = self.store.generating.current, self.store.model
        steps = () if generation is None else generation.steps
        how = steps[-1].how if steps else None
        if generation is not None and not generation.alone and self.text.chosen is not None:
            how = steps[self.text.chosen].how if self.text.chosen < len(steps) else how
        self.strip.setVisible(how is not None and model is not None and not low)
        if how is not None and model is not None:
            self.strip.show_draw(how, model.token_text)

    def apply_theme(self) -> None:
        """Take new colours."""
        self.text.apply_theme()

    # -------------------------------------------------------------------------- inside

    def _can_run(self) -> bool:
        return self.store.model is not None and self.store.read is not None

    def _begin(self) -> bool:
        """Whether text can go on; otherwise it says why not."""
        read, model = self.store.read, self.store.model
        if read is None or model is None:
            return False
        self._message = ""
        if self.seed.problem:
            self._say(self.seed.problem)
            return False
        n_ctx = model.config.n_ctx
        if read.n_tokens >= n_ctx:
            self._say(f"The context of {n_ctx:,} tokens is full: shorten the prompt to go on.")
            return False
        return True

    def _seed(self) -> int | None:
        return self.seed.seed

    def _take_sample(self) -> None:
        """Append what "Sample" has drawn."""
        generation, model = self.store.generating.current, self.store.model
        if generation is None or model is None or generation.request_id != self._sample_id:
            return
        if self._sample_taken or generation.running or self.store.prompt != generation.prompt:
            return  # not there yet, or the prompt is another by now
        self._sample_taken = True
        finished, steps = generation.finished, generation.steps
        if finished is None or not steps:
            return
        token_id = steps[0].token_id
        if finished.reason == "end_of_text" or token_id in model.special_ids:
            self._say(f"The model drew {model.token_text(token_id)}: it would end the text here.")
        elif model.vocabulary and not is_text(model.vocabulary[token_id]):
            self._say(_no_text(model.token_text(token_id)))
        else:
            read = self.store.read
            there = read is not None and read.text == generation.prompt
            self.store.adding.note(generation, read.n_tokens if read and there else None)

    def _say_of_seed(self) -> None:
        self._say(self.seed.problem)

    def _say(self, message: str) -> None:
        self._message = message
        self.message_changed.emit()

    def _forget_message(self) -> None:
        self._message = ""


def _status(generation: Generation) -> str:
    parts = [counted(len(generation.steps), "token")]
    finished = generation.finished
    if generation.running:
        parts.append("…")
    elif finished is not None:
        parts.append(f"{finished.tokens_per_second:,.0f} tokens/s")
        if _ENDS[finished.reason]:
            parts.append(_ENDS[finished.reason])
    return "   ".join(parts)


def _no_text(token: str) -> str:
    return f"{token} is a part of a character: it can't stand in a text alone."


def _button(parent: QWidget, text: str, tip: str) -> QPushButton:
    button = QPushButton(text, parent)
    button.setFixedHeight(theme.CONTROL_HEIGHT)
    button.setToolTip(tip)
    button.setAccessibleName(text)
    button.setAccessibleDescription(tip)
    return button
