"""The register in SQL: a cache of the fold over all entries, emptied and refilled by `sanquan register rebuild`."""
