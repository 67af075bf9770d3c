"""What images are, by the manifests that registries serve."""
