"""Which images the workloads of a cluster or a folder would have a pool list."""
