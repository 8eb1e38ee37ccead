"""Exponents that were published, and what a small fit beside them can and can't say.

Knows numbers of three papers and a fit; no run.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.train.scaling.fit import LawFit


@dataclass(frozen=True, slots=True)
class PublishedLaw:
    """What a paper reports.

    Attributes:
        title: who and when.
        source: where it stands.
        alpha, beta: exponents of parameters and of tokens.
        irreducible: E, nats per token of their tokenizer; None where the law has none.
        count: which parameters N counts.
        sizes: from which networks, on what.
        low, high: of N in their networks.
    """

    title: str
    source: str
    alpha: float
    beta: float
    irreducible: float | None
    count: str
    sizes: str
    low: float
    high: float


LAWS = (
    PublishedLaw(
        "Kaplan et al. 2020",
        "arXiv:2001.08361, equations 1.1 and 1.2",
        0.076,
        0.095,
        None,
        "without embeddings",
        "768 to 1.5 billion parameters on web text",
        768,
        1.5e9,
    ),
    PublishedLaw(
        "Chinchilla, 2022",
        "Hoffmann et al., arXiv:2203.15556, approach 3",
        0.34,
        0.28,
        1.69,
        "all",
        "70 million to 16 billion parameters on web text and books",
        7e7,
        1.6e10,
    ),
    PublishedLaw(
        "Chinchilla, refitted 2024",
        "Besiroglu et al., arXiv:2404.10102",
        0.3478,
        0.3658,
        1.8172,
        "all",
        "the same runs, read from the paper's figure",
        7e7,
        1.6e10,
    ),
)


def remark(fit: LawFit) -> str:
    """What the fit beside theirs means, said honestly."""
    low, high = float(fit.N_P.min()), float(fit.N_P.max())
    return (
        f"These sizes span {short(low)} to {short(high)} parameters, the smallest of theirs are "
        f"{short(LAWS[1].low)}, on other text in other tokens: compare how steep, never E, A or "
        "the loss itself; Kaplan's law has no E, which makes its exponent smaller. An exponent "
        "belongs to its text and its range; going on beyond the largest size is a guess that the "
        "band does not cover."
    )


def short(n: float) -> str:
    """A count in three figures: 3.3k, 664k, 1.57M."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if n >= 0.9995 * size:
            return f"{n / size:.3g}{letter}"
    return f"{n:.3g}"


def verdict(fit: LawFit) -> str:
    """What the points say, in a sentence or two; where they say little, that."""
    alpha, low, high = fit.alpha.value, fit.alpha.low, fit.alpha.high
    if not fit.is_settled:
        return (
            f"These points do not settle the exponent: resamples give {low:.2g} to {high:.2g}. "
            "Take sizes that lie further apart, or more tokens."
        )
    half = 2 ** (1 / alpha)
    more = f"{half:,.0f} times" if half >= 10 else f"{half:.1f} times"
    said = f"What can still be learned halves with {more} the parameters (α = {alpha:.3f})."
    if fit.needs_irreducible:
        return (
            f"{said} {fit.irreducible.value:.3f} nats are left however large the network is"
            f"{'' if fit.b is None else ' and however long it learns'}, as far as these sizes tell."
        )
    return f"{said} Whether an irreducible loss is left, these sizes do not tell."
