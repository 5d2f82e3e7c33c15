"""What the entries of the ledger mean: parties, data assets, rights, and the rules by which statements take effect."""
