"""The one owner of the models: takes requests, yields results.

Runs in whatever thread calls it, one call at a time; the window's worker thread is one such
caller, a test another. Holds the open model and the one that is training. Long work (a
generation, a training) is kept as a generator and goes on one slice at each `advance`, so that a
request is answered between two slices.

Knows no Qt and no thread.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from model import messages as m
from model.engine.going import GoingGeneration, GoingRun
from model.engine.opened_model import ModelView, to_array
from model.engine.opening import OpeningWork
from model.engine.saving import SavingWork
from model.engine.verifying import VerificationWork
from model.engine.weights import WeightsError, WeightWork, listed

if TYPE_CHECKING:
    from torch import Tensor

    from model.train.events import Event


class RequestError(Exception):
    """A request that can't be done; the message is for the person."""


class Engine:
    """Runs requests on a transformer.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
        threads: for torch; None takes the cores at hand less one.
    """

    def __init__(self, device: str = "auto", threads: int | None = None) -> None:
        self._device = device
        self._threads = threads
        self._open: ModelView | None = None
        self._run: GoingRun | None = None
        self._generation: GoingGeneration | None = None
        self._opening = OpeningWork()
        self._weights = WeightWork()
        self._verification = VerificationWork()
        self._saving = SavingWork()
        self._following = True
        self._prompt: m.RunTrace | None = None
        self._matrix: m.ProjectVocabulary | None = None
        self._axes: dict[tuple[int, str], Tensor] = {}
        self._next_model_id = 0

    # ------------------------------------------------------------------------ the caller

    def start(self) -> Iterator[m.Result]:
        """Import torch and find the device; yields `EngineReady`."""
        began = time.perf_counter()
        import torch

        from model.device import choose_device, default_threads, set_threads

        threads = self._threads or default_threads()
        set_threads(threads)
        choice = choose_device(self._device)
        # Lazy imports of the first optimiser would stall the window once: do it now.
        yield m.EngineReady(
            request_id=0,
            torch_version=torch.__version__,
            device=choice.name,
            device_why=choice.why,
            threads=threads,
            seconds=time.perf_counter() - began,
        )

    def warm_up(self) -> None:
        """Do what torch does only once, at a moment when nobody waits."""
        from model.train import warm_up

        warm_up()

    @property
    def busy(self) -> bool:
        """Whether `advance` has something to do."""
        return (
            self._generation is not None
            or self._opening.busy
            or self._weights.busy
            or self._verification.busy
            or self._saving.busy
            or (self._run is not None and self._run.going)
        )

    def handle(self, request: m.Request) -> Iterator[m.Result]:
        """Do one request.

        An exception becomes a `Failed` with a sentence and the traceback; the engine goes on.
        """
        try:
            yield from self._dispatch(request)
        except Exception as error:  # noqa: BLE001 - any failure is an answer; the engine goes on
            yield _failed(request, error)

    def advance(self) -> Iterator[m.Result]:
        """One slice of what goes on: a generated token, a training step."""
        if self._generation is not None:
            generation = self._generation
            try:
                yield from self._advance_generation(generation)
            except Exception as error:  # noqa: BLE001 - as above
                self._generation = None
                yield _failed(generation.request, error)
        yield from self._advance_opening()
        try:
            yield from self._weights.advance()
        except WeightsError as error:
            yield _failed(error.request, error.cause)
        yield from self._advance_verification()
        yield from self._advance_saving()
        if self._run is not None and self._run.going:
            run = self._run
            try:
                yield from self._advance_training(run)
            except Exception as error:  # noqa: BLE001 - as above
                yield from run.flush(force=True)
                yield _failed(run.request, error)
                whole = run.viewed is not None and run.viewed.is_finite()
                yield from self._end_training(run, keep=whole, saved=False)

    def close(self) -> Iterator[m.Result]:
        """End everything within one step; a run that is going is saved."""
        self._generation = None
        self._opening.close()
        self._verification.close()
        yield from self._advance_saving(to_the_end=True)
        if self._run is not None:
            self._run.resume()
            self._run.training.stop()
            while self._run is not None and self._run.going:
                yield from self.advance()

    # ---------------------------------------------------------------------------- inside

    def _dispatch(self, request: m.Request) -> Iterator[m.Result]:
        match request:
            case m.PreviewModel():
                yield self._preview(request)
            case m.OpenModel():
                yield from self._open_model(request)
            case m.RunTrace():
                self._prompt = request
                yield self._trace(request)
            case m.FetchActivation():
                yield self._fetch(request)
            case m.ProjectVocabulary():
                self._matrix = request
                yield self._project(request)
            case m.FindNeighbours():
                yield from self._neighbours(request)
            case m.ListWeights():
                yield listed(request, self._view)
            case m.DescribeWeights() | m.ExamineWeight() | m.FindSingularValues():
                self._weights.begin(request, self._view, self._step)
            case m.Generate():
                yield from self._start_generation(request)
            case m.Cancel():
                yield from self._cancel(request)
            case m.StartTraining():
                yield from self._start_training(request)
            case m.ControlTraining():
                yield from self._control(request)
            case m.FollowTraining():
                yield from self._follow(request)
            case m.SaveModel():
                yield from self._save(request)
            case m.VerifyModel():
                yield from self._verification.begin(request, self._view)
            case m.SetThreads():
                from model.device import set_threads

                set_threads(request.n)
                yield from self.start()
            case _:
                raise TypeError(f"The engine does not know {type(request).__name__}.")

    @property
    def _view(self) -> ModelView:
        """The model that traces are taken of."""
        if self._following and self._run is not None and self._run.viewed is not None:
            return self._run.viewed
        if self._open is None:
            raise RequestError("No model is open. Open a checkpoint folder first.")
        return self._open

    @property
    def _step(self) -> int | None:
        run = self._run
        if run is not None and run.viewed is not None and self._view is run.viewed:
            return run.training.step
        return None

    def _model_id(self) -> int:
        self._next_model_id += 1
        return self._next_model_id

    # open and save

    def _open_model(self, request: m.OpenModel) -> Iterator[m.Result]:
        device = self._device if request.device == "auto" else request.device
        yield from self._opening.begin(request, device, request.dtype)
        # The first slice belongs to it: what is small is open when this is done.
        yield from self._advance_opening()

    def _advance_opening(self) -> Iterator[m.Result]:
        request = self._opening.request
        if request is None:
            return
        try:
            step = self._opening.advance()
        except Exception as error:  # noqa: BLE001 - as above
            yield _failed(request, error)
            return
        if isinstance(step, m.OpeningProgressed):
            yield step
            return
        viewed = ModelView(step, self._model_id(), training=False)
        self._open = viewed
        # What a person opens, they want to see, also while something else is training.
        self._following = False
        self._generation = None
        self._weights.clear()
        yield m.ModelOpened(request_id=request.id, info=viewed.info, seconds=self._opening.seconds)

    def _preview(self, request: m.PreviewModel) -> m.Result:
        from model.checkpoint import preview
        from model.device import choose_device
        from model.hub import is_hub_name
        from model.hub.known import preview_name

        device = self._device if request.device == "auto" else request.device
        look = preview_name if is_hub_name(request.path) else preview
        found = look(request.path, choose_device(device).name)
        return m.ModelPreviewed(request_id=request.id, preview=found)

    def _save(self, request: m.SaveModel) -> Iterator[m.Result]:
        from model.train.run_folder import copy_run, is_run

        viewed = self._view
        target = Path(request.path)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise RequestError(f"{target} exists and is not empty. Choose a new folder.")
        yield m.Activity(request_id=request.id, what=f"saving to {target.name}")
        if self._step is None and viewed.saved and is_run(viewed.path):
            copy_run(viewed.path, target)
            yield m.Saved(request_id=request.id, path=str(target))
            return
        yield from self._saving.begin(request, viewed.lm)
        if viewed.info.training:  # its weights would change between two slices
            yield from self._saving.finish()

    def _advance_saving(self, *, to_the_end: bool = False) -> Iterator[m.Result]:
        request = self._saving.request
        if request is None:
            return
        try:
            yield from self._saving.finish() if to_the_end else self._saving.advance()
        except Exception as error:  # noqa: BLE001 - as above
            yield _failed(request, error)

    # traces

    def _trace(self, request: m.RunTrace, request_id: int | None = None) -> m.Result:
        from model.trace import record

        viewed = self._view
        request_id = request.id if request_id is None else request_id
        prompt = viewed.read_prompt(request.text, request.ids)
        if isinstance(prompt, str):
            return m.PromptRefused(request_id=request_id, message=prompt)
        names, left_out = viewed.what_fits(len(prompt.ids))
        began = time.perf_counter()
        with viewed.evaluating():
            trace = record(viewed.lm.transformer, viewed.lm.ids(prompt.ids), names)
        seconds = time.perf_counter() - began
        activations = {name: to_array(trace[name]) for name in (*trace.names,)}
        return m.TraceReady(
            request_id=request_id,
            model_id=viewed.info.model_id,
            step=self._step,
            text=request.text,
            tokens=prompt.tokens,
            activations=MappingProxyType(activations),
            left_out=left_out,
            notes=prompt.notes,
            truncated_at=prompt.truncated_at,
            seconds=seconds,
            n_bytes=prompt.n_bytes,
        )

    def _fetch(self, request: m.FetchActivation) -> m.Result:
        from model.trace import record

        viewed = self._view
        prompt = viewed.read_prompt(request.text, request.ids)
        if isinstance(prompt, str):
            raise RequestError(prompt)
        with viewed.evaluating():
            trace = record(viewed.lm.transformer, viewed.lm.ids(prompt.ids), (request.name,))
        return m.ActivationReady(
            request_id=request.id,
            model_id=viewed.info.model_id,
            name=request.name,
            array=to_array(trace[request.name]),
        )

    # geometry

    def _project(
        self, request: m.ProjectVocabulary, request_id: int | None = None
    ) -> m.VocabularyProjected:
        from model.probe.geometry.compute import principal_axes

        viewed = self._view
        table_VD = viewed.table(request.matrix)
        key = (viewed.info.model_id, request.matrix)
        previous = self._axes.get(key)
        projection = principal_axes(table_VD, 3, previous)
        self._axes = {**self._axes, key: projection.axes_nD} if viewed.info.training else {}
        return m.VocabularyProjected(
            request_id=request.id if request_id is None else request_id,
            model_id=viewed.info.model_id,
            step=self._step,
            matrix=request.matrix,
            points=to_array(projection.points_Vn),
            axes=to_array(projection.axes_nD),
            mean=to_array(projection.mean_D),
            variance_kept=to_array(projection.variance_kept_n),
            norms=to_array(table_VD.float().norm(dim=-1)),
        )

    def _neighbours(self, request: m.FindNeighbours) -> Iterator[m.Result]:
        from model.probe.geometry.compute import nearest, signed_sum

        viewed = self._view
        table_VD = viewed.table(request.matrix)
        if any(token_id >= len(table_VD) for _, token_id in request.terms):
            return  # asked about a larger vocabulary that was in view a moment ago
        vector_D = signed_sum(table_VD, request.terms)
        ids, cosines = nearest(table_VD, vector_D, request.k)
        own = {token_id for _, token_id in request.terms}
        found = tuple(int(i) for i in ids)
        yield m.NeighboursFound(
            request_id=request.id,
            model_id=viewed.info.model_id,
            step=self._step,
            matrix=request.matrix,
            terms=request.terms,
            ids=found,
            cosines=tuple(float(c) for c in cosines),
            own=tuple(i in own for i in found),
        )

    # generation

    def _start_generation(self, request: m.Generate) -> Iterator[m.Result]:
        yield from self._end_generation("cancelled")
        viewed = self._view
        prompt = viewed.read_prompt(request.text, request.ids)
        if isinstance(prompt, str):
            raise RequestError(prompt)
        if viewed.lm.config.no_continuation:
            raise RequestError(viewed.lm.config.no_continuation)
        self._generation = GoingGeneration(request, viewed, prompt.ids)
        yield m.Activity(request_id=request.id, what="generating")

    def _advance_generation(self, generation: GoingGeneration) -> Iterator[m.Result]:
        token = generation.advance()
        if token is not None:
            yield token
        else:
            yield from self._end_generation(generation.reason)

    def _end_generation(self, reason: m.GenerationEnd) -> Iterator[m.Result]:
        generation, self._generation = self._generation, None
        if generation is not None:
            yield generation.finished(reason)

    def _cancel(self, request: m.Cancel) -> Iterator[m.Result]:
        if self._generation is not None and self._generation.request.id == request.target:
            yield from self._end_generation("cancelled")
        else:
            # Also where there was nothing to stop: it may have been waiting still.
            for work in (self._opening, self._weights, self._verification, self._saving):
                work.cancel(request.target)
            yield m.Cancelled(request_id=request.target)

    def _advance_verification(self) -> Iterator[m.Result]:
        request = self._verification.request
        if request is None:
            return
        others = (self._opening, self._weights, self._saving)
        elsewhere = self._generation is not None or any(work.busy for work in others)
        idle = not elsewhere and (self._run is None or not self._run.going)
        try:
            yield from self._verification.advance(self._view, idle=idle)
        except Exception as error:  # noqa: BLE001 - as above
            yield _failed(request, error)

    # training

    def _start_training(self, request: m.StartTraining) -> Iterator[m.Result]:
        from model.train.loop import Training

        if self._run is not None:
            raise RequestError("A run is going already. Stop it before you start another.")
        request.recipe.validate()
        training = Training(request.recipe, Path(request.run_dir), device=self._training_device())
        self._run = GoingRun(request, training)
        self._following = request.follow
        yield m.Activity(request_id=request.id, what="preparing a run")

    def _training_device(self) -> str:
        from model.device import choose_device

        return choose_device(self._device).name

    def _control(self, request: m.ControlTraining) -> Iterator[m.Result]:
        run = self._run
        if run is None:
            return
        match request.action:
            case "pause":
                run.pause()
            case "resume":
                run.resume()
            case "step":
                run.step()
            case "stop":
                run.resume()
                run.training.stop()
        yield from run.flush(force=True)

    def _follow(self, request: m.FollowTraining) -> Iterator[m.Result]:
        self._following = request.follow
        run = self._run
        if run is not None and run.viewed is not None:
            viewed = self._view
            yield m.ModelOpened(request_id=request.id, info=viewed.info, seconds=0.0)

    def _advance_training(self, run: GoingRun) -> Iterator[m.Result]:
        from model.train.events import Finished, Prepared, Started, StepDone

        event = run.next_event()
        match event:
            case Prepared():
                yield m.Progress(
                    request_id=run.request.id,
                    what=event.what,
                    done=round(1000 * event.fraction),
                    total=1000,
                )
            case Started():
                viewed = run.begin(event.run_dir, event.device, self._model_id())
                yield m.TrainingStarted(
                    request_id=run.request.id,
                    info=viewed.info,
                    recipe=run.request.recipe,
                    run_dir=str(event.run_dir),
                    follow=self._following,
                )
                if run.request.begin_paused:
                    run.pause()
                yield from self._live(run, force=True)
            case None:
                self._run = None
            case _:
                run.take(event)
                ended = isinstance(event, Finished)
                stepped = isinstance(event, StepDone)
                if stepped and run.paused_after_step:
                    run.pause()
                if (stepped or ended) and not _has_diverged(event):
                    yield from self._live(run, force=ended or not run.going)
                yield from run.flush(force=ended or not run.going)
                if stepped and run.activity_due():
                    yield m.Activity(
                        request_id=run.request.id,
                        what=f"training, step {run.training.step}",
                    )
                if isinstance(event, Finished):
                    yield from self._end_training(run, keep=not _has_diverged(event))

    def _live(self, run: GoingRun, *, force: bool) -> Iterator[m.Result]:
        """What the panes see of a model while it learns."""
        viewed = run.viewed
        if viewed is None or not (force or run.live_due()):
            return
        began = time.perf_counter()
        measured = run.analogies.measure(viewed.table("W_E"))
        if measured is not None:
            yield m.AnalogyMeasured(
                request_id=run.request.id,
                step=run.training.step,
                expression=measured.expression,
                rank=measured.rank,
                rank_all_words=measured.rank_all_words,
                share=measured.share,
                n=measured.n,
            )
        if self._following:
            if self._prompt is not None:
                yield self._trace(self._prompt, run.request.id)
            if self._matrix is not None and viewed.has(self._matrix.matrix):
                yield self._project(self._matrix, run.request.id)
        run.live_done(time.perf_counter() - began)

    def _end_training(self, run: GoingRun, *, keep: bool, saved: bool = True) -> Iterator[m.Result]:
        """The trained model stays in view, now as a model that is open.

        Args:
            run: that has ended, or broken.
            keep: False where it diverged: the model that was open before comes back.
            saved: whether the run folder holds what was learned.
        """
        self._run = None
        if run.viewed is None or not self._following:
            return
        if keep:
            self._open = run.viewed.learned(self._model_id(), saved=saved)
        if self._open is not None:
            yield m.ModelOpened(request_id=run.request.id, info=self._open.info, seconds=0.0)


def _has_diverged(event: Event) -> bool:
    """Whether the weights are no numbers any more: there is nothing to look at."""
    from model.train.events import Finished, StepDone

    match event:
        case StepDone():
            return not (math.isfinite(event.train_loss) and math.isfinite(event.grad_norm))
        case Finished():
            return event.reason == "diverged"
        case _:
            return False


def _failed(request: m.Request, error: Exception) -> m.Failed:
    """An exception as a sentence.

    What this program raises itself is written for people; what others raise keeps its type in
    front.
    """
    message = str(error)
    if type(error).__module__.partition(".")[0] != "model" and not isinstance(error, OSError):
        message = f"{type(error).__name__}: {message}"
    if isinstance(error, KeyError):
        message = str(error.args[0])
    return m.Failed(
        request_id=request.id,
        message=message,
        details="".join(traceback.format_exception(error)),
        request=request,
    )
