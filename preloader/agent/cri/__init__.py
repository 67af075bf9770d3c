"""The container runtime interface: gRPC over a unix socket with nothing but what CRI needs."""
