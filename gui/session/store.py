"""What is open and selected: the one observable state of the window.

Panes read it and ask it for changes; the backend's results arrive here. Each signal is a
past-tense fact without arguments: a pane that hears one reads what it needs.

Knows messages, no widget; the only Qt in it is QObject and Signal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gui.session.masking import Masking
from gui.session.state import Generation, Inspected, Notice, Selection, TrainingState
from gui.session.weights import WeightsState
from model import messages as m
from model.operations import Operation, operations
from model.preview import Preview
from model.sampling import Sampling
from model.train.events import Finished
from model.train.recipe import Recipe

Submit = Callable[[m.Request], None]


class Store(QObject):
    """State and the requests that change it.

    Args:
        submit: sends a request to the worker (`Backend.submit`).
    """

    engine_changed = Signal()
    model_changed = Signal()  # another model is in view
    prompt_changed = Signal()  # the text was edited or set
    trace_changed = Signal()  # a new trace, or none: `trace` / `prompt_problem`
    activation_changed = Signal()  # a fetched activation has arrived
    selection_changed = Signal()
    vocabulary_changed = Signal()  # a new projection of the vocabulary
    neighbours_changed = Signal()
    sampling_changed = Signal()
    generation_changed = Signal()
    training_changed = Signal()
    inspected_changed = Signal()
    activity_changed = Signal()
    notice_posted = Signal(object)  # Notice
    theme_changed = Signal()
    saved = Signal(object)  # path, str
    previewed = Signal(object)  # the path that was asked about, str: `previews`
    opening_changed = Signal()  # an opening began, went on, or ended: `opening`
    opening_ended = Signal(object)  # Notice: why it was not opened; None if it was cancelled
    verification_changed = Signal()  # `verifying`, `verification`
    weights_changed = Signal()  # list or figures: `weights`
    weight_examined = Signal()
    singular_values_changed = Signal()

    def __init__(self, submit: Submit, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._submit = submit
        self.engine: m.EngineReady | None = None
        self.model: m.ModelInfo | None = None
        self.operations: tuple[Operation, ...] = ()
        self.prompt = ""
        self.prompt_problem = ""
        self.trace: m.TraceReady | None = None
        self.fetched: dict[str, m.Array] = {}
        self.selection = Selection()
        self.vocabulary: m.VocabularyProjected | None = None
        self.neighbours: m.NeighboursFound | None = None
        self.sampling = Sampling(temperature=1.0)
        self.generation: Generation | None = None
        self.training: TrainingState | None = None
        self.following = True
        self.inspected: Inspected | None = None
        self.activity = "starting"
        self.progress: m.Progress | None = None
        self.opening: m.OpenModel | None = None
        self.opening_progress: m.OpeningProgressed | None = None
        self._answered_in_place = False
        self.previews: dict[str, Preview] = {}
        self.verifying: m.VerifyModel | None = None
        self.verification: m.ModelVerified | None = None
        self.weights: WeightsState | None = None
        self.starting: m.StartTraining | None = None
        self.masking = Masking(self)
        self.hearing_live = False  # what is told just now comes of a model that learns
        self._latest: dict[type[m.Request], int] = {}
        self._prompt_of: dict[int, str] = {}
        self._preview_paths: dict[int, str] = {}

    # ------------------------------------------------------------------ asked by panes

    def open_model(
        self,
        path: str,
        device: str = "auto",
        dtype: str | None = None,
        *,
        answered_in_place: bool = False,
    ) -> None:
        """Open a checkpoint; the open model stays until the new one is there.

        Args:
            path: a file, a folder, or a name on a hub.
            device: where its weights shall lie.
            dtype: in which precision; None for as stored, or whatever fits.
            answered_in_place: who asks hears `opening_ended` and says itself why it was refused:
                no notice says it a second time.
        """
        self.opening = m.OpenModel(path=path, device=device, dtype=dtype)
        self._answered_in_place = answered_in_place
        self.opening_progress = None
        self._send(self.opening)
        self.opening_changed.emit()

    def preview_model(self, path: str) -> None:
        """Look at a checkpoint's config and headers; `previewed` follows."""
        request = m.PreviewModel(path=path)
        self._preview_paths[request.id] = path
        self._send(request)

    def verify_model(self) -> None:
        """Compare the open model with its original; `verification` follows."""
        if self.model is not None:
            self.verifying = m.VerifyModel()
            self._send(self.verifying)
            self.verification_changed.emit()

    def cancel_verification(self) -> None:
        if self.verifying is not None:
            self._send(m.Cancel(target=self.verifying.id))

    def list_weights(self) -> None:
        """Ask for every parameter tensor of the model in view: `weights`."""
        if self.model is not None:
            self._send(m.ListWeights())

    def describe_weights(self, names: tuple[str, ...]) -> None:
        """Ask for the figures of parameter tensors, the first ones first."""
        self._send(m.DescribeWeights(names=names))

    def examine_weight(self, request: m.ExamineWeight) -> None:
        """Ask for one parameter tensor in detail; `weight_examined` follows."""
        self._send(request)

    def find_singular_values(self, name: str, part: int | None = None) -> None:
        """Ask for the singular values of a parameter's matrix."""
        if self.weights is not None:
            self.weights.share = 0.0
            self._send(m.FindSingularValues(name=name, part=part))
            self.singular_values_changed.emit()

    def cancel_singular_values(self) -> None:
        if self.weights is not None and self.weights.share is not None:
            self._send(m.Cancel(target=self._latest[m.FindSingularValues]))

    def set_prompt(self, text: str) -> None:
        """Change the prompt; a trace of it follows."""
        if text == self.prompt and (self.trace is not None or self.prompt_problem):
            return
        self.prompt = text
        self.prompt_changed.emit()
        self.request_trace()

    def request_trace(self) -> None:
        """Run the prompt again (a new model, a training step)."""
        if self.model is not None:
            self._send(m.RunTrace(text=self.prompt))

    def fetch_activation(self, name: str) -> None:
        """Get an activation that was left out of the trace."""
        self._send(m.FetchActivation(name=name, text=self.prompt))

    def activation(self, name: str) -> m.Array | None:
        """An activation of the current trace with its batch dimension, None if not here (yet)."""
        if self.trace is not None and name in self.trace.activations:
            return self.trace.activations[name]
        return self.fetched.get(name)

    def select(self, **changes: object) -> None:
        """Change parts of the selection, for example ``select(layer=2, head=3)``.

        Values outside the model or the prompt are brought to the nearest valid one.
        """
        selection = self._clamped(replace(self.selection, **changes))  # type: ignore[arg-type]
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

    def generate(self, max_new_tokens: int, seed: int | None = None) -> None:
        """Continue the prompt; `generation` grows token by token."""
        request = m.Generate(
            text=self.prompt, max_new_tokens=max_new_tokens, sampling=self.sampling, seed=seed
        )
        self.generation = Generation(request.id, self.prompt)
        self._send(request)
        self.generation_changed.emit()

    def stop_generating(self) -> None:
        if self.generation is not None and self.generation.running:
            self._send(m.Cancel(target=self.generation.request_id))

    def project_vocabulary(self, matrix: Literal["W_E", "W_U"] = "W_E") -> None:
        if self.model is not None:
            self._send(m.ProjectVocabulary(matrix=matrix))

    def find_neighbours(
        self,
        terms: tuple[tuple[int, int], ...],
        k: int = 12,
        matrix: Literal["W_E", "W_U"] = "W_E",
    ) -> None:
        self._send(m.FindNeighbours(terms=terms, k=k, matrix=matrix))

    def start_training(
        self, recipe: Recipe, run_dir: str, *, follow: bool = True, begin_paused: bool = False
    ) -> None:
        self.following = follow
        self.starting = m.StartTraining(
            recipe=recipe, run_dir=run_dir, follow=follow, begin_paused=begin_paused
        )
        self._send(self.starting)
        self.training_changed.emit()

    def control_training(self, action: Literal["pause", "resume", "step", "stop"]) -> None:
        self._send(m.ControlTraining(action=action))

    def follow_training(self, follow: bool) -> None:
        self.following = follow
        self._send(m.FollowTraining(follow=follow))
        self.training_changed.emit()

    def save_model(self, path: str) -> None:
        self._send(m.SaveModel(path=path))

    def set_threads(self, n: int) -> None:
        self._send(m.SetThreads(n=n))

    def cancel_opening(self) -> None:
        if self.opening is not None:
            self._send(m.Cancel(target=self.opening.id))

    def post(self, notice: Notice) -> None:
        """Tell the person something."""
        self.notice_posted.emit(notice)

    # ------------------------------------------------------------- told by the backend

    def receive(self, result: object) -> None:
        """Take one result from the worker; what is stale is dropped."""
        self.hearing_live = isinstance(result, m.Result) and self._live(result)
        try:
            self._take(result)
        finally:
            self.hearing_live = False

    def _take(self, result: object) -> None:
        match result:
            case m.EngineReady():
                self.engine = result
                self.engine_changed.emit()
            case m.ModelOpened():
                self._take_model(result.info)
                self._look_elsewhere(result.info)
            case m.TraceReady():
                self._take_trace(result)
            case m.PromptRefused():
                if not self._stale(result, m.RunTrace):
                    self.trace, self.prompt_problem = None, result.message
                    self.trace_changed.emit()
            case m.ActivationReady():
                if self.model is not None and result.model_id == self.model.model_id:
                    self.fetched[result.name] = result.array
                    self.activation_changed.emit()
            case m.VocabularyProjected():
                if self.model is not None and result.model_id == self.model.model_id:
                    self.vocabulary = result
                    self.vocabulary_changed.emit()
            case m.NeighboursFound():
                seen = self.model is not None and result.model_id == self.model.model_id
                if seen and not self._stale(result, m.FindNeighbours):
                    self.neighbours = result
                    self.neighbours_changed.emit()
            case m.TokenGenerated() | m.GenerationFinished():
                self._take_generation(result)
            case m.TrainingStarted():
                self.training = TrainingState(result)
                self.starting = self.progress = None
                self.following = result.follow
                if result.follow:
                    self._take_model(result.info)
                self.training_changed.emit()
            case m.TrainingProgressed():
                self._take_training(result)
            case m.AnalogyMeasured():
                if self.training is not None:
                    self.training.analogies.append(result)
                    self.training_changed.emit()
            case (
                m.WeightsListed()
                | m.WeightsDescribed()
                | m.WeightExamined()
                | m.SingularValuesProgressed()
                | m.SingularValuesFound()
            ):
                self._take_weights(result)
            case m.ModelPreviewed():
                path = self._preview_paths.pop(result.request_id, result.preview.path)
                self.previews[path] = result.preview
                self.previewed.emit(path)
            case m.OpeningProgressed():
                if self.opening is not None and result.request_id == self.opening.id:
                    self.opening_progress = result
                    self.opening_changed.emit()
            case m.ModelVerified():
                self._take_verification(result)
            case m.Cancelled():
                self._take_cancelled(result)
            case m.Progress():
                self.progress = result
                self.activity_changed.emit()
            case m.Activity():
                self.activity = result.what
                if result.what == "idle":
                    self.progress = None
                self.activity_changed.emit()
            case m.Saved():
                self.post(Notice(f"Saved to {result.path}."))
                self.saved.emit(result.path)
            case m.Failed():
                self._take_failure(result)
            case _:
                raise TypeError(f"The store does not know {type(result).__name__}.")

    # ------------------------------------------------------------------------- inside

    def _send(self, request: m.Request) -> None:
        self._latest[type(request)] = request.id
        self._submit(request)

    def _stale(self, result: m.Result, kind: type[m.Request]) -> bool:
        # Results that nobody asked for by name (live traces of a training model) carry the id of
        # the training request and are never stale this way.
        return result.request_id < self._latest.get(kind, 0) and not self._live(result)

    def _live(self, result: m.Result) -> bool:
        return self.training is not None and result.request_id == self.training.started.request_id

    def _take_weights(self, result: m.WeightsResult) -> None:
        if self.weights is None or result.model_id != self.weights.model_id:
            return
        kinds = m.SingularValuesProgressed | m.SingularValuesFound
        if isinstance(result, kinds) and self._stale(result, m.FindSingularValues):
            return
        if isinstance(result, m.WeightExamined) and self._stale(result, m.ExamineWeight):
            return
        self.weights.take(result)
        match result:
            case m.WeightExamined():
                self.weight_examined.emit()
            case m.SingularValuesProgressed() | m.SingularValuesFound():
                self.singular_values_changed.emit()
            case _:
                self.weights_changed.emit()

    def _take_verification(self, result: m.ModelVerified) -> None:
        if self._verifies(result.request_id):
            self.verifying = None
            self.progress = None
            if self.model is not None and result.model_id == self.model.model_id:
                self.verification = result
            self.verification_changed.emit()
            self.activity_changed.emit()

    def _verifies(self, request_id: int) -> bool:
        return self.verifying is not None and self.verifying.id == request_id

    def _take_cancelled(self, result: m.Cancelled) -> None:
        if self.opening is not None and self.opening.id == result.request_id:
            self.progress = None
            self._end_opening(None)
        if self._verifies(result.request_id):
            self.verifying = self.progress = None
            self.verification_changed.emit()
        if result.request_id == self._latest.get(m.FindSingularValues) and self.weights:
            self.weights.share = None
            self.singular_values_changed.emit()
        self.activity_changed.emit()

    def _end_opening(self, why: Notice | None) -> None:
        """The model that was open stays."""
        self.opening = self.opening_progress = None
        self.opening_changed.emit()
        self.opening_ended.emit(why)

    def _take_model(self, info: m.ModelInfo) -> None:
        self.model = info
        self.opening = self.opening_progress = None
        self.weights = WeightsState(info.model_id)
        self.verifying = self.verification = None
        self.operations = operations(info.config)
        self.trace = None
        self.prompt_problem = ""
        self.fetched = {}
        self.vocabulary = None
        self.neighbours = None
        self.selection = self._clamped(
            replace(self.selection, vocabulary_id=None, key=None, neuron=None)
        )
        self.inspected = None
        self.model_changed.emit()
        self.opening_changed.emit()
        self.verification_changed.emit()
        self.inspected_changed.emit()
        self.request_trace()
        self.project_vocabulary()

    def _look_elsewhere(self, info: m.ModelInfo) -> None:
        """Who opens a model while another one learns doesn't follow that one any more."""
        running = self.training is not None and self.training.running
        if running and self.following and not info.training:
            self.following = False
            self.training_changed.emit()

    def _take_trace(self, trace: m.TraceReady) -> None:
        if self.model is None or trace.model_id != self.model.model_id:
            return
        if self._stale(trace, m.RunTrace) or (
            self._live(trace) and trace.text != self.prompt and not trace.notes
        ):
            return
        before = self.trace
        self.trace, self.prompt_problem = trace, ""
        self.fetched = {}
        # A focus on what prediction is about stays there: the last position, or the mask.
        position = self.selection.position
        if before is None or position in (-1, self._predicted_position(before)):
            position = self._predicted_position(trace)
        changed = self._clamped(replace(self.selection, position=position))
        moved = changed != self.selection
        # Both before either is told: who hears of the trace may select something in it.
        self.selection = changed
        self.trace_changed.emit()
        if moved:
            self.selection_changed.emit()

    def _predicted_position(self, trace: m.TraceReady) -> int:
        """The last position; of a masked model's prompt its first mask, or else its last word."""
        last = trace.n_tokens - 1
        if self.model is None or self.model.config.head != "mlm":
            return last
        for position, token in enumerate(trace.tokens):
            if token.id == self.model.mask_id:
                return position
        words = [i for i, token in enumerate(trace.tokens) if token.char_end > token.char_start]
        return words[-1] if words else last

    def _take_generation(self, result: m.TokenGenerated | m.GenerationFinished) -> None:
        generation = self.generation
        if generation is None or result.request_id != generation.request_id:
            return
        generation.text = result.text
        if isinstance(result, m.TokenGenerated):
            generation.steps = (*generation.steps, result)
        else:
            generation.running = False
            generation.finished = result
        self.generation_changed.emit()

    def _take_training(self, result: m.TrainingProgressed) -> None:
        if self.starting is not None and result.request_id == self.starting.id:
            self._take_unbegun_run(result)
            return
        if self.training is None or result.request_id != self.training.started.request_id:
            return
        self.training.paused = result.paused
        for event in result.events:
            self.training.add(event)
        self.training_changed.emit()

    def _take_failure(self, failed: m.Failed) -> None:
        notice = Notice(failed.message, failed.details, "error")
        if isinstance(failed.request, m.OpenModel):
            notice = replace(notice, about="opening")
            self._end_opening(notice)
        if isinstance(failed.request, m.PreviewModel):
            # Beside the path that was typed, where the answer is looked for; not over the window.
            path = self._preview_paths.pop(failed.request_id, failed.request.path)
            self.previews[path] = Preview(path=path, problem=failed.message)
            self.previewed.emit(path)
            return
        if isinstance(failed.request, m.VerifyModel) and self._verifies(failed.request_id):
            self.verifying = self.verification = None
            self.verification_changed.emit()
        if isinstance(failed.request, m.FindSingularValues) and self.weights is not None:
            self.weights.share = None
            self.singular_values_changed.emit()
        if isinstance(failed.request, m.Generate) and self.generation is not None:
            self.generation.running = False
            self.generation_changed.emit()
        if isinstance(failed.request, m.StartTraining):
            self._take_broken_run(failed)
        self.progress = None
        self.activity_changed.emit()
        if not (notice.about == "opening" and self._answered_in_place):
            self.post(notice)

    def _take_unbegun_run(self, result: m.TrainingProgressed) -> None:
        """A run that was stopped while it was getting ready: there is no curve."""
        for event in result.events:
            if isinstance(event, Finished):
                self.starting = None
                self.progress = None
                self.post(Notice(event.message))
                self.activity_changed.emit()
                self.training_changed.emit()

    def _take_broken_run(self, failed: m.Failed) -> None:
        """A run that could not begin, or broke: its curve stays."""
        self.starting = None
        run = self.training
        if run is not None and run.started.request_id == failed.request_id and run.running:
            last = run.steps[-1] if run.steps else None
            run.finished = Finished(
                reason="stopped",
                step=last.step if last else 0,
                seconds=last.seconds if last else 0.0,
                val_loss=run.evaluations[-1].val_loss if run.evaluations else None,
                message=failed.message,
            )
        self.training_changed.emit()

    def _clamped(self, selection: Selection) -> Selection:
        n_tokens = 0 if self.trace is None else self.trace.n_tokens
        config = None if self.model is None else self.model.config

        def within(value: int | None, size: int) -> int | None:
            return None if value is None or size == 0 else max(0, min(value, size - 1))

        position = selection.position
        if n_tokens:
            position = max(0, min(position, n_tokens - 1))
        key = within(selection.key, n_tokens)
        hovered = selection.hovered
        if hovered is not None and not 0 <= hovered < max(n_tokens, 1):
            hovered = None
        if config is None:
            return replace(selection, position=position, key=key, hovered=hovered)
        return replace(
            selection,
            position=position,
            hovered=hovered,
            key=key,
            layer=within(selection.layer, config.n_layers) or 0,
            head=within(selection.head, config.n_heads) or 0,
            operation=within(selection.operation, len(self.operations)) or 0,
            vocabulary_id=within(selection.vocabulary_id, config.d_vocab),
            neuron=within(selection.neuron, config.d_mlp),
        )


def probabilities_at(store: Store, position: int) -> NDArray[np.float64] | None:
    """The distribution that would be sampled after a position, under the store's sampling.

    None where there is none: the model has no logits, or they are no numbers.
    """
    from model.sampling import probabilities

    if store.trace is None or not 0 <= position < store.trace.n_tokens:
        return None
    if store.model is None or not store.model.config.has_logits:
        return None
    try:
        return probabilities(store.trace.logits[position], store.sampling)
    except ValueError:  # of a network that diverged
        return None
