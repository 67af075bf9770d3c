"""Charts of a plan as SVG, for the page and the picture."""
