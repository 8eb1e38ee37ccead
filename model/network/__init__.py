"""The parts that `model.transformer` is built from, one file a part.

Shape suffixes in all of them: B batch, T position, D d_model, E d_embed, H query heads,
G key/value heads, K d_head, M d_mlp, X experts, A active experts, V d_vocab, Q query position,
S key position, N = H*K + 2*G*K (the joined projection).
"""
