"""A branch that is made and then trained: to whoever goes through a run's events, one run.

Knows making and the loop; no window.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from model.tokenizer.tokenizer import Tokenizer
from model.train.branching.making import making_branch
from model.train.branching.record import Departure
from model.train.claim import check_free
from model.train.data import TextData
from model.train.events import Event, Finished
from model.train.loop import Training
from model.train.recipe import Recipe
from model.transformer import Transformer


class BranchTraining:
    """A run that begins at a step of another one; steered as `Training` is.

    Args:
        departure: which run it comes of, and at which step.
        recipe: its own.
        run_dir: its folder: new or empty.
        device: where to compute.

    Attributes:
        note: what was taken over and what wasn't, in sentences; there from the first step on.

    Raises:
        RecipeError: the recipe can't be run.
        RunError: the folder is taken.
    """

    def __init__(
        self, departure: Departure, recipe: Recipe, run_dir: Path, *, device: str = "cpu"
    ) -> None:
        self.run_dir = Path(run_dir)
        self.note = ""
        self._departure = departure
        self._recipe = recipe.validate()
        self._device = device
        self._training: Training | None = None
        self._stop_asked = False
        self._watched: tuple[tuple[str, ...], tuple[str, ...], str, int] | None = None
        check_free(self.run_dir)

    @property
    def recipe(self) -> Recipe:
        return self._recipe if self._training is None else self._training.recipe

    @property
    def transformer(self) -> Transformer:
        """The network that learns; there from `Started` on."""
        return self._run.transformer

    @property
    def tokenizer(self) -> Tokenizer:
        """The run's tokenizer; there from `Started` on."""
        return self._run.tokenizer

    @property
    def family(self) -> str:
        """As which the network is saved; there from `Started` on."""
        return self._run.family

    @property
    def data(self) -> TextData:
        """The run's text; there from `Started` on."""
        return self._run.data

    @property
    def step(self) -> int:
        """Updates that the network has had."""
        return self._departure.step if self._training is None else self._training.step

    def stop(self) -> None:
        """End the run: what was made is kept, or nothing where it is not whole yet."""
        self._stop_asked = True
        if self._training is not None:
            self._training.stop()

    def change_rate(self, lr: float) -> None:
        """As of `Training`."""
        self._run.change_rate(lr)

    def watch(
        self,
        watched: tuple[str, ...],
        stop_when: tuple[str, ...],
        picture: str = "",
        every: int = 0,
    ) -> None:
        """As of `Training`; while the branch is being made, from its first step on."""
        if self._training is None:
            self._watched = watched, stop_when, picture, every
        else:
            self._training.watch(watched, stop_when, picture, every)

    def events(self) -> Generator[Event, None, None]:
        """Make the branch, then run it. To be called once; as of `Training`."""
        making = making_branch(self._departure, self._recipe, self.run_dir)
        while True:
            try:
                event = next(making)
            except StopIteration as stop:
                self.note = stop.value
                break
            if self._stop_asked:
                making.close()
                said = "Stopped before the first step; nothing was written."
                yield Finished("stopped", self._departure.step, 0.0, None, said)
                return
            yield event
        self._training = Training(None, self.run_dir, device=self._device, resume=True)
        if self._watched is not None:
            self._training.watch(*self._watched)
        if self._stop_asked:
            self._training.stop()
        yield from self._training.events()

    @property
    def _run(self) -> Training:
        if self._training is None:
            raise RuntimeError("The branch is being made: it has no network yet.")
        return self._training
