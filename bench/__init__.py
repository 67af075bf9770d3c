"""What is measured, always as a ratio of two things within one run: `make bench`."""
