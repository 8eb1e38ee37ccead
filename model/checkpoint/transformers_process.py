"""What transformers computes from a checkpoint: a program of its own, run as a child process.

Its import takes seconds and its network memory; in a process of its own both can be cancelled, and
are gone afterwards. Knows nothing of this project: that is what makes it a reference.

Run as ``python -P transformers_process.py FOLDER IDS OUT REPORT STORED COMPUTED HEAD THREADS``: the
weights are rounded to the dtype STORED, then computed with in COMPUTED. Writes its numbers to OUT
(safetensors) and one line of JSON to REPORT for each thing that it does. Nothing is fetched, and no
code that a checkpoint brings is run.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

HEADS = {"lm": "AutoModelForCausalLM", "mlm": "AutoModelForMaskedLM", "none": "AutoModel"}


def main() -> None:
    """Read the arguments, compute, report; what goes wrong is a line of the report, too."""
    folder, ids, out, report, stored, computed, head, threads = sys.argv[1:]
    with Path(report).open("a", encoding="utf-8", buffering=1) as lines:

        def say(**line: Any) -> None:
            lines.write(json.dumps(line) + "\n")

        try:
            say(**compute(folder, ids, out, (stored, computed), head, int(threads), say))
        except ImportError as error:
            say(missing=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, a person is to read it
            said = str(error).strip().split("\n")[0][:300]
            say(problem=f"{type(error).__name__}: {said}")


def compute(
    folder: str, ids: str, out: str, dtypes: tuple[str, str], head: str, threads: int, say: Any
) -> dict[str, Any]:
    """Load the checkpoint as transformers does, run the ids, write logits or hidden states."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    os.environ |= {"TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error"}
    say(what="importing transformers")
    import torch
    import transformers
    from safetensors.torch import load_file, save_file

    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(threads)
    say(what="loading the model in transformers")
    settings = transformers.AutoConfig.from_pretrained(
        folder, trust_remote_code=False, local_files_only=True
    )
    # transformers 5.23 adds a Falcon's linear biases twice in its explicit attention.
    biased_twice = settings.model_type == "falcon" and settings.alibi
    network, loading = getattr(transformers, HEADS[head]).from_pretrained(
        folder,
        dtype=getattr(torch, dtypes[0]),
        attn_implementation="sdpa" if biased_twice else "eager",
        trust_remote_code=False,
        local_files_only=True,
        output_loading_info=True,
    )
    # What the file lacks transformers draws at random: nothing to compare with. A pooler is no
    # part of what is compared.
    missing = sorted(name for name in loading["missing_keys"] if "pooler" not in name)
    if missing:
        problem = f"the checkpoint lacks {', '.join(missing[:3])} for {HEADS[head]}"
        return {"problem": problem, "lacks": len(missing)}
    say(what="running transformers")
    if dtypes[0] != dtypes[1]:
        network = network.to(getattr(torch, dtypes[1]))
    ids_BT = load_file(ids)["input_ids"]
    with torch.no_grad():
        outputs = network.eval()(input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT))
    found = outputs.last_hidden_state if head == "none" else outputs.logits
    name = "last_hidden_state" if head == "none" else "logits"
    save_file({"input_ids": ids_BT, name: found.contiguous()}, out)
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    return {"done": True, "versions": versions, "network": type(network).__name__}


if __name__ == "__main__":
    main()
