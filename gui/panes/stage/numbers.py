"""A formula with this token's numbers in it, and the shapes of what goes in and out.

Knows answers, operations and words; no store, no widget. What is lowered or raised is written as
`gui.widgets.formula` reads it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from gui.panes.stage.marks import figure
from gui.panes.stage.scenes.kit import Scenery, called, symbol
from gui.reading.axes import parameter_shape
from model.operations import PROBABILITIES, Operation, operations, shape_of
from model.probe.tensors.asks import AXES
from model.probe.terms.asks import Factor, Term, Terms, TermsFound

MOST = 5
"""Terms that are written out, at most."""


def with_numbers(found: TermsFound | None, scenery: Scenery) -> tuple[str, ...]:
    """The formula of the number that is told of, with ever fewer of its terms written out.

    Whoever draws it takes the first that has room. Empty where nothing is known of the number.
    """
    written = dict.fromkeys(_with_numbers(found, scenery, most) for most in range(MOST, 0, -1))
    return tuple(text for text in written if text)


def _with_numbers(found: TermsFound | None, scenery: Scenery, most: int) -> str:
    op = scenery.op
    if op.output == PROBABILITIES:
        return _share(scenery, most)
    if found is None or found.value is None:
        return ""
    asked = found.question
    assert isinstance(asked, Terms)
    if asked.of != op.output:
        op = next((o for o in operations(scenery.model.config) if o.output == asked.of), op)
    left = _left(op, asked.index)
    right = _right(found, most, scenery.model.config.norms.offset)
    return f"{left} = {right} = {_number(found.value, 0 if found.how == 'choice' else 3)}"


def _right(found: TermsFound, most: int, offset: float) -> str:
    terms = found.terms[:most]
    match found.how:
        case "softmax" if found.chosen is not None:
            top = f"e^{{{_number(found.chosen.factors[0].value)}}}"
            others = [t for t in terms if t.at != found.chosen.at][: most - 1]
            under = " + ".join((top, *(f"e^{{{_number(t.factors[0].value)}}}" for t in others)))
            left = found.n_terms - 1 - len(others)
            return f"{top} / ({under}" + (f" + … {left:,} more)" if left > 0 else ")")
        case "norm":
            x, sigma, *gains = found.terms[0].factors
            mean = f" − {_bracket(found.mean, 3)}" if found.mean else ""
            above = f"({_number(x.value)}{mean})" if mean else _number(x.value)
            bias = "" if found.bias is None else f" + {_bracket(found.bias.value)}"
            gain = "".join(f" · {_gain(each.value, offset)}" for each in gains)
            return f"{above} / {_number(sigma.value, 3)}{gain}{bias}"
        case "function":
            values = ", ".join(
                f"{_name(f.name) or 'constant'} {_number(f.value, 3)}"
                for f in found.terms[0].factors
            )
            return f"{found.outer}  at {values}"
        case "choice":
            listed = ", ".join(_number(term.value, 3) for term in terms)
            return f"the place of a largest of {listed}"
        case "lookup":
            return _written(found.terms[0].factors[-1])
        case "mean square":
            squares = " + ".join(_number(term.value) for term in terms)
            return f"√({squares}{_more(found, len(terms))} + ε)"
    total = " + ".join(_product(term) for term in terms) + _more(found, len(terms))
    if found.bias is not None:
        total += f" + {_bracket(found.bias.value)}"
    return f"({total}), then {found.outer}" if found.outer else total


def _gain(value: float, offset: float) -> str:
    """What a norm multiplies with: some families keep it less one."""
    if not offset:
        return _bracket(value)
    sign = "−" if value < 0 else "+"
    return f"({offset:g} {sign} {_number(abs(value))})"


def _more(found: TermsFound, told: int) -> str:
    """What all terms give that are not written out."""
    left = found.n_terms - told
    if left <= 0:
        return ""
    rest = found.rest + math.fsum(term.value for term in found.terms[told:])
    return f" + {_bracket(rest)} ({left:,} more)"


def _product(term: Term) -> str:
    if len(term.factors) < 2:
        return _bracket(term.value)
    return " · ".join(_bracket(factor.value) for factor in term.factors)


def _written(factor: Factor) -> str:
    return f"{symbol(factor.name)}[{', '.join(map(str, factor.index))}]"


def _left(op: Operation, index: Sequence[int]) -> str:
    """What the formula calls the number: ``q_{14}[7]``."""
    name = re.split(r"\s*[=←]", op.formula)[0].strip()
    named = dict(zip(op.shape, index))
    query = named.get("T", named.get("Q", 0))
    name = name.replace("_ij", f"_{{{query}, {named.get('S', 0)}}}")
    name = re.sub(r"_ie?(?![A-Za-z])", f"_{{{query}}}", name).replace("^e", "")
    last = op.shape[-1]
    return name if last in "S1T" else f"{name}[{index[-1]}]"


def _share(scenery: Scenery, most: int) -> str:
    """The likeliest token's probability, as the softmax makes it."""
    scored, sampling = scenery.found.scored, scenery.asked.sampling
    if not scored or math.isnan(scored[0].share):
        return ""
    best = scored[0]
    token = scenery.model.token_text(best.id)
    if sampling.temperature == 0:
        return f"p(“{token}”) = 1: at temperature 0 the likeliest token is taken"
    over = "" if sampling.temperature == 1 else f" / {sampling.temperature:g}"
    terms = [f"e^{{{_number(each.score)}{over}}}" for each in scored[:most] if each.share > 0]
    left = scenery.found.n_kept - len(terms)
    more = f" + … {left:,} more" if left > 0 else ""
    return f"p(“{token}”) = {terms[0]} / ({' + '.join(terms)}{more}) = {best.share:.3f}"


def shapes(scenery: Scenery) -> str:
    """What is read and written with sizes: ``reads n [15 × 128], W_Q [4 × 128 × 32]; …``."""
    op, config, n = scenery.op, scenery.model.config, scenery.read.n_tokens
    read = []
    for name in op.inputs:
        source = next(o for o in operations(config) if o.output == name)
        read.append(f"{_name(name)} [{_sizes(shape_of(source, config, 1, n)[1:])}]")
    for name in op.parameters:
        if ".experts." not in name or ".experts.0." in name:
            each = f"{config.experts.n} × " if config.experts and ".experts." in name else ""
            read.append(f"{each}{symbol(name)} [{_sizes(parameter_shape(config, name)[0])}]")
    names = (AXES[letter].replace("kv_", "key/value ") for letter in op.shape[1:] if letter != "1")
    axes = " × ".join(names).replace("_", " ")  # a formula would lower what stands behind it
    written = f"writes {_name(op.output)} [{_sizes(shape_of(op, config, 1, n)[1:])}]: {axes}"
    return f"reads {', '.join(read)}; {written}" if read else written


def _name(name: str) -> str:
    """What a tensor is called, without marks that a formula would read as lowering."""
    return called(name).replace("_", " ")


def _sizes(shape: Sequence[int]) -> str:
    return " × ".join(f"{size:,}" for size in shape)


def _number(value: float, digits: int = 2) -> str:
    return figure(value, digits).replace("-", "−")


def _bracket(value: float, digits: int = 2) -> str:
    """A number that something stands in front of: in brackets, if it is negative."""
    text = _number(value, digits)
    return f"({text})" if text.startswith("−") else text
