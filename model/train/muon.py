"""Muon (Jordan et al. 2024) for the matrices inside blocks, AdamW for all else.

A matrix is moved by its momentum with all singular values brought near one, so that every
direction learns alike. They are brought there by four steps of the Polar Express (Amsel et al.
2025), an odd polynomial of products alone. Matrices of one shape go through them together; queries,
keys and values, which lie in one tensor, are three matrices, and one that is higher than wide is
turned.

Knows parameters and gradients; no text, no run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
)
_ROOM = 1.02
"""The polynomial bounds singular values up to one: what rounding adds must stay below."""


class Muon(torch.optim.AdamW):
    """AdamW that moves some of its groups by Muon.

    A group with ``rule`` "muon" has ``momentum`` and ``cuts``: for each of its parameters the rows
    of the matrices that lie in it, one above the other.

    Args:
        groups: parameter groups.
        dtype: in which matrices are made orthogonal.
        **adamw: for the other groups, as of `torch.optim.AdamW`.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], dtype: torch.dtype = torch.float32, **adamw: Any
    ) -> None:
        super().__init__(groups, **adamw)
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update from the gradients that lie at the parameters."""
        assert closure is None
        moved: list[tuple[nn.Parameter, Tensor]] = []
        for group in self.param_groups:
            if group.get("rule") == "muon":
                moved += [(p, p.grad) for p in group["params"] if p.grad is not None]
                self._move(group)
        for parameter, _ in moved:
            parameter.grad = None  # nothing for AdamW to do
        super().step()
        for parameter, grad in moved:
            parameter.grad = grad

    def _move(self, group: dict[str, Any]) -> None:
        some = [
            (p, cuts)
            for p, cuts in zip(group["params"], group["cuts"], strict=True)
            if p.grad is not None
        ]
        if not some:
            return
        parameters = [p for p, _ in some]
        grads = [p.grad for p in parameters]
        momenta = [self._momentum_of(p) for p in parameters]
        torch._foreach_lerp_(momenta, grads, 1 - group["momentum"])
        # Nesterov's: what the momentum will be if the next gradient is as this one.
        ahead = torch._foreach_lerp(grads, momenta, group["momentum"])
        lr, decay = group["lr"], group["weight_decay"]
        if decay:
            torch._foreach_mul_(parameters, 1 - lr * decay)
        by_shape: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
        for (parameter, cuts), direction in zip(some, ahead, strict=True):
            for target, of in zip(parameter.split(cuts), direction.split(cuts), strict=True):
                shape = tuple(sorted(of.shape))
                by_shape.setdefault(shape, []).append((target, of))
        for pairs in by_shape.values():
            wide = torch.stack([of if of.shape[0] <= of.shape[1] else of.T for _, of in pairs])
            for (target, _), made in zip(pairs, orthogonal(wide, self._dtype), strict=True):
                made = made.to(target.dtype)
                # A matrix that widens is moved further: its outputs have more numbers to change.
                factor = max(1.0, target.shape[0] / target.shape[1]) ** 0.5
                turned = made if target.shape == made.shape else made.T
                target.add_(turned, alpha=-lr * factor)

    def _momentum_of(self, parameter: nn.Parameter) -> Tensor:
        state = self.state[parameter]
        if "momentum" not in state:
            state["step"] = torch.zeros(())  # AdamW looks for it when a state is loaded
            state["momentum"] = torch.zeros_like(parameter)
        state["step"] += 1
        momentum: Tensor = state["momentum"]
        return momentum


def orthogonal(matrices_NRC: Tensor, dtype: torch.dtype) -> Tensor:
    """The same singular vectors, with singular values between about a half and one and a half.

    Args:
        matrices_NRC: of one shape, not higher than wide.
        dtype: in which it is computed.

    Returns:
        ``[N, R, C]`` in that dtype. A matrix of zeros stays one.
    """
    length = torch.linalg.vector_norm(matrices_NRC, dim=(-2, -1), keepdim=True)
    x = (matrices_NRC / (length * _ROOM + 1e-7)).to(dtype)
    for a, b, c in _POLAR_EXPRESS:
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x
