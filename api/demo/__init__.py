"""Demonstrations: each step in words, as the `curl` line that does the same, and with what came of it."""
