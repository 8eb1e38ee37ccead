"""What other programs wrote that is no model here: formats, quantised weights, adapters, states.

Known by the names of files, folders and tensors. Says what it is and what makes a model of it that
opens. Reads no weight.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.wrappers import has_adapter
from model.checkpoint.stored import StoredTensor

_ORIGINAL = "take the model's original weights, or a GGUF file of it"

# Files that hold no weights, whatever their ending says -> what they hold.
_NO_WEIGHTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), what)
    for pattern, what in (
        (r"training_args\.bin|args\.(bin|pt)", "a trainer's settings"),
        (r"optim(izer)?(_states?)?([_-]?\d+)?\.(bin|pt|pth)", "an optimiser's state"),
        (r".*optim_states?\.(bin|pt|pth)", "an optimiser's state"),
        (r"(lr_)?scheduler([_-]?\d+)?\.(bin|pt|pth)", "a schedule's state"),
        (r"(grad_)?scaler([_-]?\d+)?\.(bin|pt|pth)", "a gradient scaler's state"),
        (r"(rng_state|random_states?)([_-]?\d+)*\.(pth|pt|pkl|bin)", "the state of random numbers"),
        (r"(sampler|dl_state_dict|dataloader)([_-]?\d+)?\.(bin|pt|pth)", "a data loader's state"),
        (r"trainer_state\.(bin|pt|pth)", "a trainer's state"),
        (r"reference\.safetensors", "numbers that a network computed"),
        (r"openvino_.*\.bin", "weights for OpenVINO"),
        (r"adapter_model\.(bin|safetensors|pt)", "an adapter"),
        (r"(tokenizer|vocabulary)\.(bin|pt)", "a tokenizer"),
    )
)

# What a folder holds, by the names of its files and folders -> what it is, and what to do.
_FOLDERS: tuple[tuple[str, str, str], ...] = (
    (
        r"global_step\d+|zero_to_fp32\.py|zero_pp_rank_.*\.pt|mp_rank_\d+.*\.pt",
        "the state of a training in parts, as DeepSpeed writes it",
        "put the weights together with the script zero_to_fp32.py that DeepSpeed puts beside them: "
        "python zero_to_fp32.py . FOLDER",
    ),
    (
        r"pytorch_model_fsdp_\d+|.*\.distcp|distributed_checkpoint",
        "the state of a training in parts (FSDP, torch.distributed.checkpoint)",
        "put the weights together: python -m model convert FOLDER OUT where it is a run's of this "
        "program, else the trainer's own merge (accelerate merge-weights, torch's "
        "dcp_to_torch_save)",
    ),
    (
        r"iter_\d{7}|latest_checkpointed_iteration\.txt|model_optim_rng\.pt",
        "a training's state, as Megatron writes it",
        "convert it with Megatron's own script to Hugging Face's format",
    ),
    (
        r"lit_model\.pth|lit_config\.json",
        "a model under litgpt's names",
        "convert it with litgpt convert_from_litgpt and put config.json beside the result",
    ),
    (
        r"consolidated\.\d+\.pth",
        "a model in the format of its maker, Meta",
        "take its version for Hugging Face, or convert it with transformers' "
        "convert_llama_weights_to_hf.py",
    ),
    (
        r"consolidated(-.*)?\.safetensors|tekken\.json",
        "a model in the format of its maker, Mistral",
        "take its version for Hugging Face, which has a config.json, or convert it with "
        "transformers' convert_mistral_weights_to_hf.py",
    ),
    (
        r"model_index\.json",
        "a pipeline of several networks, as diffusers writes it",
        "choose the folder of a language model",
    ),
    (
        r"tf_model.*\.h5|.*\.ckpt\.(index|meta|data.*)|saved_model\.pb|.*\.keras|.*\.h5",
        "weights for TensorFlow",
        "convert them: transformers before version 5 reads them with from_tf=True, and "
        "save_pretrained() writes safetensors",
    ),
    (
        r"flax_model.*\.msgpack|.*\.msgpack|_CHECKPOINT_METADATA",
        "weights for Flax",
        "convert them: transformers before version 5 reads them with from_flax=True, and "
        "save_pretrained() writes safetensors",
    ),
    (r"mlc-chat-config\.json|params_shard_\d+\.bin", "a model compiled by MLC", _ORIGINAL),
    (r".*\.onnx(_data)?", "weights for ONNX", _ORIGINAL),
    (r"openvino_model\.(xml|bin)", "weights for OpenVINO", _ORIGINAL),
    (r".*\.(mlmodel|mlpackage)", "weights for Core ML", _ORIGINAL),
    (r"rust_model\.ot", "weights for Rust", _ORIGINAL),
    (r"rank\d+\.engine|.*\.engine", "a model compiled by TensorRT", _ORIGINAL),
    (r"weights(\.\d+)?\.npz", "weights as arrays of NumPy, as MLX writes them", _ORIGINAL),
    (r".*\.nemo", "a model of NeMo", "convert it with NeMo's own script to Hugging Face's format"),
    (
        r".*\.(zip|tar|tgz|tar\.gz|tar\.xz|tar\.bz2|7z|rar|zst)",
        "an archive",
        "unpack it, then open the folder",
    ),
    (
        r".*\.(part|partial|incomplete|crdownload|download|aria2|tmp)",
        "a download that is not finished",
        "finish it, then open the folder",
    ),
)
_PATTERNS = tuple((re.compile(pattern), what, remedy) for pattern, what, remedy in _FOLDERS)

# Ends of the names of tensors that only quantised weights have -> who writes them.
_QUANTISED: tuple[tuple[str, str], ...] = (
    (r"\.(qweight|qzeros|g_idx)", "GPTQ or AWQ"),
    (r"\.(absmax|nested_absmax|quant_map|nested_quant_map|SCB|CB)", "bitsandbytes"),
    (r"\.quant_state(\.\w+)?", "bitsandbytes"),
    (r"\.(q_weight|q_invperm|q_scale_max|trellis)", "ExLlama"),
    (r"\.(weight_packed|weight_zero_point|weight_shape)", "compressed-tensors"),
    (r"\.(weight_scale|weight_scale_inv|input_scale|activation_scale)", "8-bit floats"),
    (r"\.(W_q|W_q_meta)", "HQQ"),
    (r"_(blocks|scales)", "MXFP4"),
    (r"\.(scales|biases)", "MLX"),
)
_QUANTISED_NAMES = tuple((re.compile(rf".*{end}"), who) for end, who in _QUANTISED)

# Names of tensors under which other programs keep a network -> whose they are, and what to do.
_NAMES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"transformer\.h\.\d+\.(attn\.(qkv|attn)|norm_1|mlp\.fc_1)\.weight"),
        "litgpt's",
        "convert them with litgpt convert_from_litgpt and put config.json beside the result",
    ),
    (
        re.compile(r"(tok_embeddings|layers\.\d+\.attention\.wq)\.weight"),
        "those of the model's maker (Meta, Mistral)",
        "take the model's version for Hugging Face",
    ),
    (
        re.compile(r"(embed\.W_E|blocks\.\d+\.attn\.W_Q)"),
        "TransformerLens'",
        "save the original by transformers' save_pretrained()",
    ),
    (
        re.compile(r".*\.(linear_qkv|linear_fc1|query_key_value\.layer_norm_weight)\.weight"),
        "Megatron's",
        "convert them with Megatron's own script to Hugging Face's format",
    ),
    (
        re.compile(r"(.*\.)?_?flat_param(_\d+)?"),
        "those of a training in parts (FSDP)",
        "save the whole state dict (StateDictType.FULL_STATE_DICT)",
    ),
)


def holds_no_weights(name: str) -> str | None:
    """What a file holds that trainers and others put beside weights; None for one of weights."""
    return next((what for pattern, what in _NO_WEIGHTS if pattern.fullmatch(name)), None)


def refuse_folder(folder: Path) -> None:
    """Say what a folder is that has no weights to open.

    Raises:
        CheckpointError: it is another program's.
    """
    names = _names(folder)
    for pattern, what, remedy in _PATTERNS:
        found = next((name for name in names if pattern.fullmatch(name)), None)
        if found is not None:
            raise CheckpointError(f"{folder} holds {what} ({found}); {remedy}.")


def is_foreign_file(name: str) -> tuple[str, str] | None:
    """What a single file of another program is, and what to do; None for one not known."""
    for pattern, what, remedy in _PATTERNS:
        if pattern.fullmatch(name):
            return what, remedy
    return None


def refuse_tensors(path: Path, tensors: Mapping[str, StoredTensor]) -> None:
    """Refuse weights that are no numbers to compute with as they are.

    Raises:
        CheckpointError: they are quantised, of an adapter, or placeholders.
    """
    for pattern, who in _QUANTISED_NAMES:
        found = next((name for name in tensors if pattern.fullmatch(name)), None)
        if found is not None:
            raise CheckpointError(
                f"The weights in {path} are quantised ({who}: it holds {found!r}), in a way that "
                f"is not supported; {_ORIGINAL}."
            )
    adapter = next((name for name in tensors if has_adapter(name)), None)
    if adapter is not None:
        raise CheckpointError(
            f"The weights in {path} hold an adapter that is not merged ({adapter!r}). Merge it "
            "into its model, in peft by merge_and_unload(), and save the whole."
        )
    empty = [name for name, tensor in tensors.items() if not tensor.n]
    if empty and len(empty) > len(tensors) // 2:
        raise CheckpointError(
            f"The weights in {path} are empty ({empty[0]!r} has no numbers): a training in parts "
            "(DeepSpeed ZeRO-3) left only their names here. Put them together with the script "
            "zero_to_fp32.py that DeepSpeed puts beside them."
        )


def whose_names(names: Iterable[str]) -> tuple[str, str] | None:
    """Whose names a file's tensors have, if it is another program that is known, and what to do."""
    some = list(names)
    for pattern, whose, remedy in _NAMES:
        if any(pattern.fullmatch(name) for name in some):
            return whose, remedy
    return None


def _names(folder: Path) -> list[str]:
    return sorted(place.name for place in folder.iterdir())
