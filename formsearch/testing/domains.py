"""Plausible ranges of quantities, and random points and constants inside them, for checks of laws."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from formsearch.exceptions import InputError
from formsearch.formula import names_in, parse_formula
from formsearch.law import Constant, Law
from formsearch.quantities import PROPORTION_PREFIX, Array, quantity

TYPICAL: Mapping[str, tuple[float, float]] = {
    "N": (1e7, 1e12), "N_active": (1e7, 1e11), "N_nonvocab": (1e7, 1e12), "N_vocab": (1e6, 1e10),
    "N_nonzero": (1e6, 1e11), "N_dense": (1e7, 1e11), "width": (256, 16384), "depth": (3, 128),
    "D": (1e9, 1e13), "unique_tokens": (1e8, 1e12), "characters": (1e9, 1e13), "samples": (100, 1e7),
    "D_dense": (1e9, 1e12), "C": (1e18, 1e25), "tokens_per_parameter": (1, 1000),
    "active_experts": (1, 32), "shared_ratio": (0, 0.9), "experts": (1, 512), "sparsity": (0, 0.98),
    "activation_ratio": (0.01, 1), "granularity": (1, 64), "granularity_width": (1, 64), "weight_sparsity": (0, 0.95),
    "weight_bits": (2, 16), "activation_bits": (2, 16), "kv_bits": (2, 16), "post_training_bits": (2, 16),
    "exponent_bits": (1, 8), "mantissa_bits": (0, 10), "block_size": (8, 4096), "parallel_streams": (1, 64),
    "vocab_size": (1e3, 3e5), "context_length": (512, 1e6), "lr": (1e-5, 1e-1), "batch_size": (1e4, 1e7),
    "latents": (512, 1e7), "active_latents": (8, 512), "scale": (10, 1e6), "log_flops": (-3, 5),
    "loss": (0.5, 8), "efficiency_leverage": (0.5, 20), "error": (0.01, 1), "score": (-5, 5),
}  # fmt: skip
"""Quantity -> (low, high): where runs lie today, and a little beyond."""


def typical(name: str) -> tuple[float, float]:
    """Plausible range of a quantity, inside its domain."""
    if name in TYPICAL:
        return TYPICAL[name]
    if name.startswith(PROPORTION_PREFIX):
        return (0.0, 1.0)
    q = quantity(name)
    if math.isfinite(q.low) and math.isfinite(q.high):
        return (q.low + 1e-3 * (q.high - q.low) if q.open_low else q.low, q.high)
    return (0.1, 10.0) if q.low >= 0 else (-3.0, 3.0)


def random_points(law: Law, rows: int, seed: int, ranges: Mapping[str, tuple[float, float]]) -> dict[str, Array]:
    """Values for each variable symbol, shape (rows,): log-uniform where the range is positive, uniform else.

    `ranges` overrides `typical`, by quantity. The first two rows are the corners of the box. Shares of a mixture sum
    to 1 in each row; in the first row one domain has all.
    """
    rng = np.random.default_rng(seed)
    points: dict[str, Array] = {}
    for v in law.variables:
        low, high = ranges.get(v.quantity, typical(v.quantity))
        share = rng.random(rows)
        share[:2] = 0.0, 1.0
        values = np.exp(np.log(low) + share * np.log(high / low)) if low > 0 else low + share * (high - low)
        points[v.symbol] = np.clip(values, low, high)
    shares = [v.symbol for v in law.variables if v.quantity.startswith(PROPORTION_PREFIX)]
    if shares:
        points[shares[0]][0] = 1.0
        total = sum(points[s] for s in shares)
        points |= {s: points[s] / total for s in shares}
    return points


def random_constants(law: Law, points: Mapping[str, Array], seed: int) -> dict[str, float]:
    """Constants drawn from the law's starts; where a constant has none, of order 1 and inside its bounds.

    A constant is drawn after those that the scale of its start names. Raises `InputError` if that goes in a circle,
    names what the law does not have, or gives no positive finite number.
    """
    rng = np.random.default_rng(seed)
    known: dict[str, float] = {}
    for symbol, values in points.items():
        positive = values[values > 0]
        known[symbol] = float(np.exp(np.log(positive).mean())) if positive.size else 0.0
    waiting = list(law.constants)
    while waiting:
        ready = [c for c in waiting if c.start is None or set(names_in(c.start.scale)) <= set(known)]
        if not ready:
            stuck = {c.symbol: c.start.scale for c in waiting if c.start is not None}
            raise InputError(f"law {law.name}: starts are scaled by what is unknown, or in a circle: {stuck}")
        for c in ready:
            value = _from_bounds(c, rng) if c.start is None else _from_start(law, c, known, rng)
            known[c.symbol] = float(np.clip(value, c.lower, c.upper))
        waiting = [c for c in waiting if c not in ready]
    return {c: known[c] for c in law.constant_names}


def _from_start(law: Law, constant: Constant, known: Mapping[str, float], rng: np.random.Generator) -> float:
    start = constant.start
    assert start is not None
    table = {law.symbols[k]: v for k, v in known.items()}
    scale = float(parse_formula(start.scale, law.symbols).subs(table))
    if not (math.isfinite(scale) and scale > 0):
        raise InputError(f"law {law.name}: the scale {start.scale!r} of {constant.symbol} is {scale}, not positive")
    share = rng.random()
    if start.log:
        return float(scale * start.low * (start.high / start.low) ** share)
    return scale * (start.low + share * (start.high - start.low))


def _from_bounds(constant: Constant, rng: np.random.Generator) -> float:
    size = float(np.exp(rng.uniform(-1.0, 1.0)))
    if math.isfinite(constant.lower) and math.isfinite(constant.upper):
        return constant.lower + rng.random() * (constant.upper - constant.lower)
    if math.isfinite(constant.lower):
        return constant.lower + size
    if math.isfinite(constant.upper):
        return constant.upper - size
    return size * float(rng.choice([-1.0, 1.0]))
