"""The program that cleans up images on a node: observe, plan, act.

Standard library, `preloader.images` and `h2` only: `preloader.bundle` packs it into one file.
"""
