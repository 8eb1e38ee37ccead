"""The steps from queries and keys to the scores that the softmax reads, one operation each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from model.config import TransformerConfig
from model.counting import counted
from model.operations.operation import Kind, Steps
from model.operations.words import capped, scaled

SCORES = "hook_attn_scores"
"""TransformerLens' name for the scores that the softmax reads."""

SCORE_HOOKS: Mapping[Kind, str] = MappingProxyType(
    {"dot": "hook_dot", "scale": "hook_scaled", "bias": "hook_biased", "cap": "hook_capped"}
)
"""The steps from queries and keys to scores, and what each writes where another follows."""


def write_scores(steps: Steps, config: TransformerConfig, layer: int, query: str, key: str) -> str:
    """From queries and keys to what the softmax reads, as many steps as the config has.

    The last of them writes ``hook_attn_scores``, whichever it is: TransformerLens' name for the
    scores that the softmax reads, masked entries -inf.

    Args:
        steps: where they are appended.
        config: of the network.
        layer: index of the block.
        query: name of the queries that are read.
        key: name of the keys.

    Returns:
        Name of the scores.
    """
    attn = f"blocks.{layer}.attn"
    chain = _score_steps(config, layer)
    read: tuple[str, ...] = (query, key)
    for step in chain:
        hook = SCORES if step is chain[-1] else SCORE_HOOKS[step.kind]
        written = steps.write(
            f"{attn}.{hook}", step.kind, read, (), "BHQS", step.label, step.formula, step.sentence
        )
        read = (written,)
    return read[0]


def score_formula(config: TransformerConfig, layer: int) -> str:
    """What a score is of a query and a key, in one term: ``3 tanh((q · k / √d_head) / 3)``.

    All of the steps above but the mask, in the order in which they are executed.
    """
    term = "q · k"
    if config.score_scale(layer) != 1:
        usual = usual_scale(config, layer)
        term = f"{term} / {usual}" if usual else scaled(term, config.score_scale(layer))
    if config.alibi is not None:
        term = f"{term} − m_h (i − j)"
    return capped(term, config.caps.scores)


def usual_scale(config: TransformerConfig, layer: int) -> str:
    """What a layer's scores are divided by, as formulas have it; empty where it is a number."""
    if config.scales.scores is not None:
        return ""
    return f"({layer + 1} √d_head)" if config.scales.by_layer and layer else "√d_head"


@dataclass(frozen=True, slots=True)
class _Step:
    kind: Kind
    label: str
    formula: str
    sentence: str


def _score_steps(config: TransformerConfig, layer: int) -> list[_Step]:
    chain = [
        _Step(
            "dot",
            "Query · key",
            "s_ij = q_i · k_j",
            "Every query meets every key: the better they fit, the larger their product.",
        )
    ]
    factor = config.score_scale(layer)
    if factor != 1:
        usual = usual_scale(config, layer)
        chain.append(
            _Step(
                "scale",
                f"÷ {usual}" if usual else f"× {factor:.4g}",
                f"s_ij ← s_ij / {usual}" if usual else f"s_ij ← {factor:.4g} s_ij",
                "Sums over many dimensions are large: unscaled, the softmax would pick a single "
                "key.",
            )
        )
    if config.alibi is not None:
        chain.append(
            _Step(
                "bias",
                "Position bias",
                "s_ij ← s_ij − m_h (i − j)",
                "The farther a key stands behind the query, the less it counts, "
                "at a rate per head.",
            )
        )
    if config.caps.scores is not None:
        chain.append(
            _Step(
                "cap",
                "Soft cap",
                f"s_ij ← {capped('s_ij', config.caps.scores)}",
                f"No score leaves ±{config.caps.scores:g}; small ones stay almost as they are.",
            )
        )
    window = config.window_at(layer)
    if config.causal or window is not None:
        formula, sentence = _mask_words(config.causal, window)
        chain.append(_Step("mask", "Mask", formula, sentence))
    return chain


def _mask_words(causal: bool, window: int | None) -> tuple[str, str]:
    """Formula and sentence of what no query may see."""
    if causal and window is not None:
        return (
            f"s_ij ← −∞ unless i − {window} < j ≤ i",
            "A query meets its own key; all others are masked."
            if window == 1
            else f"A query meets the keys of the last {window:,} positions up to its own; "
            "all others are masked.",
        )
    if causal:
        return (
            "s_ij ← −∞ for j > i",
            "A query meets the keys up to its own position; later ones are masked.",
        )
    assert window is not None
    return (
        f"s_ij ← −∞ for |i − j| > {window // 2}",
        f"A query meets the keys at most {counted(window // 2, 'position')} away; all others are "
        "masked.",
    )
