"""The settings of the book. Its root is the repository's, so that a document or a source is found in the site under its own path:

  sphinx-build -c learn/book . OUT       as scripts/book.sh calls it
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

project = "tern"
html_title = "tern, the book"
master_doc = root_doc = "learn/book/index"
include_patterns = ["README.md", "learn/README.md", "learn/book/**.md", "docs/**.md", "apps/**/README.md", "apps/README.md",
                    "examples/README.md", "benchmarks/results/*.md"]
exclude_patterns = ["build*", "runs", "scratch"]
extensions = ["myst_parser", "lessons", "sources", "theme"]
myst_heading_anchors = 4
highlight_language = "none"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_extra_path = ["root"]  # what is at the top of the site: the way here
html_copy_source = False
html_show_copyright = False
