"""A witness: cosigns the checkpoints of logs that it knows, each only if it continues what it cosigned before."""
