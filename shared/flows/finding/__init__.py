"""Posted documents are found: by polls and sweeps, by business events, and by number where an event came first.

What is found is written to the ledger as seen, then its key is put on the queue."""
