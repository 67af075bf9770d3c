"""The sentences that every format shares."""
