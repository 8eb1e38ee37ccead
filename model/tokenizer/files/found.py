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
    unplaced = add_tokens(inner, settings)
    surround(
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


def own_tokens(settings: Mapping[str, Any]) -> list[Any]:
    """Special tokens beside those with a role: names, or whole tokens with their flags.

    A list, or a table by roles of the model's own; and every ``…_token`` of such a role. The older
    key counts where the newer one is empty.
    """
    found: list[Any] = []
    roles = [key for key in settings if key.endswith("_token") and key not in NAMED]
    found += [settings[role] for role in roles]
    own = settings.get("extra_special_tokens") or ()
    if isinstance(own, Mapping):
        found += own.values()
        own = ()
    own = own or settings.get("additional_special_tokens") or ()
    found += own if isinstance(own, list | tuple) else ()
    return [token for token in found if name_of(token) is not None]


def add_tokens(inner: tokenizers.Tokenizer, settings: Mapping[str, Any]) -> list[str]:
    """Add what only the settings know: added tokens at their ids, then special ones.

    In the order of transformers 5, which numbers those that no vocabulary has past its end; a
    network that does not embed them refuses them. Returns a note for those that have no room: the
    library numbers new tokens itself, one after the other, so an id is only kept where the ids
    before it are taken.
    """
    named = [settings.get(role) for role in NAMED]
    special = [token for token in (*named, *own_tokens(settings)) if name_of(token) is not None]
    names = {name_of(token) for token in special}
    there = inner.get_added_tokens_decoder()
    flags = {_flags(token) for token in there.values()}
    end = max(inner.get_vocab_size(with_added_tokens=False), 1 + max(there, default=-1))
    unplaced: list[str] = []
    moved: list[str] = []
    found: dict[str, AddedToken] = {}
    for id, about in sorted(added_tokens(settings).items()):
        name = about["content"]
        known = inner.token_to_id(name)
        if known is None and name not in found:
            if id != end:
                unplaced.append(name)
                continue
            end += 1
        elif known is not None and known != id:
            moved.append(name)
        special_too = about.get("special") is True
        token = _token(about, special=special_too, role=name in names)
        if _flags(token) not in flags:
            found[name] = token
    known_names = {token.content for token in there.values()}
    for said in special:
        token = _token(said, special=True)
        if token.content not in known_names:
            found.setdefault(token.content, token)
    # All at once: each call looks at all that are there, and some families have thousands.
    inner.add_tokens(list(found.values()))
    notes = []
    if unplaced:
        notes.append(f"Added tokens that do not fit the vocabulary are left out: {few(unplaced)}.")
    if moved:
        notes.append(f"Added tokens that the vocabulary has at other ids keep those: {few(moved)}.")
    return notes


def few(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(repr(name) for name in names[:5]) + more


def _flags(token: AddedToken) -> tuple[object, ...]:
    sides = token.lstrip, token.rstrip, token.single_word
    return (token.content, *sides, token.normalized, token.special)


def _token(said: object, *, special: bool, role: bool = False) -> AddedToken:
    """A token as transformers makes it of a name, or of a token with flags.

    Args:
        said: by the settings.
        special: whether it stands for no text.
        role: whether it has a role, which makes it special whatever its flag.
    """
    name = name_of(said)
    assert name is not None
    about = said if isinstance(said, Mapping) else {}
    flags = {key: about.get(key) is True for key in ("lstrip", "rstrip", "single_word")}
    # A whole token that does not say that it is special is one that is looked for in the text
    # after it was normalised.
    plain = not special or (bool(about) and about.get("special") is not True)
    normalized = about.get("normalized", plain)
    return AddedToken(name, special=special or role, normalized=normalized is not False, **flags)


def surround(
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
    if _untrim(spec):
        inner.post_processor = stages(post_processor=spec).post_processor


def stages(**described: Any) -> tokenizers.Tokenizer:
    """An otherwise empty tokenizer with some stages, of their descriptions in JSON.

    The library makes a stage of JSON only as a part of a tokenizer.
    """
    shell = {"version": "1.0", "added_tokens": [], **described}
    shell["model"] = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}
    return tokenizers.Tokenizer.from_str(json.dumps(shell))


def _untrim(spec: dict[str, Any]) -> bool:
    """Switch trimming off in a post-processor's description; whether anything changed."""
    changed = spec.get("trim_offsets") is True
    if changed:
        spec["trim_offsets"] = False
    inside = [_untrim(part) for part in spec.get("processors", ())]
    return changed or any(inside)
