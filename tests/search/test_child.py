import os
import time
from typing import Any

import pytest

from formsearch.search.child import Children, Outcome

MODULE = "tests.search.child_example"


def run(*requests: dict[str, Any], seconds: float = 30.0, **more: Any) -> tuple[list[tuple[int, Any]], list[Outcome]]:
    children = Children(MODULE, requests, seconds, **more)
    return list(children.answers()), children.outcomes


def test_answers_come_from_every_run() -> None:
    answers, outcomes = run({"answers": 3}, {"answers": 2}, workers=2)
    assert sorted((k, a["value"]) for k, a in answers) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert len({a["pid"] for _, a in answers} | {os.getpid()}) == 3
    assert [o.status for o in outcomes] == ["done", "done"]
    assert [o.answers for o in outcomes] == [3, 2]


@pytest.mark.parametrize(
    ("then", "status", "said"),
    [
        ("raise", "failed", "ValueError: no such luck"),
        ("abort", "died", "SIGABRT): noise on stdout terminate called after throwing"),
        ("segfault", "died", "SIGSEGV"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_answers_survive(then: str, status: str, said: str) -> None:
    answers, outcomes = run({"answers": 2, "then": then}, {"answers": 1}, workers=1)
    assert [k for k, _ in answers] == [0, 0, 1]
    assert outcomes[0].status == status
    assert said in outcomes[0].error
    assert "\n" not in outcomes[0].error
    assert outcomes[1].status == "done"


@pytest.mark.parametrize("then", ["hang", "deaf"])
def test_a_run_over_its_limit_is_ended_and_keeps_its_answers(then: str) -> None:
    begun = time.monotonic()
    answers, outcomes = run({"answers": 2, "then": then}, seconds=3.0)
    assert time.monotonic() - begun < 12
    assert [a["value"] for _, a in answers if "value" in a] == [0, 1]
    assert outcomes[0].status == "late"
    assert "limit of 3 s" in outcomes[0].error


def test_after_the_last_moment_nothing_is_started() -> None:
    answers, outcomes = run({"then": "hang"}, {"answers": 1}, workers=1, until=time.monotonic() + 1.5)
    assert answers == []
    assert [o.status for o in outcomes] == ["stopped", "waiting"]


def test_leaving_early_ends_the_children() -> None:
    with Children(MODULE, [{"answers": 1, "then": "hang"}], seconds=600) as children:
        for _, answer in children.answers():
            pid = answer["pid"]
            break
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert children.outcomes[0].status == "stopped"


def test_children_see_an_empty_stdin_and_their_environment() -> None:
    answers, _ = run({"then": "stdin"})
    assert answers[0][1]["stdin"] == ""
    answers, _ = run({"then": "environment"}, environment={"EXAMPLE": "yes"})
    assert answers[0][1] == {"value": "yes", "threads": "1"}


def test_a_child_dies_with_its_parent(tmp_path: Any) -> None:
    import subprocess
    import sys

    # A parent that is killed outright: its child must not live on.
    parent = (
        "from formsearch.search.child import Children\n"
        f"c = Children({MODULE!r}, [{{'answers': 1, 'then': 'hang'}}], 600)\n"
        "for _, a in c.answers(): print(a['pid'], flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        pytest.fail(f"child {pid} outlived its parent")
