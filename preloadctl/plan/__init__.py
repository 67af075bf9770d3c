"""What a stack would do to its nodes, before it does it."""
