"""A model's scores on the story world: what is told of them. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Share:
    """How many of n questions were answered right."""

    right: int
    n: int

    @property
    def value(self) -> float | None:
        """Between 0 and 1; None where nothing could be asked."""
        return self.right / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Scores:
    """A model's scores on the story world.

    Attributes:
        gendered_analogies: a - b + c = d over all ordered pairs of gendered pairs, in both
            directions (king - man + woman = queen; queen - woman + man = king): d has the highest
            cosine of the whole vocabulary, the three input words excluded.
        gendered_analogies_all_words: the same without excluding them.
        capital_analogies: as the first, over capitals and countries (Paris - France + Italy =
            Rome).
        capital_analogies_all_words: the same without excluding the input words.
        analogy_words_left_out: words that are more than one token with the space before them; pairs
            that hold one can't be asked and are not in n.
        facts: the answer to a fact, in sentence frames never seen with that fact.
        facts_by_relation: the same, relation by relation.
        copying: the words' tokens in the second half of a repeated list; separators don't count.
        pronouns: he or she, his or her, himself or herself, in frames never seen with that person.
        bits_per_byte: loss on text of a seed of its own; independent of the tokenizer.
        n_bytes: how many bytes that text has.
    """

    gendered_analogies: Share
    gendered_analogies_all_words: Share
    capital_analogies: Share
    capital_analogies_all_words: Share
    analogy_words_left_out: tuple[str, ...]
    facts: Share
    copying: Share
    pronouns: Share
    bits_per_byte: float
    n_bytes: int
    facts_by_relation: dict[str, Share] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Shares as numbers, and under ``n`` how many questions each stands for."""
        shares = {
            name: value
            for name in self.__slots__
            if isinstance(value := getattr(self, name), Share)
        }
        return {
            **{name: share.value for name, share in shares.items()},
            "bits_per_byte": self.bits_per_byte,
            "n": {**{name: share.n for name, share in shares.items()}, "bytes": self.n_bytes},
            "facts_by_relation": {
                name: {"share": share.value, "n": share.n}
                for name, share in self.facts_by_relation.items()
            },
            "analogy_words": "single tokens with the space before them (' king'), input embeddings",
            "analogy_words_left_out": list(self.analogy_words_left_out),
        }
