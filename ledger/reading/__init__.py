"""Reads bundles of entries by themselves, fast and strictly, in whatever process. Knows no storage, file or address.

What the bundles of a log are together, `ledger.audit` says.
"""
