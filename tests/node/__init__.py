"""A real Kubernetes on one Linux machine, without Docker or a virtual machine, for tests."""
