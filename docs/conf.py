"""Sphinx configuration: `python -m sphinx -W docs docs/_build/html`; doctests: the same with `-b doctest`.

Pages of laws, of the results' schema and of the Python interface are generated from the code they describe, so that
they cannot differ from it; the generated folder is brought up to date by every build and is not kept.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import formsearch
from formsearch.lawpage import list_markdown, page_markdown
from formsearch.report.schema import json_schema
from formsearch.typesetting.written import formulas

project = "formsearch"
author = copyright = "The formsearch developers"
version = release = formsearch.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest", "sphinx_copybutton"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "examples"]
html_theme = "pydata_sphinx_theme"
html_title = "formsearch"
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "header_links_before_dropdown": 3,  # with more the search goes to a second line
}
html_sidebars = {"*": [], "gallery/*": []}  # only the laws have a list to show beside them
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["plain.css"]
autodoc_typehints = "none"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
nitpicky = False

doctest_global_setup = "import numpy as np\nimport formsearch as fs"

HERE = Path(__file__).parent
GENERATED = HERE / "generated"


def write_pages(_: object) -> None:
    """Pages made from the code: one a law, the list of laws, the schema, and one a public name.

    A page that is as it was keeps its file, so that a second builder need not read it again.
    """
    pages: dict[Path, str] = {}
    laws = formsearch.laws
    for name, law in laws.items():
        page = page_markdown(law).replace(f"## {name}", f"# {name}", 1)
        page = re.sub(r"\$\$.*?\$\$", lambda _, law=law: set_in_mathml(law), page, count=1, flags=re.DOTALL)
        pages[GENERATED / "laws" / f"{name}.md"] = page
    names = "\n".join(f"laws/{name}" for name in laws)
    pages[GENERATED / "laws.md"] = (
        "# The candidate laws\n\nAs `formsearch laws` lists them; `formsearch laws NAME` prints the page of each.\n\n"
        f"{list_markdown(laws.values())}\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    )
    pages[GENERATED / "api.md"] = api_page()
    pages[GENERATED / "results.md"] = schema_page(json_schema())
    (GENERATED / "laws").mkdir(parents=True, exist_ok=True)
    for old in set(GENERATED.rglob("*.md")) - set(pages):
        old.unlink()
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def set_in_mathml(law: formsearch.Law) -> str:
    """The form of a law for browsers, which need no script and no network to set it."""
    left = {"loss": "L", "efficiency_leverage": "EL", "error": "err"}.get(law.target, "y")
    shown = "".join(f'<p><math display="block">{f.mathml}</math></p>' for f in formulas(law, left))
    return f"```{{raw}} html\n{shown}\n```"


def api_page() -> str:
    """The public names, verbs first."""
    names = [n for n in formsearch.__all__ if n != "laws"]
    functions = [n for n in names if inspect.isfunction(getattr(formsearch, n))]
    parts = ["# The Python interface", "`import formsearch as fs`; nothing below another name is public."]
    for heading, members in (("Verbs", functions), ("Classes", [n for n in names if n not in functions])):
        parts.append(f"## {heading}")
        for name in members:
            kind = "autofunction" if name in functions else "autoclass"
            parts.append(f"```{{eval-rst}}\n.. {kind}:: formsearch.{name}\n```")
    return "\n\n".join(parts) + "\n"


def schema_page(schema: dict[str, Any]) -> str:
    """`results.json` field by field."""
    parts = [
        "# The schema of results",
        "`formsearch run --out DIR` and `fs.report(items, DIR)` write `DIR/results.json`: one document from which the "
        "reports are made, and can be made again (`formsearch report DIR`). Further fields may be there; numbers that "
        "do not exist are `null`.",
        _fields("The document", schema),
    ]
    parts += [_fields(name.removesuffix("Record"), part) for name, part in schema.get("$defs", {}).items()]
    parts.append(f"## As JSON Schema\n\n```json\n{json.dumps(schema, indent=1)}\n```")
    return "\n\n".join(parts) + "\n"


def _fields(title: str, part: dict[str, Any]) -> str:
    about = str(part.get("description", "")).split("\n")[0]
    needed = set(part.get("required", ()))
    rows = [
        f"| `{name}` | {_type(field)} | {'yes' if name in needed else 'no'} |"
        for name, field in part.get("properties", {}).items()
    ]
    return "\n".join([f"## {title}", "", about, "", "| field | type | required |", "|---|---|---|", *rows])


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1].removesuffix("Record")
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(option) for option in field["anyOf"]))
    kind = str(field.get("type", "any"))
    if kind == "array":
        inner = field.get("items") or {}
        return f"list of {_type(inner)}" if inner else "list"
    if kind == "object" and isinstance(field.get("additionalProperties"), dict):
        return f"by name: {_type(field['additionalProperties'])}"
    return kind


def as_written(_app: object, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """Docstrings are plain text with formulas, no markup: the first paragraph is prose, the rest stands as written."""
    text = "\n".join(lines).strip("\n").split("\n\n", 1)
    prose = (
        text[0].replace("\\", "\\\\").replace("*", "\\*").replace("`", "\\`").replace("|", "\\|").replace("_", "\\_")
    )
    rest = text[1] if len(text) > 1 else ""
    lines[:] = [*prose.splitlines(), ""]
    if rest.strip():
        lines += ["::", "", *(f"    {line}" for line in rest.splitlines()), ""]


def setup(app: Any) -> None:
    """Hooks."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", as_written)
