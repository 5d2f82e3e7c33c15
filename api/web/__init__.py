"""Pages for people, until the office's own pages exist: what this is, what an error means, and the API by route."""
