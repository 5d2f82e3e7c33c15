"""What is kept beside the ledger: documents by digest, and the plain values behind confidential members."""
