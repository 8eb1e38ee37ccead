"""The worker's side: takes requests, yields results, owns every tensor.

Nobody but the tests imports more of it than `Engine`.
"""

from model.engine.engine import Engine

__all__ = ["Engine"]
