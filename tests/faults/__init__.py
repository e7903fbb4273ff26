"""Real faults on real runs: what is killed, starved or lied to has to end with the results of an undisturbed run.

`python -m tests.faults` carries them all out and prints a table; the short version is `test_faults.py`.
"""
