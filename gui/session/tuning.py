"""Fine-tuning as the window knows it: what a person prefers, and what a run has changed.

The run itself is `gui.session.run`'s, as any other. Knows messages; no widget, no file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gui.session.feature import Feature
from gui.session.state import Notice
from gui.session.training_run import Run
from model import messages as m
from model.train.preferences import Preference
from model.train.recipe import Recipe
from model.train.tuning_recipe import base_name

if TYPE_CHECKING:
    from gui.session.store import Store


class Tuning(Feature):
    """Choices, and the changes of the run that is shown.

    Attributes:
        choices: what a person has preferred so far.
        pair: two texts to choose from; None while there are none.
        drawing: the pair that is being drawn; None for none.
        found: what the run that is shown has changed; None before that is known.
        reading: the question for it; None where nothing is asked.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.choices: list[Preference] = []
        self.pair: m.PairDrawn | None = None
        self.drawing: m.DrawPair | None = None
        self.found: m.TuningRead | None = None
        self.reading: m.ReadTuning | None = None
        self._seed = 0
        self._writing: tuple[m.WriteChoices, Recipe, str] | None = None
        store.run.changed.connect(self._follow)

    @property
    def run(self) -> Run | None:
        """The run that is shown, if it tunes a model."""
        run = self._store.run.shown
        return run if run is not None and run.recipe.tuning else None

    @property
    def weights(self) -> str:
        """Where the model in view lies, for a run to begin with; empty if it lies nowhere."""
        model = self._store.model
        if model is None:
            return ""
        step = self._store.timeline.step
        for at in model.steps:
            if at.step == step:
                return at.path
        return model.path

    @property
    def base_name(self) -> str:
        """What a run is named after that begins with `weights`."""
        return base_name(self.weights)

    # ------------------------------------------------------------------------ choosing

    def draw(self, max_new_tokens: int) -> None:
        """Have two continuations of the prompt drawn."""
        self._seed += 1
        self.pair = None
        self.drawing = m.DrawPair(
            text=self._store.prompt,
            max_new_tokens=max_new_tokens,
            sampling=self._store.sampling,
            seed=self._seed,
        )
        self._store.send(self.drawing)
        self.changed.emit()

    def prefer(self, one: bool) -> None:
        """Prefer the first of the two texts, or the second; the pair is done with."""
        pair = self.pair
        if pair is None:
            return
        chosen, rejected = (pair.one, pair.other) if one else (pair.other, pair.one)
        self.choices.append(Preference(pair.text, chosen, rejected))
        self.pair = None
        self.changed.emit()

    def take_back(self, at: int) -> None:
        """Forget a choice."""
        if 0 <= at < len(self.choices):
            del self.choices[at]
            self.changed.emit()

    def learn(self, recipe: Recipe, run_dir: str) -> None:
        """Begin a run that learns the choices, once they are on disk beside its folder.

        Args:
            recipe: of preferences; its ``data`` is set here.
            run_dir: folder to write; must not exist.
        """
        path = f"{run_dir}.choices.jsonl"
        request = m.WriteChoices(path=path, choices=tuple(self.choices))
        self._writing = (request, recipe, run_dir)
        self._store.send(request)

    # ------------------------------------------------------------------------- results

    def take(self, result: m.Result) -> bool:
        match result:
            case m.PairDrawn():
                if self.drawing is not None and result.request_id == self.drawing.id:
                    self.drawing, self.pair = None, result
                    self.changed.emit()
                return True
            case m.TuningRead():
                if self.reading is not None and result.request_id == self.reading.id:
                    self.reading, self.found = None, result
                    self.changed.emit()
                return True
            case m.ChoicesWritten():
                if self._writing is not None and result.request_id == self._writing[0].id:
                    _, recipe, run_dir = self._writing
                    self._writing = None
                    self._store.run.start(replace(recipe, data=result.path), run_dir)
                return True
            case m.Failed() | m.Cancelled():
                return self._ended(result)
        return False

    def _ended(self, result: m.Failed | m.Cancelled) -> bool:
        for name, request in (
            ("drawing", self.drawing),
            ("reading", self.reading),
            ("_writing", None if self._writing is None else self._writing[0]),
        ):
            if request is not None and request.id == result.request_id:
                setattr(self, name, None)
                if isinstance(result, m.Failed):
                    self._store.post(Notice.of(result))
                self.changed.emit()
                return True
        return False

    def reset(self, model: m.ModelInfo) -> bool:
        """Choices stay: they are a person's own. A pair was written by the model before."""
        had = self.pair is not None
        self.pair = None
        return had

    def look(self) -> None:
        """Ask what the run that is shown has changed, once it has ended: for who shows it."""
        run = self.run
        if run is None or run.running or not run.step:
            return
        known = self.found is not None and self.found.run_dir == run.run_dir
        asked = self.reading is not None and self.reading.run_dir == run.run_dir
        if not known and not asked:
            self.reading = m.ReadTuning(run_dir=str(Path(run.run_dir)))
            self._store.send(self.reading)
            self.changed.emit()

    def _follow(self) -> None:
        """What is known is of the run that is shown, as long as that goes no further."""
        run = self.run
        if self.found is not None and (
            run is None or run.running or self.found.run_dir != run.run_dir
        ):
            self.found = None
            self.changed.emit()
