"""What lies where a file should be is told as what it is: a pointer, a web page, another format."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.checkpoint import preview
from tests.model.checkpoint.tiny import WEIGHTS, llama, refusal

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 548105171\n"
)
PAGES = (
    b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n",
    b"\xef\xbb\xbf  <!-- made by hand -->\n<HTML><body>You need an account.</body></HTML>",
    b'<?xml version="1.0"?><!DOCTYPE html><html></html>',
)
PLACES = (
    "config.json",
    WEIGHTS,
    "pytorch_model.bin",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer.model",
    "vocab.txt",
    "tokenizer_config.json",
)


def with_file(folder: Path, name: str, content: bytes) -> Path:
    llama(folder)
    if name in ("pytorch_model.bin", "model.safetensors.index.json"):
        (folder / WEIGHTS).unlink()
    if name == "tokenizer_config.json":
        (folder / "tokenizer.json").write_bytes(b"{}")
    (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", PLACES)
def test_a_pointer_says_how_large_the_file_is_and_how_to_get_it(name: str, tmp_path: Path):
    folder = with_file(tmp_path / "it", name, POINTER)
    said = refusal(folder)
    assert f"{folder / name} is Git LFS's pointer and not the file itself" in said
    assert "548 MB" in said
    assert "git lfs pull" in said
    assert preview(folder).problem == said


@pytest.mark.parametrize("content", PAGES, ids=range(len(PAGES)))
@pytest.mark.parametrize("name", PLACES[:-1])
def test_a_web_page_is_told_as_one(name: str, content: bytes, tmp_path: Path):
    folder = with_file(tmp_path / "it", name, content)
    said = refusal(folder)
    assert f"{folder / name} is a web page, saved in place of the file. Download" in said


@pytest.mark.parametrize("content", [POINTER, PAGES[0]], ids=["pointer", "page"])
def test_a_gguf_file_that_is_none_is_told_as_what_it_is(content: bytes, tmp_path: Path):
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    for path in (file, tmp_path):
        said = refusal(path)
        assert "Git LFS's pointer" in said or "is a web page" in said
        assert "Copy it again" not in said


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (WEIGHTS, b'{"error":"Repository not found"}', "is what a server answered in place"),
        (WEIGHTS, b"Invalid username or password.", "is what a server answered in place"),
        (WEIGHTS, b"<?xml version='1.0'?><Error>x</Error>", "is what a server answered in place"),
        (WEIGHTS, b"../../blobs/0123456789abcdef", "is the text of a link to ../../blobs/0123"),
        (WEIGHTS, b"/annex/objects/SHA256E-s548105171--ab.bin\n", "git-annex's pointer"),
        (WEIGHTS, b"GGUF\x03\0\0\0" + b"\0" * 40, "is a GGUF file, whatever its name says"),
        (WEIGHTS, b"\x1f\x8b" + b"\0" * 40, "is a compressed archive (gzip)"),
        ("pytorch_model.bin", b"\x89HDF\r\n\x1a\n" + b"\0" * 40, "is an HDF5 file"),
        ("pytorch_model.bin", b"lmgg" + b"\0" * 40, "format of before GGUF"),
        ("pytorch_model.bin", b"\x10" + b"\0" * 7 + b'{"a":{}}' * 4, "is a safetensors file"),
        ("config.json", b'{"error":"Access denied"}', "is what a server answered in place"),
    ],
    ids=str,
)
def test_other_things_are_told_as_what_they_are(
    name: str, content: bytes, says: str, tmp_path: Path
):
    assert says in refusal(with_file(tmp_path / "it", name, content))


def test_what_is_only_damaged_is_still_told_as_damaged(tmp_path: Path):
    folder = llama(tmp_path / "it")
    raw = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(raw[:-9])
    assert "was cut short or damaged on its way here. Copy it again." in refusal(folder)
