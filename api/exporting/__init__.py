"""Lists of the register as files that spreadsheet programs open, and that cannot act when they are opened."""
