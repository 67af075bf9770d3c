"""The Pulumi engine for tests, with the Kubernetes provider and a backend of a folder."""
