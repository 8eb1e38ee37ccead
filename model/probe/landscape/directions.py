"""Two directions in the space of weights. Shape suffixes: P weights, S steps."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.transformer import Transformer


@dataclass(frozen=True, slots=True)
class Directions:
    """What a plane through the centre is spanned by.

    Attributes:
        a_P, b_P: of all weights.
        unit: of a multiple of them, in words.
    """

    a_P: Tensor
    b_P: Tensor
    unit: str

    def places(self, away_SP: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The nearest points of the plane to some weights.

        Args:
            away_SP: each from the centre, ``[P]``.

        Returns:
            Multiples of both directions ``[S, 2]``, and the squared length of what lies in the
            plane of each ``[S]``; float64.
        """
        both = (self.a_P, self.b_P)
        gram_22 = torch.tensor([[dot(u, v) for v in both] for u in both], dtype=torch.float64)
        on_S2 = torch.tensor([[dot(u, d) for u in both] for d in away_SP], dtype=torch.float64)
        on_S2 = on_S2.reshape(-1, 2)
        at_S2 = torch.linalg.lstsq(gram_22, on_S2.T).solution.T
        return at_S2, (at_S2 * on_S2).sum(-1)


def random_directions(network: Transformer, seed: int) -> Directions:
    """Two random directions, each filter as long as the weights' own (Li et al. 2018).

    A filter is what makes one output: a row of a matrix, the vector of a token. Biases, norms and
    whatever else is a single row of numbers stay where they are, as in the paper.

    Args:
        network: whose weights.
        seed: of the draw.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for _ in range(2):
        parts = []
        for parameter in network.parameters():
            own = parameter.detach()
            if own.ndim < 2:
                parts.append(own.new_zeros(own.numel()))
                continue
            # Drawn on the processor: the same plane on every device.
            part = torch.randn(own.shape, generator=generator).to(own)
            lengths, wanted = (t.flatten(1).norm(dim=1) for t in (part, own))
            scale = wanted / lengths.clamp_min(1e-12)
            parts.append((part * scale.view(-1, *[1] * (own.ndim - 1))).flatten())
        drawn.append(torch.cat(parts))
    return Directions(drawn[0], drawn[1], "× the weights' own length, filter by filter")


def path_directions(away_SP: Sequence[Tensor], gram_SS: Tensor) -> Directions | None:
    """The first two principal directions of a path, by the Gram matrix of its steps.

    Args:
        away_SP: the steps' weights from some point, ``[P]`` each.
        gram_SS: their products, of `gram`.

    Returns:
        Of length 1 and at right angles; None where the steps span no plane.
    """
    S = len(gram_SS)
    centring_SS = torch.eye(S, dtype=torch.float64) - 1 / S
    centred_SS = centring_SS @ gram_SS @ centring_SS
    values_S, vectors_SS = torch.linalg.eigh(centred_SS)
    if S < 3 or float(values_S[-2]) <= 1e-7 * float(values_S[-1]) or float(values_S[-1]) <= 0:
        return None
    found = []
    for which in (-1, -2):
        # What a direction is made of: the same share of each step, less the mean.
        shares_S = centring_SS @ vectors_SS[:, which] / values_S[which].sqrt()
        direction_P = torch.zeros_like(away_SP[0])
        for share, away_P in zip(shares_S.tolist(), away_SP, strict=True):
            direction_P.add_(away_P, alpha=share)
        direction_P /= direction_P.norm()
        # Of two opposite ones that in which the path goes to the right, or up.
        if dot(direction_P, away_SP[-1]) < dot(direction_P, away_SP[0]):
            direction_P.neg_()
        found.append(direction_P)
    return Directions(found[0], found[1], "distance between weights")


def gram(vectors_SP: Sequence[Tensor]) -> Generator[None, None, Tensor]:
    """All products of vectors with each other, ``[S, S]`` float64; a row a slice."""
    S = len(vectors_SP)
    found_SS = torch.zeros(S, S, dtype=torch.float64)
    for i in range(S):
        for j in range(i + 1):
            found_SS[i, j] = found_SS[j, i] = dot(vectors_SP[i], vectors_SP[j])
        yield
    return found_SS


def dot(u_P: Tensor, v_P: Tensor) -> float:
    """The product of two long vectors; sums in float64, a part at a time."""
    return sum(float(u.dot(v)) for u, v in zip(_parts(u_P), _parts(v_P), strict=True))


def _parts(vector_P: Tensor) -> Sequence[Tensor]:
    # float32 sums of so many products are right to six digits; their sum is in float64.
    return vector_P.split(1 << 18)


def variance_in(directions: Directions, away_SP: Sequence[Tensor], gram_SS: Tensor) -> float:
    """The share of a path's variance that lies in a plane; NaN where it does not move."""
    S = len(gram_SS)
    whole = float(gram_SS.trace() - gram_SS.sum() / S)
    at_S2, _ = directions.places(away_SP)
    centred_S2 = at_S2 - at_S2.mean(0)
    both = (directions.a_P, directions.b_P)
    gram_22 = torch.tensor([[dot(u, v) for v in both] for u in both], dtype=torch.float64)
    inside = float(((centred_S2 @ gram_22) * centred_S2).sum())
    return inside / whole if whole > 0 else float("nan")
