"""Which tokens of a text some of its words are. Knows bytes of tokens; no model."""

from __future__ import annotations

from collections.abc import Sequence


def tokens_of_words(tokens: Sequence[bytes], words: str) -> tuple[int, int] | None:
    """The first and the last token that words touch; None where they don't stand in the text.

    Spaces and the case of letters don't count: some vocabularies keep neither. Where the words
    stand several times, the first place that begins with a token counts.

    Args:
        tokens: the bytes of each token; of one that stands for no text, none.
        words: what is looked for.
    """
    wanted = _plain(words.encode())
    text, owners = b"", []
    for at, token in enumerate(tokens):
        plain = _plain(token)
        text += plain
        owners += [at] * len(plain)
    if not wanted:
        return None
    places = []
    place = text.find(wanted)
    while place >= 0:
        places.append(place)
        place = text.find(wanted, place + 1)
    begins = [at for at in places if at == 0 or owners[at] != owners[at - 1]]
    for at in (*begins, *places):
        return owners[at], owners[at + len(wanted) - 1]
    return None


def _plain(raw: bytes) -> bytes:
    return b"".join(raw.lower().split())
