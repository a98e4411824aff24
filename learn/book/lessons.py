"""Sphinx directives that show the course as its files are, and what the emulator says of them.

  {lesson} puzzles/01_map            what is asked, the code to fill in, the solution folded
  {lessons} train                    all lessons of a folder, one after another
  {rungs} reduction                  a ladder: its table of counts, then rung by rung what each changes
  {said} bugs/01_missing_barrier     what running a lesson prints
  {picture} KIND KEY KERNEL STEP     a figure of figures.py (sectors, banks, timeline) of a kernel; STEP: load, store-shared, ...;
                                     the directive's content is its caption

A lesson that no chapter shows is a warning.
"""
import html
import re

import counts
import figures
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

runner = counts.runner
ELEMENT, CALL, MEMBER = r"\w+(?:\[[^\]]+\])+", r"\w+\([^()]*\)", r"\w+\.[xyz]\b"
# A formula is one piece: an element, what it is set to, up to words. So is an index, row * columns + column.
OPERAND = rf"(?:{ELEMENT}|{CALL}|{MEMBER}|\d+\b|\b[a-z]\b)"
CODE = re.compile(rf"`[^`]+`|{ELEMENT}(?: (?:[-+*/]?=|[-+*/]) {OPERAND})*|{CALL}|\b__\w+|{MEMBER}(?: [*+] {MEMBER})*|\b\w+_\w+\b|"
                  r"\b\w+ \* \w+(?: \+ \w+)*|(?<= )(?:\[\w+\])+")
KERNEL = re.compile(r"^__global__ void (?:__\w+\(\w+\) )?(\w+)\(", re.MULTILINE)


def head_comment(text):
    """The lines of comment at the top, without their slashes."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line[2:].removeprefix(" "))
    return lines


def inline(text):
    """A comment's text, what is code in it as such."""
    children, last = [], 0
    for match in CODE.finditer(text):
        children += [nodes.Text(text[last:match.start()]), nodes.literal("", match.group().strip("`"))]
        last = match.end()
    return [*children, nodes.Text(text[last:])]


def prose(lines):
    """Paragraphs of a comment; an indented line is a formula."""
    result = []
    for line in [*lines, ""]:
        if line.startswith("  "):
            result.append(nodes.literal_block(line.strip(), line.strip(), language="none"))
        elif line and result and isinstance(result[-1], str):
            result[-1] += " " + line
        elif line:
            result.append(line)
        else:
            result.append(None)
    return [nodes.paragraph("", "", *inline(one)) if isinstance(one, str) else one for one in result if one is not None]


def code(text, path):
    block = nodes.literal_block(text, text, language="cuda" if path.suffix == ".cu" else "cpp")
    block["source"] = str(path)
    return block


def command_of(key):
    """learn/run with the shortest name that means this lesson."""
    for name in (re.sub(r"^\d+_", "", key.split("/")[1]), key):
        try:
            if runner.find(name, runner.lessons()) == key:
                return f"learn/run {name}"
        except SystemExit:  # several are called so
            pass
    raise ValueError(f"{key}: wanted a name that learn/run knows, found none")


def without_first_line_name(lines):
    """The statement alone: "Puzzle 1, map: ..." has its name in the heading."""
    return [re.sub(r"^((Puzzle|Bug|Autograd|Train) \d+|Ladder)[^:.]*[:.] ", "", lines[0]), *lines[1:]]


def folded(summary, *children):
    return [nodes.raw("", f"<details><summary>{html.escape(summary)}</summary>", format="html"), *children,
            nodes.raw("", "</details>", format="html")]


class CourseDirective(SphinxDirective):
    """What fails in one is an error of the document, with the line of the directive."""
    required_arguments = 1
    final_argument_whitespace = False

    def run(self):
        try:
            return self.show(*self.arguments)
        except (ValueError, OSError, SystemExit) as error:
            raise self.error(str(error))

    def note_shown(self, key):
        if not hasattr(self.env, "tern_shown"):
            self.env.tern_shown = set()
        self.env.tern_shown.add(key)

    def file_line(self, key, path):
        """Where the lesson is, and how it is run."""
        line = nodes.paragraph(classes=["lesson-file"])
        line += [nodes.literal("", str(path.relative_to(counts.ROOT))), nodes.Text(" · "), nodes.literal("", command_of(key))]
        return line


class Lesson(CourseDirective):
    def show(self, key):
        path = counts.source_of(key)
        self.note_shown(key)
        before, inside, _ = counts.parts_of(key)
        solution = counts.solution_of(key)
        shown = [*prose(without_first_line_name(head_comment(before))), self.file_line(key, path), code(inside.strip(), path)]
        return shown + (folded("A solution", code(solution.read_text().strip(), path)) if solution else [])


def section(directive, title, children):
    made = nodes.section(ids=[nodes.make_id(title.astext())])
    made += [title, *children]
    directive.state.document.note_implicit_target(made, made)
    return made


class Lessons(Lesson):
    def show(self, folder):
        shown = []
        for key, path in runner.lessons().items():
            if key.startswith(f"{folder}/"):
                name = path.stem.replace("_", " ").lstrip("0")
                number, _, words = name.partition(" ")
                title = nodes.title("", f"{number}. {words.capitalize()}")
                shown.append(section(self, title, super().show(key)))
        return shown


COLUMNS = (("sectors a load", "sectors_per_load", "{:.2f}"), ("a store", "sectors_per_store", "{:.2f}"),
           ("moved, MB", "sectors", "{:,.1f}"), ("bank conflicts", "bank_conflicts", "{:,}"), ("barriers", "barriers_per_block", "{:g}"),
           ("waiting atomics", "waiting_atomics", "{:,}"), ("predicted, µs", "work_us", "{:,.1f}"))
PREDICTED = ("Counted in a few blocks, for all, and predicted for an H100 from these counts alone, with what bounds it; no GPU has "
             "confirmed these times.")


def value_of(kernel, key):
    return kernel[key] * 32 / 1e6 if key == "sectors" else kernel[key]


def shown_count(kernel, key, form):
    value = value_of(kernel, key)
    return form.format(value) if value else "–"


def shown_name(kernel):
    """With its template arguments, unless they are many."""
    name = runner.short_name(kernel)
    return name if len(name) <= 24 else name.split("<")[0]


def table_of(kernels):
    columns = [column for column in COLUMNS if any(kernel[column[1]] for kernel in kernels)]
    heads = ["kernel", *(name for name, _, _ in columns), "bound by"]
    rows = [[shown_name(kernel), *(shown_count(kernel, key, form) for _, key, form in columns), kernel["work_bound"]]
            for kernel in kernels]
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in heads), cols=len(heads))
    group += nodes.thead("", nodes.row("", *(nodes.entry("", nodes.paragraph("", name)) for name in heads)))
    body = nodes.tbody()
    for name, *cells in rows:
        body += nodes.row("", nodes.entry("", nodes.paragraph("", "", nodes.literal("", name))),
                          *(nodes.entry("", nodes.paragraph("", cell)) for cell in cells))
    group += body
    return nodes.table("", group, classes=["counts"])


def changes(before, after):
    """What a rung brings, in the counts that it changes by more than a hundredth."""
    changed = []
    for name, key, form in COLUMNS:
        old, new = value_of(before, key), value_of(after, key)
        if abs(new - old) > .01 * max(abs(old), abs(new)):
            changed.append(f"{'sectors a store' if key == 'sectors_per_store' else name} {shown_count(before, key, form)} → "
                           f"{shown_count(after, key, form)}")
    return "; ".join(changed) or "nothing that is counted"


def rungs_of(text):
    """Of each kernel, in the order of the text: name, comment lines, and the code since the kernel before."""
    found, last = [], text.index("\n\n", text.rindex("#include"))
    for match in KERNEL.finditer(text):
        end = text.index("\n}\n", match.start()) + 3
        part = text[last:end].strip("\n")
        own = text[last:match.start()].rstrip("\n").split("\n")
        template = [own.pop()] if own and own[-1].startswith("template") else []
        comment = []
        while own and own[-1].startswith("//"):
            comment.insert(0, own.pop()[2:].removeprefix(" "))
        above = "\n".join(own).strip("\n")
        part = (above + "\n\n" if above else "") + "".join(line + "\n" for line in template) + text[match.start():end]
        found.append((match.group(1), comment, part.strip("\n")))
        last = end
    return found


def as_sentence(text):
    return text[0].upper() + text[1:] + "."


def said_of_rungs(lines):
    """By the names of a rung's kernels: its idea, and where it does not gain, why."""
    ideas, notes, names = {}, {}, ""
    for line in lines:
        if rung := re.match(r" *\d+  (\S+(?:, \S+)*) +(.*)", line):
            names = rung.group(1)
            ideas[names] = rung.group(2)
        elif line.startswith("    note: "):
            notes[names] = as_sentence(line.removeprefix("    note: "))
    return ideas, notes


class Rungs(CourseDirective):
    def show(self, name):
        key = f"ladders/{name}"
        path = counts.source_of(key)
        self.note_shown(key)
        text, result = path.read_text(), counts.right(key)
        kernels = result["kernels"]
        ideas, notes = said_of_rungs(result["said"])
        bars = figures.bars([(shown_name(kernel), kernel["work_us"], kernel["work_bound"]) for kernel in kernels])
        shown = [self.file_line(key, path), table_of(kernels),
                 nodes.raw("", f'<div class="drawn">{bars}</div>', format="html"),
                 nodes.paragraph("", f"{as_sentence(result['said'][-1])} {PREDICTED}", classes=["counted"])]
        before = None
        for rung, comment, part in rungs_of(text):
            kernel = counts.kernel_of(result, rung)
            names = next((names for names in ideas if rung in names.split(", ")), "")
            idea = ideas.get(names, "")
            children = [*prose(comment), code(part, path)]
            if before is not None:
                children.append(nodes.paragraph("", f"Against {shown_name(before)}: {changes(before, kernel)}.", classes=["counted"]))
            if names in notes and names.endswith(rung):
                children.append(nodes.paragraph("", notes[names], classes=["counted"]))
            title = nodes.title("", "", nodes.literal("", rung), nodes.Text(f": {idea}" if idea else ""))
            shown.append(section(self, title, children))
            before = kernel
        return shown


class Said(CourseDirective):
    def show(self, key):
        said = "\n".join(line for line in counts.of(key)["said"] if line.strip())
        if not said:
            raise ValueError(f"{key}: wanted something said, got nothing")
        block = nodes.literal_block(said, said, language="none", classes=["said"])
        return [block]


class Picture(CourseDirective):
    required_arguments = 3
    optional_arguments = 1
    has_content = True

    def show(self, kind, key, name, what=""):
        result = counts.right(key, solution=key.startswith("puzzles/"))
        trace = counts.kernel_of(result, name)["trace"]
        if kind == "timeline":
            drawn = figures.timeline(trace["stretches"], name)
        else:
            draw = {"sectors": figures.sectors, "banks": figures.banks}[kind]
            steps = [step for step in trace["steps"] if step["what"].replace(" ", "-") == what]
            if not steps:
                raise ValueError(f"{key}: wanted {what} in {name}, got {', '.join(step['what'] for step in trace['steps'])}")
            drawn = draw(steps[0], f"{name}, {what.replace('-', ' ')}")
        figure = nodes.container(classes=["figure"])
        figure += nodes.raw("", f'<div class="drawn">{drawn}</div>', format="html")
        caption = nodes.container(classes=["counted"])
        self.state.nested_parse(StringList(self.content), self.content_offset, caption)
        figure += caption
        return [figure]


def check_all_shown(app, env):
    for key in runner.lessons():
        if key not in env.tern_shown:
            logging.getLogger(__name__).warning(f"learn/{key}: wanted it in a chapter of learn/book, got none")


def setup(app):
    for name, directive in (("lesson", Lesson), ("lessons", Lessons), ("rungs", Rungs), ("said", Said), ("picture", Picture)):
        app.add_directive(name, directive)
    app.connect("env-check-consistency", check_all_shown)
    if not (runner.BUILD / "tern-profile").exists():
        raise ExtensionError(f"wanted tern-profile in {runner.BUILD} (scripts/build.sh makes it, scripts/book.sh calls that), found none")
    return {"version": "1", "parallel_read_safe": False}
