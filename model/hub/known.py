"""What is known of a name on a hub before anything is fetched: what lies in the cache.

No name goes over the network here: a person is still typing it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model.hub.fetch import split_name
from model.preview import Preview

FETCHED_LATER = (
    "A name on a hub: it is fetched into the cache when you open it; what it is and what memory "
    "it needs is known then."
)


def preview_name(name: str, device: str = "cpu") -> Preview:
    """Look at a model by its name: in the cache, if it was fetched before.

    Args:
        name: ``owner/name`` or ``owner/name@revision``.
        device: where the weights would go.
    """
    from model.checkpoint import preview

    folder = cached_folder(name)
    if folder is None:
        return _unknown(name, device)
    found = preview(folder, device)
    if found.problem is not None:
        # Perhaps not all of it was fetched: opening it does that.
        return _unknown(name, device)
    return replace(found, path=name, on_hub=True, notes=(*found.notes, f"In the cache: {folder}"))


def _unknown(name: str, device: str) -> Preview:
    return Preview(path=name, format="on a hub", device=device, notes=(FETCHED_LATER,), on_hub=True)


def cached_folder(name: str) -> Path | None:
    """The folder in huggingface_hub's cache that a name was fetched to; None if it was not."""
    from huggingface_hub import try_to_load_from_cache

    repo, revision = split_name(name)
    config = try_to_load_from_cache(repo, "config.json", revision=revision)
    return Path(config).parent if isinstance(config, str) else None
