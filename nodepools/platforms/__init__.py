"""Settings for nodes that something else makes: on GKE, AKS, kind, or managed by oneself."""
