"""Everything TaxJar: the client, what is sent and what comes back, errors, comparison and upsert."""
