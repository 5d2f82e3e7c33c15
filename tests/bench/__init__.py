"""Benchmarks: `make bench`. Figures are given beside limits measured in the same run, because machines are noisy."""
