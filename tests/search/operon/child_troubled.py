"""Runs of Operon that go wrong on purpose, in a child process: `trouble` in the request says how."""

import gc
import os
from typing import Any

import numpy as np

from formsearch.search.child import Answer, Send, serve
from formsearch.search.operon.run import Run, work


def troubled(request: dict[str, Any], send: Send) -> None:
    match request.get("trouble"):
        case "abort":
            os.abort()
        case "callback":

            def broken(answer: Answer) -> None:
                raise RuntimeError(f"cannot send {answer['kind']}")

            Run(request, broken).go()
        case "memory":
            run = Run(request, send)
            gc.collect()
            junk = [np.full((len(request["target"]), 3), 7.0, dtype=np.float32) for _ in range(50)]
            run.go()
            assert len(junk) == 50
        case _:
            work(request, send)


if __name__ == "__main__":
    raise SystemExit(serve(troubled))
