"""Column names -> quantities, targets and units, where the caller does not say. What was matched is always noted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from formsearch.quantities import QUANTITIES
from formsearch.reading.cells import UNITS

ALIASES: Mapping[str, str] = {
    "params": "N", "parameters": "N", "n_params": "N", "num_params": "N", "params_nonemb": "N",
    "total_params": "N", "total_params_nonemb": "N", "model_size": "N",
    "n_parameters": "N", "num_parameters": "N", "total_parameters": "N", "model_params": "N", "model_parameters": "N",
    "param_count": "N", "parameter_count": "N", "nonemb_params": "N", "non_embedding_params": "N",
    "non_embedding_parameters": "N", "nonembedding_params": "N", "non_emb_params": "N",
    "params_non_embedding": "N", "non_embedding_param_size": "N",
    "active_params": "N_active", "active_params_nonemb": "N_active", "na": "N_active", "active_parameters": "N_active",
    "activated_params": "N_active", "activated_parameters": "N_active", "n_active_params": "N_active",
    "num_active_params": "N_active", "params_active": "N_active",
    "tokens": "D", "n_tokens": "D", "num_tokens": "D", "train_tokens": "D", "training_tokens": "D",
    "total_tokens": "D", "tokens_seen": "D", "tokens_trained": "D", "n_train_tokens": "D", "token_count": "D",
    "dataset_tokens": "D",
    "flops": "C", "compute": "C", "training_flops": "C", "training_flop": "C", "train_flops": "C", "total_flops": "C",
    "training_compute": "C",
    "n_experts": "experts", "num_experts": "experts", "learning_rate": "lr", "peak_lr": "lr", "max_lr": "lr",
    "batch_size_tokens": "batch_size", "batch_tokens": "batch_size", "tokens_per_batch": "batch_size",
    "vocabulary_size": "vocab_size",
}  # fmt: skip
"""Usual column names, used only where no mapping is given; what was matched is noted on the points."""

TARGETS = (
    "loss", "val_loss", "validation_loss", "final_loss", "eval_loss", "valid_loss", "test_loss", "final_val_loss",
    "train_loss", "training_loss",
)  # fmt: skip
"""Usual names of the target, the first that is there is taken; as an export writes them too: `val/loss`."""

STEPS = ("_step", "step", "steps", "global_step", "trainer/global_step", "train/global_step", "iteration", "iter",
         "epoch", "_timestamp", "timestamp")  # fmt: skip
"""Usual names of the column that counts the steps of a run."""

_EXPORT = re.compile(r"^(?:(?:config|summary|params|metrics|hparams|hyperparameters|args|cfg|model|data|train)[./])+")
_LOGGED = re.compile(r"^(?:summary|metrics)[./]")
_UNIT = r"(?:in[\s_]+)?(?P<{}>k|[mbtg]|mn|bn|thousands?|millions?|billions?|trillions?)"
_UNIT_LAST = re.compile(
    rf"^(?P<name>.+?)(?:[\s_\-./]+{_UNIT.format('unit')}|\s*[(\[]{_UNIT.format('inside')}(?:\s+\w+)?\s*[)\]])$",
    re.IGNORECASE,
)
_UNIT_FIRST = re.compile(
    r"^(?P<unit>thousand|million|billion|trillion)s?[\s_]+(?:of[\s_]+)?(?P<name>.+)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Match:
    """A column taken for a quantity: `factor` is the unit that its name states, `rank` how sure that is (0 surest)."""

    quantity: str
    column: str
    factor: float
    rank: int


def normalised(name: str) -> str:
    """`"Val/Loss"` -> `"val_loss"`."""
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")


def match(column: str) -> Match | None:
    """The quantity that a column's name states, if any."""
    if (found := _named(column)) is not None:
        return Match(found, column, 1.0, 0 if column in QUANTITIES else 1)
    bare = _EXPORT.sub("", column)
    if bare != column and (found := _named(bare)) is not None:
        return Match(found, column, 1.0, 2)
    if (unit := _UNIT_LAST.match(bare) or _UNIT_FIRST.match(bare)) is not None:
        word = (unit["unit"] or unit.groupdict().get("inside") or "").lower()
        factor = UNITS.get(word) or UNITS[word.rstrip("s")]
        if (found := _named(unit["name"])) is not None:
            return Match(found, column, factor, 3)
    return None


def _named(name: str) -> str | None:
    if name in QUANTITIES:
        return None if QUANTITIES[name].is_target else name
    return ALIASES.get(normalised(name))


def matches(columns: Iterable[str]) -> tuple[dict[str, Match], dict[str, list[str]]]:
    """The surest column of each quantity, the first of equals; and those that could have been taken instead."""
    best: dict[str, Match] = {}
    others: dict[str, list[str]] = {}
    for column in columns:
        found = match(column)
        if found is None:
            continue
        held = best.get(found.quantity)
        if held is None or found.rank < held.rank:
            best[found.quantity] = found
            if held is not None:
                others.setdefault(found.quantity, []).append(held.column)
        else:
            others.setdefault(found.quantity, []).append(column)
    return best, others


def find_target(columns: Sequence[str]) -> str | None:
    """The column of observed losses: a usual name, as an export writes it too; else the only one that says `loss`."""
    by_name: dict[str, str] = {}
    for column in columns:
        for name in (column, normalised(column), normalised(_LOGGED.sub("", column))):
            by_name.setdefault(name, column)
    for usual in TARGETS:
        if usual in by_name:
            return by_name[usual]
    speaking = [c for c in columns if "loss" in normalised(c).split("_")]
    return speaking[0] if len(speaking) == 1 else None


def find_step(columns: Iterable[str]) -> str | None:
    """The column that counts the steps of a run, if one is named so."""
    by_name = {c.lower(): c for c in reversed(list(columns))}
    return next((by_name[s] for s in STEPS if s in by_name), None)
