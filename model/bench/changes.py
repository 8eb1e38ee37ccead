"""What a subject's interventions do to its network."""

from __future__ import annotations

from model.config import TransformerConfig


class Changes:
    """Interventions, made ready for one network."""

    def __init__(self, interventions: tuple[object, ...], config: TransformerConfig) -> None:
        self.tap = None
        self.replace = None

    def __bool__(self) -> bool:
        return False

    def concerns(self, layer: int) -> bool:
        return False
