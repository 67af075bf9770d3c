"""What a plan says, out of what a program registers."""
