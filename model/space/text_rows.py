"""Which token of a text each row of a table is, and where it stands. Free of torch.

Rows are a text's tokens in their order (without some first tokens of windows, perhaps), so that
the words around one are the rows around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TextRows:
    """A text's tokens as rows. N rows.

    Attributes:
        ids_N: the token of each, int32.
        positions_N: its place in the window that the model read it in, int32; 0 is the first token
            that is the text's own.
        lines_N: the line of the file in which it begins, from 1, int32; all 0 where the tokenizer
            drops what ends a line.
        window: tokens that were read at once.
    """

    ids_N: NDArray[np.int32]
    positions_N: NDArray[np.int32]
    lines_N: NDArray[np.int32]
    window: int

    @property
    def has_lines(self) -> bool:
        """Whether it is known in which line a token stands."""
        return bool(len(self.lines_N)) and bool(self.lines_N[0])

    def around(self, row: int, before: int, after: int) -> tuple[range, range]:
        """The rows before one and after it; of another window too: the text goes on there."""
        n = len(self.ids_N)
        return range(max(0, row - before), row), range(row + 1, min(n, row + 1 + after))
