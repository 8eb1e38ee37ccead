"""What is compared: A, the other side B, and which of them the panes show.

There is one comparison at a time. Of its two sides one is in view (`Store.subject`), and while the
difference is shown panes ask the same of the other one (`Comparing.other`). B is

- *changes*: the model under the interventions that are on, and A the model as it is. So it is
  where nothing else was chosen;
- *prompt*: another text, read by the same model under the same interventions;
- *model*: another model that was opened beside, which reads the same text;
- *step*: the same model at another step of its training, which reads the same text.

Showing B alone brings it into view like any other prompt or model, so that every pane shows it.
Knows messages, subjects and the interventions' list; no widget, no tensor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from gui.session.feature import Feature
from gui.session.sides import Sides
from gui.session.state import Notice
from model import messages as m
from model.alignment import Alignment, aligned, by_position
from model.likeness import architecture_words, same_inside, unlike_vocabularies
from model.subject import Subject

if TYPE_CHECKING:
    from gui.session.store import Store

Kind = Literal["changes", "prompt", "model", "step"]
Side = Literal["a", "b", "difference"]
MOST_EXCHANGED = 2
"""So many tokens say what another prompt is; of more it is said in full."""
SIDES: tuple[Side, ...] = ("a", "b", "difference")


class Comparing(Feature):
    """The comparison.

    Attributes:
        kind: what B is.
        view: which side the panes show; with ``difference`` those that can show B − A.
        text: B's text, of two prompts.
        model: B's model, of two models; it stays in memory until it is closed.
        at_step: B's training step, of two steps.
        other: the side that is not in view, as it is read; None where there is none, or it is
            still to be read.
        alignment: from positions of the side in view to those of the other.
        problem: why the other side can't be read; empty if it can.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.kind: Kind = "changes"
        self.view: Side = "b"
        self.text = ""
        self.model: m.ModelInfo | None = None
        self.at_step = 0
        self.other: m.PromptRead | None = None
        self.alignment = by_position(0)
        self.problem = ""
        self._text_a = ""
        self._step_a: int | None = None  # None is what learns now
        self._wanted: Side = "b"  # of two models: on its way
        self._asked_b = False  # of two models: which was asked for last
        self._cut: m.PromptRead | None = None  # the other text in tokens, whatever is changed
        self._reading: m.ReadOther | None = None
        store.subject_changed.connect(self._follow)
        store.prompt_changed.connect(self._note_prompt)

    # ------------------------------------------------------------------------- reading

    @property
    def there(self) -> bool:
        """Whether there are two sides."""
        match self.kind:
            case "changes":
                return bool(self._store.intervening.on)
            case "prompt":
                return self._store.read is not None or bool(self._store.prompt)
            case "model":
                return self.model is not None
            case "step":
                return self._store.timeline.has(self.at_step)

    @property
    def shows_difference(self) -> bool:
        """Whether panes show B − A, as far as they can."""
        return self.there and self.view == "difference" and self.other is not None

    @property
    def subject(self) -> Subject | None:
        """Whom panes ask the same while the difference is shown."""
        return None if self.other is None or not self.shows_difference else self.other.subject

    @property
    def in_view_is_b(self) -> bool:
        """Whether B is the side in view: then the other one is A."""
        return self.kind == "changes" or self.view == "b"

    @property
    def sides(self) -> Sides:
        """What both are called, and which of them is in view."""
        names = ("before", "after") if self.kind == "changes" else ("A", "B")
        return Sides(self.in_view_is_b, names)

    def other_position(self, position: int) -> int | None:
        """The other side's position that belongs to one in view; None if there is none.

        The ends of both texts belong together: what comes next is compared there.
        """
        found, alignment = self.alignment.b_of(position), self.alignment
        at_end = position == alignment.n_a - 1 and alignment.n_b > 0
        return alignment.n_b - 1 if found is None and at_end else found

    @property
    def same_places(self) -> bool:
        """Whether layers, heads and neurons of both sides mean the same places."""
        a, b = self._store.model, self.model
        return self.kind != "model" or (
            a is not None and b is not None and same_inside(a.config, b.config)
        )

    @property
    def no_places(self) -> str:
        """Why layers, heads and neurons can't be compared; empty if they can."""
        return "" if self.same_places else "The other model has other layers, heads or neurons."

    @property
    def no_predictions(self) -> str:
        """Why what both predict can't be compared; empty if it can."""
        a, b = self._store.model, self.model
        if self.kind != "model" or a is None or b is None:
            return ""
        if not (a.config.has_logits and b.config.has_logits):
            return "One of the models has no distribution over tokens."
        if a.config.d_vocab != b.config.d_vocab:
            n, n_b = a.config.d_vocab, b.config.d_vocab
            return f"A has {n:,} tokens and B {n_b:,}: predictions can't be compared."
        return self._unlike_vocabularies

    @property
    def _unlike_vocabularies(self) -> str:
        """Why ids don't mean the same in both; empty if they do."""
        a, b = self._store.model, self.model
        if self.kind != "model" or a is None or b is None:
            return ""
        return unlike_vocabularies(a.vocabulary, b.vocabulary)

    @property
    def b_words(self) -> str:
        """What B is, in a few words."""
        match self.kind:
            case "changes":
                n = len(self._store.intervening.on)
                return "1 intervention" if n == 1 else f"{n} interventions"
            case "prompt":
                return self._exchanged or f"“{self.text}”"
            case "model":
                return "" if self.model is None else self.model.name
            case "step":
                return f"step {self.at_step:,}"

    @property
    def _exchanged(self) -> str:
        """Tokens that another prompt exchanges, if they are few: ``king → duke``."""
        a, b = self._store.read, self.other
        if a is None or b is None or self.view == "b" or not self.alignment.by_position:
            return ""
        pairs = zip(a.tokens, b.tokens, strict=True)
        said = [f"{x.text} → {y.text}" for x, y in pairs if x.bytes != y.bytes]
        return ", ".join(said) if 0 < len(said) <= MOST_EXCHANGED else ""

    @property
    def words(self) -> str:
        """Sentences on what is compared, and what can't be."""
        said = [self.problem, self.alignment.words if self.other is not None else ""]
        a, b = self._store.model, self.model
        if self.kind == "model" and a is not None and b is not None and self.view != "b":
            said = [architecture_words(a.config, b.config), self.no_predictions, *said]
        return " ".join(filter(None, said))

    def owns(self, model: m.ModelInfo) -> bool:
        """Whether a model is B, which was opened beside."""
        return self.model is not None and self.model.model_id == model.model_id

    # ------------------------------------------------------------------------ changing

    def compare_changes(self) -> None:
        """B is the model as it is changed: what is compared where nothing else is chosen."""
        if self.kind != "changes":
            self._leave()
            self.kind, self.view = "changes", "b"
            self._show()

    def compare_prompt(self, text: str) -> None:
        """B is another text; what differs is shown."""
        if self.kind != "prompt":
            self._leave()
            self.kind, self.view, self._text_a = "prompt", "difference", self._store.prompt
        elif self.view == "b":
            self.view = "difference"
            self._store.set_prompt(self._text_a)
        self.text = text
        self._show()

    def compare_step(self, step: int) -> None:
        """B is the same model at another step; what differs is shown."""
        if not self._store.timeline.has(step):
            return
        if self.kind != "step":
            self._leave()
        self.at_step = step
        if self.kind == "step" and self.view == "b":
            self._store.timeline.go_to(step)
        else:
            self.kind, self.view = "step", "difference"
        self._show()

    def compare_model(self, info: m.ModelInfo) -> None:
        """B is a model that was opened beside; what differs is shown."""
        if self.kind != "model":
            self._leave()
        self.kind, self.model = "model", info
        self.view = self._wanted = "difference"
        self._asked_b = False
        self._cut = None
        self._keep_answers()
        self._show()

    def set_view(self, view: Side) -> None:
        """Show A, B or the difference."""
        if self.kind == "model":
            self._wanted = view
            if (view == "b") != self._asked_b:
                self._asked_b = view == "b"
                self._store.send(m.ShowBeside(show=self._asked_b))
                return  # it is in view once the worker says so
        if view == self.view or (self.kind == "model" and view == "b"):
            return
        before, self.view = self.view, view
        if self.kind == "prompt" and (view == "b") != (before == "b"):
            self._store.set_prompt(self.text if view == "b" else self._text_a)
        if self.kind == "step" and (view == "b") != (before == "b"):
            timeline = self._store.timeline
            if view == "b":
                self._step_a = None if timeline.live else timeline.step
            timeline.go_to(self.at_step if view == "b" else self._step_a)
        self._show()

    def step(self) -> None:
        """A, then B, then the difference."""
        if self.there:
            self.set_view(SIDES[(SIDES.index(self.view) + 1) % len(SIDES)])

    def close(self) -> None:
        """There is no B but the model as it is changed; a model that was beside is let go of."""
        self.compare_changes()

    def _leave(self) -> None:
        """Another comparison begins: A is in view again, what only B needed is let go of."""
        if self.kind == "prompt" and self.view == "b":
            self.view = "a"
            self._store.set_prompt(self._text_a)
        if self.kind == "step" and self.view == "b":
            self.view = "a"
            self._store.timeline.go_to(self._step_a)
        if self.kind == "model" and self.model is not None:
            self.model = None
            self._store.send(m.CloseBeside())
        self.text, self.problem = "", ""
        self._store.asked.kept = frozenset()
        self._cut = self.other = self._reading = None

    # -------------------------------------------------------------------------- inside

    def _keep_answers(self) -> None:
        """Of two models, what one said is there at once when it comes back into view."""
        sides = (self._store.model, self.model)
        kept = {one.model_id for one in sides if one is not None and self.kind == "model"}
        self._store.asked.kept = frozenset(kept)

    def _show(self) -> None:
        """Another side, or another comparison: what is in view follows, then it is told."""
        self._store.read_under(self._store.intervening.applied)
        self._follow()
        self.changed.emit()

    def _note_prompt(self) -> None:
        """What is typed while B is in view is B's text."""
        if self.kind == "prompt" and self.view == "b":
            self.text = self._store.prompt
        else:
            self._text_a = self._store.prompt

    def _follow(self) -> None:
        """The other side of what is in view now."""
        read, before = self._store.read, self.other
        self.other = None
        timeline = self._store.timeline
        moved = timeline.step != self.at_step and timeline.wanted == timeline.step
        if self.kind == "step" and self.view == "b" and moved and timeline.step is not None:
            self.at_step = timeline.step  # who travels while B is in view moves B
            self.changed.emit()
        if read is not None and self.there and self.view != "b":
            self._find_other(read)
        if self.other is None:
            self.alignment = by_position(0)
        elif self.other != before or self.alignment.n_a != (read.n_tokens if read else 0):
            assert read is not None
            self._store.asked.note_read(self.other)
            self.alignment = self._aligned(read, self.other)

    def _find_other(self, read: m.PromptRead) -> None:
        """What the other side reads: known, or asked for."""
        if self.kind == "changes":
            clean = read.subject.of_clean()
            self.other = None if clean == read.subject else replace(read, subject=clean)
            return
        if self.kind == "step":
            self.other = replace(read, subject=replace(read.subject, step=self.at_step))
            return
        subject = read.subject
        text, model_id = self.text, subject.model
        step, some = subject.step, subject.interventions
        if self.kind == "model":
            assert self.model is not None
            text, model_id = read.text, self.model.model_id
            step, some = None, self._store.intervening.of_model(model_id)
        cut = self._cut
        if cut is not None and (cut.text, cut.subject.model) == (text, model_id):
            self.other = replace(cut, subject=replace(cut.subject, step=step, interventions=some))
            return
        asked = self._reading
        if asked is None or (asked.text, asked.model_id) != (text, model_id):
            self._reading = m.ReadOther(text=text, model_id=model_id)
            self._store.send(self._reading)

    def _aligned(self, read: m.PromptRead, other: m.PromptRead) -> Alignment:
        if self._unlike_vocabularies:
            return aligned(
                [token.bytes for token in read.tokens], [token.bytes for token in other.tokens]
            )
        return aligned(read.subject.ids, other.subject.ids)

    # ------------------------------------------------------------------------- results

    def take(self, result: m.Result) -> bool:
        reading = self._reading
        match result:
            case m.OtherRead():
                if reading is not None and reading.id == result.request_id:
                    self._reading, self.problem, self._cut = None, "", result.read
                    self._follow()
                    self.changed.emit()
            case m.Failed(request=m.ReadOther()):
                if reading is not None and reading.id == result.request_id:
                    self.problem, self._cut = f"B can't be read: {result.message}", None
                    self.other = None
                    self.changed.emit()
            case m.Cancelled():
                if reading is None or reading.id != result.request_id:
                    return False
                self._reading = None
            case m.Failed(request=m.ShowBeside()):
                self._wanted, self._asked_b = self.view, self.view == "b"
                self._store.post(Notice.of(result))
                self.changed.emit()
            case _:
                return False
        return True

    def reset(self, model: m.ModelInfo) -> bool:
        """Another model is in view: it may be one of the two sides."""
        if self.kind == "model":
            if self.owns(model):
                self.view = "b"
            else:
                if self.view == "b":
                    self.view = "difference" if self._wanted == "b" else self._wanted
                    self._wanted, self._asked_b = self.view, False
                self._keep_answers()
        elif self.kind == "step" and not self._store.timeline.has(self.at_step):
            self.kind, self.view = "changes", "b"
        elif self._cut is not None and self._cut.subject.model != model.model_id:
            self._cut = None
        self.other, self._reading, self.problem = None, None, ""
        return True
