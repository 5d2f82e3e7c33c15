"""REST, version 1. Contract section 6."""
