"""Published mixture-of-experts models (facts): where a formula for a size ratio is read off by default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """A released model: total and active parameters, activated experts (shared + routed), shared ones."""

    name: str
    N: float
    N_active: float
    active_experts: int
    shared_experts: int

    @property
    def shared_ratio(self) -> float:
        """Shared experts / activated experts."""
        return self.shared_experts / self.active_experts


MODELS: tuple[Model, ...] = (
    Model("gpt-oss-20b", 21e9, 3.6e9, 4, 0),
    Model("Qwen3-30B-A3B", 30e9, 3e9, 8, 0),
    Model("Hunyuan-A13B", 80e9, 13e9, 9, 1),
    Model("GLM-4.5-Air", 106e9, 12e9, 9, 1),
    Model("gpt-oss-120b", 117e9, 5.1e9, 4, 0),
    Model("Qwen3-235B-A22B", 235e9, 22e9, 8, 0),
    Model("GLM-4.5", 355e9, 32e9, 9, 1),
    Model("DeepSeek-V3.1", 671e9, 37e9, 9, 1),
    Model("Kimi-K2", 1000e9, 32e9, 9, 1),
)
"""Sizes as their makers round them (model cards); routed experts per token from the released configurations."""
