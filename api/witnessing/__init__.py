"""A witness over HTTP: c2sp.org/tlog-witness. An app of its own, for a process of its own."""
