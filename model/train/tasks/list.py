"""All toy tasks by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from model.train.tasks import addition, brackets, copying, modular_addition, sorting
from model.train.tasks.task import Task

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        module.TASK.name: module.TASK
        for module in (sorting, addition, modular_addition, brackets, copying)
    }
)
