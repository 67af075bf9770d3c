"""Registries over HTTP: connections, who is let in, patience, and what went wrong."""
