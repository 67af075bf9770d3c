"""A plan as one SVG."""
