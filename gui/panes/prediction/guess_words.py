"""What the game says: how it is scored, what a round cost, who guesses better so far.

Knows rounds and words; no store, no widget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gui.session.guessing import POINTS, Round
from model.counting import counted

FEW = 5
"""From so many rounds on a difference is told with its error."""


def rule(d_vocab: int) -> str:
    """How both are scored, in full."""
    blind = math.log2(d_vocab)
    return (
        f"Spread {POINTS} points over tokens; what you keep back, at least 1, is spread evenly "
        f"over all other tokens. Both of you lose -log2 p bits, p being the probability that each "
        "gave to the token that really comes: yours is its points divided by 100, the model's its "
        "own distribution at temperature 1, without filters. "
        f"A blind guess over all {d_vocab:,} tokens costs {blind:.1f} bits. Fewer bits are better, "
        "and on average points that say what you really believe cost the fewest."
    )


def bits_written(bits: float) -> str:
    """Bits with two digits; what can't be said in bits as ∞."""
    return f"{bits:.2f}" if math.isfinite(bits) else "∞"


def outcome(one: Round, token: str, best: str) -> str:
    """What came, and what it cost both.

    Args:
        one: the round.
        token: the text of what came.
        best: of what the model found likeliest.
    """
    person, model = one.bits
    said = f"The text goes on with “{token}”. You gave it {_share(one.person)}: "
    said += f"{bits_written(person)} bits. The model gave it {_share(one.model)}: "
    said += f"{bits_written(model)} bits"
    if best != token:
        said += f" (it found “{best}” likelier)"
    return f"{said}."


def total(rounds: Sequence[Round], d_vocab: int) -> str:
    """All rounds in one line."""
    if not rounds:
        return ""
    n = len(rounds)
    person = sum(one.bits[0] for one in rounds)
    model = sum(one.bits[1] for one in rounds)
    return (
        f"{counted(n, 'token')}   you {person / n:.2f}   model {model / n:.2f}   "
        f"blind {math.log2(d_vocab):.1f}   bits a token"
    )


def verdict(rounds: Sequence[Round]) -> str:
    """Who guesses better, as far as that can be told."""
    n = len(rounds)
    if not n:
        return ""
    differences = [one.bits[0] - one.bits[1] for one in rounds]
    mean = sum(differences) / n
    helped = sum(one.helped for one in rounds)
    aid = f" You saw the model's candidates in {helped} of {n}." if helped else ""
    if not all(map(math.isfinite, differences)):
        return f"One of you gave nothing to a token that came, so there is no mean.{aid}"
    who = "The model" if mean > 0 else "You"
    if n < FEW:
        ahead = "is" if mean > 0 else "are"
        return f"{who} {ahead} ahead; {counted(n, 'round')} cannot tell much yet.{aid}"
    spread = math.sqrt(sum((one - mean) ** 2 for one in differences) / (n - 1) / n)
    size = f"{abs(mean):.2f} ± {spread:.2f} bits a token"
    verb = "guesses" if mean > 0 else "guess"
    luck = ": that may still be luck" if abs(mean) < 2 * spread else ""
    return f"{who} {verb} better by {size}{luck}.{aid}"


def _share(p: float) -> str:
    """A probability in a sentence; nothing is called certain that isn't."""
    if p in (0, 1):
        return f"{p:.0%}"
    if p > 0.999:
        return "over 99.9%"
    return f"{p:.3g}" if p < 0.001 else f"{100 * p:.3g}%"
