"""What the curves say, in a sentence: the moment of an induction head, who moves and who doesn't.

Knows what was measured; no widget.
"""

from __future__ import annotations

from gui.panes.curves.series import RunSeries
from gui.session.moments import Learned, Moment
from gui.session.training_run import Run
from model.train.watches import ACCURACY, HELD_OUT, TRAINED_ON

USUAL_RATIO = 1e-3
"""Of a step's update to the weights; a rule of thumb, said as one."""


def sentence(series: RunSeries, moment: Moment | Learned | None, step: int, n_layers: int) -> str:
    """What is worth saying at a step.

    Args:
        series: of the run.
        moment: when a task was learned, or an induction head formed.
        step: that is in view.
        n_layers: of the network.
    """
    run = series.run
    if not run.measured:
        return nothing_measured(run)
    said = []
    accuracy = _of_task(series, step)
    if accuracy:
        said.append(accuracy)
    if isinstance(moment, Learned):
        said.append(_of_learned(moment))
    elif moment is not None:
        said.append(_of_moment(series, moment))
    elif n_layers == 1 and not accuracy:
        said.append("One layer: an induction head needs a head of an earlier layer to build on.")
    said.append(_of_step(series, step, n_layers))
    return " ".join(part for part in said if part)


def nothing_measured(run: Run) -> str:
    """Why there is only a loss."""
    if run.running and run.recipe.curves_every:
        return f"The first curves come with step {run.recipe.curves_every:,}."
    if run.program:
        return f"{run.finished.message if run.finished else ''} Curves by layer are measured here."
    return (
        "Only the loss was kept of this run: its recipe measures no curves (curves_every), or it "
        "was written by an older version."
    )


def _of_task(series: RunSeries, step: int) -> str:
    """A task's metric; empty where there is none."""
    known, held_out = (series.value_at(place, ACCURACY, step) for place in (TRAINED_ON, HELD_OUT))
    if known is None or held_out is None:
        return ""
    return (
        f"At step {step:,} it answers {known:.1%} of the questions that it is trained on, and "
        f"{held_out:.1%} of those that it never saw."
    )


def _of_learned(moment: Learned) -> str:
    if not moment.groks:
        return f"By step {moment.step:,} it has the rule: {moment.share:.0%} of those are right."
    return (
        f"It groks: it knew the others by heart at step {moment.knew_at:,}, and only at step "
        f"{moment.step:,} has the rule."
    )


def _of_moment(series: RunSeries, moment: Moment) -> str:
    before = _loss_near(series.run, moment.step // 2)
    after = _loss_near(series.run, moment.step)
    fell = ""
    if before is not None and after is not None and moment.step // 2 < moment.step:
        fell = f"; the loss went from {before:.2f} at half that step to {after:.2f}"
    return (
        f"By step {moment.step:,} head {moment.head} of layer {moment.layer} puts "
        f"{moment.score:.0%} of its weight on what followed the same token before{fell}."
    )


def _loss_near(run: Run, step: int) -> float | None:
    """The mean of the batches' losses just before a step."""
    losses = [done.train_loss for done in run.steps if step - 20 < done.step <= step]
    return sum(losses) / len(losses) if losses else None


def _of_step(series: RunSeries, step: int, n_layers: int) -> str:
    places = ["embed", *(f"blocks.{layer}" for layer in range(n_layers)), "unembed"]
    norms = [(series.value_at(place, "grad_norm", step), place) for place in places]
    known = [(value, place) for value, place in norms if value is not None]
    ratios = [(series.value_at(place, "update_ratio", step), place) for place in places]
    moves = [(value, place) for value, place in ratios if value is not None]
    if not known or not moves:
        return ""
    (_, steepest), (ratio, fastest) = max(known), max(moves)
    if ratio == 0:
        return f"At step {step:,} no weight moves: the learning rate has come to 0."
    much = ratio / USUAL_RATIO
    usual = (
        f", {much:.0f} times the usual tenth of a percent"
        if much >= 3
        else ", far less than the usual tenth of a percent"
        if much < 0.1
        else ""
    )
    both = "" if steepest == fastest else f"; the largest gradient is that of {steepest}"
    return (
        f"At step {step:,} {fastest} moves most, {ratio:.2%} of its own length a step{usual}{both}."
    )
