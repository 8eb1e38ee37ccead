"""Which family a GGUF file's architecture is, and by which of its layouts. Knows no family."""

from __future__ import annotations

from model.checkpoint.families import FAMILIES, Family
from model.checkpoint.families.gguf import Layout
from model.checkpoint.gguf_keys import Keys


def architectures() -> dict[str, list[tuple[Family, Layout]]]:
    """llama.cpp's names of all that can be opened; one may stand for several families."""
    found: dict[str, list[tuple[Family, Layout]]] = {}
    for family in FAMILIES.values():
        for layout in family.gguf:
            found.setdefault(layout.architecture, []).append((family, layout))
    return found


def layout_of(architecture: str, keys: Keys) -> tuple[Family, Layout] | None:
    """How a file is to be read, None if its architecture is not known."""
    of_it = architectures().get(architecture, [])
    # What says which files it means goes before what takes the rest.
    meant = [one for one in of_it if one[1].when is not None and one[1].when(keys)]
    return next(iter(meant or [one for one in of_it if one[1].when is None]), None)
