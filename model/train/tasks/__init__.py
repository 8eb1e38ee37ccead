"""Toy tasks: questions whose answers are known, so that what a network learned can be counted.

A recipe names one as its text: ``task:sorting``, or with its size ``task:sorting:12``. A task is a
module with a `TASK` and a line in `TASKS` (`list.py`). All its questions are numbered; what is
trained on and what is held out are different numbers, so that they never overlap.

Its modules know NumPy, `vocabulary` the library of tokenizers; no torch, no recipe.
"""
