"""One comparison for every family: a small random checkpoint of transformers', opened here.

`compare` holds logits (or last hidden states), every layer's residual stream and every attention
pattern to transformers, in float32 and in float64; `round_trip` saves what was opened, and
transformers must load it to equal logits.

transformers computes norms, softmax and rotary angles in float32 even in a float64 network. So its
float64 pass runs under `Upcast`, which turns every request for float32 into one for float64; its
rotary frequencies stay the float32 numbers that they are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils import logging

from model.checkpoint import open_checkpoint
from model.checkpoint.families import FAMILIES
from model.checkpoint.verify import Verification, verify
from model.language_model import open_model
from model.operations import output_name
from model.slices import finish
from model.trace import record
from model.transformer import Transformer
from tests.model.checkpoint.forked import forked

N_TOKENS = 19
TOLERANCES = {torch.float32: 1e-4, torch.float64: 1e-9}
BOTH = tuple(TOLERANCES)


class Upcast(TorchFunctionMode):
    """Inside, what asks for float32 gets float64."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        def wide(value: Any) -> Any:
            return torch.float64 if value is torch.float32 else value

        if func is Tensor.float:
            func = Tensor.double
        return func(*map(wide, args), **{k: wide(v) for k, v in (kwargs or {}).items()})


def make(network_class: type[PreTrainedModel], config: PreTrainedConfig, folder: Path) -> Path:
    """A random checkpoint as transformers saves it: no bias zero, no norm one.

    Args:
        network_class: with the head that it shall have.
        config: small; no two sizes alike, so that a transpose or a swap can't hide.
        folder: to be written.
    """
    logging.disable_progress_bar()  # tqdm starts a thread that stays
    torch.manual_seed(0)
    network = network_class(config)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in network.parameters():
            # Norms stay near what they begin with: attention must not be flat, errors would hide.
            mean = float(parameter.mean()) if parameter.ndim == 1 else 0.0
            parameter.normal_(mean, 0.3, generator=generator)
    network.save_pretrained(folder)
    return folder


def some_ids(d_vocab: int, n_tokens: int = N_TOKENS, unused: int = 3) -> Tensor:
    """Ids ``[2, n_tokens]``; the first few, where padding may stand, are left out."""
    generator = torch.Generator().manual_seed(3)
    return torch.randint(unused, d_vocab, (2, n_tokens), generator=generator)


def reference(
    network_class: type[PreTrainedModel], folder: Path, dtype: torch.dtype, ids_BT: Tensor
) -> Any:
    """transformers' own outputs, all of them, with explicit attention."""
    theirs, info = network_class.from_pretrained(
        folder,
        attn_implementation="eager",
        experts_implementation="eager",  # the fused kernel knows no float64
        dtype=torch.float32,
        output_loading_info=True,
    )
    assert not any(info.values()), info
    theirs.eval()
    wanted = {"output_hidden_states": True, "output_attentions": True}
    with torch.inference_mode():
        # Also in float32 first: frequencies that depend on the length are computed once, here.
        outputs = theirs(ids_BT, **wanted)
    if dtype is torch.float32:
        return outputs
    theirs.double()
    for module in theirs.modules():
        if hasattr(module, "scalar_embed_scale"):  # Gemma's √d_model, kept in float32
            module.embed_scale = torch.tensor(module.scalar_embed_scale, dtype=torch.float64)
    with torch.no_grad(), Upcast():
        return theirs(ids_BT, **wanted)


def difference(ours: Tensor, theirs: Tensor) -> float:
    """The largest absolute difference; shapes and dtypes must be equal."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    assert ours.dtype == theirs.dtype
    return float((ours - theirs).abs().max())


def last_stream(ours: Transformer) -> str:
    """The activation that transformers gives as its last hidden state."""
    last = ours.config.n_layers - 1
    if ours.project_out is not None:
        return "hook_project_out"
    if ours.config.norms.final:
        return "ln_final.hook_normalized"
    post = ours.config.norms.placement == "post"
    return f"blocks.{last}.hook_{'normalized_' if post else ''}resid_post"


def compare(
    network_class: type[PreTrainedModel],
    folder: Path,
    dtype: torch.dtype,
    ids_BT: Tensor | None = None,
) -> Transformer:
    """Hold a checkpoint that is opened here to transformers.

    Args:
        network_class: that reads the folder.
        folder: from `make`.
        dtype: of the weights.
        ids_BT: what is run; by default `some_ids`.

    Returns:
        Our network, for further checks.
    """
    ours = open_checkpoint(folder, dtype).transformer
    tolerance = TOLERANCES[dtype]
    if ids_BT is None:
        ids_BT = some_ids(ours.config.d_vocab)
    expected = reference(network_class, folder, dtype, ids_BT)
    output = expected.logits if ours.config.has_logits else expected.last_hidden_state
    with torch.inference_mode():
        fast = ours(ids_BT)
    trace = record(ours, ids_BT)
    assert output.std() > 0.1  # small numbers would agree by being small
    for layer in range(ours.config.n_layers):
        resid = trace[f"blocks.{layer}.hook_resid_pre"]
        assert difference(resid, expected.hidden_states[layer]) < tolerance, layer
        pattern = trace[f"blocks.{layer}.attn.hook_pattern"]
        assert difference(pattern, expected.attentions[layer]) < tolerance, layer
        assert pattern.std() > 0.01  # a flat pattern would hide what the scores are
    assert difference(trace[last_stream(ours)], expected.hidden_states[-1]) < tolerance
    assert difference(trace[output_name(ours.config)], output) < tolerance
    assert difference(fast, output) < tolerance
    return ours


def round_trip(network_class: type[PreTrainedModel], folder: Path, again: Path) -> None:
    """What was opened, saved by its family, is loaded by transformers to the same logits."""
    checkpoint = open_checkpoint(folder, torch.float32)
    family, ours = FAMILIES[checkpoint.family], checkpoint.transformer
    state = {name: tensor.detach() for name, tensor in ours.state_dict().items()}
    tensors = family.state_to_hf(state, ours.config)
    again.mkdir()
    (again / "config.json").write_text(json.dumps(family.config_to_hf(ours.config)))
    whole = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
    save_file(whole, again / "model.safetensors", {"format": "pt"})
    # Before transformers looks: it may hide a mistake by making the same one twice.
    same = open_checkpoint(again, torch.float32).transformer
    assert same.config == ours.config
    for name, tensor in same.state_dict().items():
        assert torch.equal(tensor, state[name]), name
    ids_BT = some_ids(ours.config.d_vocab)
    before = reference(network_class, folder, torch.float32, ids_BT)
    after = reference(network_class, again, torch.float32, ids_BT)
    assert difference(after[0], before[0]) == 0


def check(
    network_class: type[PreTrainedModel],
    config: PreTrainedConfig,
    tmp_path: Path,
    exact: type[PreTrainedModel] | None = None,
) -> Path:
    """All of it: both precisions and the round trip.

    Args:
        network_class: of transformers.
        config: as `make`.
        tmp_path: to write in.
        exact: the class for the pass in float64, where transformers' own keeps to float32 numbers
            in a way that `Upcast` can't see.

    Returns:
        The folder that transformers wrote.
    """
    folder = make(network_class, config, tmp_path / "theirs")
    compare(network_class, folder, torch.float32)
    compare(exact or network_class, folder, torch.float64)
    round_trip(network_class, folder, tmp_path / "ours")
    return folder


def opens_under(
    folder: Path, rename: Callable[[str], str], more: Mapping[str, Tensor] | None = None
) -> None:
    """The same weights under other names, with tensors that are no weights, are the same network.

    Args:
        folder: from `make`; its weights are written anew.
        rename: from the name of a tensor today to its name in the file.
        more: further tensors, as an older version of transformers saved them.
    """
    before = open_checkpoint(folder, torch.float32).transformer.state_dict()
    tensors = {rename(name): t for name, t in load_file(folder / "model.safetensors").items()}
    assert not tensors.keys() & (more or {}).keys()
    save_file({**tensors, **(more or {})}, folder / "model.safetensors", {"format": "pt"})
    after = open_checkpoint(folder, torch.float32).transformer.state_dict()
    assert after.keys() == before.keys()
    for name, tensor in after.items():
        assert torch.equal(tensor, before[name]), name


def verified(folder: Path) -> Verification:
    """What a person is told who asks whether the opened model equals its original."""
    with forked():
        return finish(verify(open_model(folder, "cpu")), lambda _: time.sleep(0.01))


def modules_of(network: nn.Module, ending: str) -> list[nn.Module]:
    """The modules whose class name ends so."""
    return [module for module in network.modules() if type(module).__name__.endswith(ending)]
