"""The cleanup container, for the lanes of an `ImagePreloader` or for pods of its own."""
