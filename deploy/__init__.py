"""Deploys a stack of this project as `make up` does."""
