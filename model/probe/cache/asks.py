"""The question for what the cache of keys and values holds, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from model.probe.lines import asking_again
from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class Cache(Question):
    """How long the keys and values of a text are, layer by head by position, and their bytes.

    Attributes:
        columns: into how many at most the positions are gathered: means of neighbours.
    """

    name: ClassVar[str] = "cache"
    title: ClassVar[str] = "the cache of keys and values"
    columns: int = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CacheFound(Answer):
    """What is kept of a text, and what it takes.

    Keys are those that scores are computed with: normed and rotated where the network does so.

    Attributes:
        k_LGC, v_LGC: ‖key‖ and ‖value‖ by layer, key/value head and column, float32.
        starts_C: the first position of each column.
        n_tokens, n_layers, n_kv_heads, d_head, bytes_per_number: what the bytes are made of.
        cache_bytes: of the keys and values of all positions, 2 · layers · kv heads · d_head ·
            bytes · tokens: the bench keeps them all, whatever a window lets be seen.
        needed_bytes: of those that the next token may read: less where windows slide, none where
            a query looks ahead, since a longer text changes them all.
        buffer_bytes: of the buffers that hold them, with room for what is typed next.
        stream_bytes: of all that the bench holds of this text: the residual stream at the borders
            of blocks, queries and short texts' activations besides.
    """

    k_LGC: Array
    v_LGC: Array
    starts_C: Array
    n_tokens: int
    n_layers: int
    n_kv_heads: int
    d_head: int
    bytes_per_number: int
    cache_bytes: int
    needed_bytes: int
    buffer_bytes: int
    stream_bytes: int

    @property
    def bytes_per_token(self) -> int:
        """Of one token in all layers."""
        return 2 * self.n_layers * self.n_kv_heads * self.d_head * self.bytes_per_number

    @property
    def formula(self) -> str:
        """The bytes of the cache as a product."""
        each = f"2 · {self.n_layers} layers · {self.n_kv_heads} kv heads · {self.d_head} numbers"
        return f"{each} · {self.bytes_per_number} bytes · {self.n_tokens:,} tokens"

    def positions(self, column: int) -> tuple[int, int]:
        """The first position of a column, and the first behind it."""
        ends = (*self.starts_C[1:].tolist(), self.n_tokens)
        return int(self.starts_C[column]), int(ends[column])

    def arrays(self) -> Mapping[str, Named]:
        axes, at = ("layer", "kv_head", "position"), {"position": self.starts_C}
        return {
            "key_length": Named(self.k_LGC, axes, at),
            "value_length": Named(self.v_LGC, axes, at),
        }

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        per_layer = self.cache_bytes // self.n_layers
        return {
            "layers": [
                {
                    "layer": layer,
                    "cache_bytes": per_layer,
                    "mean_key_length": float(np.mean(self.k_LGC[layer], dtype=np.float64)),
                    "mean_value_length": float(np.mean(self.v_LGC[layer], dtype=np.float64)),
                }
                for layer in range(self.n_layers)
            ]
        }

    def code(self) -> str:
        return asking_again(self)
