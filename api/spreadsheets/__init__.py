"""Registrations in tables: workbooks and CSV read row by row into `case.file` bodies, and given back with the result."""
