"""Run the benchmarks and print one table: ``python -m benchmarks [NAME …]``."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module

from rich.console import Console
from rich.table import Table

NAMES = (
    "opening",
    "trace",
    "asking",
    "interpreting",
    "patching",
    "landscape",
    "training",
    "curves",
    "fast",
    "tokenizing",
    "long_text",
    "point_cloud",
    "space",
    "window",
    "stage",
    "frames",
)


def main(wanted: list[str]) -> int:
    """Run those named, or all; returns the exit status."""
    unknown = set(wanted) - set(NAMES)
    if unknown:
        print(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.")
        return 2
    from model.device import default_threads, set_threads

    # As the program does: all cores are many times slower on a machine that others use too.
    set_threads(default_threads())
    console = Console()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    console.print(f"{platform.machine()}, {os.cpu_count()} cores{load}, Python {sys.version[:6]}")
    table = Table("what", "ours", "side by side", "ratio", "promised", title="Glassformer")
    for name in wanted or NAMES:
        for row in import_module(f"benchmarks.{name}").run():
            theirs = "" if row.theirs is None else f"{row.theirs:,.4g} {row.unit}"
            table.add_row(
                row.name, f"{row.ours:,.4g} {row.unit}", theirs, f"{row.ratio:.2f}", row.target
            )
            console.print(f"[dim]{row.name}: {row.ours:,.4g} {row.unit}, ratio {row.ratio:.2f}")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
