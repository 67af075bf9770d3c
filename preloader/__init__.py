"""Keeps container images on the nodes of Kubernetes node pools, before any pod needs them."""

from preloader.args import (
    CleanupArgs,
    HelperImagesArgs,
    ImageCleanupArgs,
    ImagePreloaderArgs,
    PreloadArgs,
    PreloaderNamespaceArgs,
    PreloadMode,
    Rollout,
    Tolerate,
)
from preloader.cleanup.component import ImageCleanup
from preloader.component import ImagePreloader, PreloaderNamespace
from preloader.lock import Lock, lock_path, read_lock
from preloader.nodes import Architecture, TaintArgs, TaintEffect
from preloader.problems import InvalidInput, Problem

__all__ = [
    "Architecture",
    "CleanupArgs",
    "HelperImagesArgs",
    "ImageCleanup",
    "ImageCleanupArgs",
    "ImagePreloader",
    "ImagePreloaderArgs",
    "InvalidInput",
    "Lock",
    "PreloadArgs",
    "PreloadMode",
    "PreloaderNamespace",
    "PreloaderNamespaceArgs",
    "Problem",
    "Rollout",
    "TaintArgs",
    "TaintEffect",
    "Tolerate",
    "lock_path",
    "read_lock",
]
