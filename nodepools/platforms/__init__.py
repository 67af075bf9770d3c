"""Settings for nodes that something else makes: GKE, AKS, kind and self-managed ones."""
