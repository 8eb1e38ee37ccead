"""An activation is taken from a second text: what the network computed there, it finds here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.intervention import (
    Intervention,
    no_ids,
    out_of_range,
    positions_words,
    quoted,
)
from model.interventions.window import Ids, Window
from model.operations import Operation, activation_names, aliases, operations
from model.operations.names import full_name

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class PatchActivation(Intervention):
    """Activation patching (Vig et al. 2020, arXiv 2004.12265): the second text runs as it is.

    Attributes:
        name: of the activation, full or short: ``blocks.2.hook_resid_post``, ``blocks.0.attn.z``.
        ids: the second text's tokens.
        positions: where it is put; all that both texts have if empty. Of a pattern, its queries.
        sources: where it is taken from in the second text, one for each of ``positions``; the
            same positions if empty.
        head: only this head's part, of activations that have heads (of keys and values of grouped
            attention, the group's).
        text: the second text as it was typed, for who reads it; nothing is computed from it.
    """

    kind: ClassVar[str] = "patch_activation"
    title: ClassVar[str] = "Patch an activation in from another text"

    name: str
    ids: Ids
    positions: Ids = ()
    sources: Ids = ()
    head: int | None = None
    text: str = ""

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return (self._operation(config).output,)

    def _operation(self, config: TransformerConfig) -> Operation:
        name = full_name(self.name, activation_names(config))
        name = aliases(config).get(name, name)
        return next(op for op in operations(config) if op.output == name)

    def refusal(self, config: TransformerConfig) -> str:
        try:
            op = self._operation(config)
        except KeyError as error:
            return str(error.args[0])
        if why := no_ids(config, self.ids, "The other text"):
            return why
        if op.kind == "tokens":
            return "The tokens are what is read: change the prompt instead."
        if op.shape == "BHQS" and op.kind != "pattern":
            return f"{op.output} is a step towards the weights: patch the pattern instead."
        heads = {"H": config.n_heads, "G": config.n_kv_heads}
        n_heads = next((heads[letter] for letter in op.shape if letter in heads), None)
        if self.head is not None:
            if n_heads is None:
                return f"{op.output} is of no single head."
            if why := out_of_range("head", self.head, n_heads):
                return why
        if self.sources and len(self.sources) != len(self.positions):
            return (
                f"{len(self.positions)} positions can't be taken from {len(self.sources)}: "
                "name one for each."
            )
        for at in self.positions:
            if why := out_of_range("position", at, config.n_ctx):
                return why
        beyond = [at for at in self._sources if not 0 <= at < len(self.ids)]
        if beyond:
            return f"The other text has {len(self.ids):,} tokens: there is no position {beyond[0]}."
        return ""

    @property
    def _sources(self) -> Ids:
        return self.sources or self.positions

    @property
    def words(self) -> str:
        head = "" if self.head is None else f" of head {self.head}"
        where = positions_words(self.positions)
        return f"{self.name}{head}{where} from {quoted(self.text, self.ids)}"

    @property
    def reads(self) -> tuple[Ids, ...]:
        return (self.ids,)

    def change_in(self, name: str, tensor: Tensor, window: Window) -> Tensor:
        axis = 2 if name.endswith("hook_pattern") else 1
        n, start = tensor.shape[axis], window.start
        if self.positions:
            pairs = list(zip(self.positions, self._sources, strict=True))
        else:
            both = range(start, min(start + n, len(self.ids)))
            pairs = list(zip(both, both, strict=True))
        pairs = [(to - start, source) for to, source in pairs if 0 <= to - start < n]
        if not pairs:
            return tensor
        rows, sources = (list(each) for each in zip(*pairs, strict=True))
        first = min(sources)
        there = window.read(self.ids, name, first, max(sources) + 1).to(tensor.dtype)
        taken = there.index_select(axis, there.new_tensor(sources).long() - first)
        changed = tensor.clone()
        if axis == 2:
            heads = slice(None) if self.head is None else slice(self.head, self.head + 1)
            n_keys = min(changed.shape[3], taken.shape[3])  # of keys that only one has: nothing
            changed[:, heads, rows] = 0.0
            changed[:, heads, rows, :n_keys] = taken[:, heads, :, :n_keys]
        elif self.head is None:
            changed[:, rows] = taken
        else:
            changed[:, rows, self.head] = taken[:, :, self.head]
        return changed
