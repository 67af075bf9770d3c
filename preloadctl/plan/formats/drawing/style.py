"""Colours and shapes of the drawings, for the page and for a picture of its own."""

# By name, light and dark. Text on `paper`, `box` and every fill has a contrast of 4.5 or more.
# Images are green and what is Kubernetes' or AWS's own amber, as in the other pictures of docs/.
COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#0d1117"),
    "box": ("#f6f8fa", "#151b23"),
    "ink": ("#1f2328", "#f0f6fc"),
    "muted": ("#59636e", "#9198a1"),
    "line": ("#d1d9e0", "#3d444d"),
    "strong-line": ("#8c959f", "#656c76"),
    "link": ("#0969da", "#4493f8"),
    "bad": ("#cf222e", "#ff7b72"),
    "bad-fill": ("#ffebe9", "#301b1e"),
    "warning": ("#9a6700", "#d29922"),
    "warning-fill": ("#fff8c5", "#272115"),
    "images": ("#1a7f37", "#3fb950"),
    "images-fill": ("#dafbe1", "#12361e"),
    "workloads": ("#0969da", "#4493f8"),
    "workloads-fill": ("#ddf4ff", "#10294b"),
    "rollout": ("#8250df", "#ab7df8"),
    "rollout-fill": ("#fbefff", "#2c1d47"),
    "pulling": ("#1b7c83", "#39c5cf"),
    "pulling-fill": ("#d6f5f5", "#0f3337"),
    "buffer": ("#59636e", "#9198a1"),
    "buffer-fill": ("#f6f8fa", "#1c222b"),
    "writable": ("#bc4c00", "#db6d28"),
    "writable-fill": ("#fff1e5", "#3d200c"),
    "system": ("#59636e", "#9198a1"),
    "system-fill": ("#d8dee4", "#363d47"),
    "other": ("#59636e", "#9198a1"),
    "other-fill": ("#f6f8fa", "#151b23"),
}
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
# Paper is white: printed from a dark screen a page is light all the same.
DARK = "@media screen and (prefers-color-scheme: dark)"


def colours() -> str:
    """The custom properties of both schemes."""
    light, dark = (
        "\n".join(f"  --{name}: {values[scheme]};" for name, values in COLOURS.items())
        for scheme in (0, 1)
    )
    return f":root {{\n{light}\n}}\n{DARK} {{\n:root {{\n{dark}\n}}\n}}\n"


def drawings() -> str:
    """The rules of what the drawings consist of."""
    parts = "\n".join(
        f".{name.removesuffix('-fill')} {{ --edge: var(--{name.removesuffix('-fill')}); "
        f"--fill: var(--{name}); }}"
        for name in COLOURS
        if name.endswith("-fill")
    )
    return f"{_DRAWINGS}{parts}\n"


_DRAWINGS = """\
.drawing { overflow: visible; }
.drawing text { fill: var(--ink); font-size: 12px; }
.drawing .tick text { fill: var(--muted); }
.drawing .tick line { stroke: var(--line); }
.drawing .volume { fill: none; stroke: var(--strong-line); }
.drawing .filled rect { fill: var(--fill); stroke: var(--edge); }
.drawing .filled line { stroke: var(--edge); stroke-width: 2; }
.drawing .letter { font-weight: 600; }
.drawing .mark line { stroke: var(--edge); stroke-width: 2; }
.drawing .mark text { fill: var(--edge); }
.bound { --edge: var(--warning); }
.bound line { stroke-dasharray: 4 3; }
.one-lane { --edge: var(--muted); }
.high-water { --edge: var(--link); }
.high-water line { stroke-dasharray: 2 2; }
.gc { --edge: var(--warning); }
.gc line { stroke-dasharray: 6 3; }
.eviction { --edge: var(--bad); }
.free { --edge: var(--strong-line); --fill: var(--paper); }
"""
