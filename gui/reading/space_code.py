"""Lines of Python for a table on its axes, and what is near in it.

They run after ``import model`` and ``lm = model.open(…)``. Knows answers; no widget.
"""

from __future__ import annotations

from dataclasses import replace

from model import messages as m
from model.space.projections import PROJECTIONS
from model.space.questions import QUESTIONS
from model.space.registry import entry_of
from model.space.sources.asks import BY_HEAD, InContext, TableFile, TextInContext, TokenTable


def of(vocabulary: m.VocabularyProjected, near: m.NeighboursFound | None, text: str) -> str:
    """The table, its axes, and the rows that are near a sum of rows.

    While a model learns, the cloud is turned to lie as the one before: the lines give it unturned.

    Args:
        vocabulary: that is drawn.
        near: the neighbours that are listed, if any.
        text: the prompt, for a table in context.
    """
    how = vocabulary.how
    place = entry_of(PROJECTIONS, how.name).asks.partition(":")[0]
    named = [type(how).__name__] + (["Direction"] if hasattr(how, "directions") else [])
    imports = [
        "from model.space.projecting import project",
        f"from {place} import {', '.join(sorted(named))}",
        "from model.space.table import VectorTable",
    ]
    more, lines = _table(vocabulary, text)
    imports += more
    lines.append(f"projection = project({how!r}, table)")
    if near is not None:
        imports.append("from model.space.asking import ask")
        asks = entry_of(QUESTIONS, near.question.name).asks.partition(":")[0]
        imports.append(f"from {asks} import Near")
        lines.append(f"neighbours = ask({near.question!r}, table)")
    return "\n".join((*imports, "", *lines))


def _table(vocabulary: m.VocabularyProjected, text: str) -> tuple[list[str], list[str]]:
    source = vocabulary.source
    if isinstance(source, TokenTable):
        rows = f'lm.transformer.table("{source.matrix}")'
        return [], [f'table = VectorTable({rows}, "{source.matrix}")']
    if isinstance(source, InContext):
        rows = f"lm.trace({text!r})[{source.activation!r}][0]"
        if source.part in BY_HEAD:
            # Heads that share keys and values read the one of their group.
            rows += f"[:, {source.head} * lm.config.{_heads(source.part)} // lm.config.n_heads]"
        return [], [f"table = VectorTable({rows}, {source.title!r})"]
    if isinstance(source, TextInContext):
        return _of_text(source)
    assert isinstance(source, TableFile)
    imports = [
        "import torch",
        "from model.slices import finish",
        "from model.space.files import reading_file",
    ]
    return imports, [
        f"read = finish(reading_file({source.path!r}, {source.sample}))",
        f"table = VectorTable(torch.from_numpy(read.rows_ND), {source.title!r}, read.labels)",
    ]


def _of_text(source: TextInContext) -> tuple[list[str], list[str]]:
    source = replace(source, model=1, step=None, changed=0)
    imports = [
        "from model.bench import Bench",
        "from model.slices import finish",
        "from model.space.asking import opening",
        "from model.space.sources.asks import TextInContext",
        "from model.space.sources.place import Place",
    ]
    kinds = sorted({type(one).__name__ for one in source.interventions})
    if kinds:
        imports.append(f"from model.interventions import {', '.join(kinds)}")
    return imports, [
        "bench = Bench()",
        "bench.hold(1, lm)",
        "word = lm.tokenizer.piece",
        f"table = finish(opening({source!r}, Place(bench, 1, word=word)))",
    ]


def _heads(part: str) -> str:
    return "n_kv_heads" if part in ("k", "v") else "n_heads"
