"""Operon (pyoperon) as an engine: genetic programming in C++ with Levenberg-Marquardt on every tree.

`engine` drives it from the parent process and never imports it, `run` is what a child process does, `programs` writes
seeds. Nothing is imported here: a child needs little, and starts often.
"""
