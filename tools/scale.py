"""What a run costs on many GPUs, worked out on paper: the tables of docs/scale.md.

    python tools/scale.py            prints them
    python tools/scale.py --write    puts them into docs/scale.md

Memory, communication, step time, snapshots, and what a window that follows the run reads. Every
figure follows from the network's sizes and the machine's rates below; none is measured on GPUs.
A test holds the counts to a network that is really run, and the document to this script.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # where it is called as a file

from model.config import TransformerConfig  # noqa: E402
from model.train.events import StepDone  # noqa: E402
from model.train.metrics import columns, row_of  # noqa: E402

DOCUMENT = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- tables of tools/scale.py -->\n", "<!-- end of tables -->\n"
F = 4
"""Bytes of a float32, in which the trainer keeps and computes everything."""
GB = 1e9


@dataclass(frozen=True, slots=True)
class Machine:
    """Rates that are assumed, per GPU.

    Attributes:
        memory: bytes.
        peak: floating-point operations a second, float32 without tensor cores and bfloat16 with.
        share: of the peak that a training reaches.
        inside, between: bytes a second over a ring, within a machine and between machines.
        gpus: of a machine.
        disk: bytes a second that one process writes; all of them together write `shared_disk`.
    """

    memory: float = 80 * GB
    peak: tuple[float, float] = (67e12, 989e12)
    share: tuple[float, float] = (0.6, 0.4)
    inside: float = 300 * GB
    between: float = 40 * GB
    gpus: int = 8
    disk: float = 1.5 * GB
    shared_disk: float = 10 * GB


@dataclass(frozen=True, slots=True)
class Plan:
    """A network, and how it is trained.

    Attributes:
        batch: windows a step, over all processes.
        micro: windows that go through a GPU at once.
        steps: updates.
        snapshots: saved over the run.
    """

    name: str
    config: TransformerConfig
    batch: int
    micro: int
    steps: int
    snapshots: int


SMALL = Plan(
    "124M",
    TransformerConfig(n_layers=12, n_heads=12, d_model=768, d_vocab=50257, n_ctx=1024),
    batch=512,
    micro=8,
    steps=20_000,
    snapshots=100,
)
LARGE = Plan(
    "1B",
    TransformerConfig(
        n_layers=16,
        n_heads=16,
        d_model=2048,
        d_vocab=50304,
        n_ctx=2048,
        positions="rotary",
        tied_embeddings=False,
    ),
    batch=512,
    micro=2,
    steps=20_000,
    snapshots=50,
)
PLANS = (SMALL, LARGE)
SIZES = (8, 64)
MACHINE = Machine()


# ------------------------------------------------------------------------------------- memory


def block_params(config: TransformerConfig) -> int:
    """Parameters of one block."""
    one, two = (config_of(config, n).n_params for n in (1, 2))
    return two - one


def config_of(config: TransformerConfig, n_layers: int) -> TransformerConfig:
    """The same network with another number of blocks."""
    return TransformerConfig(
        n_layers=n_layers,
        n_heads=config.n_heads,
        d_model=config.d_model,
        d_mlp=config.d_mlp,
        d_vocab=config.d_vocab,
        n_ctx=config.n_ctx,
        positions=config.positions,
        tied_embeddings=config.tied_embeddings,
    )


def weights_memory(config: TransformerConfig, shards: int) -> float:
    """Weights, gradients and AdamW's two moments; in shards also what is gathered for a moment.

    Gathered are two blocks (one runs, the next one comes) with one's whole gradient, and what
    lies outside of the blocks with its gradient.
    """
    own = 4 * F * config.n_params / shards
    if shards == 1:
        return own
    block = block_params(config)
    outside = config.n_params - config.n_layers * block
    return own + F * (3 * block + 2 * outside)


def block_activations(config: TransformerConfig) -> int:
    """Numbers that one block keeps for the backward pass, a token.

    Both norms' inputs, outputs and two figures each, q, k and v, what attention gives, and the MLP
    before and after its activation. Attention is fused: no pattern is kept, only a number a head.
    Rotary positions add the turned q and k, and what attention gives in their layout.
    """
    heads = config.n_heads * config.d_head
    kv = config.n_kv_heads * config.d_head
    attention = heads + 2 * kv + heads + config.n_heads
    if config.positions == "rotary":
        attention += heads + kv + heads
    return 4 * config.d_model + 4 + attention + 2 * config.d_mlp


def head_activations(config: TransformerConfig) -> int:
    """Numbers a token that stand at the end of a forward pass, at their most.

    The last norm's input and output; logits, their logarithms of probabilities, their gradient.
    """
    return 2 * config.d_model + 3 * config.d_vocab


def activations_memory(config: TransformerConfig, micro: int, *, recomputed: bool) -> float:
    """Bytes kept of so many windows; recomputed: of each block only its input, and one in full."""
    tokens = micro * config.n_ctx
    block = block_activations(config)
    blocks = config.n_layers * config.d_model + block if recomputed else config.n_layers * block
    return F * tokens * (blocks + head_activations(config))


# ------------------------------------------------------------------------------ communication


def ddp_traffic(config: TransformerConfig, gpus: int) -> float:
    """Bytes that each GPU sends a step: a ring all-reduce of the gradients."""
    return 2 * (gpus - 1) / gpus * F * config.n_params


def fsdp_traffic(config: TransformerConfig, gpus: int, n_pieces: int) -> float:
    """The same in shards: gathered forward and backward, and reduced, for every piece.

    What lies outside of the blocks stays between forward and backward: it is gathered once.
    """
    blocks = config.n_layers * block_params(config)
    outside = config.n_params - blocks
    return (gpus - 1) / gpus * F * n_pieces * (3 * blocks + 2 * outside)


def bandwidth(machine: Machine, gpus: int) -> float:
    """Of a ring over so many GPUs: that of its slowest link."""
    return machine.inside if gpus <= machine.gpus else machine.between


# ---------------------------------------------------------------------------------- step time


def flops(config: TransformerConfig) -> float:
    """Operations a token, forward and backward.

    Six for each weight of a matrix (the embedding table is looked up, not multiplied), and for
    attention 12 × layers × context × width, half of which a causal mask saves.
    """
    matrices = config.n_layers * block_params(config) + config.d_vocab * config.d_model
    attention = config.n_layers * 12 * config.n_ctx * config.n_heads * config.d_head / 2
    return 6 * matrices + attention


def compute_seconds(plan: Plan, gpus: int, machine: Machine, precision: int) -> float:
    """Of a step: 0 in float32, 1 in bfloat16."""
    tokens = plan.batch * plan.config.n_ctx / gpus
    return tokens * flops(plan.config) / (machine.peak[precision] * machine.share[precision])


def n_pieces(plan: Plan, gpus: int) -> int:
    """How often a GPU runs the network in a step."""
    return max(1, -(-plan.batch // gpus // plan.micro))


# --------------------------------------------------------------------------- disk, the window


def snapshot_bytes(config: TransformerConfig) -> float:
    """A model folder: the weights."""
    return F * config.n_params


def state_bytes(config: TransformerConfig) -> float:
    """What resuming needs: weights and two moments."""
    return 3 * F * config.n_params


def row_bytes() -> int:
    """A line of metrics.csv, as long as one well into a run."""
    event = StepDone(
        19_999, 10_485_235_712, 12_345.678901, 3.123456789, 5.98765e-4, 0.31415926, 1e6
    )
    row = row_of(event)
    return len(",".join(repr(row[name]) if name in row else "" for name in columns())) + 1


# ------------------------------------------------------------------------------------- tables


def tables(machine: Machine = MACHINE) -> str:
    """All of them, in Markdown."""
    return "\n".join("\n".join(table) + "\n" for table in _tables(machine))


def _tables(machine: Machine) -> Iterator[list[str]]:
    yield [
        "| run | parameters | windows a step | tokens a step | steps | tokens |",
        "|---|---|---|---|---|---|",
        *(
            f"| {p.name} | {p.config.n_params:,} | {p.batch} × {p.config.n_ctx:,} | "
            f"{p.batch * p.config.n_ctx:,} | {p.steps:,} | "
            f"{p.batch * p.config.n_ctx * p.steps / 1e9:.1f} billion |"
            for p in PLANS
        ),
    ]
    yield [
        "| memory of a GPU | weights, gradients, Adam: a copy (DDP) | in 8 shards | in 64 | "
        "windows at once | activations | recomputed |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {p.name} | {' | '.join(_gb(weights_memory(p.config, n)) for n in (1, 8, 64))} | "
            f"{p.micro} | {_gb(activations_memory(p.config, p.micro, recomputed=False))} | "
            f"{_gb(activations_memory(p.config, p.micro, recomputed=True))} |"
            for p in PLANS
        ),
    ]
    yield [
        "| a step | GPUs | pieces | DDP sends | takes | FSDP sends | takes | computing, float32 | "
        "bfloat16 |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_step_row(p, gpus, machine) for p in PLANS for gpus in SIZES),
    ]
    yield [
        "| the run | GPUs | DDP, float32 | FSDP, float32 | DDP, bfloat16 | FSDP, bfloat16 |",
        "|---|---|---|---|---|---|",
        *(_run_row(p, gpus, machine) for p in PLANS for gpus in SIZES),
    ]
    yield [
        "| on disk | snapshot | written in | state | by one process | by 8 at once | "
        "snapshots of the run |",
        "|---|---|---|---|---|---|---|",
        *(_disk_row(p, machine) for p in PLANS),
    ]
    yield [
        "| the window reads | curve, once | a look | a snapshot that is opened | over 1 Gbit/s |",
        "|---|---|---|---|---|",
        *(_window_row(p) for p in PLANS),
    ]


def _step_row(plan: Plan, gpus: int, machine: Machine) -> str:
    pieces = n_pieces(plan, gpus)
    rate = bandwidth(machine, gpus)
    ddp, fsdp = ddp_traffic(plan.config, gpus), fsdp_traffic(plan.config, gpus, pieces)
    computing = (_s(compute_seconds(plan, gpus, machine, precision)) for precision in (0, 1))
    return (
        f"| {plan.name} | {gpus} | {pieces} | {_gb(ddp)} | {_s(ddp / rate)} | {_gb(fsdp)} | "
        f"{_s(fsdp / rate)} | {' | '.join(computing)} |"
    )


def _run_row(plan: Plan, gpus: int, machine: Machine) -> str:
    rate = bandwidth(machine, gpus)
    sent = (
        ddp_traffic(plan.config, gpus),
        fsdp_traffic(plan.config, gpus, n_pieces(plan, gpus)),
    )
    cells = []
    for precision in (0, 1):
        computing = compute_seconds(plan, gpus, machine, precision)
        for traffic in sent:
            least, most = max(computing, traffic / rate), computing + traffic / rate
            low, high = (_h(plan.steps * seconds) for seconds in (least, most))
            cells.append(low if low == high else f"{low} to {high}")
    return f"| {plan.name} | {gpus} | {' | '.join(cells)} |"


def _disk_row(plan: Plan, machine: Machine) -> str:
    snapshot, state = snapshot_bytes(plan.config), state_bytes(plan.config)
    at_once = min(8 * machine.disk, machine.shared_disk)
    return (
        f"| {plan.name} | {_gb(snapshot)} | {_s(snapshot / machine.disk)} | {_gb(state)} | "
        f"{_s(state / machine.disk)} | {_s(state / at_once)} | "
        f"{plan.snapshots}: {_gb(plan.snapshots * snapshot)} |"
    )


def _window_row(plan: Plan) -> str:
    row = row_bytes()
    snapshot = snapshot_bytes(plan.config)
    return (
        f"| {plan.name} | {plan.steps:,} rows, {plan.steps * row / 1e6:.1f} MB | "
        f"{row} bytes a new row | {_gb(snapshot)} | {_s(snapshot / 125e6)} |"
    )


def _gb(n_bytes: float) -> str:
    return f"{n_bytes / GB:.1f} GB" if n_bytes < 100 * GB else f"{n_bytes / GB:,.0f} GB"


def _s(seconds: float) -> str:
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def _h(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def main() -> int:
    """Print the tables, or write them into the document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put them into docs/scale.md")
    if not parser.parse_args().write:
        print(tables())
        return 0
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    DOCUMENT.write_text(f"{head}{BEGIN}\n{tables()}\n{END}{tail}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
