"""The names under which Pulumi knows the components."""

PACKAGE = "image-preloader:index"
IMAGE_PRELOADER = f"{PACKAGE}:ImagePreloader"
IMAGE_CLEANUP = f"{PACKAGE}:ImageCleanup"
CLEANUP_PROGRAM = f"{PACKAGE}:CleanupProgram"
NODE_POOL = f"{PACKAGE}:NodePool"
KARPENTER_POOL = f"{PACKAGE}:KarpenterPool"
NODE_SETTINGS = f"{PACKAGE}:NodeSettings"
