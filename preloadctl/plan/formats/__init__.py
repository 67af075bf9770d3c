"""The formats of a plan, one function each."""
