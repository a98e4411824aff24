"""Reads what `llvm-cov export -format=text` says of a fuzzer's parser, one JSON document after the other, and prints how many
percent of its lines were run.

    ... | count_lines.py PART...      PART: FILE or FILE:FUNCTION,FUNCTION, in the order of the documents
"""
import json
import sys


def line_counts(segments):
    """How often each line with code was run, as llvm-cov counts it, of its segments [line, column, count, has_count,
    is_region_entry, is_gap]: the largest count of what goes on from the line before and of what begins on the line."""
    by_line = {}
    for segment in segments:
        by_line.setdefault(segment[0], []).append(segment)
    counts, before = {}, None
    for line in range(segments[0][0], segments[-1][0] + 1) if segments else ():
        here = by_line.get(line, [])
        goes_on = before is not None and before[3]
        begins = [segment[2] for segment in here if segment[3] and segment[4] and not segment[5]]
        if goes_on or begins:
            counts[line] = max(begins + ([before[2]] if goes_on else []))
        before = here[-1] if here else before
    return counts


def lines_of(functions, names, file):
    """The lines of the functions whose mangled names hold one of `names`."""
    lines = set()
    for function in functions:
        if function["filenames"][0].endswith(file) and any(name in function["name"] for name in names):
            for first, _, last, *_ in function["regions"]:
                lines.update(range(first, last + 1))
    return lines


def main():
    text, at, counts = sys.stdin.read(), 0, []
    for part in sys.argv[1:]:
        document, at = json.JSONDecoder().raw_decode(text, at)
        at += len(text[at:]) - len(text[at:].lstrip())
        data = document["data"][0]
        file, _, names = part.partition(":")
        for one in data["files"]:
            of_file = line_counts(one["segments"])
            if names:
                wanted = lines_of(data["functions"], names.split(","), file)
                of_file = {line: count for line, count in of_file.items() if line in wanted}
            counts += of_file.values()
    print(f"{100 * sum(count > 0 for count in counts) / len(counts):.1f}" if counts else "-")


main()
