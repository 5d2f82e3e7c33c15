"""Full-text search: words, and an index of them beside the fold."""
