"""The command line; one file a verb.

Exit codes: 0 done, 1 nothing acceptable was found, 2 bad input, 3 an engine is missing, 70 a defect of formsearch,
130 interrupted, 143 told to end (SIGTERM).
"""

from formsearch.command import main

__all__ = ["main"]
