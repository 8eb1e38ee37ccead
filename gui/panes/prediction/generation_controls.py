"""Sample one token, generate many, stop; the text that comes, and taking it over as the prompt.

Asks the store for everything; computes nothing of the model.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.panes.prediction.generated_text import GeneratedText
from gui.session.state import Generation
from gui.session.store import Store
from gui.widgets.control_button import make_primary
from gui.widgets.flow import FlowLayout
from gui.widgets.number_boxes import SeedField, WholeBox
from gui.widgets.text import Text, counted
from model.messages import ModelInfo, PromptRead
from model.tokenizer.tokens import visible

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
        self._expected: tuple[str, int, int] | None = None  # prompt, position, token id
        self._message = ""
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
        self.text = GeneratedText(self)
        self._status = Text(parent=self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))
        self._says = Text(
            parent=self, tone="warning", font=theme.sans(theme.SMALL_FONT_SIZE + 0.5), wrap=True
        )

        self.seed.textEdited.connect(self._say_of_seed)
        self.sample_button.clicked.connect(self.sample_one)
        self.generate_button.clicked.connect(self.generate)
        self.stop_button.clicked.connect(self.stop)
        self.use_button.clicked.connect(self.use_as_prompt)

        buttons = FlowLayout()
        for widget in (
            self.sample_button,
            self.generate_button,
            self.stop_button,  # in the same place, while it runs
            self.length,
            self.seed,
        ):
            buttons.addWidget(widget)
        below = QHBoxLayout()
        below.setSpacing(theme.SPACE)
        below.addWidget(self._status, 1)
        below.addWidget(self.use_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        layout.addLayout(buttons)
        layout.addWidget(self._says)
        layout.addWidget(self.text, 1)
        for quiet in (self._says, self.text, self._status, self.use_button):
            quiet.hide()  # until there is something to say: no room is given away meanwhile
        layout.addLayout(below)

        store.generating.changed.connect(self._take_sample)
        store.subject_changed.connect(self._check_expected)
        store.prompt_changed.connect(self._forget_message)
        store.model_changed.connect(self._forget_message)

    # ------------------------------------------------------------------------- actions

    def sample_one(self) -> None:
        """Draw one token at the end of the prompt and append its text."""
        if not self._begin():
            return
        # The store tells of the generation before its id is known here.
        self._sample_id, self._sample_taken = _UNKNOWN, False
        self.store.generating.start(1, self._seed())
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
        generation, model = self.store.generating.current, self.store.model
        if generation is not None and model is not None and not self._is_sample(generation):
            self.store.set_prompt(joined(model, generation.prompt, kept_text(generation, model)))

    def go_on_with(self, token_id: int, read: PromptRead, position: int) -> None:
        """Let a prompt go on with a token after a position; what stood there is replaced."""
        model = self.store.model
        if model is None or not 0 <= position < read.n_tokens:
            return
        if not model.vocabulary:
            ids = [token.id for token in read.tokens[: position + 1]]
            self.store.set_prompt(" ".join(str(i) for i in (*ids, token_id)))
            return
        try:
            text = model.vocabulary[token_id].decode("utf-8")
        except (UnicodeDecodeError, IndexError):
            self._say(_no_text(model.token_text(token_id)))
            return
        start = read.text[: read.tokens[position].char_end]
        self._expected = (start + text, position + 1, token_id)
        self.store.set_prompt(start + text)

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        """Draw the generation as far as it has come."""
        generation, model = self.store.generating.current, self.store.model
        running = generation is not None and generation.running
        self.sample_button.setEnabled(self._can_run() and not running)
        self.generate_button.setEnabled(self._can_run())
        self.stop_button.setVisible(running)
        self.generate_button.setVisible(not running)
        self._says.setText(self._message)
        self._says.setVisible(bool(self._message))
        shown = generation is not None and model is not None and not self._is_sample(generation)
        self.text.setVisible(shown)
        self.shows_text = shown
        self._status.setVisible(shown)
        self.use_button.setVisible(shown)
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

    def _is_sample(self, generation: Generation) -> bool:
        return self._sample_id in (generation.request_id, _UNKNOWN)

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
        elif model.vocabulary and not _is_text(model.vocabulary[token_id]):
            self._say(_no_text(model.token_text(token_id)))
        else:
            read = self.store.read
            prompt = joined(model, generation.prompt, generation.text)
            if read is not None and read.text == generation.prompt:
                self._expected = (prompt, read.n_tokens, token_id)
            self.store.set_prompt(prompt)

    def _check_expected(self) -> None:
        """A text may be cut into other tokens than those it was put together from: say so."""
        read, model, expected = self.store.read, self.store.model, self._expected
        if read is None or model is None or expected is None or read.text != expected[0]:
            return
        self._expected = None
        _, position, token_id = expected
        if position >= read.n_tokens or read.tokens[position].id != token_id:
            last = visible(b"".join(token.bytes for token in read.tokens[-2:]))
            self._say(
                f"Drawn was {model.token_text(token_id)}; as text the tokenizer cuts it "
                f"differently, and the prompt now ends …{last}."
            )

    def _say_of_seed(self) -> None:
        self._say(self.seed.problem)

    def _say(self, message: str) -> None:
        self._message = message
        self.message_changed.emit()

    def _forget_message(self) -> None:
        self._message = ""


def joined(model: ModelInfo, prompt: str, text: str) -> str:
    """A prompt and what follows: characters, or ids where the model has no tokenizer."""
    return prompt + text if model.vocabulary else f"{prompt.rstrip()} {text}".strip()


def kept_text(generation: Generation, model: ModelInfo) -> str:
    """The generated text without the mark that ended it, and without half a character."""
    steps = generation.steps
    text = generation.text
    ended = generation.finished is not None and generation.finished.reason == "end_of_text"
    if steps and (ended or steps[-1].token_id in model.special_ids):
        text = steps[-2].text if len(steps) > 1 else ""
    while (
        steps
        and text.endswith("\ufffd")
        and not _is_text(b"".join(model.vocabulary[step.token_id] for step in steps))
    ):
        text = text[:-1]
    return text


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


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _button(parent: QWidget, text: str, tip: str) -> QPushButton:
    button = QPushButton(text, parent)
    button.setFixedHeight(theme.CONTROL_HEIGHT)
    button.setToolTip(tip)
    button.setAccessibleName(text)
    button.setAccessibleDescription(tip)
    return button
