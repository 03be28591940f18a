"""What F&O and TaxJar have in common as remote sides: errors, the guarded way to them, pauses, the budget of calls."""
