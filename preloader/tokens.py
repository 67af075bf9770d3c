"""The name under which Pulumi knows the components."""

PACKAGE = "image-preloader:index"
