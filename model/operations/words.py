"""Pieces of formulas that several operations share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ACTIVATIONS: Mapping[str, str] = MappingProxyType(
    {
        "gelu_tanh": "GELU",
        "gelu": "GELU",
        "relu": "ReLU",
        "relu2": "ReLU²",
        "silu": "SiLU",
        "quick_gelu": "quick GELU",
        "gelu_10": "GELU within ±10",
        "mish": "Mish",
        "tanh": "tanh",
        "sigmoid": "σ",
        "relu6": "ReLU6",
        "leaky_relu": "leaky ReLU",
        "hardswish": "hard Swish",
        "laplace": "Laplace",
        "sqrtsoftplus": "√softplus",
        "linear": "identity",
    }
)


def scaled(term: str, factor: float) -> str:
    """``0.22 · (a + b)``; the term alone where the factor is one."""
    if factor == 1:
        return term
    return f"{factor:.4g} ({term})" if " + " in term else f"{factor:.4g} {term}"


def capped(term: str, cap: float | None) -> str:
    """``30 tanh(term / 30)``; the term alone where there is no cap."""
    if cap is None:
        return term
    inner = f"({term})" if " " in term else term
    return f"{cap:g} tanh({inner} / {cap:g})"
