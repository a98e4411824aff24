"""Sphinx extension: makes Debian's Furo work from a folder, and pages light.

Debian packs Furo's script as it is before its bundler: a module with an import, which a page does not load as a script (so
Debian 12 has it) nor from a file (so 13). Debian 12's style sheet imports normalize.css from an address that only a web server
of Debian's has. And Debian's compiler of style sheets loses the rule by which a reader whose system is dark sees the site so.
What is missing is put in; Furo of pip, which has all of it, stays as it is.

Sphinx before 6 (Debian 12's) has each page load jQuery, underscore and a bridge between them, 360 kB that neither its own scripts
nor Furo's use; they are left out.
"""
import pathlib
import re

from sphinx.errors import ExtensionError

IMPORT_OF_SCRIPT = re.compile(r'^import [^;]*"\./gumshoe-patched\.js";\n')
IMPORT_OF_STYLE = re.compile(r"^@import url\((/javascript/normalize\.css/normalize\.css)\);")


DARK = re.compile(r'body\[data-theme="dark"\] \{([^}]*)\}')
DARK_BY_ITSELF = "@media (prefers-color-scheme: dark) {{ body:not([data-theme=\"light\"]) {{{}}} }}\n"


def put_in(file, statement, source_of):
    """Puts the file that a statement at the top imports in its place."""
    text = file.read_text(encoding="utf-8")
    match = statement.match(text)
    if match:
        source = source_of(match)
        if not source.exists():
            raise ExtensionError(f"{file}: wanted {source}, which it imports, found none")
        file.write_text(source.read_text(encoding="utf-8") + text[match.end():], encoding="utf-8")


def follow_system(file):
    """Colours of the dark theme where the system asks for it and the reader has chosen nothing."""
    text = file.read_text(encoding="utf-8")
    colours = DARK.search(text)
    if colours and not re.search(r'body:not\(\[data-theme="?light"?\]\)', text):
        file.write_text(text + DARK_BY_ITSELF.format(colours.group(1)), encoding="utf-8")


UNUSED = re.compile(r"(jquery|underscore|_sphinx_javascript_frameworks_compat)\.js$")


def choose_scripts(app, page, template, context, document):
    kept = [script for script in context["script_files"] if not UNUSED.search(str(script.filename))]
    for script in kept:
        if str(script.filename).endswith("furo.js"):
            script.attributes.pop("type", None)  # "module", which it no longer is
    context["script_files"] = kept


def mend(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    static = pathlib.Path(app.outdir) / "_static"
    put_in(static / "scripts/furo.js", IMPORT_OF_SCRIPT, lambda _: static / "scripts/gumshoe-patched.js")
    put_in(static / "styles/furo.css", IMPORT_OF_STYLE, lambda match: pathlib.Path("/usr/share" + match.group(1)))
    follow_system(static / "styles/furo.css")


def setup(app):
    app.connect("html-page-context", choose_scripts, priority=900)
    app.connect("build-finished", mend)
    return {"version": "1", "parallel_read_safe": True}
