"""Titles and grants: what a right covers, how it passes on, and when it ends."""
