"""Pairs of continuations of which a person prefers one: made, read and written as JSON lines.

A line is ``{"prompt": …, "chosen": …, "rejected": …}``, as TRL and others keep them. Knows text and
tokenizers; no network.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from model.tokenizer.tokenizer import Tokenizer
from model.whole_file import write_beside

MOST_PAIRS = 10_000


class PreferenceError(ValueError):
    """Choices that can't be learned from; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Preference:
    """One choice.

    Attributes:
        prompt: the text that both continue.
        chosen, rejected: the continuations, the prompt not repeated.
    """

    prompt: str
    chosen: str
    rejected: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The same in tokens.

    Attributes:
        prompt_ids: one at least.
        chosen_ids, rejected_ids: of the continuations, one at least each.
    """

    prompt_ids: tuple[int, ...]
    chosen_ids: tuple[int, ...]
    rejected_ids: tuple[int, ...]

    @property
    def length(self) -> int:
        """Tokens of prompt and longer continuation."""
        return len(self.prompt_ids) + max(len(self.chosen_ids), len(self.rejected_ids))


def write_preferences(path: Path, preferences: Iterable[Preference]) -> Path:
    """Write them; other choices in the place stay, and these are put beside them.

    Returns:
        Where they are: the path, or the next free name (`model.whole_file.write_beside`).

    Raises:
        OSError: the disk refuses.
    """
    lines = [json.dumps(asdict(one), ensure_ascii=False) for one in preferences]
    return write_beside(path, "".join(f"{line}\n" for line in lines))


def read_preferences(text: str, name: str) -> list[Preference]:
    """The choices in JSON lines; blank lines are passed over.

    Args:
        text: of the file.
        name: of the file, for messages.

    Raises:
        PreferenceError: a line is no choice, or there is none.
    """
    found: list[Preference] = []
    for n, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            read = json.loads(line)
            fields = [read[key] for key in ("prompt", "chosen", "rejected")]
        except (ValueError, KeyError, TypeError, RecursionError):
            fields = [None]
        if not all(isinstance(field, str) for field in fields):
            raise PreferenceError(
                f'Line {n} of {name} is no choice: it needs {{"prompt": …, "chosen": …, '
                '"rejected": …}, three texts.'
            )
        found.append(Preference(*fields))
        if len(found) > MOST_PAIRS:
            raise PreferenceError(f"{name} has more than {MOST_PAIRS:,} choices; take fewer.")
    if not found:
        raise PreferenceError(f"{name} holds no choice: prefer one of two texts first.")
    return found


def pairs_of(preferences: Sequence[Preference], tokenizer: Tokenizer, n_ctx: int) -> list[Pair]:
    """Choices in tokens; what is longer than the context is cut at its end.

    Prompt and continuation are cut into tokens together, as the model reads them: where the last
    token of the prompt grows into the continuation, it counts as a part of that.

    Raises:
        PreferenceError: of a choice nothing is left to compare.
    """
    pairs: list[Pair] = []
    for n, one in enumerate(preferences, 1):
        a, b = (
            tokenizer.encode(one.prompt + text).ids[:n_ctx] for text in (one.chosen, one.rejected)
        )
        prompt = tokenizer.encode(one.prompt).ids
        shared = 0
        for shared, both in enumerate(zip(prompt, a, b, strict=False), 1):
            if len(set(both)) > 1:
                shared -= 1
                break
        if shared < 1 or len(a) <= shared or len(b) <= shared:
            raise PreferenceError(
                f"Choice {n} can't be compared: a prompt and both continuations need a token "
                f"each within the {n_ctx:,} tokens of the context."
            )
        if a == b:
            raise PreferenceError(f"Choice {n} prefers a text to itself; take it out.")
        pairs.append(Pair(tuple(a[:shared]), tuple(a[shared:]), tuple(b[shared:])))
    return pairs
