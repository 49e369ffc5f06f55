"""Benchmarks: each job in a process of its own, ours and a peer's in turn. Run ``make bench``."""
