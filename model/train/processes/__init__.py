"""One run by several processes: `torchrun --nproc-per-node 8 -m model train …`.

`group` is who takes part and how they talk, `shares` which windows of a batch are whose, `spread`
how the network lies over them (copied: DDP; in shards: FSDP2), `sharded_state` a state of shards on
disk. The loop itself is that of one process, `model.train.loop`: each process goes through the same
steps, and the first of them alone writes the run folder.
"""
