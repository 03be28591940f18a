"""The audit as evidence: sealed every day, checked, exported (design 4.8)."""
