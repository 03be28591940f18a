"""F&O, the ledger and TaxJar compared, what is missing enqueued, and the proof of completeness."""
