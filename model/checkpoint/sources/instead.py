"""What a file really is that is not what its name says: a pointer, a web page, another format.

Looked at once a reader has found that the file is not its own; reads the first bytes only. Knows
no reader.
"""

from __future__ import annotations

import re
from pathlib import Path

from model.checkpoint.stored import read_exactly, reading
from model.preview import file_size

_LOOKED_AT = 2048
_LFS = re.compile(rb"version https?://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/")
_SIZE = re.compile(rb"^size (\d{1,15})\s*$", re.MULTILINE)
_PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*|<!--.{0,500}?-->\s*)*"
    rb"<(?:!doctype\s+html|html|head|body|title|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(rb"\s*<(?:\?xml|Error>|[A-Za-z])")
_ANNEX = re.compile(rb"(?:/annex/objects/|\.git/annex/)")
_LINK = re.compile(rb"(?:\.\.?/)[^\s\0]{1,400}\s*\Z")
# What servers send instead of a file that they refuse.
_REFUSAL = re.compile(
    rb"\s*(?:Invalid username or password|Entry not found|Repository not found|Not Found|"
    rb"Access (?:to|denied)|Access Denied|Unauthorized|Forbidden|Error \d{3}|\{\s*\"error\")",
    re.IGNORECASE,
)
_WEB_PAGE = (
    "is a web page, saved in place of the file",
    "Download the file itself; the server may want you to log in or to accept terms first",
)
_OLD_GGML = (b"lmgg", b"fmgg", b"tjgg", b"algg")
# First bytes -> what a file is, and what to do.
_FORMATS: tuple[tuple[bytes, str, str], ...] = (
    (b"GGUF", "a GGUF file", "give it a name that ends in .gguf"),
    (b"\x89HDF", "an HDF5 file, as Keras writes it", "convert it to safetensors"),
    (b"\x1f\x8b", "a compressed archive (gzip)", "unpack it first"),
    (b"7z\xbc\xaf", "a compressed archive (7z)", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a compressed file (zstd)", "unpack it first"),
    (b"BZh", "a compressed archive (bzip2)", "unpack it first"),
    (b"\xfd7zXZ", "a compressed archive (xz)", "unpack it first"),
    (b"\x93NUMPY", "one array of NumPy", "choose the model's own file"),
    (b"%PDF", "a PDF", "choose the model's own file"),
)


def is_instead(path: Path) -> str | None:
    """What lies there in place of the file that its name promises, and what to do.

    Args:
        path: the file; one that can't be read is not looked into.

    Returns:
        Two sentences, the path in the first; None where nothing is known of it.
    """
    start = _start(path)
    found = _pointer(start) or _answer(start) or _other_format(path, start)
    if found is None:
        return None
    what, remedy = found
    return f"{path} {what}. {remedy}."


def stands_for_another(path: Path) -> str | None:
    """The same for a file of any format, even text: only pointers, links and web pages."""
    start = _start(path)
    found = _pointer(start) or (_WEB_PAGE if _is_page(start) else None)
    return None if found is None else f"{path} {found[0]}. {found[1]}."


def _start(path: Path) -> bytes:
    with reading(path) as (file, stamp):
        return read_exactly(file, min(_LOOKED_AT, stamp.size), path)


def _pointer(start: bytes) -> tuple[str, str] | None:
    if _LFS.match(start):
        size = _SIZE.search(start)
        how_large = f", which would be {file_size(int(size[1]))} large" if size else ""
        return (
            f"is Git LFS's pointer and not the file itself{how_large}",
            "Get it by git lfs pull in that folder, or download the file itself",
        )
    if start.startswith(b"# xet version"):
        return (
            "is git-xet's pointer and not the file itself",
            "Get it by git xet pull in that folder, or download the file itself",
        )
    if len(start) < 500 and _ANNEX.search(start):
        return (
            "is git-annex's pointer and not the file itself",
            "Get it by git annex get in that folder, or download the file itself",
        )
    if len(start) < 500 and _LINK.fullmatch(start):
        there = start.decode("utf-8", "replace").strip()
        return (
            f"is the text of a link to {there}, which became an ordinary file when it was copied",
            "Copy the file itself in its place",
        )
    return None


def _is_page(start: bytes) -> bool:
    return _PAGE.match(start.removeprefix(b"\xef\xbb\xbf")) is not None


def _answer(start: bytes) -> tuple[str, str] | None:
    """What a server sent instead."""
    if _is_page(start):
        return _WEB_PAGE
    if _REFUSAL.match(start) or (_XML.match(start) and b"</" in start):
        return (
            "is what a server answered in place of the file",
            "Open it in a text editor to see why, then download the file itself",
        )
    return None


def _other_format(path: Path, start: bytes) -> tuple[str, str] | None:
    if path.suffix == ".json":
        return None
    for begins, what, remedy in _FORMATS:
        if start.startswith(begins):
            return f"is {what}, whatever its name says", f"To open it, {remedy}"
    if start[:4] in _OLD_GGML:
        return (
            "is in llama.cpp's format of before GGUF (August 2023)",
            "Take a GGUF file of the model, or convert it with llama.cpp's "
            "convert_llama_ggml_to_gguf.py",
        )
    if start[257:262] == b"ustar":
        return "is a tar archive", "Unpack it first, then open the folder"
    if path.suffix != ".safetensors" and _is_safetensors(start):
        return (
            "is a safetensors file, whatever its name says",
            "To open it, give it a name that ends in .safetensors",
        )
    if path.suffix in (".safetensors", ".gguf") and start[:4] == b"PK\x03\x04":
        what = "torch.save's" if b"/data.pkl" in start else "a zip archive"
        if what == "a zip archive":
            return "is a zip archive", "Unpack it first, then open the folder"
        return (
            f"is {what} file, whatever its name says",
            "To open it, give it a name that ends in .pt",
        )
    return None


def _is_safetensors(start: bytes) -> bool:
    length = int.from_bytes(start[:8], "little")
    return len(start) > 8 and 2 <= length < 2**27 and start[8:9] == b"{" and start[9:10] in b'" \n}'
