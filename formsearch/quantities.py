"""The vocabulary of quantities: what a column of a table, or a symbol of a law, means.

Published laws reuse letters: "G" is three different things in three papers, "S" three others, and N has six
meanings. So a law binds each of its symbols to a *quantity*, and points carry columns named by quantity.
Where points lack a quantity it may follow from others by a `Derivation rule`; each rule states its assumption,
and everything that uses one prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formsearch.exceptions import UnknownNameError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One meaning a column can have.

    `low`/`high` bound admissible values (`open_low` excludes `low` itself); `count` marks whole numbers, for
    which an optimum is also given as the best integer.
    """

    name: str
    unit: str
    meaning: str
    low: float = 0.0
    high: float = float("inf")
    open_low: bool = True
    count: bool = False
    is_target: bool = False

    def admits(self, values: Array) -> NDArray[np.bool_]:
        """Elementwise: finite and inside the domain."""
        above = values > self.low if self.open_low else values >= self.low
        return np.isfinite(values) & above & (values <= self.high)

    @property
    def domain(self) -> str:
        """The domain in words, for messages."""
        left = f"{'>' if self.open_low else '>='} {self.low:g}" if np.isfinite(self.low) else "finite"
        return left if np.isinf(self.high) else f"{left} and <= {self.high:g}"


def _q(name: str, unit: str, meaning: str, **options: object) -> Quantity:
    return Quantity(name, unit, meaning, **options)  # type: ignore[arg-type]


_FRACTION = {"high": 1.0, "open_low": False}
_FREE = {"low": float("-inf")}

QUANTITIES: Mapping[str, Quantity] = {
    q.name: q
    for q in (
        # sizes
        _q("N", "parameters", "total parameters (non-embedding unless the law says otherwise)"),
        _q("N_active", "parameters", "parameters used per token"),
        _q("N_nonvocab", "parameters", "parameters outside the vocabulary (embedding and output) matrices"),
        _q("N_vocab", "parameters", "parameters of the vocabulary matrices, vocabulary size x width"),
        _q("N_nonzero", "parameters", "parameters left non-zero after pruning"),
        _q("N_dense", "parameters", "parameters of the dense base model that experts are added to"),
        _q("width", "count", "model width (residual dimension)", count=True),
        _q("depth", "count", "number of layers", count=True),
        # data
        _q("D", "tokens", "training tokens, repeats counted each time"),
        _q("unique_tokens", "tokens", "distinct training tokens"),
        _q("characters", "characters", "training characters"),
        _q("samples", "samples", "fine-tuning samples"),
        _q("D_dense", "tokens", "tokens of dense pre-training before upcycling"),
        # compute and ratios
        _q("C", "FLOPs", "training compute"),
        _q("tokens_per_parameter", "tokens/parameter", "D/N"),
        # mixtures of experts
        _q("active_experts", "count", "activated experts per token, shared + routed (Zhao 2025: G)"),
        _q("shared_ratio", "fraction", "shared experts / activated experts (Zhao 2025: S)", **_FRACTION),
        _q("experts", "count", "number of experts (1 is dense)", count=True),
        _q("sparsity", "fraction", "share of inactive experts or parameters (Abnar 2025: S)",
           low=0.0, high=1.0, open_low=False),
        _q("activation_ratio", "fraction", "active / total (1 is dense)", high=1.0),
        _q("granularity", "ratio", "width of the dense feed-forward layer / width of one expert (Krajewski 2024: G)"),
        _q("granularity_width", "ratio", "2 x model width / width of one expert (Tian 2025: G)"),
        _q("weight_sparsity", "fraction", "share of weights pruned to zero (Frantar 2023: S)", **_FRACTION),
        # precision, parallelism, context, vocabulary
        _q("weight_bits", "bits", "precision of the weights"),
        _q("activation_bits", "bits", "precision of the activations"),
        _q("kv_bits", "bits", "precision of the key-value cache"),
        _q("post_training_bits", "bits", "precision after post-training quantisation"),
        _q("exponent_bits", "bits", "exponent bits of a floating-point format", open_low=False),
        _q("mantissa_bits", "bits", "mantissa bits of a floating-point format", open_low=False),
        _q("block_size", "count", "elements that share one scaling factor", count=True),
        _q("parallel_streams", "count", "parallel streams (ParScale: P)", count=True),
        _q("vocab_size", "count", "entries of the vocabulary", count=True),
        _q("context_length", "tokens", "context length"),
        # optimisation
        _q("lr", "1", "peak learning rate"),
        _q("batch_size", "tokens", "batch size"),
        # interpretability
        _q("latents", "count", "dictionary size of a sparse autoencoder", count=True),
        _q("active_latents", "count", "active latents per token", count=True),
        # one scale, whatever it is
        _q("scale", "1", "the one scale variable of a one-dimensional law"),
        _q("log_flops", "log10", "log10 of compute over a stated unit", **_FREE),
        # targets
        _q("loss", "nats/token", "training or validation loss", is_target=True),
        _q("efficiency_leverage", "ratio", "dense compute / MoE compute at equal loss", is_target=True),
        _q("error", "fraction", "task error", open_low=False, is_target=True),
        _q("score", "1", "a target of any sign", is_target=True, **_FREE),
    )
}  # fmt: skip

USER_PREFIX = "user_"
"""A column of no listed meaning can be used as `user_anything`: positive, no unit."""

PROPORTION_PREFIX = "proportion_"
"""Shares of a data mixture: `proportion_1`, `proportion_2`, ...; zeros are legal, they sum to 1."""


def quantity(name: str) -> Quantity:
    """The quantity of that name. Raises `UnknownNameError` with the nearest names."""
    known = QUANTITIES.get(name)
    if known is not None:
        return known
    if name.startswith(PROPORTION_PREFIX):
        return Quantity(name, "fraction", "share of one domain in the data mixture", 0.0, 1.0, open_low=False)
    if name.startswith(USER_PREFIX) and name.isidentifier():
        return Quantity(name, "1", "a factor of the user's own table")
    raise UnknownNameError(
        "quantity", name, QUANTITIES, f"a factor of your own can be named {USER_PREFIX}{name}"
        if name.isidentifier() else "",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """`quantity` computed from `needs` by `formula`, true under `assumption`."""

    quantity: str
    needs: tuple[str, ...]
    formula: str
    assumption: str
    compute: Callable[..., Array]

    def __str__(self) -> str:
        return f"{self.quantity} = {self.formula} ({self.assumption})"

    def __reduce__(self) -> tuple[Callable[..., Rule], tuple[str, tuple[str, ...]]]:
        # `compute` is a lambda, which cannot be pickled: a rule travels as what identifies it in `RULES`.
        return _listed, (self.quantity, self.needs)


def _listed(name: str, needs: tuple[str, ...]) -> Rule:
    return next(r for r in RULES if r.quantity == name and r.needs == needs)


def _tokens_per_character(vocab_size: Array) -> Array:
    """Tokens a character for a vocabulary of that size: the fit in the code of Tao et al. 2024, arXiv:2407.13623."""
    log_size = np.log(np.minimum(vocab_size, 200_000.0))
    return 0.00639222 * log_size**2 - 0.15811069 * log_size + 1.20470122


RULES: tuple[Rule, ...] = (
    Rule("sparsity", ("N", "N_active"), "1 - N_active/N",
         "share of inactive parameters stands for the share of inactive experts",
         lambda N, Na: 1.0 - Na / N),
    Rule("activation_ratio", ("N", "N_active"), "N_active/N",
         "ratio of parameters stands for the ratio of experts", lambda N, Na: Na / N),
    Rule("granularity", ("active_experts",), "active_experts",
         "the activated experts together are as wide as the dense layer, so that d_ff/d_expert counts them",
         lambda G: 1.0 * G),
    Rule("C", ("N_active", "D"), "6*N_active*D", "6 FLOPs per active parameter and token", lambda Na, D: 6 * Na * D),
    Rule("C", ("N", "D"), "6*N*D", "a dense model, 6 FLOPs per parameter and token", lambda N, D: 6 * N * D),
    Rule("D", ("N", "C"), "C/(6*N)", "a dense model, 6 FLOPs per parameter and token", lambda N, C: C / (6 * N)),
    Rule("N", ("D", "C"), "C/(6*D)", "a dense model, 6 FLOPs per parameter and token", lambda D, C: C / (6 * D)),
    Rule("tokens_per_parameter", ("N", "D"), "D/N", "by definition", lambda N, D: D / N),
    Rule("N_nonzero", ("N", "weight_sparsity"), "N*(1 - weight_sparsity)", "by definition", lambda N, S: N * (1 - S)),
    Rule("N_active", ("N", "activation_ratio"), "N*activation_ratio", "by definition", lambda N, r: N * r),
    Rule("N_vocab", ("vocab_size", "width"), "vocab_size*width", "one vocabulary matrix is counted",
         lambda V, d: V * d),
    Rule("D", ("characters", "vocab_size"),
         "characters*(.00639222*ln(vocab_size)**2 - .15811069*ln(vocab_size) + 1.20470122)",
         "the tokenizer compresses like those of Tao et al. 2024; a vocabulary above 200,000 counts as 200,000",
         lambda H, V: H * _tokens_per_character(V)),
)  # fmt: skip
"""Tried in order: the first rule whose needs are all present as columns gives the quantity."""


def rule_for(name: str, present: set[str] | frozenset[str]) -> Rule | None:
    """The first rule that yields `name` from columns that are present (rules are not chained)."""
    return next((r for r in RULES if r.quantity == name and set(r.needs) <= present), None)
