"""What is open and selected: the one observable state of the window.

The store itself is the model in view, the prompt as it is read, and the selection. What else the
worker does is a `Feature` each, an object beside it with its own requests, results and signal.
Panes read both and ask them for changes; the backend's results arrive here. Each signal is a
past-tense fact: a pane that hears one reads what it needs.

Knows messages, no widget; the only Qt in it is QObject and Signal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from gui.session.activity import Activity
from gui.session.adding import Adding
from gui.session.asked import Asked
from gui.session.branching import Branching
from gui.session.comparing import Comparing
from gui.session.exporting import Exporting
from gui.session.feature import Feature
from gui.session.following import Following
from gui.session.generating import Generating
from gui.session.guessing import Guessing
from gui.session.intervening import Intervening
from gui.session.learning_bpe import LearningBpe
from gui.session.masking import Masking
from gui.session.opening import Opening
from gui.session.other_texts import OtherTexts
from gui.session.recipes import Recipes
from gui.session.run import CurrentRun
from gui.session.run_until import RunUntil
from gui.session.saving import Saving
from gui.session.scaling import Scaling
from gui.session.selection import changed, clamped, predicted_position
from gui.session.spreading import Spreading
from gui.session.state import Inspected, Notice, Selection
from gui.session.step_measures import StepMeasures
from gui.session.tables import Tables
from gui.session.timeline import Timeline
from gui.session.tokenizing import Tokenizing
from gui.session.trained_under import TrainedUnder
from gui.session.tuning import Tuning
from gui.session.verifying import Verifying
from gui.session.walking import Walking
from gui.session.watches import Watches
from gui.session.watching import Watching
from gui.session.weights import Weights
from model import messages as m
from model.interventions import Intervention
from model.operations import Operation, operations
from model.sampling import Sampling
from model.space.questions.asks import Metric
from model.space.registry import Projection, Source
from model.subject import Subject

Submit = Callable[[m.Request], None]


class Store(QObject):
    """State and the requests that change it.

    Args:
        submit: sends a request to the worker (`Backend.submit`).

    Attributes:
        model: the one in view: `opened`, or the run's (`CurrentRun.model`).
        opened: the one that a person opened; it stays beside that of a run.
        interventions: under which the prompt is read; the list is `intervening`'s.
        activity, asked, opening, verifying, generating, saving, run, weights, intervening,
            comparing: the features.
        timeline, step_measures: the steps of its training, and which is in view; what the network
            can do at each.
        watching: a run that another process writes.
        watches: what of a network that learns is watched, and what its run is to wait for.
        recipes: what one would take, and those in files.
        branching: where the next run begins, and the runs of a folder as a tree.
        texts: texts beside the prompt, in tokens.
        learning_bpe: the byte-pair encoding that is learnt.
        tokenizing: what tokenizers do to a text, step by step and side by side.
        spreading: vectors that are made to be looked at.
        scaling: a queue of sizes, and the law of their losses.
        tuning: what a person prefers of a model's texts, and what a fine-tuning has changed.
        tables: what else is asked of the table of vectors that is in view.
        masking: what becomes of the prompt when a token is masked.
        adding, following: what was added at its end; whether it grows with a text that is written.
        guessing: the game.
        exporting: files that are being written.
        trained_under: what of a run's network was taken away while it learned.
        walking, run_until: the walk through the operations, and how far it runs by itself.
    """

    engine_changed = Signal()
    model_changed = Signal()  # another model is in view
    prompt_changed = Signal()  # the text was edited or set
    subject_changed = Signal()  # another prompt was read, or none: `read` / `prompt_problem`
    subject_ran = Signal()  # the prompt was run: `ran`
    selection_changed = Signal()
    about_changed = Signal()  # one of both: panes ask now, before they hear of it otherwise
    inspected_changed = Signal()
    vocabulary_changed = Signal()  # a new projection of the vocabulary
    neighbours_changed = Signal()
    sampling_changed = Signal()
    notice_posted = Signal(object)  # Notice
    theme_changed = Signal()

    def __init__(self, submit: Submit, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._submit = submit
        self.engine: m.EngineReady | None = None
        self.model: m.ModelInfo | None = None
        self.opened: m.ModelInfo | None = None
        self.operations: tuple[Operation, ...] = ()
        self.prompt = ""
        self.prompt_problem = ""
        self.read: m.PromptRead | None = None
        self.ran: m.StreamReady | None = None
        self.interventions: tuple[Intervention, ...] = ()
        self.selection = Selection()
        self.inspected: Inspected | None = None
        self.vocabulary: m.VocabularyProjected | None = None
        self._coming_vocabulary: m.VocabularyProjected | None = None
        self.neighbours: m.NeighboursFound | None = None
        self.sampling = Sampling(temperature=1.0)
        self._latest: dict[type[m.Request], int] = {}
        self.activity = Activity(self)
        self.asked = Asked(self)
        self.opening = Opening(self)
        self.verifying = Verifying(self)
        self.generating = Generating(self)
        self.saving = Saving(self)
        self.run = CurrentRun(self)
        self.timeline = Timeline(self)
        self.step_measures = StepMeasures(self)
        self.watching = Watching(self)
        self.branching = Branching(self)
        self.recipes = Recipes(self)
        self.weights = Weights(self)
        self.texts = OtherTexts(self)
        self.intervening = Intervening(self)
        self.comparing = Comparing(self)
        self.learning_bpe = LearningBpe(self)
        self.tokenizing = Tokenizing(self)
        self.spreading = Spreading(self)
        self.scaling = Scaling(self)
        self.watches = Watches(self)
        self.tuning = Tuning(self)
        self.tables = Tables(self)
        # All of the above, in that order: a new feature is one more line there.
        self._features = tuple(part for part in vars(self).values() if isinstance(part, Feature))
        self.timeline.watch()
        self.masking = Masking(self)
        self.adding = Adding(self)
        self.following = Following(self)
        self.guessing = Guessing(self)
        self.exporting = Exporting(self)
        self.walking = Walking(self)
        self.run_until = RunUntil(self)
        self.trained_under = TrainedUnder(self)
        self.asked.delivered.connect(self._deliver_vocabulary)
        # After the features, which say what is compared, and before any pane: one that draws before
        # it has asked takes the old answer for what it wants, and draws again with the new one.
        self.subject_changed.connect(self.about_changed)
        self.selection_changed.connect(self.about_changed)

    # ------------------------------------------------------------------ asked by panes

    @property
    def subject(self) -> Subject | None:
        """What questions are about: the prompt in view, as the model in view reads it."""
        return None if self.read is None else self.read.subject

    def set_prompt(self, text: str) -> None:
        """Change the prompt; it is read anew."""
        if text == self.prompt and (self.read is not None or self.prompt_problem):
            return
        self.prompt = text
        self.prompt_changed.emit()
        self.read_prompt()

    def intervene(self, interventions: tuple[Intervention, ...]) -> None:
        """Change what happens on the prompt's way through the model; empty for nothing."""
        self.intervening.set_all(interventions)

    def read_under(self, interventions: tuple[Intervention, ...]) -> None:
        """Have the prompt read under these; `intervening` says so when its list changes."""
        if interventions != self.interventions:
            self.interventions = interventions
            self.read_prompt()

    def read_prompt(self) -> None:
        """Have the prompt read again (another model, other interventions)."""
        if self.model is not None:
            position = self.selection.position
            at_end = self.read is None or position == predicted_position(self.read, self.model)
            self.send(
                m.ReadPrompt(
                    text=self.prompt,
                    interventions=self.interventions,
                    position=-1 if at_end else position,
                    model_id=None if self.model is None else self.model.model_id,
                )
            )

    def select(self, **changes: object) -> None:
        """Change parts of the selection, for example ``select(layer=2, head=3)``.

        Values outside the model or the prompt are brought to the nearest valid one.
        """
        config = None if self.model is None else self.model.config
        selection = changed(self.selection, changes, self.operations, config, self._n_tokens)
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit()

    def inspect(self, inspected: Inspected | None) -> None:
        """Show one number in the inspector."""
        if inspected != self.inspected:
            self.inspected = inspected
            self.inspected_changed.emit()

    def set_sampling(self, sampling: Sampling) -> None:
        if sampling != self.sampling:
            self.sampling = sampling
            self.sampling_changed.emit()

    def project_vocabulary(
        self, source: Source = m.EMBEDDING, how: Projection = m.FIRST_AXES
    ) -> None:
        """Have a table of vectors drawn; the vocabulary, unless another source is named."""
        if self.model is not None or not source.of_model:
            self.tables.draw(m.ProjectVocabulary(source=source, how=how))

    def find_neighbours(
        self,
        terms: tuple[tuple[int, int], ...],
        k: int = 12,
        source: Source = m.EMBEDDING,
        metric: Metric = "cosine",
        expected: int = -1,
    ) -> None:
        """Have the rows of a table found that are near a sum of some of them."""
        self.send(
            m.FindNeighbours(terms=terms, k=k, source=source, metric=metric, expected=expected)
        )

    def set_threads(self, n: int) -> None:
        self.send(m.SetThreads(n=n))

    def set_budget(self, n_bytes: int) -> None:
        self.send(m.SetBudget(n_bytes=n_bytes))

    # -------------------------------------------------------------- asked by features

    def send(self, request: m.Request) -> None:
        """Hand a request to the worker."""
        self._latest[type(request)] = request.id
        self._submit(request)

    def post(self, notice: Notice) -> None:
        """Tell the person something."""
        self.notice_posted.emit(notice)

    def show_model(self, info: m.ModelInfo) -> None:
        """Bring a model into view: everything that was about the one before is forgotten."""
        self.model = info
        if not self.run.owns(info) and not self.comparing.owns(info):
            self.opened = info
        self.operations = operations(info.config)
        self.read = self.ran = None
        self.interventions = ()
        self.prompt_problem = ""
        wanted = self.tables.wanted
        of_file = wanted is not None and not wanted.of_model
        if not of_file:
            self.vocabulary = self._coming_vocabulary = self.neighbours = None
        self.selection = self._clamped(
            replace(self.selection, vocabulary_id=None, key=None, neuron=None)
        )
        self.inspected = None
        forgot = [feature for feature in self._features if feature.reset(info)]
        self.model_changed.emit()
        for feature in forgot:
            feature.changed.emit()
        self.inspected_changed.emit()
        self.read_prompt()
        if not of_file:
            self.project_vocabulary()

    # ------------------------------------------------------------- told by the backend

    def receive(self, result: m.Result) -> None:
        """Take one result from the worker; what is stale is dropped."""
        if not any(feature.take(result) for feature in self._features):
            self._take(result)

    def _take(self, result: m.Result) -> None:
        """What is no feature's."""
        match result:
            case m.EngineReady():
                self.engine = result
                self.engine_changed.emit()
                if result.device_problem:
                    here = f"Models run on {result.device.upper()}."
                    self.post(Notice(f"{result.device_problem} {here}", level="warning"))
            case m.ModelOpened():
                self.show_model(result.info)
            case m.PromptRead():
                self._take_read(result)
            case m.StreamReady():
                if result.subject == self.subject:
                    self.ran = result
                    self.subject_ran.emit()
            case m.PromptRefused():
                if not self._stale(result, m.ReadPrompt):
                    self.read = self.ran = None
                    self.prompt_problem = result.message
                    self.subject_changed.emit()
            case m.VocabularyProjected():
                seen = self._is_of_view(result.source, result.model_id)
                if seen and self.tables.wants(result.source):
                    self._coming_vocabulary = result
                    # Of another step it is seen together with the answers of that step.
                    moves = self.run.tells(result) or self.timeline.tells(result)
                    if not (moves and self.asked.is_gathering):
                        self._deliver_vocabulary()
            case m.NeighboursFound():
                seen = self._is_of_view(result.source, result.model_id)
                if seen and not self._stale(result, m.FindNeighbours):
                    self.neighbours = result
                    self.neighbours_changed.emit()
            case m.Failed():
                self.post(Notice.of(result))
            case m.Cancelled():  # of what nobody waits for any more
                pass
            case _:
                raise TypeError(f"The store does not know {type(result).__name__}.")

    # ------------------------------------------------------------------------- inside

    def _is_of_view(self, source: Source, model_id: int) -> bool:
        """Whether a table is of the model in view, or of none."""
        return not source.of_model or (self.model is not None and model_id == self.model.model_id)

    def _deliver_vocabulary(self) -> None:
        if self._coming_vocabulary is not None:
            self.vocabulary, self._coming_vocabulary = self._coming_vocabulary, None
            self.vocabulary_changed.emit()

    def _stale(self, result: m.Result, kind: type[m.Request]) -> bool:
        # Results that nobody asked for by name (live traces of a training model) carry the id of
        # the training request and are never stale this way.
        return result.request_id < self._latest.get(kind, 0) and not self.run.tells(result)

    def _take_read(self, read: m.PromptRead) -> None:
        if self.model is None or read.subject.model != self.model.model_id:
            return
        if self._stale(read, m.ReadPrompt) or (
            self.run.tells(read) and read.text != self.prompt and not read.notes
        ):
            return
        before = self.read
        self.read, self.prompt_problem = read, ""
        self.ran = None if before is None or before.subject != read.subject else self.ran
        self.asked.note_read(read)
        # A focus on what prediction is about stays there: the last position, or the mask.
        position = self.selection.position
        if before is None or position in (-1, predicted_position(before, self.model)):
            position = predicted_position(read, self.model)
        selection = self._clamped(replace(self.selection, position=position))
        moved = selection != self.selection
        # Both before either is told: who hears of the prompt may select something in it.
        self.selection = selection
        self.subject_changed.emit()
        if moved:
            self.selection_changed.emit()

    @property
    def is_reading(self) -> bool:
        """Whether the prompt in the editor is another than the one that was read last."""
        return self.read is not None and self.read.text != self.prompt

    def measured_position(self, *, at_selected: bool = False) -> int:
        """The position whose answer is measured: where the model predicts, or the selected one.

        -1, the last one, before a prompt is read.
        """
        if self.read is None:
            return -1
        if at_selected and self.selection.position >= 0:
            return self.selection.position
        return predicted_position(self.read, self.model)

    @property
    def _n_tokens(self) -> int:
        return 0 if self.read is None else self.read.n_tokens

    def _clamped(self, selection: Selection) -> Selection:
        """A selection inside the model and the prompt as they are now."""
        config = None if self.model is None else self.model.config
        return clamped(selection, self.operations, config, self._n_tokens)
