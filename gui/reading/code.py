"""Lines of Python for what is shown: one that fetches a number, or a whole script for a pane.

Lines run where ``import model``, ``lm = model.open(…)`` and, for activations, ``trace =
lm.trace(…)`` have been; a script has these in it. Knows names, indices and answers; no network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from model import messages as m
from model.interventions import Intervention
from model.operations import PROBABILITIES
from model.probe.lines import OTHER, asking_all, written
from model.probe.question import Answer
from model.sampling import OWN, Sampling
from model.subject import Subject


def activation(
    name: str, index: Sequence[int] = (), *, sampling: Sampling = OWN, position: int = -1
) -> str:
    """Fetches an activation, or one number of it, from ``trace``.

    Args:
        name: full name or alias; ``probabilities`` too.
        index: full index, batch included; empty for all of it.
        sampling: what ``probabilities`` are drawn with.
        position: whose ``probabilities``, where there is no index.
    """
    if name == PROBABILITIES:
        how = sampling.code()
        at = index[1] if index else position
        return f'model.probabilities(trace["logits"][0, {at}], {how}){_inside(index[2:])}'
    return f'trace["{name}"]{_inside(index)}'


def opening(
    place: str,
    text: str | list[int],
    interventions: Sequence[Intervention] = (),
    device: str = "cpu",
) -> str:
    """What lines with ``lm``, ``text`` and ``trace`` in them need before them.

    Args:
        place: of the model: a path or a name on a hub.
        text: that is read, or its tokens.
        interventions: that it is read under.
        device: where it computes.
    """
    kinds = sorted({type(one).__name__ for one in interventions})
    imports = ["import torch", "", "import model"]
    if kinds:
        imports.append(f"from model.interventions import {', '.join(kinds)}")
    under = f", interventions=({', '.join(map(repr, interventions))},)" if kinds else ""
    return "\n".join(
        (
            *imports,
            "",
            *(() if device == "cpu" else (f"torch.set_default_device({device!r})",)),
            f"lm = model.open({place!r})",
            f"text = {text!r}",
            f"trace = lm.trace(text{under})",
            "",
        )
    )


def parameter(name: str, index: Sequence[int | None] = ()) -> str:
    """Fetches a parameter, or a part of it, from ``lm``.

    Args:
        name: as TransformerLens calls it.
        index: None where all of an axis is meant; empty for all of the parameter.
    """
    return f'lm.parameter("{name}"){_inside(index)}'


def vector_of(matrix: str, token_id: int) -> str:
    """Fetches one token's vector out of ``W_E`` or ``W_U``."""
    # W_U is [d_model, d_vocab] under its TransformerLens name: a token is a column.
    return parameter(matrix, (None, token_id) if matrix == "W_U" else (token_id,))


def tracing(subject: Subject) -> str:
    """Makes ``trace`` of a subject: what a fetched activation is read from."""
    imports, interventions = written(subject.interventions)
    under = f", interventions={interventions}" if subject.interventions else ""
    return "\n".join((*imports, f"trace = lm.trace({list(subject.ids)}{under})"))


def of_answers(answers: Mapping[str, Answer]) -> str:
    """Asks again for what is drawn: every answer by its name, and ``found`` if it is one."""
    return asking_all({"found": next(iter(answers.values()))} if len(answers) == 1 else answers)


def of_two(lines: str, theirs: Mapping[str, Answer], place: str) -> str:
    """Lines about a model, and what another is asked: the second one of a comparison.

    Args:
        lines: about the first, perhaps about both.
        theirs: answers of the second, by name.
        place: by what the second is opened.
    """
    if not theirs and OTHER not in lines:
        return lines
    return together(f"{OTHER} = model.open({place!r})", lines, asking_all(theirs, OTHER))


def tokens(read: m.PromptRead, model: m.ModelInfo) -> str:
    """A prompt's tokens as bytes, as far as the context holds them; ids without a tokenizer."""
    ids = f"ids = {list(read.subject.ids)}"
    if not model.vocabulary:
        return ids
    return f"{ids}\ntokens = [lm.tokenizer.vocabulary[id] for id in ids]"


def of_tensor(
    name: str, examined: m.WeightExamined | None, singular: m.SingularValuesFound | None
) -> str:
    """Figures, histogram and picture of a parameter, and its singular values where they are shown.

    Args:
        name: of the parameter, as TransformerLens calls it.
        examined: what is drawn of it in detail, if anything.
        singular: the singular values that are drawn.
    """
    imports = ["from model.probe.weights import compute as weights"]
    lines = [f'tensor = lm.parameter("{name}")']
    part = None
    if examined is not None:
        part = examined.layout.part
    elif singular is not None:
        part = singular.part
    if examined is not None or singular is not None:
        imports.append("from model.probe.weights.matrix_layout import layout_of")
        lines.append(f'layout = layout_of("{name}", tuple(tensor.shape), {part})')
        lines.append("matrix = weights.as_matrix(tensor, layout)")
    imports.append("from model.slices import finish")
    lines.append("figures = finish(weights.figures(tensor))")
    if examined is not None:
        one = "tensor" if part is None else f"tensor[{part}]"
        most = tuple(max(1, size) for size in examined.values.shape)
        lines += [
            f"histogram = finish(weights.histogram({one}, {examined.low!r}, {examined.high!r}, "
            f"{len(examined.counts)}))",
            f"picture = finish(weights.picture(matrix, {examined.rows}, {examined.columns}, "
            f"{most}))",
        ]
    if singular is not None:
        imports.append("from model.probe.singular_values.compute import singular_values")
        lines.append("singular = finish(singular_values(matrix))")
    return "\n".join((*sorted(imports), "", *lines))


def of_run(run_dir: str) -> str:
    """What was measured of a run, read from its folder."""
    return (
        "from pathlib import Path\n"
        "from model.slices import finish\n"
        "from model.train.record import reading_record\n\n"
        f"run = finish(reading_record(Path({run_dir!r})))\n"
        "train_loss = [(step.step, step.train_loss) for step in run.steps]\n"
        "val_loss = [(at.step, at.val_loss) for at in run.evaluations]"
    )


def of_log(path: str) -> str:
    """What another program's log tells of a training."""
    return (
        "from pathlib import Path\n"
        "from model.slices import finish\n"
        "from model.train.other_logs import reading_log\n\n"
        f"run = finish(reading_log(Path({path!r})))\n"
        "train_loss = [(step.step, step.train_loss) for step in run.steps]\n"
        "val_loss = [(at.step, at.val_loss) for at in run.evaluations]"
    )


def of_curves(run_dir: str) -> str:
    """What was measured of a run's network, read from its folder."""
    return (
        "from pathlib import Path\n"
        "from model.slices import finish\n"
        "from model.train.record import reading_record\n\n"
        f"run = finish(reading_record(Path({run_dir!r})))\n"
        "curves = {}\n"
        "for measured in run.measured:\n"
        "    for place, measure, value in measured.values:\n"
        "        curves.setdefault((place, measure), []).append((measured.step, value))"
    )


def of_runs(folder: str) -> str:
    """The runs of a folder as a tree, with their validation losses."""
    return (
        "from pathlib import Path\n"
        "from model.slices import finish\n"
        "from model.train.branching.tree import differing, reading_tree\n\n"
        f"runs = finish(reading_tree(Path({folder!r})))\n"
        "val_loss = {run.name: dict(zip(run.val_steps, run.val_loss)) for run in runs}\n"
        "settings = differing([run.recipe for run in runs if run.recipe is not None])"
    )


def together(*parts: str) -> str:
    """Lines of several kinds as one: their imports first, each once."""
    rows = [row for part in parts for row in part.splitlines()]
    imports = [row for row in rows if _is_import(row)]
    rest = [row for row in rows if row and not _is_import(row)]
    return "\n".join((*dict.fromkeys(imports), "", *rest)) if rest else ""


def script(lines: str, place: str, said: Sequence[str] = ()) -> str:
    """Lines as a whole script, which runs as it is.

    Args:
        lines: after ``import model`` and ``lm = model.open(…)``; imports first.
        place: by what their model is opened; empty where they need none.
        said: sentences above them: which prompt, which step.
    """
    rows = lines.splitlines()
    imports = [row for row in rows if _is_import(row)]
    rest = [row for row in rows if not _is_import(row)]
    while rest and not rest[0]:
        del rest[0]
    opening = ["import model"] if place else []
    opened = [f"lm = model.open({place!r})"] if place else []
    comments = [f"# {' '.join(sentence.split())}" for sentence in said]
    return "\n".join((*comments, *opening, *imports, "", *opened, *rest, ""))


def _is_import(row: str) -> bool:
    return row.startswith(("import ", "from "))


def _inside(index: Sequence[int | None]) -> str:
    if not index:
        return ""
    return f"[{', '.join(':' if at is None else str(at) for at in index)}]"
