"""Figures of the book as SVG, drawn from counts of tern-profile. 328 units wide, which is what a phone of 360 pixels has for text, in
letters of 11; colours come from book.css, for light and dark."""
import html
import math

WIDTH = 328
LANES = 32


def hue(index):
    """Colours far apart for neighbours."""
    return round(index * 137.5) % 360


def text(x, y, content, anchor="start", kind="plain"):
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" class="{kind}">{html.escape(content)}</text>'


def box(x, y, width, height, kind="cell", title="", colour=None):
    style = f' style="--hue: {colour}"' if colour is not None else ""
    inside = f"<title>{html.escape(title)}</title>" if title else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" class="{kind}"{style}>{inside}</rect>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="{kind}"/>'


def svg(height, title, parts):
    return (f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{html.escape(title, quote=True)}" '
            f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>')


def count_text(number, what):
    return f"{number} {what}{'' if number == 1 else 's'}"


def lane_row(y, step, colour_of):
    """The 32 lanes of a warp, those that take part in a colour each."""
    each = WIDTH / LANES
    parts = [text(lane * each + each / 2, y + 10, str(lane), "middle", "soft") for lane in range(0, LANES, 4)]
    for lane, offset in enumerate(step["offsets"]):
        told = f"lane {lane}: {step['labels'][lane]}" if offset is not None else f"lane {lane} takes no part"
        parts.append(box(lane * each + .5, y + 15, each - 1, 14, "wanted" if offset is not None else "cell", told,
                         None if offset is None else colour_of(offset)))
    return parts


def wanted_words(step):
    """Of each sector of 32 bytes, by its number: which of its eight words are wanted."""
    sectors = {}
    for offset in step["offsets"]:
        if offset is None:
            continue
        for word in range(offset // 4, (offset + step["bytes"] - 1) // 4 + 1):
            sectors.setdefault(word // 8, set()).add(word % 8)
    return sectors


def sectors(step, what):
    """A warp's access to global memory: lanes in the colour of the sector that they want, and below the sectors that move, the words
    that are wanted filled."""
    of_sector = wanted_words(step)
    order = sorted(of_sector)
    colour = {sector: hue(index) for index, sector in enumerate(order)}
    used, moved = 4 * sum(map(len, of_sector.values())), 32 * len(order)
    parts = [text(0, 11, f"{what}: the warp's 32 lanes")]
    parts += lane_row(16, step, lambda offset: colour[offset // 32])
    parts.append(text(0, 66, f"{count_text(len(order), 'sector')} moved, {used} of {moved} bytes are wanted", kind="strong"))
    each, gap, first = WIDTH / 8, 4, order[0]
    for index, sector in enumerate(order):
        x, y = index % 8 * each, 73 + index // 8 * 20
        word = (each - gap) / 8
        for number in range(8):
            is_wanted = number in of_sector[sector]
            told = f"byte {(sector - first) * 32 + 4 * number} from the first sector's begin"
            parts.append(box(x + number * word + .25, y, word - .5, 14, "wanted" if is_wanted else "cell", told,
                             colour[sector] if is_wanted else None))
    return svg(73 + (len(order) + 7) // 8 * 20, f"{what}: {count_text(len(order), 'sector')} for {used} bytes", parts)


def banks(step, what):
    """A warp's access to shared memory as it lies there: 32 banks side by side, 128 bytes a line; and how many words each bank is
    asked for, as many passes as the fullest takes."""
    words = {}
    for lane, offset in enumerate(step["offsets"]):
        if offset is not None:
            words.setdefault(offset // 4, []).append(lane)
    rows = max(words) // 32 + 1
    asked = [sum(word % 32 == bank for word in words) for bank in range(32)]
    each, high = WIDTH / 32, 6
    parts = [text(0, 11, f"{what}: {max(asked)} {'pass' if max(asked) == 1 else 'passes'}", kind="strong")]
    parts += [text(bank * each + each / 2, 26, str(bank), "middle", "soft") for bank in range(0, 32, 4)]
    top = 31
    for row in range(rows):
        for bank in range(32):
            lanes = words.get(row * 32 + bank)
            told = f"bank {bank}, word {row * 32 + bank}: {'lane ' + ', '.join(map(str, lanes)) if lanes else 'not wanted'}"
            parts.append(box(bank * each + .5, top + row * high + .25, each - 1, high - .5, "wanted" if lanes else "faint", told,
                             hue(lanes[0]) if lanes else None))
    bottom = top + rows * high
    parts.append(text(0, bottom + 14, "words that each bank is asked for:", kind="soft"))
    parts += [text(bank * each + each / 2 * (bank > 0), bottom + 29, str(count), "middle" if bank else "start",
                   "strong" if count == max(asked) else "soft")
              for bank, count in enumerate(asked) if max(asked) < 10 or count]
    return svg(bottom + 34, f"{what}: the fullest bank is asked for {count_text(max(asked), 'word')}", parts)


def timeline(stretches, what):
    """A block's warps from barrier to barrier: how many lanes of each have something to do, and who only waits."""
    warps, left = len(stretches[0]["warps"]), 44
    each, high, top = (WIDTH - left) / len(stretches), 22, 20
    parts = [text(0, 11, f"{what}: {count_text(warps, 'warp')}, {count_text(sum(bool(one['barrier']) for one in stretches), 'barrier')}")]
    for warp in range(warps):
        y = top + warp * high
        parts.append(text(0, y + 15, f"warp {warp}", kind="soft"))
        for index, stretch in enumerate(stretches):
            work = stretch["warps"][warp]
            lanes = bin(work["lanes"]).count("1")
            x = left + index * each
            told = f"warp {warp}, stretch {index + 1}: " + (f"{count_text(lanes, 'lane')} at work" if lanes else "waits")
            parts.append(box(x + 1.5, y + 2, each - 3, high - 4, "cell" if lanes else "idle", told))
            if lanes:
                filled = max(1, (high - 4) * lanes / 32)
                parts.append(box(x + 1.5, y + high - 2 - filled, each - 3, filled, "global" if work["global"] else "shared", told))
    bottom = top + warps * high
    for index, stretch in enumerate(stretches):
        if stretch["barrier"]:
            parts.append(line(left + (index + 1) * each, top - 2, left + (index + 1) * each, bottom + 2, "barrier"))
    return svg(bottom + 44, what, parts + legend(bottom + 14))


def legend(y):
    parts, x = [], 0
    for kind, name in (("global", "global memory"), ("shared", "shared alone"), ("idle", "waits")):
        parts += [box(x, y - 9, 10, 10, kind), text(x + 14, y, name, kind="soft")]
        x += 26 + 6.2 * len(name)
    return parts + [line(0, y + 12, 12, y + 12, "barrier"), text(18, y + 16, "barrier; a cell is filled as lanes are at work", kind="soft")]


def three_digits(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def short_time(us):
    return f"{us / 1000:,g} ms" if us >= 1000 else f"{us:,g} µs"


def bars(rows):
    """Named times in microseconds, each with what bounds it, on an axis of decades."""
    low = math.floor(math.log10(min(value for _, value, _ in rows)) - .05)
    decades = math.ceil(math.log10(max(value for _, value, _ in rows))) - low
    bottom, decade = len(rows) * 31, WIDTH / decades
    parts = []
    for index, (name, value, bound) in enumerate(rows):
        y = index * 31
        parts += [text(0, y + 11, name), text(WIDTH, y + 11, f"{three_digits(value)} µs, {bound}", "end", "soft"),
                  box(0, y + 16, WIDTH, 9, "cell"), box(0, y + 16, (math.log10(value) - low) * decade, 9, "bar"),
                  *(line(number * decade, y + 15, number * decade, y + 26, "grid") for number in range(1, decades))]
    for index in range(decades + 1):
        anchor = "start" if index == 0 else "end" if index == decades else "middle"
        parts.append(text(index * decade, bottom + 10, short_time(10 ** (low + index)), anchor, "soft"))
    return svg(bottom + 14, "; ".join(f"{name} {three_digits(value)} µs, bound by {bound}" for name, value, bound in rows), parts)
