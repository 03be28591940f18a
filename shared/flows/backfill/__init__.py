"""History on request: a range of days is listed step by step, reported or tried out, with progress."""
