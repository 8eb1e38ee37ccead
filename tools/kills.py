"""Kills training runs at random moments, resumes them, and compares them with one that wasn't.

    python -m tools.kills [N] [--seed S] [--signals KILL,TERM,INT]      (make kills ARGS='…')

A run must be the same however often it was killed: every number of metrics.csv but the times, the
samples, and the last weights to the last bit. Runs are the real command line's, in processes of
their own. The seed decides when after its start, or after its first step, each is killed; what it
does by then is the machine's. Knows the command line and the files of a run folder; no torch.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from model.train.run_folder import METRICS_FILE, is_run, snapshots, whole_lines
from model.train.samples import SAMPLES_FILE

ROOT = Path(__file__).resolve().parent.parent
TIMES = ("seconds", "tokens_per_second")
"""Columns of metrics.csv in which two runs may differ."""

BEFORE_IT_BEGINS = 0.25
"""Share of the kills that fall anywhere from the process's start on, not after the first step."""

SECONDS_OF_TRAINING = 0.8
"""A kill after the first step comes within this time."""

_STARTED = b" parameters on "
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Moment:
    """When a session is ended, and how.

    Attributes:
        from_start: whether counted from the process's start, not from the beginning of training.
        share: of the time that is counted, 0 to 1.
        signal: what is sent.
    """

    from_start: bool
    share: float
    signal: signal.Signals


class KillsError(Exception):
    """A run that failed, or is not the one it should be; the message says how."""


def main(arguments: list[str] | None = None) -> int:
    """Do it and say how it went; the exit code is 0 where every run was the whole one."""
    options = _parser().parse_args(arguments)
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    rng = random.Random(seed)
    names = options.signals.upper().split(",")
    signals = [signal.Signals[f"SIG{name}"] for name in names]
    print(f"{options.kills} kills by {', '.join(names)}, seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    began = time.monotonic()
    try:
        n_runs = _compare(
            folder, [_draw(rng, signals) for _ in range(options.kills)], options.steps
        )
    except KillsError as error:
        print(f"FAILED, seed {seed}: {error}\nThe runs are kept in {folder}.")
        return 1
    shutil.rmtree(folder)
    print(
        f"{options.kills} kills in {n_runs} runs of {options.steps:,} steps, "
        f"{time.monotonic() - began:.0f} s: every curve, sample and weight is that of the run "
        "that was left alone."
    )
    return 0


def differences(run: Path, whole: Path) -> list[str]:
    """What of a run is not as in the one that was left alone; a sentence each."""
    found: list[str] = []
    ours, theirs = _curve(run), _curve(whole)
    if ours != theirs:
        pairs = zip(ours, theirs)
        at = next((a for a, b in pairs if a != b), f"{len(ours)} lines instead of {len(theirs)}")
        found.append(f"{METRICS_FILE} differs: {at}")
    if (run / SAMPLES_FILE).read_bytes() != (whole / SAMPLES_FILE).read_bytes():
        found.append(f"{SAMPLES_FILE} differs")
    (step, snapshot), (last, expected) = snapshots(run)[-1], snapshots(whole)[-1]
    weights = "model.safetensors"
    if step != last:
        found.append(f"the last snapshot is of step {step}, not of {last}")
    elif (snapshot / weights).read_bytes() != (expected / weights).read_bytes():
        found.append("the last weights differ")
    left = sorted(str(path.relative_to(run)) for path in run.rglob(".*"))
    if left:
        found.append(f"left behind: {', '.join(left)}")
    return found


def _compare(folder: Path, moments: list[Moment], steps: int) -> int:
    """Kill at all moments and compare every run; how many runs there were."""
    whole = folder / "whole"
    seconds_to_start = _Session(folder, whole, steps).end_by_itself()
    run, n_runs, n_killed = folder / "run-1", 1, 0
    for moment in moments:
        ended = _Session(folder, run, steps).end_at(moment, seconds_to_start)
        n_killed += 1
        if ended:  # before the kill: this one is over
            _check(run, whole, n_killed)
            n_runs, n_killed = n_runs + 1, 0
            run = folder / f"run-{n_runs}"
    _Session(folder, run, steps).end_by_itself()
    _check(run, whole, n_killed)
    return n_runs


def _check(run: Path, whole: Path, n_killed: int) -> None:
    found = differences(run, whole)
    verdict = "; ".join(found) or "the same"
    print(f"{run.name}, ended {n_killed} times: {verdict}", flush=True)
    if found:
        raise KillsError(f"{run.name}: {verdict}")
    shutil.rmtree(run)


class _Session:
    """A process that begins or resumes a run.

    Args:
        folder: for what it says.
        run: the run folder.
        steps: of the whole run.
    """

    def __init__(self, folder: Path, run: Path, steps: int) -> None:
        self._said = folder / f"{run.name}.log"
        how = ["--resume"] if is_run(run) else ["--preset", "tiny"]
        command = [sys.executable, "-m", "model", "train", "--out", str(run), "--threads", "1"]
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [*command, "--device", "cpu", "--steps", str(steps), *how],
                cwd=ROOT,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        self._began = time.monotonic()

    def end_by_itself(self) -> float:
        """Wait for its end; the seconds from the process's start to the run's."""
        self._wait_for_start()
        seconds = time.monotonic() - self._began
        self._wait()
        if self._process.returncode:
            raise self._failed()
        return seconds

    def end_at(self, moment: Moment, seconds_to_start: float) -> bool:
        """Send the signal at a moment; whether the run was over before."""
        if moment.from_start:
            time.sleep(moment.share * seconds_to_start)
        else:
            self._wait_for_start()
            time.sleep(moment.share * SECONDS_OF_TRAINING)
        was_started = _STARTED in self._said.read_bytes()
        over = self._process.poll() is not None
        if not over:
            self._process.send_signal(moment.signal)
            self._wait()
        code = self._process.returncode
        # A signal that comes before somebody listens ends the process as the system does it.
        if code == 0 or (not over and (code == -moment.signal or not was_started)):
            return b" steps are done: " in self._said.read_bytes()
        raise self._failed()

    def _wait_for_start(self) -> None:
        while _STARTED not in self._said.read_bytes():
            if self._process.poll() is not None:
                if self._process.returncode or _STARTED not in self._said.read_bytes():
                    raise self._failed()
                return
            if time.monotonic() - self._began > _PATIENCE:
                self._process.kill()
                self._process.wait()
                raise self._failed()
            time.sleep(0.005)

    def _wait(self) -> None:
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise self._failed() from None

    def _failed(self) -> KillsError:
        said = self._said.read_text(encoding="utf-8", errors="replace")
        return KillsError(f"a session ended with code {self._process.returncode}: {said[-2000:]}")


def _draw(rng: random.Random, signals: list[signal.Signals]) -> Moment:
    return Moment(rng.random() < BEFORE_IT_BEGINS, rng.random(), rng.choice(signals))


def _curve(run: Path) -> list[str]:
    """The lines of metrics.csv without the times."""
    header, *lines = whole_lines(run / METRICS_FILE)
    kept = [i for i, name in enumerate(header.split(",")) if name not in TIMES]
    rows = (line.split(",") for line in (header, *lines))
    return [",".join(row[i] for i in kept) for row in rows]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.kills", description=__doc__)
    parser.add_argument("kills", nargs="?", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, help="of the moments; printed, so that it replays")
    parser.add_argument("--signals", default="KILL", help="of KILL, TERM, INT; drawn from")
    parser.add_argument("--steps", type=int, default=2000, help="of each run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
