"""Spreadsheets sent over REST: kept, worked off row by row, continued after a crash, given back with what became of them."""
