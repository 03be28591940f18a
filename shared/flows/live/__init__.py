"""Answers on demand: tax, rates, nexus regions. Nothing is written to the ledger of documents."""
