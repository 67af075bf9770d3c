"""The article's hands-on repro, for anyone: `make demo`."""
