"""The disk of a pool's nodes: its volumes, and whether the images fit it."""
