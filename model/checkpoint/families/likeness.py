"""Whether a family can describe a network: its config.json, read again, must mean the same one."""

from __future__ import annotations

from dataclasses import fields

from model.checkpoint.errors import CheckpointError
from model.config import TransformerConfig


def refuse_unlike(family: str, config: TransformerConfig, again: TransformerConfig) -> None:
    """Refuse to write a network as a family that would read it as another one.

    Args:
        family: its name, for the message.
        config: of the network that is to be written.
        again: what the family's config.json for it means.

    Raises:
        CheckpointError: they differ; the message says in what.
    """
    unlike = [
        f"{field.name} {getattr(config, field.name)!r}"
        for field in fields(config)
        if getattr(config, field.name) != getattr(again, field.name)
    ]
    if unlike:
        raise CheckpointError(
            f"This network can't be saved as a {family}: it has {', '.join(unlike)}."
        )
