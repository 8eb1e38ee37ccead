"""What a number is made of, as pieces of a line: a figure, a word, and where each leads.

Knows answers, operations and words; no store, no widget.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gui.panes.stage.marks import figure
from gui.panes.stage.scenes.kit import EXPERT, symbol
from gui.reading.axes import letters_of, place_words
from model import messages as m
from model.counting import ordinal
from model.operations import INPUT_IDS, LOGITS, Operation
from model.probe.terms.asks import Factor, Term, Terms, TermsFound

BLOCK = re.compile(r"blocks\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads.

    Attributes:
        name: of the activation that stands there.
        index: of the number; empty for the operation at the selected place.
    """

    name: str
    index: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A figure with a word beneath it, and where each leads.

    Attributes:
        figure, word: what is said.
        tone: the theme's name of the figure's colour.
        to, word_to: where each leads.
        is_formula: whether parts of the figure are lowered and raised (`gui.widgets.formula`).
    """

    figure: str
    word: str
    tone: str
    to: Target | None = None
    word_to: Target | None = None
    is_formula: bool = False


def feeds(op: Operation, operations: Sequence[Operation]) -> list[Piece]:
    """What reads an operation's output, in the order in which it does."""
    said = []
    for reader in operations:
        if op.output in reader.inputs:
            block = "" if reader.layer in (None, op.layer) else f"block {reader.layer}"
            target = Target(reader.output)
            said.append(Piece(f"{reader.label} →", block, "text", target, target))
    return said


def pieces(found: TermsFound, model: m.ModelInfo, read: m.PromptRead) -> list[Piece]:
    """What the line says, piece by piece; empty where nothing is known."""
    if found.value is None:
        return []
    asked = found.question
    assert isinstance(asked, Terms)
    value = figure(found.value, 0 if found.how == "choice" else 3)
    where = _where(asked, model, read)
    said = [Piece(f"{symbol(asked.of)} = {value}", where, "text")]
    size = abs(found.value) + 1e-6
    if abs(found.remainder) > 0.01 * size:
        # In front: what explains the number is not to be left out where room ends.
        said.append(Piece(_signed(found.remainder), "changed by an intervention", "warning"))
    match found.how:
        case "softmax" if found.chosen is not None:
            return [*said, *_shares(found, found.chosen, model, read)]
        case "norm":
            said += _normed(found, model)
        case "function":
            return [*said, *_function(found)]
        case "choice":
            candidates = [
                _piece(found, term, figure(term.value, 3), "dim", model, read)
                for term in found.terms
            ]
            return [*said, Piece(_rank(asked.index[-1]), "of these", "dim"), *candidates]
        case "mean square":
            said.append(Piece(found.outer, f"of {found.n_terms:,} squares", "dim"))
    for term in () if found.how == "norm" else found.terms:
        tone = "negative" if term.value < 0 else "accent"
        said.append(_piece(found, term, _signed(term.value), tone, model, read))
    left = found.n_terms - len(found.terms)
    if left > 0:
        said.append(Piece(f"… {_signed(found.rest)}", f"and {left:,} more", "dim"))
    if found.bias is not None:
        said.append(Piece(_signed(found.bias.value), symbol(found.bias.name), "dim"))
    if found.outer and found.how == "sum":
        said.append(Piece(found.outer, "", "dim", is_formula=True))
    return said


def _shares(found: TermsFound, chosen: Term, model: m.ModelInfo, read: m.PromptRead) -> list[Piece]:
    """A softmax: e to the own score over the sum of all, of which the largest are told."""
    own = replace(_piece(found, chosen, power(chosen), "accent", model, read), is_formula=True)
    others = [
        replace(_piece(found, term, power(term), "dim", model, read), is_formula=True)
        for term in found.terms
        if term.at != chosen.at
    ]
    return [own, Piece(f"÷ Σ of {found.n_terms:,}", "all of them", "dim"), *others[:2]]


def _rank(at: int) -> str:
    """Which largest, of a place in their order: ``the largest``, ``the 2nd largest``."""
    return "the largest" if at == 0 else f"the {ordinal(at + 1)} largest"


def power(term: Term) -> str:
    """Return e to the power of a score, as a formula is written."""
    return f"e^{{{figure(term.factors[0].value)}}}"


def _normed(found: TermsFound, model: m.ModelInfo) -> list[Piece]:
    """A norm: the number before, less the mean, over σ, times the gain."""
    x, sigma, *gains = found.terms[0].factors  # a norm may be without a weight
    before, scale = _target(x), _target(sigma)
    above = figure(x.value)
    if found.mean:
        sign = "−" if found.mean > 0 else "+"
        above = f"({above} {sign} {figure(abs(found.mean), 3)})"
    offset = model.config.norms.offset
    said = [
        Piece(above, "the number before", "text", before, before),
        Piece(f"÷ {figure(sigma.value, 3)}", "σ", "text", scale, scale),
    ]
    for gain in gains:
        if offset:
            word = f"{offset:g} + {symbol(gain.name)}"
            said.append(Piece(f"× ({offset:g} {_apart(gain.value)})", word, "text"))
        else:
            said.append(Piece(f"× {figure(gain.value)}", symbol(gain.name), "text"))
    return said


def _apart(value: float) -> str:
    """A summand with its sign apart: ``+ 0.12``."""
    return f"{'−' if value < 0 else '+'} {figure(abs(value))}"


def _function(found: TermsFound) -> list[Piece]:
    """A function: its arguments, then its name."""
    said = []
    for factor in found.terms[0].factors:
        to = _target(factor)
        word = symbol(factor.name) or "constant"
        said.append(Piece(figure(factor.value, 3), word, "text", to, to))
    return [*said, Piece(found.outer, "", "dim", is_formula=True)]


def _where(asked: Terms, model: m.ModelInfo, read: m.PromptRead) -> str:
    """Where the number stands, without what is selected anyway."""
    letters = letters_of(model.config, asked.of) or ""
    named = dict(zip(letters, asked.index))
    if "S" in named:
        ids = read.subject.ids
        return " → ".join(_token(ids, named[x], model) for x in "QS" if named[x] < len(ids))
    last = letters[-1:] if letters[-1:] != "1" else ""
    return place_words(model, read.subject.ids, last, asked.index[-1]) if last else ""


def _token(ids: Sequence[int], at: int, model: m.ModelInfo) -> str:
    """A token of the text, with its position where the text has it several times."""
    text = model.token_text(ids[at])
    return f"{text} {at}" if ids.count(ids[at]) > 1 else text


def _piece(
    found: TermsFound, term: Term, said: str, tone: str, model: m.ModelInfo, read: m.PromptRead
) -> Piece:
    """A term, whose figure leads to its first factor and whose word to its last."""
    own = _target(term.factors[0])
    if found.how == "lookup" and own is not None:
        return Piece(said, f"{symbol(own.name)}, as it is", tone, own, own)
    if found.how == "lookup" and term.factors[0].name:
        asked = found.question
        assert isinstance(asked, Terms)
        row = term.factors[0].index[0]
        word = f"{symbol(term.factors[0].name)} row {row:,}"
        if term.factors[0].name == "W_E":
            word = f"token {row:,} {model.token_text(row)}"
        target = Target(INPUT_IDS, asked.index[:2])
        return Piece(said, word, tone, target, target)
    targets = [t for t in (_target(factor) for factor in term.factors) if t is not None]
    first, last = (targets[0], targets[-1]) if targets else (None, None)
    return Piece(said, _place(found, term, model, read), tone, first, last)


def _target(factor: Factor) -> Target | None:
    """Where a factor was written; None for a weight or a constant."""
    is_activation = "hook_" in factor.name or factor.name in (INPUT_IDS, LOGITS)
    return Target(factor.name, factor.index) if is_activation else None


def _signed(value: float) -> str:
    value += 0.0  # a zero has no sign
    return ("+" if value >= 0 else "") + figure(value).replace("-", "−")


def _place(found: TermsFound, term: Term, model: m.ModelInfo, read: m.PromptRead) -> str:
    """Which term it is, in a word."""
    factors = term.factors
    match found.axis:
        case "key":
            ids = read.subject.ids
            return _token(ids, term.at, model) if term.at < len(ids) else str(term.at)
        case "dimension of a head":
            return f"head {factors[0].index[2]} dim {factors[0].index[3]}"
        case "neuron of an expert":
            expert = EXPERT.search(factors[-1].name)
            whose = f"expert {expert[1]} " if expert else ""
            return whose + (f"neuron {factors[1].index[-1]:,}" if len(factors) > 2 else "bias")
        case "summand" | "":
            return _summand(found, factors[0])
        case "of the pair":
            return f"dim {factors[0].index[-1]}"
        case "dimension":
            return f"dim {term.at:,}"
        case axis:
            return f"{axis} {term.at:,}"


def _summand(found: TermsFound, factor: Factor) -> str:
    """What is added; what another block wrote says which: both are called the stream."""
    wrote, writes = BLOCK.match(factor.name), BLOCK.match(found.of_name)
    name = symbol(factor.name) or "bias"
    if wrote is None or (writes is not None and wrote[1] == writes[1]):
        return name
    return f"{name} of block {wrote[1]}"
