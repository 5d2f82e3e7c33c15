"""A verifiable append-only log: entries chained by hash, gathered in a Merkle tree whose root is signed.

Knows nothing of data, rights or HTTP. The formats are those of C2SP (signed-note, tlog-checkpoint, tlog-tiles,
tlog-cosignature, tlog-proof) and of RFC 9162; statements are DSSE envelopes.
"""
