"""A child engine that does what it is told: to answer, to hang, to abort."""

import os
import time
from collections.abc import Callable
from typing import Any

from formsearch.search.child import serve


def work(request: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
    match request["do"]:
        case "answer":
            send({"form": "E + A/N**a"})
        case "abort":
            os.abort()
        case "hang":
            while True:
                time.sleep(60)


if __name__ == "__main__":
    serve(work)
