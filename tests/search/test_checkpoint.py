"""A search that was cut off goes on from its checkpoint, in another process, to the same result to the bit."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from formsearch.exceptions import StoreError
from formsearch.points import Points
from formsearch.search import search
from formsearch.search.checkpoint import Answer, read_answer, read_proposals, write_answer, write_proposals
from formsearch.search.front import Front
from formsearch.search.grammar import EXPONENT, Form, Kind, Power, Scalar, Term, constant, fingerprint

GENERATIONS = 7


class Noted:
    """States in memory, as JSON text; `cut` ends the search after so many of them."""

    def __init__(self, kept: Mapping[str, str] | None = None, cut: int | None = None) -> None:
        self.kept = dict(kept or {})
        self.cut = cut

    def load(self, part: str) -> Mapping[str, Any] | None:
        return json.loads(self.kept[part]) if part in self.kept else None

    def save(self, part: str, state: Mapping[str, Any]) -> None:
        self.kept[part] = json.dumps(state)
        if self.cut is not None:
            self.cut -= 1
            if self.cut == 0:
                raise InterruptedError


def noisy() -> Points:
    rng = np.random.default_rng(0)
    size, tokens = np.meshgrid(np.geomspace(5e7, 8e8, 5), np.geomspace(1e9, 27e9, 4))
    size, tokens = size.ravel(), tokens.ravel()
    loss = 1.8 + 400 * size**-0.34 + 400 * tokens**-0.28 + rng.normal(0, 0.003, len(size))
    return Points(target=loss, factors={"N": size, "D": tokens}, name="runs")


def found(front: Front) -> dict[str, Any]:
    said = front.to_dict()
    for clock in ("seconds", "kernel_share"):
        del said[clock]
    return said


def run(states: Noted) -> Front:
    return search(noisy(), seconds=300, seed=1, seeds=["chinchilla"], generations=GENERATIONS, states=states)


IN_ANOTHER_PROCESS = """
import json, sys
from tests.search.test_checkpoint import Noted, found, run
print(json.dumps(found(run(Noted(json.load(sys.stdin))))))
"""


def test_a_search_goes_on_from_its_checkpoint_in_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    native = importlib.import_module("formsearch.search.native")
    monkeypatch.setattr(native, "EVERY", 0.0)
    monkeypatch.setattr(native, "SHARE", float("inf"))
    whole = Noted()
    expected = found(run(whole))
    assert set(whole.kept) == {"native", "proposals of 0 native"}
    cut = Noted(cut=1)
    with pytest.raises(InterruptedError):
        run(cut)
    assert cut.load("native")["generation"] == 3  # type: ignore[index]
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        input=json.dumps(cut.kept), capture_output=True, text=True, timeout=300, check=True,
        env=os.environ | {"PYTHONHASHSEED": "4711"},
    )  # fmt: skip
    assert json.loads(done.stdout) == json.loads(json.dumps(expected))
    # An engine that was done is not asked again, and what it tried and took is told as before.
    monkeypatch.setattr(native.Native, "propose", lambda *_: pytest.fail("asked again"))
    assert found(run(Noted({k: v for k, v in whole.kept.items() if k != "native"}))) == expected


def test_proposals_come_back_as_they_were() -> None:
    from formsearch.search.engine import Proposal, Step

    kinds = (Kind("a", -1.0, 1.0, (0.0, 1.0)), EXPONENT)
    form = Form((Term(constant(0), (Power("N", Scalar(Fraction(-1), ((1, 1),))),)),), kinds)
    proposal = Proposal(form, (0.1, float("nan")), "native", (Step("seed", "c0*N^-c1", 3, 0.1, 0.2),))
    (back,) = read_proposals(json.loads(json.dumps(write_proposals([proposal]))))
    assert repr(back) == repr(proposal)
    assert back.form == form
    assert fingerprint(back.form) == fingerprint(form)
    assert fingerprint(Form(form.body, form.kinds[::-1])) != fingerprint(form)


def test_answers_come_back_as_they_were() -> None:
    from formsearch.search.engine import Spent

    answer = Answer((), 7, Spent(1.5, 3, 0.1, 7), ("slow",))
    assert read_answer(json.loads(json.dumps(write_answer(answer)))) == answer
    for wrong in ({}, {"answer": 3}, write_answer(Answer((), 7, None, (3,))), write_answer(Answer((1,), 7))):  # type: ignore[arg-type]
        with pytest.raises(StoreError):
            read_answer(wrong)
