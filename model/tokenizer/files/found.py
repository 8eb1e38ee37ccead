"""What reading a tokenizer's files gives, and the steps that several formats share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tokenizers
from tokenizers import AddedToken, processors

MOST_TOKENS = 10_000_000
"""Far above any published vocabulary; what exceeds it is a damaged file."""

NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""The special tokens that tokenizer_config.json knows by their role."""


GENERIC_CLASS = "PreTrainedTokenizerFast"
"""The class of transformers that takes a tokenizer.json as it is."""


@dataclass(frozen=True, slots=True)
class Found:
    """A tokenizer as it was read.

    Attributes:
        inner: of the library `tokenizers`.
        settings: as in ``tokenizer_config.json``; the special tokens' roles are read from it.
        notes: what a person should know, one sentence each.
    """

    inner: tokenizers.Tokenizer
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def name_of(value: object) -> str | None:
    """A special token's name: older files write the whole token where others write its name."""
    if isinstance(value, Mapping):
        value = value.get("content")
    return value if isinstance(value, str) and value else None


def finish(
    inner: tokenizers.Tokenizer,
    settings: Mapping[str, Any],
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Found:
    """Add the settings' own tokens, mark the special ones and put some around every text.

    Args:
        inner: model, normalizer, pre-tokenizer and decoder are set.
        settings: as in tokenizer_config.json, with the family's defaults.
        before, after: roles (``bos_token``, …) of the tokens around a text.
        notes: what is known already.
    """
    unplaced = add_tokens(inner, added_tokens(settings))
    _mark_special(inner, settings)
    _surround(
        inner,
        [name_of(settings.get(role)) for role in before],
        [name_of(settings.get(role)) for role in after],
    )
    # The families' own classes would build the pipeline anew from the vocabulary, a little
    # otherwise (transformers 5: a sentencepiece text that begins with a space).
    settings = {key: value for key, value in settings.items() if key != "model_type"}
    settings["tokenizer_class"] = GENERIC_CLASS
    return Found(inner, settings, (*notes, *unplaced))


def asked_for(
    settings: Mapping[str, Any], bos: bool = False, eos: bool = False
) -> tuple[Sequence[str], Sequence[str]]:
    """The roles before and after a text, by ``add_bos_token`` and ``add_eos_token``.

    Args:
        settings: as in tokenizer_config.json.
        bos, eos: what holds where they say nothing.
    """
    flags = settings.get("add_bos_token"), settings.get("add_eos_token")
    first = flags[0] if isinstance(flags[0], bool) else bos
    last = flags[1] if isinstance(flags[1], bool) else eos
    return ("bos_token",) if first else (), ("eos_token",) if last else ()


def added_tokens(settings: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """``added_tokens_decoder`` of tokenizer_config.json; what is no token is passed over."""
    table = settings.get("added_tokens_decoder")
    found: dict[int, Mapping[str, Any]] = {}
    for id, about in table.items() if isinstance(table, Mapping) else ():
        number = str(id)
        whole = number.isdecimal() and number.isascii() and len(number) < 9
        if whole and isinstance(about, Mapping) and name_of(about) is not None:
            found[int(number)] = about
    return found


def _mark_special(inner: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> None:
    """Make the tokens that have a role special.

    Only those that the vocabulary has: transformers gives the others new ids past the end of the
    embedding, where no text may go.
    """
    for role in NAMED:
        value = settings.get(role)
        name = name_of(value)
        if name is None or inner.token_to_id(name) is None:
            continue
        about = value if isinstance(value, Mapping) else {}
        sides = {side: about.get(side) is True for side in ("lstrip", "rstrip")}
        inner.add_special_tokens([AddedToken(name, special=True, normalized=False, **sides)])


def add_tokens(inner: tokenizers.Tokenizer, added: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """Add tokens at the ids that a file gives them; returns a note for those that have no room.

    The library numbers new tokens itself, one after the other, so an id is only kept where the
    ids before it are taken.
    """
    unplaced: list[str] = []
    for id, about in sorted(added.items()):
        name = about["content"]
        known = inner.token_to_id(name)
        end = max(inner.get_vocab_size(with_added_tokens=True), 0)
        if known != id and not (known is None and id == end):
            unplaced.append(name)
            continue
        flags = {
            key: about.get(key) is True for key in ("lstrip", "rstrip", "single_word", "special")
        }
        token = AddedToken(name, normalized=about.get("normalized", True) is not False, **flags)
        if flags["special"]:
            inner.add_special_tokens([token])
        else:
            inner.add_tokens([token])
    if not unplaced:
        return []
    shown = ", ".join(repr(name) for name in unplaced[:5])
    more = f" and {len(unplaced) - 5} more" if len(unplaced) > 5 else ""
    return [f"Added tokens that do not fit the vocabulary are left out: {shown}{more}."]


def _surround(
    inner: tokenizers.Tokenizer, before: Sequence[str | None], after: Sequence[str | None]
) -> None:
    """Put special tokens around every text, those of them that the vocabulary has."""
    first = [name for name in before if name is not None and inner.token_to_id(name) is not None]
    last = [name for name in after if name is not None and inner.token_to_id(name) is not None]
    if not first and not last:
        inner.post_processor = None
        return
    ids = [(name, inner.token_to_id(name)) for name in dict.fromkeys([*first, *last])]
    # Lists, not one string: a token's name may hold a space or a colon.
    inner.post_processor = processors.TemplateProcessing(
        single=[*first, "$A", *last],
        pair=[*first, "$A", *last, "$B:1", *(f"{name}:1" for name in last)],
        special_tokens=ids,
    )


def keep_places(inner: tokenizers.Tokenizer) -> None:
    """Let tokens keep the spaces in their places in the text; a file may ask to trim them off."""
    if inner.post_processor is None:
        return
    spec = json.loads(inner.post_processor.__getstate__())
    if not _untrim(spec):
        return
    # The library makes a post-processor of JSON only as a part of a tokenizer.
    shell = {"version": "1.0", "added_tokens": [], "post_processor": spec}
    shell["model"] = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}
    inner.post_processor = tokenizers.Tokenizer.from_str(json.dumps(shell)).post_processor


def _untrim(spec: dict[str, Any]) -> bool:
    """Switch trimming off in a post-processor's description; whether anything changed."""
    changed = spec.get("trim_offsets") is True
    if changed:
        spec["trim_offsets"] = False
    inside = [_untrim(part) for part in spec.get("processors", ())]
    return changed or any(inside)
