"""The bench: models that are held, and of each subject what every activation is had again from.

`Bench` is what the engine, the command line and a script ask; `stream` is what it keeps,
`running` and `looking` compute. Knows no request, no question and no Qt.
"""

from model.bench.bench import Bench
from model.bench.held import Held, MovedOnError

__all__ = ["Bench", "Held", "MovedOnError"]
