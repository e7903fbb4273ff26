"""A child that does what it is told: answers, fails, aborts, hangs, prints."""

import os
import signal
import sys
import time
from typing import Any

from formsearch.search.child import Send, serve


def work(request: dict[str, Any], send: Send) -> None:
    for k in range(request.get("answers", 0)):
        send({"value": k, "pid": os.getpid()})
    print("noise on stdout", flush=True)
    match request.get("then"):
        case "raise":
            raise ValueError("no such\nluck")
        case "abort":
            print("terminate called after throwing", file=sys.stderr, flush=True)
            os.abort()
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            time.sleep(600)
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            send({"deaf": True})
            time.sleep(600)
        case "stdin":
            send({"stdin": sys.stdin.read()})
        case "environment":
            send({"value": os.environ.get("EXAMPLE"), "threads": os.environ["OMP_NUM_THREADS"]})


if __name__ == "__main__":
    raise SystemExit(serve(work))
