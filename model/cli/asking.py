"""`python -m model probe NAME`: a verb for every question about a text, made of its fields.

Written once for all of them. Knows questions and answers by what all have in common.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from importlib import import_module
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from model.cli import answers
from model.cli.common import (
    AsJson,
    Checkpoint,
    Device,
    Dtype,
    Threads,
    one_sentence,
    opened,
    print_json,
    prompt_of,
    tell,
)
from model.cli.intervening import interventions, records
from model.cli.question_options import built, parameters

if TYPE_CHECKING:
    from model.language_model import LanguageModel
    from model.probe import Probe
    from model.probe.question import Question

Text = Annotated[str | None, typer.Option(help="the text that is asked about")]
Ids = Annotated[str | None, typer.Option(help='token ids instead: "1,2,3"')]
Intervene = Annotated[
    list[str] | None,
    typer.Option(
        help='change the network first: "ablate_head layer=0 head=3", or a .toml file of the '
        "window; may be repeated"
    ),
]
Out = Annotated[Path | None, typer.Option(help="the file to write: .csv or .npz")]

_BEFORE = (("path", Checkpoint, Parameter.empty), ("text", Text, None), ("ids", Ids, None))
_AFTER = (
    ("intervene", Intervene, None),
    ("out", Out, None),
    ("device", Device, "auto"),
    ("dtype", Dtype, None),
    ("threads", Threads, 0),
    ("as_json", AsJson, False),
)


def command(probe: Probe) -> Callable[..., None]:
    """The verb of a probe that has a question.

    Raises:
        TypeError: a field of its question can't be an option.
    """
    assert probe.question is not None
    module, _, name = probe.question.partition(":")
    kind: type[Question] = getattr(import_module(module), name)
    own = tuple(parameters(kind))
    names = {parameter.name for parameter in own}
    if taken := names & {name for name, *_ in (*_BEFORE, *_AFTER)}:
        raise TypeError(f"{name}: every question has an option {', '.join(sorted(taken))} already.")

    def verb(**given: Any) -> None:
        with one_sentence():
            _ask(probe, kind, {name: given.pop(name) for name in names}, **given)

    verb.__doc__ = kind.__doc__ and kind.__doc__.partition("\n    Attributes:")[0]
    every = (*map(_common, _BEFORE), *own, *map(_common, _AFTER))
    verb.__signature__ = Signature(every)  # type: ignore[attr-defined]
    verb.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
    return verb


def _common(parameter: tuple[str, Any, Any]) -> Parameter:
    name, annotation, default = parameter
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _ask(
    probe: Probe,
    kind: type[Question],
    own: dict[str, Any],
    path: Path,
    text: str | None,
    ids: str | None,
    intervene: list[str] | None,
    out: Path | None,
    device: str,
    dtype: str | None,
    threads: int,
    as_json: bool,
) -> None:
    built(kind, own, lambda _: 0)  # before a model is opened for nothing
    changed = records(intervene or ())
    prompt = None
    if kind.of_text or text is not None or ids is not None:
        prompt = prompt_of("--text", text, ids)
    if out is not None:
        answers.checked(out)
    lm = opened(path, device, dtype, threads)
    question = built(kind, own, partial(token_id, lm))
    if prompt is None:  # any, since nothing depends on it
        prompt = [[0]]
    tell(lm, prompt, "--text")
    some = interventions(changed, lm)
    answer = lm.ask(prompt, question, some)
    text_of = text_of_tokens(lm)
    if out is not None:
        answers.write(answer, out)
    if as_json:
        if out is not None:  # who has the file doesn't want the numbers twice
            print_json({"out": str(out), **answers.facts(answer)})
            return
        ids_T = answer.subject.ids
        print_json(
            {
                "probe": probe.name,
                "ids": list(ids_T),
                "tokens": [text_of(token_id) for token_id in ids_T],
                "interventions": [one.words for one in some],
                **answers.as_json(answer, text_of),
            }
        )
    elif out is not None:
        print(f"{', '.join(answer.arrays())} in {out}")
    else:
        answers.show(answer, text_of, answer.subject.ids)


def text_of_tokens(lm: LanguageModel) -> Callable[[int], str]:
    """What a model's tokens are shown as, by their ids."""
    from model.tokenizer.tokens import continued, visible

    vocabulary = () if lm.tokenizer is None else lm.tokenizer.vocabulary
    continuing = frozenset() if lm.tokenizer is None else lm.tokenizer.continuing

    def text_of(token_id: int) -> str:
        raw = vocabulary[token_id] if 0 <= token_id < len(vocabulary) else b""
        if not raw:
            return f"‹{token_id}›"
        return continued(visible(raw)) if token_id in continuing else visible(raw)

    return text_of


def token_id(lm: LanguageModel, typed: str) -> int:
    """The id of a token that was typed: a whole number is one, all else is the token's text.

    Raises:
        ValueError: it is no token of the model's, or several.
    """
    n = lm.config.d_vocab
    if re.fullmatch(r"-?\d+", typed):
        if not 0 <= int(typed) < n:
            raise ValueError(f"There is no token {typed}; there are 0 to {n - 1}.")
        return int(typed)
    if lm.tokenizer is None:
        raise ValueError(f"{lm.path} has no tokenizer: give the token's id, not {typed!r}.")
    from model.probe.measuring import ids_of_token
    from model.tokenizer.tokens import visible

    ids = ids_of_token(lm.tokenizer, typed)
    if len(ids) == 1:
        return int(ids[0])
    parts = " ".join(visible(lm.tokenizer.vocabulary[one]) for one in ids) or "none"
    raise ValueError(
        f"{typed!r} is {len(ids)} tokens of this model ({parts}), not one. Give one token, with "
        "the space before it if it begins a word, or its id."
    )
