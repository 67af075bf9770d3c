"""`preloadctl lock`: asks registries what a stack's images are, and keeps the answers in a file."""
