"""The eight tasks: which columns mean what, the cap on constants, and the scores that were published."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from formsearch import Points, read_points
from formsearch.exceptions import InputError

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Task:
    """One task.

    columns : quantity -> column. targets : output columns; several are groups of their own. cap : constants at most,
    per group and output. human, agent : published R2 on the unseen rows (of human laws; an agent's mean only is known).
    ahead : quantities along which the unseen rows lie beyond (`joint`: along all together); empty where they are
        other configurations.
    """

    name: str
    columns: dict[str, str]
    targets: tuple[str, ...]
    cap: int | None
    human: float
    ahead: tuple[str, ...] = ()
    joint: bool = False
    scale: dict[str, float] = field(default_factory=dict)


TASKS: tuple[Task, ...] = (
    Task("data_constrained", {"unique_tokens": "unique_tokens", "N": "params", "D": "tokens"}, ("loss",), 7, 0.911,
         ("N", "D")),
    Task("domain_mixture", {f"proportion_{k}": f"proportion_domain_{k}" for k in range(1, 6)},
         tuple(f"loss_domain_{k}" for k in range(1, 6)), 7, 0.671),
    Task("easy_question", {"log_flops": "log_flops"}, ("brier_score",), 6, -1.0, ("log_flops",)),
    Task("lr_bsz", {"lr": "lr", "batch_size": "bsz", "D": "data_size", "N": "non_embedding_param_size"}, ("lm_loss",),
         None, -0.076, ("N", "D"), joint=True, scale={"batch_size": 2048.0}),
    Task("moe", {"experts": "num_experts", "N_dense": "dense_parameter_count"}, ("loss_validation",), 6, 0.703,
         ("N_dense",)),
    Task("parallel", {"N": "num_params", "parallel_streams": "parallel_size"}, ("loss",), 4, 1.0,
         ("parallel_streams",)),
    Task("sft", {"samples": "sft_data_size"}, ("sft_loss",), 4, 0.957, ("samples",)),
    Task("vocab", {"N_nonvocab": "non_vocab_parameters", "vocab_size": "vocab_size", "characters": "num_characters"},
         ("unigram_normalized_loss",), 7, 0.966, ("vocab_size",)),
)  # fmt: skip
HUMAN_MEAN = 0.517
AGENT_MEAN = 0.748


def table_of(task: Task, folder: Path) -> pd.DataFrame | None:
    """The task's rows from `folder`: TASK.csv, or the Parquet layout TASK-train.parquet and TASK-test.parquet."""
    import pandas as pd

    csv = folder / f"{task.name}.csv"
    if csv.is_file():
        frame = pd.read_csv(csv)
        return frame if "split" in frame else frame.assign(split="train")
    parts = []
    for split in ("train", "test"):
        for path in (folder / f"{task.name}-{split}.parquet", folder / task.name / f"{split}.parquet"):
            if path.is_file():
                parts.append(pd.read_parquet(path).assign(split=split))
    return pd.concat(parts, ignore_index=True) if parts else None


def grouped(frame: pd.DataFrame) -> bool:
    """Whether the train rows are of several groups."""
    return "group" in frame and len(set(frame["group"])) > 1


def points_of(task: Task, frame: pd.DataFrame, by_group: bool | None = None) -> Points:
    """Points of a task's rows; the group of a row is its group and, for several outputs, its output.

    `by_group` says whether rows have groups; by default they have where there are several. Test rows of one group only
    are still of that group.
    """
    for column in (*task.columns.values(), *task.targets):
        if column not in frame:
            raise InputError(f"task {task.name}: column {column!r} is missing")
    has_groups = grouped(frame) if by_group is None else by_group
    return read_points(
        frame.reset_index(drop=True), target=list(task.targets), columns=task.columns, scale=task.scale,
        group="group" if has_groups else None, name=f"sldbench/{task.name}",
    )  # fmt: skip


def inside(task: Task, points: Points) -> Mask:
    """Rows to hold out inside train as the unseen rows lie outside it: the largest level along `task.ahead`."""
    if not task.ahead:
        table = np.column_stack(list(points.factors.values()))
        code = np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)
        return np.asarray(np.random.default_rng(0).permutation(code.max() + 1)[code] % 4 == 0)
    labels = np.zeros(len(points), dtype=object) if points.group is None else points.group
    masks = []
    axes = [points.factors[q] for q in task.ahead]
    for v in [np.prod(axes, axis=0)] if task.joint else axes:
        mask = np.zeros(len(points), dtype=bool)
        for g in set(labels):
            rows = labels == g
            mask |= rows & (v >= _cut(v[rows]))
        masks.append(mask)
    return np.asarray(np.any(masks, axis=0))


def _cut(values: NDArray[np.float64]) -> float:
    """The least level such that at least 8 % of the rows are at or above it."""
    for level in np.unique(values)[::-1]:
        if (values >= level).mean() >= 0.08:
            return float(level)
    return float(values.max())


def r_squared(task: Task, points: Points, predicted: NDArray[np.float64]) -> float:
    """1 - MSE/variance over all groups together, averaged over outputs, clipped to [-1, 1]; -1 if not finite."""
    scores = []
    for target in task.targets:
        rows = np.ones(len(points), dtype=bool)
        if len(task.targets) > 1:
            assert points.group is not None
            rows = np.asarray([str(g).endswith(target) for g in points.group])
        y, p = points.target[rows], predicted[rows]
        # Targets that are all the same are either met or missed.
        share = float(np.mean((p - y) ** 2)) / max(float(np.var(y)), 1e-300)
        scores.append(float(np.clip(1 - share, -1, 1)) if np.isfinite(share) else -1.0)
    return float(np.mean(scores))
