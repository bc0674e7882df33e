"""Pictures of a topology and of its placement: Mermaid text, an SVG image, a page that works offline."""

from __future__ import annotations

from xml.sax.saxutils import escape

from rlreactor.graph import Graph
from rlreactor.observe.drawing import drawing
from rlreactor.observe.layout import layout
from rlreactor.observe.mermaid import mermaid
from rlreactor.observe.picture import picture
from rlreactor.planner.plan import Plan

__all__ = ["html", "mermaid", "svg"]


def svg(graph: Graph, plan: Plan | None = None) -> str:
    """An SVG image: reactors in columns by level and, with a plan, in lanes by worker. Point at things for details."""
    drawn = picture(graph, plan)
    return drawing(drawn, layout(drawn), plan)


def html(graph: Graph, plan: Plan | None = None) -> str:
    """The image in a page of its own, with the plan as text below."""
    text = f"<pre>{escape(str(plan))}</pre>" if plan is not None else ""
    return _PAGE.format(title=escape(picture(graph, plan).title), svg=svg(graph, plan), text=text)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 2rem; background: #ffffff; color: #1b1f24; font-family: system-ui, sans-serif; }}
figure {{ margin: 0; overflow-x: auto; }}
pre {{ overflow-x: auto; font-size: 12px; line-height: 1.5; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #14181d; color: #e6e9ed; }} }}
</style>
</head>
<body>
<figure>
{svg}</figure>
{text}
</body>
</html>
"""
