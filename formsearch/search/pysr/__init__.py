"""PySR as an engine: looked for offline, run in a child process, read from its files, refitted and judged by us.

`engine` has the engine; `probe` and `signature` say what is installed; `options`, `losses`, `template` put a search
into PySR's words; `task` puts one search together; `child` runs it; `hall` and `template` read what it wrote.
What a row could have been is proposed by `formsearch.search.mend`; `formsearch.search.refine` goes on from there.
The package `pysr` itself is imported by the child only.
"""
