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
from preloader.nodes import TaintArgs, TaintEffect
from preloader.problems import InvalidInput, Problem

__all__ = [
    "CleanupArgs",
    "HelperImagesArgs",
    "ImageCleanup",
    "ImageCleanupArgs",
    "ImagePreloader",
    "ImagePreloaderArgs",
    "InvalidInput",
    "PreloadArgs",
    "PreloadMode",
    "PreloaderNamespace",
    "PreloaderNamespaceArgs",
    "Problem",
    "Rollout",
    "TaintArgs",
    "TaintEffect",
    "Tolerate",
]
