"""People who sign in: who they are, what they may do, and by which way they come (design 4.9)."""
