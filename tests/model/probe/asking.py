"""Asking a probe of a random network, and the full trace that its answer is held to."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

import torch

from model.bench import Bench
from model.interventions import Intervention
from model.language_model import LanguageModel
from model.probe.question import Answer, Question
from model.subject import Subject
from model.trace import Trace, record
from tests.model.networks import VARIANTS, network

IDS = (3, 17, 8, 1, 30, 4, 4, 22, 9, 11, 2)


class Asked:
    """One network, one prompt.

    Args:
        name: of the network among `VARIANTS`.
        ids: the prompt.
        interventions: what is changed on its way.
    """

    def __init__(
        self,
        name: str = "learned",
        ids: tuple[int, ...] = IDS,
        interventions: tuple[Intervention, ...] = (),
    ) -> None:
        self.network = network(VARIANTS[name])
        self.config = self.network.config
        self.subject = Subject(1, None, ids, interventions)
        self.bench = Bench()
        lm = SimpleNamespace(transformer=self.network)
        self.bench.hold(1, cast("LanguageModel", lm))

    def answers(self, question: Question) -> list[Answer]:
        """All that comes, coarse to whole."""
        compute = import_module(type(question).__module__.replace("asks", "compute"))
        steps = compute.answer(question, self.subject, self.bench)
        return [answer for answer in steps if answer is not None]

    def ask(self, question: Question) -> Any:
        """The whole answer."""
        last = self.answers(question)[-1]
        assert last.is_whole
        assert (last.subject, last.question) == (self.subject, question)
        for named in last.arrays().values():
            assert not named.values.flags.writeable or named.values.base is None
            assert named.values.ndim == len(named.axes)
        return last

    @property
    def trace(self) -> Trace:
        subject = self.subject
        return record(
            self.network, torch.tensor([subject.ids]), interventions=subject.interventions
        )
