"""What a tokenizer's class makes of a tokenizer.json and the settings beside it, as transformers 5.

Some classes build their pipeline from the vocabulary and their own settings (``do_lower_case``,
``add_prefix_space``), and only take what is left from the file; the others take the whole file and
look at no such setting. Which class it is, is said by tokenizer_config.json, config.json or the
kind of model. Here the file stays what it is where it says more than the settings can, and a note
says so. Knows settings and stages; reads no file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tokenizers
from tokenizers import decoders, models

from model.tokenizer.files.byte_level import QWEN2
from model.tokenizer.files.found import (
    NAMED,
    added_tokens,
    name_of,
    own_tokens,
    stages,
    surround,
)
from model.tokenizer.files.settings import Beside

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Class:
    """A class that builds its own pipeline.

    Attributes:
        roles: names of its special tokens, where the settings name none.
        normalizer, pre_tokenizer: what it builds of the settings; None is none.
        frame: roles of the tokens before and after a text; None leaves it to the file.
    """

    roles: Mapping[str, str]
    normalizer: Callable[[Mapping[str, Any]], Spec | None]
    pre_tokenizer: Callable[[Mapping[str, Any]], Spec | None]
    frame: tuple[tuple[str, ...], tuple[str, ...]] | None = None


def class_name(beside: Beside, byte_level: bool) -> str:
    """The class that transformers takes, without ``Fast``; empty for one that takes the file.

    Args:
        beside: the settings.
        byte_level: whether the file has a stage that cuts into bytes.
    """
    named = beside.settings.get("tokenizer_class") or beside.config_class
    registered = _OF_MODEL.get(beside.model_type)
    misnamed = beside.model_type in _MISNAMED
    if not named:
        return _known(registered or "")
    bare = named.removesuffix("Fast")
    if bare == "LlamaTokenizer" and byte_level and not misnamed:
        return ""  # Llama 3's: published under the class of Llama 2's
    if registered is None or registered == bare:
        return _known(bare)
    if not registered:
        return ""
    return _known(registered if misnamed else bare)


def _known(name: str) -> str:
    return _ALIKE.get(name, name if name in CLASSES else "")


def of_pair(beside: Beside) -> str:
    """The class of a vocabulary with merges; GPT-2's where it is none that is known here."""
    name = class_name(beside, byte_level=True)
    if name in ("GPT2Tokenizer", "GPTNeoXTokenizer", "RobertaTokenizer", "Qwen2Tokenizer"):
        return name
    named = str(beside.settings.get("tokenizer_class") or beside.model_type).lower()
    if named.startswith("qwen"):
        return "Qwen2Tokenizer"
    return "RobertaTokenizer" if named.startswith(("roberta", "bart")) else "GPT2Tokenizer"


def built(model: models.BPE, name: str, settings: Mapping[str, Any]) -> tokenizers.Tokenizer:
    """What a class builds of a byte-level vocabulary and the settings, without special tokens."""
    kind = CLASSES[name]
    made = stages(normalizer=kind.normalizer(settings), pre_tokenizer=kind.pre_tokenizer(settings))
    inner = tokenizers.Tokenizer(model)
    if made.normalizer is not None:
        inner.normalizer = made.normalizer
    inner.pre_tokenizer = made.pre_tokenizer
    inner.decoder = decoders.ByteLevel()
    return inner


def apply(inner: tokenizers.Tokenizer, name: str, settings: Mapping[str, Any]) -> list[str]:
    """Do to a file's pipeline what its class does with the settings; notes on what differs.

    Args:
        inner: as the file describes it; its stages change.
        name: of `CLASSES`.
        settings: as in tokenizer_config.json.
    """
    kind = CLASSES[name]
    kept = False
    for stage, make in (("normalizer", kind.normalizer), ("pre_tokenizer", kind.pre_tokenizer)):
        there = _spec_of(getattr(inner, stage))
        wanted = make(settings)
        if (
            name == "BertTokenizer"
            and stage == "normalizer"
            and any(isinstance(settings.get(key), bool) for key in _BERT_SETTINGS)
        ):
            there = wanted  # said in so many words, whatever the file lowers its letters with
        made = _with_settings(there, wanted)
        kept = kept or not _same(made, wanted)
        if made is not None and made != _spec_of(getattr(inner, stage)):
            setattr(inner, stage, getattr(stages(**{stage: made}), stage))
    if not kept:
        return []
    return [
        f"tokenizer.json cuts texts otherwise than {name} of transformers 5, which is said to be "
        "its class; the file's own way is used."
    ]


def listed_only(
    inner: tokenizers.Tokenizer, settings: Mapping[str, Any]
) -> tuple[tokenizers.Tokenizer, list[str]]:
    """Without the file's added tokens where the settings list theirs, and the names left out.

    A class that builds its own pipeline has them from one place only.
    """
    if not isinstance(settings.get("added_tokens_decoder"), Mapping):
        return inner, []
    special = [settings.get(role) for role in NAMED] + own_tokens(settings)
    known = {name_of(token) for token in (*added_tokens(settings).values(), *special)}
    there = inner.get_added_tokens_decoder().values()
    unlisted = [token.content for token in there if token.content not in known]
    if not unlisted:
        return inner, []
    made = tokenizers.Tokenizer(inner.model)
    for stage in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        if getattr(inner, stage) is not None:
            setattr(made, stage, getattr(inner, stage))
    return made, unlisted


def frame(inner: tokenizers.Tokenizer, name: str, settings: Mapping[str, Any]) -> None:
    """Put the class's own tokens around every text, where it has any of its own."""
    around = CLASSES[name].frame
    if around is not None:
        surround(inner, *([name_of(settings.get(role)) for role in side] for side in around))


# ------------------------------------------------------------------------------- classes


def _no_stage(settings: Mapping[str, Any]) -> None:
    return None


def _nfc(settings: Mapping[str, Any]) -> Spec:
    return {"type": "NFC"}


_BERT_SETTINGS = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")


def _bert(settings: Mapping[str, Any]) -> Spec:
    accents = settings.get("strip_accents")
    return {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": settings.get("tokenize_chinese_chars", True) is not False,
        "strip_accents": accents if isinstance(accents, bool) else None,
        "lowercase": settings.get("do_lower_case", True) is not False,
    }


def _bert_words(settings: Mapping[str, Any]) -> Spec:
    return {"type": "BertPreTokenizer"}


def _bytes(settings: Mapping[str, Any], use_regex: bool = True) -> Spec:
    prefix = settings.get("add_prefix_space") is True
    return {
        "type": "ByteLevel",
        "add_prefix_space": prefix,
        "trim_offsets": True,
        "use_regex": use_regex,
    }


def _qwen2(settings: Mapping[str, Any]) -> Spec:
    split = {
        "type": "Split",
        "pattern": {"Regex": QWEN2},
        "behavior": "Isolated",
        "invert": False,
    }
    return {"type": "Sequence", "pretokenizers": [split, _bytes(settings, use_regex=False)]}


def _metaspace(settings: Mapping[str, Any]) -> Spec:
    older = settings.get("legacy") is True
    scheme = "always" if older else "first"
    if settings.get("add_prefix_space") is False:
        scheme = "never"
    return {
        "type": "Metaspace",
        "replacement": "\u2581",
        "prepend_scheme": scheme,
        "split": False,
    }


_END = "<|endoftext|>"
_GPT2_ROLES = dict.fromkeys(("bos_token", "eos_token", "unk_token"), _END)
_BERT_ROLES = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
_ROBERTA_ROLES = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}
_LLAMA_ROLES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
IN_FRAME = (("cls_token",), ("sep_token",))

CLASSES: dict[str, Class] = {
    "BertTokenizer": Class(_BERT_ROLES, _bert, _bert_words, IN_FRAME),
    "GPT2Tokenizer": Class(_GPT2_ROLES, _no_stage, _bytes),
    "CodeGenTokenizer": Class(_GPT2_ROLES, _no_stage, _bytes),
    # It drops the file's frame and, beside a tokenizer.json, the settings' as well.
    "GPTNeoXTokenizer": Class(_GPT2_ROLES | {"pad_token": "<|padding|>"}, _nfc, _bytes, ((), ())),
    "RobertaTokenizer": Class(_ROBERTA_ROLES, _no_stage, _bytes, IN_FRAME),
    "Qwen2Tokenizer": Class(
        dict.fromkeys(("eos_token", "unk_token", "pad_token"), _END), _nfc, _qwen2
    ),
    "LlamaTokenizer": Class(_LLAMA_ROLES, _no_stage, _metaspace),
}
"""Classes that build their own pipeline; those that a family here may have."""

_ALIKE = {"BartTokenizer": "RobertaTokenizer", "DistilBertTokenizer": "BertTokenizer"}

_OF_MODEL: dict[str, str] = {
    **dict.fromkeys(("bert", "distilbert"), "BertTokenizer"),
    **dict.fromkeys(("gpt2", "gpt_neo", "gptj", "opt", "phi", "starcoder2"), "GPT2Tokenizer"),
    **dict.fromkeys(("gpt_neox", "mpt"), "GPTNeoXTokenizer"),
    **dict.fromkeys(("gemma", "gemma2", "gemma3", "gemma3_text"), "GemmaTokenizer"),
    **dict.fromkeys(("qwen2", "qwen3"), "Qwen2Tokenizer"),
    "roberta": "RobertaTokenizer",
    # Known there, and always taken as the file is.
    **dict.fromkeys(
        ("granite", "mistral", "mixtral", "modernbert", "olmo2", "phi3", "stablelm"), ""
    ),
}
"""The class of a kind of model; a kind that is not here has what is named."""

# Kinds of models whose published settings name a wrong class.
_MISNAMED = frozenset({"modernbert", "phi3", "qwen2"})


# -------------------------------------------------------------------------------- stages


def _spec_of(stage: Any) -> Spec | None:
    return None if stage is None else dict(json.loads(stage.__getstate__()))


# Which keys of a stage are settings of a class; the rest is the file's.
_SET = {
    "BertNormalizer": ("lowercase", "strip_accents", "handle_chinese_chars"),
    "ByteLevel": ("add_prefix_space",),
    "Metaspace": ("prepend_scheme",),
}
_COUNTS_NOT = frozenset({"trim_offsets", "invert"})


def _with_settings(there: Spec | None, wanted: Spec | None) -> Spec | None:
    """A file's stage, with what the settings say of the stages of the same type in it."""
    if there is None or wanted is None:
        return there
    by_type = {part["type"]: part for part in _flat(wanted)}

    def changed(part: Spec) -> Spec:
        for key in ("normalizers", "pretokenizers"):
            if isinstance(part.get(key), list):
                return part | {key: [changed(inside) for inside in part[key]]}
        like = by_type.get(part["type"])
        keys = _SET.get(part["type"], ())
        return part if like is None else part | {key: like[key] for key in keys}

    return changed(there)


def _flat(spec: Spec) -> Iterator[Spec]:
    inside = spec.get("normalizers") or spec.get("pretokenizers")
    if inside is None:
        yield spec
    else:
        for part in inside:
            yield from _flat(part)


def _same(one: Spec | None, other: Spec | None) -> bool:
    """Whether two stages cut alike, sequences of one among them."""

    def plain(spec: Spec | None) -> list[Spec]:
        parts = [] if spec is None else list(_flat(spec))
        return [{k: v for k, v in part.items() if k not in _COUNTS_NOT} for part in parts]

    return plain(one) == plain(other)
