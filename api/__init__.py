"""Everything that faces outward: REST, pages, the client and the command line."""
