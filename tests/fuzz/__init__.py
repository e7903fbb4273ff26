"""Fuzzing of every door through which strangers' input comes in.

`python -m tests.fuzz --seconds 60` goes through all of them and prints inputs tried and findings; the short version is
`test_fuzz.py`. With atheris installed (`pip install -e .[fuzz]`), `python -m tests.fuzz.guided formula` lets coverage
guide it.
"""
