"""What torch.save wrote, in both of its formats: read as torch reads it, and never run."""

from __future__ import annotations

import collections
import json
import os
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from model.checkpoint import CheckpointError, open_checkpoint, preview
from model.checkpoint.sources.pickle_reader import Nothing, PickleError, read_pickle
from model.checkpoint.sources.torch_file import read_torch_file
from model.checkpoint.stored import StoredTensor
from model.checkpoint.weights import read_weights
from model.slices import finish

BOTH_FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])


def save(value: object, path: Path, zipped: bool = True) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    return path


def read(stored: StoredTensor) -> Tensor:
    return finish(read_weights({"it": stored}, getattr(torch, stored.dtype))).tensors["it"]


def as_folder(gpt2_folder: Path, folder: Path) -> tuple[Path, dict[str, Tensor]]:
    """The folder without its weights, and the weights."""
    shutil.copytree(gpt2_folder, folder)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    return folder, tensors


def logits(path: Path, ids_BT: Tensor) -> Tensor:
    with torch.inference_mode():
        return open_checkpoint(path).transformer(ids_BT)


# Reading


@BOTH_FORMATS
def test_every_tensor_is_what_torch_reads(zipped: bool, tmp_path: Path):
    base = torch.randn(5, 7)
    value = {
        "plain": base,
        "view": base[1:3],
        "transposed": base.T,
        "column": base[:, 2],
        "every other": base[::2, 1::3],
        "repeated": torch.arange(3.0).expand(4, 3),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "parameter": nn.Parameter(torch.randn(3, 2)),
        "half": torch.randn(6).half(),
        "bfloat16": torch.randn(6).bfloat16(),
        "double": torch.randn(6, dtype=torch.float64),
    }
    path = save(value, tmp_path / "x.pt", zipped)
    expected = torch.load(path, weights_only=True)
    found = read_torch_file(path)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].shape == tuple(tensor.shape), name
        assert torch.equal(read(found[name]), tensor.detach()), name


@BOTH_FORMATS
def test_plain_values_are_what_torch_reads(zipped: bool, tmp_path: Path):
    value: dict[str, Any] = {
        "int": [0, 1, 255, 256, 65536, -1, 2**31, -(2**40), 2**70],
        "float": 1.5,
        "flags": (True, False, None),
        "text": "a → b",
        "bytes": b"\x00\xff",
        "nested": {"a": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], 3: {}},
        "ordered": collections.OrderedDict(a=1),
        "size": torch.Size([2, 3]),
    }
    path = save(value, tmp_path / "x.pt", zipped)
    assert read_torch_file(path) == {**value, "size": (2, 3)}


@BOTH_FORMATS
def test_a_modules_state_dict_is_read(zipped: bool, tmp_path: Path):
    module = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4))
    path = save(module.state_dict(), tmp_path / "x.pt", zipped)
    found = read_torch_file(path)
    assert list(found) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert torch.equal(read(found["0.weight"]), module.state_dict()["0.weight"])


@BOTH_FORMATS
def test_pytorch_model_bin_opens_as_safetensors_does(
    zipped: bool, gpt2_folder: Path, tmp_path: Path, ids_BT: Tensor
):
    folder, tensors = as_folder(gpt2_folder, tmp_path / "bin")
    save(tensors, folder / "pytorch_model.bin", zipped)
    expected = logits(gpt2_folder, ids_BT)
    for path in (folder, folder / "pytorch_model.bin"):
        assert torch.equal(logits(path, ids_BT), expected)
    assert open_checkpoint(folder).format == "PyTorch"
    assert (
        preview(folder).line
        == preview(gpt2_folder).line.rpartition(" · ")[0]
        + " · "
        + (preview(folder).line.rpartition(" · ")[2])
    )


def test_several_bin_files_open_by_their_index(gpt2_folder: Path, tmp_path: Path, ids_BT: Tensor):
    folder, tensors = as_folder(gpt2_folder, tmp_path / "bin")
    names = sorted(tensors)
    files = {name: f"any name {i % 2}.bin" for i, name in enumerate(names)}
    for file in set(files.values()):
        save({n: tensors[n] for n in names if files[n] == file}, folder / file)
    save({}, folder / "training_args.bin")
    index = folder / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": files}))
    expected = logits(gpt2_folder, ids_BT)
    for path in (folder, index, folder / "any name 0.bin"):
        assert torch.equal(logits(path, ids_BT), expected)


def test_one_file_of_any_name_beside_its_config_opens(
    gpt2_folder: Path, tmp_path: Path, ids_BT: Tensor
):
    expected = logits(gpt2_folder, ids_BT)
    folder, tensors = as_folder(gpt2_folder, tmp_path / "named")
    shutil.copy(gpt2_folder / "model.safetensors", folder / "fine-tuned.safetensors")
    for path in (folder, folder / "fine-tuned.safetensors"):
        assert torch.equal(logits(path, ids_BT), expected)
    save({"model_state_dict": {f"module.{n}": t for n, t in tensors.items()}}, folder / "last.ckpt")
    assert torch.equal(logits(folder / "last.ckpt", ids_BT), expected)
    shutil.copy(folder / "fine-tuned.safetensors", folder / "other.safetensors")
    with pytest.raises(CheckpointError, match=r"several files of weights \(fine-tuned.*choose one"):
        open_checkpoint(folder)


# Nothing is run


class Bomb:
    """Makes a folder when it is unpickled by who calls what a pickle names."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.mark),)


class Setting:
    """Its state is set by a method, and so could be anything."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __setstate__(self, state: dict[str, Any]) -> None:
        state["mark"].mkdir()


def bombs(mark: Path) -> dict[str, bytes]:
    """Pickles that leave the mark, each by another way of a pickle."""
    by_name = f"cposix\nmkdir\n(V{mark}\ntR.".encode()
    return {
        "reduce": pickle.dumps(Bomb(mark)),
        "reduce, protocol 2": pickle.dumps({"a": Bomb(mark)}, protocol=2),
        "reduce, protocol 0": pickle.dumps(Bomb(mark), protocol=0),
        "by hand": by_name,
        "behind weights": pickle.dumps([{"w": 1}, Bomb(mark)], protocol=2),
        "as a key": pickle.dumps({("k", 1): Bomb(mark)}, protocol=2),
        "eval": pickle.dumps(_Call(eval, f"__import__('os').mkdir({str(mark)!r})")),
    }


class _Call:
    def __init__(self, function: Callable[..., Any], argument: str) -> None:
        self.call = function, (argument,)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return self.call


@pytest.mark.parametrize("name", bombs(Path("/nowhere")))
@pytest.mark.parametrize(
    "file", ["pytorch_model.bin", "model.pt", "ckpt.pt", "model.safetensors", "model.gguf"]
)
def test_no_pickle_is_run_under_any_name(file: str, name: str, gpt2_folder: Path, tmp_path: Path):
    mark = tmp_path / "it-ran"
    raw = bombs(mark)[name]
    folder, _ = as_folder(gpt2_folder, tmp_path / "bin")
    (folder / file).write_bytes(raw)
    for path in (folder, folder / file):
        with pytest.raises(CheckpointError):
            open_checkpoint(path)
        assert preview(path).problem
    assert not mark.exists()
    pickle.loads(raw)  # it is no dud
    assert mark.exists()


def test_a_bomb_in_torchs_own_archive_is_named_and_not_run(gpt2_folder: Path, tmp_path: Path):
    mark = tmp_path / "it-ran"
    folder, tensors = as_folder(gpt2_folder, tmp_path / "bin")
    for extra in (Bomb(mark), Setting(mark)):
        save({**tensors, "extra": extra}, folder / "pytorch_model.bin")
        with pytest.raises(CheckpointError) as caught:
            open_checkpoint(folder)
        message = str(caught.value)
        assert "pytorch_model.bin holds more than tensors: it asks for " in message
        assert "which could run a program" in message
        assert "save its state_dict() alone" in message
        assert not mark.exists()
        torch.load(folder / "pytorch_model.bin", weights_only=False)
        assert mark.exists()
        mark.rmdir()


def test_numpy_scalars_are_refused_by_name(gpt2_folder: Path, tmp_path: Path):
    folder, tensors = as_folder(gpt2_folder, tmp_path / "bin")
    save({"model": tensors, "loss": np.float64(1.5)}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"it asks for numpy\.\S*scalar"):
        open_checkpoint(folder)


def test_meta_pkl_may_name_nothing(tmp_path: Path):
    from tests.model.checkpoint.test_karpathy import write_nanogpt

    mark = tmp_path / "it-ran"
    path = write_nanogpt(tmp_path / "out", bias=False)
    for raw in bombs(mark).values():
        (path.parent / "meta.pkl").write_bytes(raw)
        with pytest.raises(CheckpointError, match=r"meta\.pkl can't be read as nanoGPT's table"):
            open_checkpoint(path)
    assert not mark.exists()
    (path.parent / "meta.pkl").write_bytes(pickle.dumps(collections.OrderedDict(a=1)))
    with pytest.raises(CheckpointError, match=r"it asks for collections\.OrderedDict"):
        open_checkpoint(path)


def test_code_that_a_config_or_tokenizer_names_is_not_run(
    gpt2_folder: Path, tmp_path: Path, ids_BT: Tensor
):
    folder = Path(shutil.copytree(gpt2_folder, tmp_path / "remote"))
    mark = tmp_path / "it-ran"
    code = f"import os\nos.mkdir({str(mark)!r})\nclass Own: pass\n"
    for name in ("modeling_own.py", "configuration_own.py", "tokenization_own.py", "__init__.py"):
        (folder / name).write_text(code)
    template = "{{ cycler.__init__.__globals__.os.mkdir('%s') }}" % mark  # noqa: UP031 - braces
    (folder / "chat_template.jinja").write_text(template)
    for file, extra in (
        ("config.json", {"auto_map": {"AutoModelForCausalLM": "modeling_own.Own"}}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["tokenization_own.Own", None]}}),
    ):
        path = folder / file
        old = json.loads(path.read_text())
        path.write_text(
            json.dumps(old | extra | {"trust_remote_code": True, "chat_template": template})
        )
    opened = open_checkpoint(folder)
    assert preview(folder).problem is None
    assert opened.tokenizer is not None
    opened.tokenizer.encode("the king")
    with torch.inference_mode():
        assert torch.equal(opened.transformer(ids_BT), logits(gpt2_folder, ids_BT))
    assert not mark.exists()
    exec(code)
    assert mark.exists()


def test_torchscript_is_refused(gpt2_folder: Path, tmp_path: Path):
    folder, _ = as_folder(gpt2_folder, tmp_path / "bin")
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({}, 2))
        archive.writestr("model/code/__torch__.py", "x = 1")
    with pytest.raises(CheckpointError, match="is a TorchScript program, which is not run"):
        open_checkpoint(folder)


# Pickles that are meant to exhaust


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\x80\x02\x8b\xff\xff\xff\x7f", "number of thousands of digits"),
        (b"\x80\x02}r\xff\xff\xff\xffh\x00.", "damaged"),
        (b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b"abc.", "ends before it is complete"),
        (b"\x80\x02" + b"(" * 100_000 + b"t" * 100_000 + b"}" + b"." * 2, None),
        (b"\x80\x02}" + b")\x85" * 10, "ends before it is complete"),
        (b"\x80\x02}" + b"(" + b")" + b"\x85" * 200_000 + b"K\x01u.", "no plain values"),
        (b"\x80\x02}" * 3_000_000, "too many parts"),
        (b"", "ends before it is complete"),
        (b"\x80\x02}}s.", "damaged"),
        (b"c" + b"a" * 5_000, "damaged"),
    ],
    ids=range(10),
)
def test_pickles_that_are_meant_to_exhaust_do_not(raw: bytes, says: str | None):
    if says is None:
        assert read_pickle(raw, Nothing())[0] == {}
        return
    with pytest.raises(PickleError, match=says):
        read_pickle(raw, Nothing())
