"""What the map says beside each operation: shapes, ratios, single vectors, a few words.

Everything is read out of answers, and each figure says which prompt, position and head it is of.
Knows answers and the operations; no store, no widget.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from gui.panes.layers.two_sides import TwoSides, signed
from gui.reading.numbers import short
from gui.reading.vectors import FoundVectors, Reading
from model import messages as m
from model.operations import INPUT_IDS, LOGITS, PROBABILITIES, Operation, shape_of
from model.probe.lens.asks import LensFound
from model.probe.next_token.asks import NextTokenFound
from model.probe.writes.asks import WritesFound
from model.tokenizer.tokens import SPACE

IN_WORDS = frozenset({INPUT_IDS, LOGITS, PROBABILITIES})
"""Beside these stand words: a strip of the vocabulary would say less."""


@dataclass(frozen=True, slots=True)
class LensReading:
    """What the logit lens reads at a border of blocks.

    Attributes:
        token: the likeliest, as the window writes it, without the space before it.
        number: its probability in few digits.
        probability, entropy_bits: exactly.
        position: at which it was read.
        activation: the stream that it was read from.
    """

    token: str
    number: str
    probability: float
    entropy_bits: float
    position: int
    activation: str


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What is known; a part that isn't answered yet is None, and says nothing.

    Attributes:
        model: whose operations they are.
        n_tokens: length of the prompt that is drawn; 0 before there is one.
        vectors: of operations that are shown one by one.
        folded: of what folded parts write.
        writes: how much is added to the stream.
        best: the likeliest token.
        lens: what the stream says at the borders of blocks.
        two_sides: of a comparison, while its difference is shown: ``vectors`` and ``folded`` are
            then B − A.
    """

    model: m.ModelInfo
    n_tokens: int = 0
    vectors: FoundVectors | None = None
    folded: FoundVectors | None = None
    writes: WritesFound | None = None
    best: NextTokenFound | None = None
    lens: LensFound | None = None
    two_sides: TwoSides | None = None
    _readings: dict[str, Reading | None] = field(default_factory=dict)

    def whose(self) -> str:
        """Of which position and head the vectors are, in words."""
        found = self.vectors
        if found is None:
            return ""
        token = self.model.token_text(found.read.subject.ids[found.position])
        return f"at {token} · head {found.asked.head}"

    def shape(self, op: Operation) -> str:
        """The output's shape without the batch, for example ``4×7×7``; T before a prompt."""
        config = self.model.config
        if self.n_tokens:
            return "×".join(map(str, shape_of(op, config, 1, self.n_tokens)[1:]))
        sizes = shape_of(op, config, 1, 1)[1:]
        return "×".join(
            "T" if letter in "TQS" else str(size) for letter, size in zip(op.shape[1:], sizes)
        )

    def ratio(self, written: str) -> float | None:
        """How much is added, relative to what is there.

        Args:
            written: name of what is added.

        Returns:
            The mean over positions of ``‖written_i‖ / ‖stream_i‖``; None where it isn't known.
        """
        return None if self.writes is None else self.writes.ratios.get(written)

    def lens_after(self, layer: int | None) -> LensReading | None:
        """What the lens reads after a block; None where that isn't known."""
        if layer is None:
            return None
        return self.lens_at(layer + 1)

    def lens_at(self, border: int) -> LensReading | None:
        """What the lens reads at a border: 0 is before the first block.

        While a difference is shown, both sides' tokens where they differ, else by how much the
        probability does.
        """
        mine = self._lens_at(self.lens, border)
        both = self.two_sides
        theirs = None if both is None else self._lens_at(both.lens, border)
        if mine is None or theirs is None or both is None:
            return mine
        a, b = (theirs, mine) if both.in_view_is_b else (mine, theirs)
        if a.token != b.token:
            return replace(mine, token=f"{a.token} → {b.token}", number="")
        return replace(mine, number=f"{b.probability - a.probability:+.2f}")

    def _lens_at(self, found: LensFound | None, border: int) -> LensReading | None:
        if found is None or border >= len(found.names) or found.ids_LP[border, 0] < 0:
            return None
        text = self.model.token_text(int(found.ids_LP[border, 0]))
        p = float(found.probabilities_LP[border, 0])
        return LensReading(
            token=text.removeprefix(SPACE) or text,
            number="NaN" if np.isnan(p) else f"{p:.2f}",
            probability=p,
            entropy_bits=float(found.entropies_LP[border, 0]),
            position=int(found.positions_P[0]),
            activation=found.names[border],
        )

    def lens_of(self, op: Operation) -> LensReading | None:
        """What the lens reads from what an operation writes, if that is the stream at a border."""
        found = self.lens
        if found is None or op.output not in found.names:
            return None
        return self.lens_at(found.names.index(op.output))

    def strip(self, op: Operation) -> Reading | None:
        """What the operation wrote at the selected position (and head), where a strip shows it."""
        if op.output in IN_WORDS or op.shape == "BTA":
            return None
        reading = self._reading(op.output)
        return reading if reading is not None and len(reading.values) > 1 else None

    def words(self, op: Operation, *, brief: bool = False) -> str:
        """What an operation says in a few words, where a strip of colours would say less.

        Args:
            op: one of the model's.
            brief: a single number stands alone, with fewer digits.
        """
        if op.output == INPUT_IDS:
            return self._token()
        if op.output in (LOGITS, PROBABILITIES):
            return self._best(op.output)
        if op.shape == "BTA":
            return self._routing(op)
        reading = self._reading(op.output)
        if reading is None or len(reading.values) != 1:
            return ""
        value = float(reading.values[0])
        if self.two_sides is not None:
            written = f"{value:+.2g}" if brief else f"Δ {value:+.3g}"
            return written if value else "0"
        if brief:
            return short(value, 2)
        sign = "σ " if op.kind == "norm_scale" else ""
        return f"{sign}{short(value, 4)}"

    def found(self, name: str) -> FoundVectors | None:
        """Where the vector of an activation stands."""
        for some in (self.vectors, self.folded):
            if some is not None and name in some.answer.vectors:
                return some
        return None

    def _reading(self, name: str) -> Reading | None:
        if name not in self._readings:
            found = self.found(name)
            reading = None if found is None else found.reading(name, self.model.config)
            both = self.two_sides
            self._readings[name] = reading if both is None else signed(reading, both)
        return self._readings[name]

    def _token(self) -> str:
        found = self.vectors
        if found is None:
            return ""
        token_id = found.read.subject.ids[found.position]
        return f"{self.model.token_text(token_id)} {token_id}"

    def _best(self, name: str) -> str:
        found = self.best
        if found is None or found.problem:
            return ""
        text = self.model.token_text(int(found.ids[0]))
        if name == LOGITS:
            return f"{text} {found.logits[0]:.2f}"
        return f"{text} {found.probabilities[0]:.3f}"

    def _routing(self, op: Operation) -> str:
        """Which experts a position was sent to, and their shares."""
        name = op.output.rpartition("_")[0]
        indices, shares = self._reading(f"{name}_indices"), self._reading(f"{name}_shares")
        if indices is None:
            return ""
        chosen = [int(expert) for expert in indices.values]
        if op.kind == "expert_indices" or shares is None:
            noun = "expert" if len(chosen) == 1 else "experts"
            return f"{noun} {', '.join(map(str, chosen))}"
        given = ["NaN" if np.isnan(share) else f"{share:.3f}" for share in shares.values]
        return "  ".join(f"{e}: {share}" for e, share in zip(chosen, given))
