"""What people see of documents and filing periods, and what they decide."""
