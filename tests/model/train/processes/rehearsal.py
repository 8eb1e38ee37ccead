"""Runs, one after the other, in one of the processes that torchrun has started.

    torchrun --nproc-per-node 2 rehearsal.py runs.json

Each is ``{"out": folder, "recipe": file, "parallel": …, "stop_at": step, "resume": bool}``. What
a process says of a failure, or hears of another's, is printed, and at the end which threads of
gloo are left.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch

from model.train.events import StepDone
from model.train.loop import Training
from model.train.processes.group import Group, OtherEndedError, joined
from model.train.recipe import Recipe


def run(group: Group, device: str, plan: dict[str, Any]) -> None:
    recipe = Recipe.from_file(Path(plan["recipe"])) if group.is_first else None

    def made() -> Training:
        return Training(
            recipe,
            Path(plan["out"]),
            device=device,
            resume=plan.get("resume", False),
            group=group,
            parallel=plan["parallel"],
        )

    training = group.together(made)
    for event in training.events():
        stops = isinstance(event, StepDone) and event.step == plan.get("stop_at")
        if stops and group.rank == group.size - 1:  # any one of them may be asked
            training.stop()


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # at once: several processes write into one pipe


def threads_of_gloo() -> list[str]:
    """Names of this process's threads that gloo has started."""
    names = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").glob("*")]
    return sorted(name for name in names if "gloo" in name)


def main() -> None:
    torch.set_num_threads(1)
    with joined("cpu") as (group, device):
        for plan in json.loads(Path(sys.argv[1]).read_text()):
            try:
                run(group, device, plan)
            except OtherEndedError as error:
                say(f"heard by {group.rank}: {error}")
            except ValueError as error:
                say(f"said by {group.rank}: {error}")
        say(f"during by {group.rank}: {threads_of_gloo()}")
    say(f"left by {group.rank}: {threads_of_gloo()}")


if __name__ == "__main__":
    main()
