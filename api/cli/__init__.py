"""`sanquan …`. Results on stdout, progress and errors on stderr; the exit status is the answer."""
