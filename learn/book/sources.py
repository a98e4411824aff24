"""Sphinx extension: a source file of the repository that the text names or links to is a page of the site, under its own path.

  `engine/tensor/tensor.h`            a file in backticks, from the root of the repository
  `variable.h`                        a name without a folder: in the folder that was named before it, else beside the document
  [the harness](../harness.h)         a link, from the document's folder
  `examples/add_an_op/`               a folder: its README, or a list of its files

A page has the file with numbers for its lines, says which chapters name it, and links the files that it includes, where they are
pages. What a link names must be there: Sphinx warns else.
"""
import html
import os
import pathlib
import posixpath
import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util.nodes import make_refnode

ROOT = pathlib.Path(__file__).resolve().parents[2]
LANGUAGES = {".cu": "cuda", ".h": "cpp", ".cpp": "cpp", ".py": "python", ".sh": "bash", ".js": "javascript", ".css": "css",
             ".html": "html", ".toml": "toml", ".txt": "cmake", ".json": "json", ".csv": "text"}
NAME = re.compile(r"[\w.][\w./-]*(/|\.(h|cpp|cu|py|sh|js|css|html|toml|txt|json|csv|md))|\.ci/run|learn/run")


def path_of(name, folders):
    """Where in the repository a name of the text leads, from one of the folders; None if nowhere."""
    for folder in folders:
        path = posixpath.normpath(posixpath.join(folder, name))
        if not path.startswith("..") and (ROOT / path).exists() and (ROOT / path).is_dir() == name.endswith("/"):
            return path
    return None


def links_in(env):
    """Paths that are named, each with the documents that name it."""
    if not hasattr(env, "tern_sources"):
        env.tern_sources = {}
    return env.tern_sources


class NamesOfSources(SphinxTransform):
    """Makes references of names and links; before Sphinx looks for files to copy."""
    default_priority = 400

    def apply(self):
        here = posixpath.dirname(self.env.docname)
        last = ""
        for node in list(self.document.findall(nodes.literal)):
            text = node.astext()
            if not NAME.fullmatch(text) or self.is_inside(node, (nodes.reference, nodes.title, addnodes.pending_xref,
                                                                 addnodes.download_reference)):
                continue
            folders = ["", here] if "/" in text.rstrip("/") else [last, here, ""]
            path = path_of(text, folders)
            if path is None:
                continue
            if "/" in text:
                last = path if text.endswith("/") else posixpath.dirname(path)
            node.replace_self(self.reference(path, node.deepcopy()))
        for node in list(self.document.findall(addnodes.download_reference)):
            path = path_of(node["reftarget"], [here])
            if path is not None and not path.endswith(".csv"):  # tables stay files to be had
                node.replace_self(self.reference(path, *[child.deepcopy() for child in node.children]))
        for node in list(self.document.findall(addnodes.pending_xref)):
            target = node["reftarget"].rstrip("/") + "/"
            path = path_of(target, [here]) if node["reftype"] == "myst" and node["reftarget"] else None
            if path is not None:
                node.replace_self(self.reference(path, *[child.deepcopy() for child in node.children]))

    def is_inside(self, node, kinds):
        parent = node.parent
        while parent is not None:
            if isinstance(parent, kinds):
                return True
            parent = parent.parent
        return False

    def reference(self, path, *children):
        links_in(self.env).setdefault(path, set()).add(self.env.docname)
        return addnodes.pending_xref("", *children, refdomain="", reftype="tern-source", reftarget=path, refexplicit=True,
                                     refdoc=self.env.docname, refwarn=True)


def page_name(env, path):
    """The site's page for a path of the repository: a document's, a README's, or one that is made here."""
    document = path.removesuffix(".md") if path.endswith(".md") else posixpath.join(path, "README")
    if document in env.found_docs:
        return document
    return posixpath.join(path, "index") if (ROOT / path).is_dir() else path


def resolve(app, env, node, content):
    if node["reftype"] != "tern-source":
        return None
    return make_refnode(app.builder, node["refdoc"], page_name(env, node["reftarget"]), None, content)


def link(app, page, target, text):
    return f'<a class="reference internal" href="{html.escape(app.builder.get_relative_uri(page, target))}">{text}</a>'


def who_names(app, page, documents):
    titles = {document: app.env.titles[document].astext() for document in documents}
    named = ", ".join(link(app, page, document, html.escape(title)) for document, title in sorted(titles.items(), key=lambda one: one[1]))
    return f"Named in {named}."


def about(file):
    """A source's first sentence, where it begins with one."""
    comment = re.match(r"(?:// [^\n]*\n)+", file.read_text(encoding="utf-8")) if file.suffix in (".h", ".cpp", ".cu") else None
    if comment is None:
        return ""
    sentence = " ".join(line.removeprefix("// ") for line in comment.group().splitlines())
    return ": " + html.escape(re.split(r"\.(?: |$)|: *$", sentence)[0])


def folder_body(app, path, page):
    entries = sorted(entry for entry in (ROOT / path).iterdir() if not entry.name.startswith((".", "__")))
    sources = links_in(app.env)
    items = []
    for entry in entries:
        inside = f"{path}/{entry.name}"
        name = f'<code class="docutils literal">{html.escape(entry.name)}{"/" if entry.is_dir() else ""}</code>'
        items.append(f"<li>{link(app, page, page_name(app.env, inside), name) if inside in sources else name}{about(entry)}</li>")
    return f'<ul class="simple">{"".join(items)}</ul>'


def file_body(app, path, page):
    text = (ROOT / path).read_text(encoding="utf-8")
    language = LANGUAGES.get(posixpath.splitext(path)[1], "python" if text.startswith("#!/usr/bin/env python3") else "bash")
    code = app.builder.highlighter.highlight_block(text, language, linenos="inline", lineanchors="L", force=True)

    def linked(match):
        target = match.group(2)
        if target not in links_in(app.env):
            return match.group(0)
        return match.group(1) + link(app, page, page_name(app.env, target), html.escape(target)) + match.group(3)

    code = re.sub(r'(&quot;)([\w./]+)(&quot;)', linked, code)
    return f'<p>{len(text.splitlines())} lines.</p>{code}'


def pages(app):
    """A page for each path that has none of its own."""
    for path, documents in sorted(links_in(app.env).items()):
        page = page_name(app.env, path)
        if page in app.env.found_docs:
            continue
        body = folder_body(app, path, page) if (ROOT / path).is_dir() else file_body(app, path, page)
        title = html.escape(path)
        head = f'<h1><code class="docutils literal">{title.replace("/", "/<wbr>")}</code></h1><p>{who_names(app, page, documents)}</p>'
        yield page, {"title": title, "body": f'<section class="source-page">{head}{body}</section>'}, "page.html"


def forget(app, env, document):
    for documents in links_in(env).values():
        documents.discard(document)


def setup(app):
    app.add_transform(NamesOfSources)
    app.connect("missing-reference", resolve)
    app.connect("html-collect-pages", pages)
    app.connect("env-purge-doc", forget)
    return {"version": "1", "parallel_read_safe": False}
