"""What is set on a pool's kubelets: its inputs, their checks, and when images are evicted."""
