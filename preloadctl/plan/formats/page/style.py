"""The page's own style sheet. No text is below 12 pixels, whatever the width of the window."""

from preloadctl.plan.formats.drawing.style import FONT

MONOSPACE = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"

PAGE = f"""\
:root {{ color-scheme: light dark; }}
* {{ box-sizing: border-box; }}
body {{
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 {FONT}; overflow-wrap: anywhere; -webkit-text-size-adjust: 100%;
}}
main {{ max-width: 68rem; margin: 0 auto; padding: 2rem 1rem 4rem; }}
h1, h2, h3, h4 {{ line-height: 1.25; margin: 0; font-weight: 600; }}
h1 {{ font-size: 1.75rem; }}
h2 {{
  font-size: 1.3rem; margin-top: 2.5rem; padding-top: 1rem; border-top: 1px solid var(--line);
}}
h3 {{ font-size: 1rem; margin-top: 1.75rem; }}
h4 {{ font-size: .85rem; color: var(--muted); }}
figcaption {{ margin-top: .25rem; font-size: 13px; color: var(--muted); }}
p, ul, ol, dl, figure {{ margin: .5rem 0 0; }}
a {{ color: var(--link); }}
code, pre {{ font-family: {MONOSPACE}; font-size: .88em; }}
small, .muted {{ font-size: 12px; color: var(--muted); }}
.references, .callout {{ padding-left: 1.25rem; }}

.facts {{ display: flex; flex-wrap: wrap; gap: .75rem 2rem; }}
dt {{ font-size: 12px; color: var(--muted); }}
dd {{ margin: 0; }}

.callout {{
  margin-top: .75rem; padding: .5rem 1rem; border-left: 4px solid var(--edge);
  background: var(--fill);
}}
ul.callout {{ padding-left: 2rem; }}
.bad {{ --edge: var(--bad); --fill: var(--bad-fill); }}
.warning {{ --edge: var(--warning); --fill: var(--warning-fill); }}
.bad h2 {{ margin: 0; padding: 0; border: 0; color: var(--bad); }}

.scroll {{ overflow-x: auto; margin-top: .75rem; }}
table {{ border-collapse: collapse; font-size: 14px; overflow-wrap: normal; }}
th, td {{
  padding: .35rem 1.25rem .35rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line);
}}
th {{ font-size: 12px; font-weight: 400; color: var(--muted); white-space: nowrap; }}
.number {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
td.text, td.name {{ white-space: nowrap; }}
td.code {{ overflow-wrap: anywhere; min-width: 11rem; }}
td.prose {{ min-width: 10rem; }}
.refusals {{ padding-left: 1.25rem; }}
.refusals li {{ margin-top: .5rem; }}
.effect-bad {{ color: var(--bad); }}
.effect-warning {{ color: var(--warning); }}

.gantt {{ display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: .75rem; }}
.lane-names {{ list-style: none; padding: 0; font-size: 12px; line-height: 1.3; }}
.lane-names li {{ display: flex; flex-direction: column; justify-content: center; }}
.lane-names, .gantt .chart {{ margin: 0; }}
.chart {{ padding: 0 1px; }}
.chart svg {{ display: block; }}
foreignObject {{ overflow: visible; }}
/* A name that its bar is too short for goes to the right of it, where there is room. */
.room {{ container-type: inline-size; height: 100%; }}
.label {{
  display: block; width: max-content; max-width: calc(var(--most) * 100cqw); padding: 0 8px;
  font-size: 12px; line-height: 26px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; color: var(--ink); pointer-events: none;
  /* Its own width where it is wider than its bar, else nothing. */
  --after: clamp(0px, (100% - var(--bar) * 100cqw) * 999, 100%);
  transform: translateX(min(var(--after), var(--bar) * 100cqw));
  /* The lines that it would otherwise be struck through by. */
  background: linear-gradient(var(--paper), var(--paper)) no-repeat;
  background-size: var(--after) 100%;
}}
@container (max-width: 24px) {{ .label {{ display: none; }} }}

.swatch {{
  display: inline-block; min-width: 1.5em; height: 1.5em; line-height: 1.4em; text-align: center;
  vertical-align: top; font-size: 12px; font-weight: 600; border: 1px solid var(--edge);
  background: var(--fill);
}}
.lane-lists {{
  display: grid; gap: .75rem 2rem; margin-top: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(18rem, 100%), 1fr));
}}
.lane-lists ol {{ padding-left: 1.5rem; }}
details {{ margin-top: .5rem; border: 1px solid var(--line); }}
summary {{ padding: .4rem .75rem; cursor: pointer; }}
pre {{
  margin: 0; padding: .75rem; overflow-x: auto; overflow-wrap: normal;
  background: var(--box); border-top: 1px solid var(--line);
}}
:focus-visible {{ outline: 2px solid var(--link); outline-offset: 2px; }}

@media (max-width: 40rem) {{
  main {{ padding-top: 1.25rem; }}
  .tick:nth-of-type(even) text {{ display: none; }}
}}
@media print {{
  main {{ max-width: none; padding: 0; }}
  .drawing, .swatch, .callout {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
  figure, tr, details {{ break-inside: avoid; }}
  h2, h3 {{ break-after: avoid; }}
  .scroll {{ overflow: visible; }}
  pre {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
  details::details-content {{ content-visibility: visible; block-size: auto; }}
}}
"""
