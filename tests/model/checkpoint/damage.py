"""Damages checkpoints in thousands of ways and opens them: run as a program of its own.

    python -m tests.model.checkpoint.damage FOLDER SEED CASES

So that a crash, a hang or a memory that grows is seen from outside. Prints one line of JSON a case:
what was done, whether it opened or with which sentence it was refused, the seconds of processor
time and the bytes of memory that it took.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import resource
import shutil
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from model.checkpoint import CheckpointError, open_checkpoint, preview
from model.checkpoint.opening import opening
from model.tokenizer.tokenizer import Tokenizer
from tests.model.checkpoint.whole import make_bases

SPARE_BYTES = 2**30
"""Addresses that the whole may take beyond what it has when it begins."""

LONGEST_SECONDS = 20
"""Of one case, before the process is ended: far above what is allowed, for a busy machine."""

# Numbers that lie: none, huge, just beyond what a type holds.
EXTREMES = (0, 1, -1, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)
ODD_VALUES: tuple[Any, ...] = (
    *EXTREMES,
    None,
    True,
    False,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "../../etc/passwd",
    "model.safetensors",
    [],
    {},
    [[[]]],
    {"a": {"b": 1}},
    ["a"],
    [1, 2, 3],
)
Damage = Callable[[Path, random.Random], str]


# Damage to any file


def truncate(file: Path, dice: random.Random) -> str:
    at = dice.randrange(file.stat().st_size)
    os.truncate(file, at)
    return f"cut at {at}"


def flip(file: Path, dice: random.Random) -> str:
    data = bytearray(file.read_bytes())
    places = [dice.randrange(len(data)) for _ in range(dice.choice((1, 1, 2, 8, 64)))]
    for at in places:
        data[at] ^= 1 << dice.randrange(8)
    file.write_bytes(data)
    return f"bits flipped at {places[:4]}"


def flip_early(file: Path, dice: random.Random) -> str:
    """Headers stand at the beginning; the end of a zip archive has one, too."""
    data = bytearray(file.read_bytes())
    window = min(len(data), 400)
    at = dice.randrange(window)
    if dice.random() < 0.3:
        at = len(data) - 1 - at
    data[at] = dice.randrange(256)
    file.write_bytes(data)
    return f"byte {at} changed"


def overwrite(file: Path, dice: random.Random) -> str:
    data = bytearray(file.read_bytes())
    value = dice.choice(EXTREMES) % 2**64
    raw = struct.pack(dice.choice(("<Q", ">Q")), value)[: dice.choice((1, 2, 4, 8))]
    at = dice.randrange(min(len(data), dice.choice((64, 600, len(data)))))
    data[at : at + len(raw)] = raw
    file.write_bytes(data[: file.stat().st_size])
    return f"{value} at {at}"


def insert(file: Path, dice: random.Random) -> str:
    data = file.read_bytes()
    at = dice.randrange(len(data))
    raw = dice.choice((b"\0", b"\xff" * 8, dice.randbytes(33), b"{", b'"', data[:200]))
    file.write_bytes(data[:at] + raw + data[at:])
    return f"{len(raw)} bytes put in at {at}"


def remove(file: Path, dice: random.Random) -> str:
    data = file.read_bytes()
    at = dice.randrange(len(data))
    n = dice.choice((1, 2, 8, 100, len(data) // 2 + 1))
    file.write_bytes(data[:at] + data[at + n :])
    return f"{n} bytes taken out at {at}"


def append(file: Path, dice: random.Random) -> str:
    n = dice.choice((1, 8, 1000))
    with file.open("ab") as open_file:
        open_file.write(dice.randbytes(n))
    return f"{n} bytes behind the end"


def replace_contents(file: Path, dice: random.Random) -> str:
    what, raw = dice.choice(
        (
            ("nothing", b""),
            ("noise", dice.randbytes(3000)),
            ("zeros", b"\0" * 5000),
            ("deep JSON", b"[" * 100_000),
            ("deep JSON objects", b'{"a":' * 50_000),
            ("much JSON", b"[" + b"[]," * 1_000_000 + b"[]]"),
            ("JSON text", b'"' + b"a" * 2_000_000 + b'"'),
            ("a number of many digits", b'{"n_layer": ' + b"9" * 100_000 + b"}"),
            ("no UTF-8", b"\xff\xfe{}"),
            ("another pickle", pickle.dumps({"a": [1, 2]})),
            ("a long header", struct.pack("<Q", 10**7) + b"{" + b" " * 10**7),
            ("a GGUF of nothing", b"GGUF" + struct.pack("<IQQ", 3, 0, 0)),
            ("a zip of nothing", b"PK\x05\x06" + b"\0" * 18),
            ("JSON null", b"null"),
            ("a list", b"[1]"),
            ("an empty object", b"{}"),
        )
    )
    file.write_bytes(raw)
    return f"now {what}"


def make_special(file: Path, dice: random.Random) -> str:
    kind = dice.choice(("gone", "folder", "loop", "dangling", "pipe", "zeros", "itself"))
    file.unlink()
    match kind:
        case "folder":
            file.mkdir()
        case "loop":
            other = file.with_name("loop")
            other.symlink_to(file.name)
            file.symlink_to("loop")
        case "dangling":
            file.symlink_to("nowhere")
        case "pipe":
            os.mkfifo(file)
        case "zeros":
            file.symlink_to("/dev/zero")
        case "itself":
            file.symlink_to(".")
    return f"now {kind}"


def swap_files(file: Path, dice: random.Random) -> str:
    others = sorted(p for p in file.parent.iterdir() if p.is_file() and p != file)
    if not others:
        return truncate(file, dice)
    other = dice.choice(others)
    shutil.copy(other, file)
    return f"now a copy of {other.name}"


# Damage that knows the format


def edit_safetensors(file: Path, dice: random.Random) -> str:
    raw = file.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header: dict[str, Any] = json.loads(raw[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"]
    name = dice.choice(names)
    entry = header[name]
    data = raw[8 + length :]
    what = dice.randrange(10)
    match what:
        case 0:
            entry["data_offsets"][dice.randrange(2)] = dice.choice(EXTREMES)
        case 1:
            entry["data_offsets"] = header[dice.choice(names)]["data_offsets"]
        case 2:
            entry["shape"] = [dice.choice(EXTREMES), dice.choice((1, 8, 2**40))]
        case 3:
            entry["shape"] = entry["shape"][::-1] + [1] * dice.choice((0, 1, 70))
        case 4:
            entry["dtype"] = dice.choice(("F16", "I8", "F64", "BOOL", "F4", "", 5, None))
        case 5:
            header[dice.choice(("extra", "transformer." + name, ""))] = header.pop(name)
        case 6:
            key = dice.choice(sorted(entry))
            entry[key] = dice.choice(ODD_VALUES)
        case 7:
            del entry[dice.choice(sorted(entry))]
        case 8:
            header["__metadata__"] = dice.choice(ODD_VALUES)
        case 9:
            header = dice.choice(({}, {name: entry}, {"a": header}))
    text = json.dumps(header).encode()
    if what == 5 and dice.random() < 0.5:
        text = text.replace(b"extra", names[0].encode())  # one name twice
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return f"header, way {what}, of {name}"


def edit_tensors(file: Path, dice: random.Random) -> str:
    """A whole file, but of other tensors."""
    state = load_file(file)
    name = dice.choice(sorted(state))
    tensor = state[name]
    what = dice.randrange(8)
    match what:
        case 0:
            del state[name]
        case 1:
            state[f"extra.{name}"] = tensor.clone()
        case 2:
            state[name] = tensor.flatten() if tensor.ndim == 2 else tensor[:, None]
        case 3:
            state[name] = tensor.to(dice.choice((torch.int32, torch.bool, torch.uint8)))
        case 4:
            tensor.view(-1)[0] = dice.choice((torch.nan, torch.inf, -torch.inf))
        case 5:
            state[name] = torch.zeros(0)
        case 6:
            state[name] = tensor[None]
        case 7:
            state[name] = tensor[..., :-1].contiguous()
    save_file(state, file)
    return f"tensor {name}, way {what}"


def edit_json(file: Path, dice: random.Random) -> str:
    """A value somewhere in it becomes an odd one, or goes."""
    value = json.loads(file.read_text())
    place, path = value, []
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = dice.choice(keys)
        path.append(str(key))
        inner = place[key]
        if isinstance(inner, dict | list) and inner and dice.random() < 0.6:
            place = inner
            continue
        break
    what = dice.random()
    if what < 0.15:
        del place[key]
        done = "taken out"
    elif what < 0.25 and isinstance(place, dict):
        place[f"{key}_"] = place.pop(key)
        done = "renamed"
    else:
        place[key] = odd = dice.choice(ODD_VALUES)
        done = f"now {str(odd)[:30]}"
    file.write_text(json.dumps(value))
    return f"{'/'.join(path)[:80]} {done}"


def edit_torch(file: Path, dice: random.Random) -> str:
    """A whole file of torch.save, of other values."""
    value: Any = torch.load(file, weights_only=True)
    inner: dict[str, Any] = value.get("model", value)
    name = dice.choice(sorted(inner))
    what = dice.randrange(9)
    match what:
        case 0:
            del inner[name]
        case 1:
            inner[f"extra.{name}"] = inner[name]
        case 2:
            inner[name] = inner[name].t() if inner[name].ndim == 2 else inner[name][:1]
        case 3:
            inner[name] = inner[name].to(dice.choice((torch.int64, torch.complex64)))
        case 4:
            inner[name] = dice.choice((None, 5, "text", [1], {"a": 1}))
        case 5:
            inner[name] = torch.zeros(1).expand(2**20, 2**19)
        case 6:
            value = dice.choice(([value], None, 5, {"model": {}}, {}))
        case 7:
            inner[name] = inner[name].to_sparse() if inner[name].ndim == 2 else torch.zeros(0)
        case 8:
            arguments = value.get("model_args")
            if arguments is None:
                inner[name] = inner[name][..., :1]
            else:
                arguments[dice.choice(sorted(arguments))] = dice.choice(ODD_VALUES)
    torch.save(value, file, _use_new_zipfile_serialization=dice.random() < 0.7)
    return f"value {name}, way {what}"


def edit_gguf(file: Path, dice: random.Random) -> str:
    """A number in the header becomes an extreme one: counts, lengths, types, sizes, offsets."""
    data = bytearray(file.read_bytes())
    marks = [b"gpt2.block_count", b"gpt2.", b"token_embd.weight", b"blk.1.", b"tokenizer.ggml."]
    found = data.find(dice.choice(marks))
    at = dice.choice((8, 16, max(found, 0) + dice.randrange(-8, 60)))
    raw = struct.pack("<Q", dice.choice(EXTREMES) % 2**64)[: dice.choice((4, 8))]
    data[at : at + len(raw)] = raw
    file.write_bytes(data)
    return f"{raw.hex()} at {at}"


def wrong_tokenizer(file: Path, dice: random.Random) -> str:
    text = " ".join(f"{dice.randrange(10**6)}" for _ in range(300))
    Tokenizer.train_bpe(text, 300 + dice.choice((30, 200))).save(file.parent)
    return "another, larger tokenizer"


ANY: tuple[Damage, ...] = (
    truncate,
    truncate,
    flip,
    flip_early,
    flip_early,
    overwrite,
    overwrite,
    insert,
    remove,
    append,
    replace_contents,
    make_special,
    swap_files,
)


def damages(file: str) -> tuple[Damage, ...]:
    """What can be done to a file, by its name."""
    if file.endswith(".safetensors"):
        return (*ANY, *[edit_safetensors] * 8, *[edit_tensors] * 5)
    if file.endswith(".json"):
        more = (wrong_tokenizer,) if file == "tokenizer.json" else ()
        return (*ANY, *[edit_json] * 12, *more)
    if file.endswith((".bin", ".pt")):
        return (*ANY, *[edit_torch] * 6)
    if file.endswith(".gguf"):
        return (*ANY, *[edit_gguf] * 10)
    return ANY


# Opening them


def cases(place: Path, seed: int, n: int) -> Iterator[tuple[str, Path]]:
    """Damaged copies, one at a time, each with what was done to it."""
    whole = place / "whole"
    bases = make_bases(whole)
    dice = random.Random(seed)
    choices = [(base, file) for base, files in bases.items() for file in files]
    for base in bases:
        yield f"{base}: whole", whole / base
    for i in range(n):
        base, name = choices[i % len(choices)]
        copy = place / f"case-{i}"
        shutil.copytree(whole / base, copy)
        damage = dice.choice(damages(name))
        what = damage(copy / name, dice)
        yield f"{base}: {name}: {damage.__name__}: {what}", copy
        shutil.rmtree(copy)


def change_while_read(folder: Path, dice: random.Random) -> None:
    """Open it, but its files change after the first slice."""
    steps = opening(folder)
    next(steps)
    for file in sorted(folder.rglob("*.*")):
        if file.suffix in (".safetensors", ".bin", ".pt", ".gguf"):
            dice.choice((truncate, flip, append))(file, dice)
    for _ in steps:
        pass


def attempt(what: str, work: Callable[[], object]) -> dict[str, Any]:
    """Do it, and say how it went."""
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = _memory("VmRSS")
    began = time.process_time()
    signal.alarm(LONGEST_SECONDS)
    message, error = None, None
    try:
        work()
    except CheckpointError as refused:
        message = str(refused)
    except Exception:  # noqa: BLE001 - what a test is to see
        error = traceback.format_exc()
    signal.alarm(0)
    return {
        "what": what,
        "refused": message,
        "error": error,
        "seconds": time.process_time() - began,
        "bytes": _memory("VmHWM") - before,
    }


def open_and_run(path: Path) -> None:
    """What opens is run as well: it must not crash then."""
    with torch.inference_mode():
        open_checkpoint(path).transformer(torch.tensor([[1, 2, 3]]))


def look(path: Path) -> None:
    problem = preview(path).problem
    if problem is not None:
        raise CheckpointError(problem)


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def main(place: Path, seed: int, n: int) -> None:
    torch.set_num_threads(1)
    addresses = _memory("VmSize") + SPARE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))
    dice = random.Random(seed + 1)
    for i, (what, path) in enumerate(cases(place, seed, n)):
        # Before it is tried, so that what kills the process is known.
        print(json.dumps({"trying": what}), flush=True)
        print(json.dumps(attempt(what, partial(open_and_run, path))))
        if i % 5 == 0:
            print(json.dumps(attempt(f"preview of {what}", partial(look, path))))
        if what.endswith(": whole"):
            copy = place / "changing"
            for _ in range(4):
                shutil.copytree(path, copy)
                work = partial(change_while_read, copy, dice)
                print(json.dumps(attempt(f"{what}, changed while read", work)))
                shutil.rmtree(copy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
