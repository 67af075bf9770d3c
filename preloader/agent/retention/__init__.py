"""What is on a node, which images of it go and why, and their removal."""
