"""What jobs share: the models that are held, the run that is going, what is followed.

Plain values and the few rules that keep them together; it does nothing by itself. A job gets it
with its request. Knows models and runs; no job, no queue, no Qt.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.job import RequestError
from model.engine.model_info import info_of

if TYPE_CHECKING:
    from model.bench import Bench
    from model.engine.scaling import GoingQueue
    from model.engine.training import Run
    from model.language_model import LanguageModel
    from model.space.registry import Source
    from model.space.table import VectorTable


class Workplace:
    """Held by the engine, changed by its jobs.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
        threads: for torch; None takes the cores at hand less one.

    Attributes:
        models, infos: by model id: what computes, and what the window knows of it.
        opened: id of the model that a person opened last.
        trained: id of the model of the run that goes on, or was the last; it stands beside the
            opened one.
        shown: by model id, the step whose weights are in view; of a model that is not named those
            that learn just now, or the only ones.
        beside: id of a model that was opened to be compared with the one in view.
        beside_in_view: whether it is the one in view.
        unsaved: ids of models whose weights lie in no file: of a run that broke.
        openings: how often a person has brought another model into view; work that began before
            the last time is about a model that is not.
        run: the run that is going, paused or getting ready.
        queue: the queue of sizes that is trained; never while a run goes on.
        following: whether of both the run's model is the one in view.
        prompt, matrix: what was asked last; a model that learns is asked it again and again.
        table: of a file or of the prompt in context, the last that was looked at.
        bench: where the models are held, with what is kept of the prompts they read.
        saving: whether a model is being saved: one at a time.
        has_let_go: whether a model was closed, whose memory lies free.
        alone: whether the job whose slice it is is the only one that goes on: it may wait a
            little for what happens elsewhere.
    """

    def __init__(self, device: str = "auto", threads: int | None = None) -> None:
        self.device = device
        self.threads = threads
        self.models: dict[int, LanguageModel] = {}
        self.infos: dict[int, m.ModelInfo] = {}
        self.opened: int | None = None
        self.trained: int | None = None
        self.beside: int | None = None
        self.beside_in_view = False
        self.unsaved: set[int] = set()
        self.shown: dict[int, int] = {}
        self.openings = 0
        self.has_let_go = False
        self.run: Run | None = None
        self.queue: GoingQueue | None = None
        self.following = False
        self.prompt: m.ReadPrompt | None = None
        self.matrix: m.ProjectVocabulary | None = None
        self.table: tuple[Source, VectorTable] | None = None
        self.saving = False
        self.alone = False
        self._bench: Bench | None = None
        self._last_id = 0

    # The model in view

    @property
    def model_id(self) -> int:
        """Of the model that questions are about.

        Raises:
            RequestError: there is none.
        """
        shown = self.trained if self.following else self.opened
        if self.beside_in_view:
            shown = self.beside
        if shown is None:
            raise RequestError("No model is open. Open a checkpoint folder first.")
        return shown

    @property
    def lm(self) -> LanguageModel:
        """The model in view, with the weights of the step in view.

        Raises:
            RequestError: there is none.
            CheckpointError: the weights of that step can't be read.
        """
        held = self.models[self.model_id]
        step = self.shown.get(self.model_id)
        if step is None:
            return held
        network = self.bench.network_at(self.model_id, step)
        return held.at(network, self.bench.path_of(self.model_id, step))

    @property
    def info(self) -> m.ModelInfo:
        """What the window knows of the model in view.

        Raises:
            RequestError: there is none.
        """
        return self.infos[self.model_id]

    @property
    def step(self) -> int | None:
        """Updates that the weights in view have had; None for one that isn't of a training.

        Raises:
            RequestError: there is no model in view.
        """
        shown = self.shown.get(self.model_id)
        if shown is not None:
            return shown
        run = self.run
        return run.training.step if run is not None and run.model_id == self.model_id else None

    @property
    def looked_step(self) -> int | None:
        """The same, where of a model that learns questions are about the copy of its weights."""
        shown = self.shown.get(self.model_id)
        return self.bench.step_of(self.model_id) if shown is None else shown

    @property
    def is_live(self) -> bool:
        """Whether what is in view are the weights that learn just now."""
        run = self.run
        learns = run is not None and run.model_id is not None and run.model_id == self.model_id
        return learns and self.shown.get(self.model_id) is None

    # The models that are held

    @property
    def bench(self) -> Bench:
        """Made when it is first used: torch comes with it."""
        if self._bench is None:
            from model.bench import Bench

            self._bench = Bench()
        return self._bench

    def look(self, *, anew: bool = False) -> None:
        """If the model in view learns: keep its weights as they are now.

        Args:
            anew: also where those of an earlier step are kept.
        """
        run = self.run
        if run is None or run.model_id is None or not self.is_live:
            return
        if anew or self.bench.step_of(run.model_id) is None:
            self.bench.look(run.model_id, run.training.step)

    def looked(self, model_id: int, seconds: float) -> None:
        """Answering a question about a model took that long."""
        if self.run is not None and self.run.model_id == model_id:
            self.run.looked(seconds)

    def hold(
        self,
        lm: LanguageModel,
        *,
        training: bool,
        saved: bool = True,
        place: str = "",
        step: int | None = None,
    ) -> m.ModelInfo:
        """Take a model; it is not copied.

        Args:
            lm: the model.
            training: whether its weights still change.
            saved: whether the weights are those that its path holds.
            place: by what it is opened again; its path if left out.
            step: at which a run of ours has ended; of what is opened its path tells.
        """
        self._last_id += 1
        info = info_of(lm, self._last_id, training=training, place=place, step=step)
        self.models[info.model_id] = lm
        self.infos[info.model_id] = info
        self.bench.hold(info.model_id, lm)
        if info.steps:
            self.bench.set_steps(
                info.model_id, {at.step: Path(at.path) for at in info.steps}, info.step
            )
            if info.step is not None:
                self.shown[info.model_id] = info.step
        if not saved:
            self.unsaved.add(info.model_id)
        return info

    def drop(self, model_id: int) -> None:
        """Let go of a model; its memory is free once no job computes with it."""
        del self.models[model_id], self.infos[model_id]
        self.shown.pop(model_id, None)
        self.unsaved.discard(model_id)
        self.bench.release(model_id)
        self.has_let_go = True

    def open(self, info: m.ModelInfo) -> None:
        """A model that is held takes the place of the one that was open."""
        before, self.opened = self.opened, info.model_id
        if before is not None and before != info.model_id:
            self.drop(before)

    def compare(self, info: m.ModelInfo | None) -> None:
        """A model that is held, or none, takes the place of the one that is compared with."""
        before, self.beside = self.beside, None if info is None else info.model_id
        self.show_beside(show=self.beside_in_view and info is not None)
        if before is not None and before != self.beside:
            self.drop(before)

    def show_beside(self, *, show: bool) -> None:
        """Bring the model that is compared with into view, or the other one again."""
        if show != self.beside_in_view:
            self.beside_in_view = show
            self.openings += 1

    def train(self, info: m.ModelInfo | None) -> None:
        """A model that is held, or none, takes the place of the last run's."""
        before, self.trained = self.trained, None if info is None else info.model_id
        if before is not None and before != self.trained:
            self.drop(before)

    def show(self, *, run: bool) -> None:
        """Bring the model of the run into view, or the opened one; without it, the other one."""
        if run and self.run is not None and self.run.model_id is None:
            self.run.follow = True  # once it is there
        elif not run and self.run is not None:
            self.run.follow = False
        shown = self.trained is not None and (run or self.opened is None)
        if shown != self.following:
            left = self.trained if self.following else self.opened
            self.following = shown
            self.openings += 1
            if left is not None:
                self.bench.leave(left)

    # What is going on

    def paused(self, request: m.Request) -> bool:
        """Whether the job of that request waits for the person."""
        run, queue = self.run, self.queue  # a loop would cost three times as much, at every slice
        if run is not None and run.request is request and run.paused:
            return True
        return queue is not None and queue.request is request and queue.paused

    def stop_training(self) -> None:
        """Have a run or a queue end within one step."""
        for going in (self.run, self.queue):
            if going is not None:
                going.stop()
