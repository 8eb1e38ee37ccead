"""The one error that opening and saving raise."""

from __future__ import annotations


class CheckpointError(Exception):
    """A checkpoint that can't be opened or saved.

    The message is one or two sentences for a person: what is wrong (which file, tensor or key)
    and what to do.
    """


class TooLargeError(CheckpointError):
    """It needs more memory than is free, in every dtype."""


class NoBaseError(CheckpointError):
    """It is an adapter, and the model that it changes is not found."""


class NoRoomError(CheckpointError):
    """The disk has less room than the weights take."""
