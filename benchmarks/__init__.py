"""Measurements that back the documentation's numbers; each file runs as `python -m benchmarks.NAME`."""
