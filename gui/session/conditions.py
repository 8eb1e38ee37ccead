"""When a command can be used: questions to the store that are answered yes or no.

Free of Qt: the entries of the panes and the window's own commands both name them, and both are
read before a pane is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gui.session.store import Store

Condition = Callable[["Store"], bool]


def always(store: Store) -> bool:
    """Any time."""
    return True


def has_model(store: Store) -> bool:
    """A model is in view."""
    return store.model is not None


def has_prompt(store: Store) -> bool:
    """A prompt has been read, so that questions can be asked about it."""
    return store.read is not None


def can_return(store: Store) -> bool:
    """Somebody has jumped from one operation to another."""
    return store.walking.can_return


def can_go_ahead(store: Store) -> bool:
    """Somebody has gone back to where a jump began."""
    return store.walking.can_go_ahead


def has_interventions(store: Store) -> bool:
    """There is a list of interventions, on or off."""
    return bool(store.intervening.entries)


def has_comparison(store: Store) -> bool:
    """There is a B: something that what is in view is compared with."""
    return store.comparing.there


def compares_other(store: Store) -> bool:
    """B is another prompt or another model."""
    return store.comparing.kind != "changes"


def can_draw(store: Store) -> bool:
    """There is a distribution of tokens to draw from, and no text that is being written."""
    there = has_prompt(store) and store.model is not None and store.model.config.has_logits
    return there and not store.generating.going


def can_generate(store: Store) -> bool:
    """The model in view can continue a text, and there is one."""
    return has_prompt(store) and store.model is not None and not store.model.config.no_continuation


def can_take_back(store: Store) -> bool:
    """The prompt ends with a token that was drawn, forced or taken."""
    return store.adding.can_go_back


def can_mask(store: Store) -> bool:
    """The model in view fills masks, and there is a text."""
    return has_prompt(store) and store.masking.possible


def can_cancel(store: Store) -> bool:
    """Something goes on that can be stopped: a long question, an opening, a file, a generation."""
    return (
        store.opening.going
        or store.run.starting is not None
        or store.generating.going
        or store.asked.longest is not None
        or store.exporting.going
    )


def is_generating(store: Store) -> bool:
    """Text is being written."""
    return store.generating.going


def is_training(store: Store) -> bool:
    """A run is going; it may be paused."""
    return store.run.running


def can_hold(store: Store) -> bool:
    """A run goes on and can be paused, or waits; or one has ended that can go on."""
    return is_training(store) or can_take_up(store)


def can_take_up(store: Store) -> bool:
    """The run that is told of has ended and can go on from its last saved state."""
    run = store.run.shown
    return can_start(store) and run is not None and not run.running and run.can_resume


def can_start_again(store: Store) -> bool:
    """The run that is told of has ended and left weights that another can begin with."""
    run = store.run.shown
    return can_start(store) and run is not None and not run.running and bool(run.weights)


def has_run(store: Store) -> bool:
    """A run is told of."""
    return store.run.shown is not None


def can_branch(store: Store) -> bool:
    """The run that is told of has kept a step that another can begin at."""
    return can_start(store) and store.branching.here is not None


def can_follow(store: Store) -> bool:
    """The run of the opened model is written by another process."""
    return store.watching.grows or store.watching.newest is not None


def can_start(store: Store) -> bool:
    """A run can begin: none goes on, and no queue of sizes is trained."""
    return store.engine is not None and not store.run.going and not store.scaling.going


def can_tune(store: Store) -> bool:
    """The model in view predicts the next token and lies somewhere, so that it can be tuned."""
    model = store.model
    there = model is not None and model.config.head == "lm" and model.config.causal
    return there and bool(store.tuning.weights)


def can_tune_now(store: Store) -> bool:
    """And no other run goes on."""
    return can_start(store) and can_tune(store)


def can_draw_pair(store: Store) -> bool:
    """Two continuations can be drawn to choose from."""
    return can_generate(store) and store.tuning.drawing is None


def can_learn_choices(store: Store) -> bool:
    """Something was preferred, and a run can begin that learns it."""
    return can_tune_now(store) and bool(store.tuning.choices)


def can_step(store: Store) -> bool:
    """An update of the weights can be asked for: of the run that is going, or as its first."""
    return is_training(store) or can_start(store)


def has_steps(store: Store) -> bool:
    """The model in view comes of a training of which several steps were kept."""
    return bool(store.timeline.steps)


def may_stop(store: Store) -> bool:
    """A run is going, or gets ready."""
    return store.run.going


def can_start_queue(store: Store) -> bool:
    """A queue of sizes can begin, or go on."""
    return not store.scaling.going and not store.scaling.refusal


def is_training_queue(store: Store) -> bool:
    """A queue of sizes is trained; it may be paused."""
    return store.scaling.going
