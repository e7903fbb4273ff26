"""A symbolic step never hangs: it is interrupted in the main thread and killed elsewhere."""

import gc
import signal
import sys
import threading
import time

import pytest

from formsearch.derive.limits import OutOfTime, limited


def _forever() -> None:
    while True:
        try:
            time.sleep(10)
        except Exception:  # a library that swallows exceptions must not swallow the interruption
            continue


def _spin() -> None:
    while True:
        pass


def _wait(seconds: float) -> float:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)
    return seconds


def _sum(a: int, b: int) -> int:
    return a + b


def _bad() -> None:
    raise ValueError("no closed form")


def _in_thread(*arguments: object) -> object:
    caught: list[object] = []

    def work() -> None:
        try:
            caught.append(limited(*arguments))  # type: ignore[arg-type]
        except Exception as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    return caught[0]


def test_main_thread_is_interrupted() -> None:
    started = time.monotonic()
    with pytest.raises(OutOfTime, match=r"_forever took more than 0\.05 s"):
        limited(0.05, _forever)
    assert time.monotonic() - started < 5
    assert limited(5, _sum, 2, 3) == 5


def test_time_of_the_processor_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that has to share its processor finds what it finds on a machine of its own."""
    monkeypatch.setattr(sys.modules[limited.__module__], "_WAITING", 1000.0)
    begun = time.thread_time()
    with pytest.raises(OutOfTime):
        limited(0.2, _spin)
    assert 0.19 < time.thread_time() - begun < 0.6
    assert limited(0.2, _wait, 0.6) == 0.6  # three times as long on the clock, and next to nothing of the processor
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_timer_of_the_caller_survives() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    signal.setitimer(signal.ITIMER_REAL, 4.0)
    try:
        with pytest.raises(OutOfTime):
            limited(0.05, _spin)
        assert not rung
        time.sleep(4.1)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_other_threads_use_a_second_process() -> None:
    assert _in_thread(30, _sum, 2, 3) == 5
    error = _in_thread(0.3, _forever)
    assert isinstance(error, OutOfTime)
    assert _in_thread(30, _sum, 4, 5) == 9  # a fresh process after the killed one
    error = _in_thread(30, _bad)
    assert isinstance(error, ValueError)
    assert "no closed form" in str(error)


def test_no_time_left_is_out_of_time() -> None:
    with pytest.raises(OutOfTime):
        limited(0, _sum, 1, 2)


def test_a_ring_inside_a_callback_of_the_collector_is_put_off() -> None:
    """An exception there would be lost, with a complaint about it; the next ring comes a moment later."""
    slow = [True]

    def callback(phase: str, info: dict[str, int]) -> None:
        if slow.pop() if slow else False:
            end = time.monotonic() + 0.3  # the first ring falls in here
            while time.monotonic() < end:
                pass

    gc.callbacks.append(callback)
    try:
        with pytest.raises(OutOfTime):
            limited(0.1, _collect_and_spin)
    finally:
        gc.callbacks.remove(callback)
    assert not slow


def _collect_and_spin() -> None:
    gc.collect()
    while True:
        pass
