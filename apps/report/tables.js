// Elements, tables that sort, and the heat map of a confusion matrix.
'use strict';

// element('p', {className: 'note'}, 'text', otherElement): texts become text, never markup.
function element(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in made && name !== 'list')
      made[name] = value;
    else
      made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function percentText(value, digits = 2) {
  return value === null || value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits) + ' %';
}

function numberText(value, digits = 3) {
  return value === null || value === undefined ? '–' : Number(value).toFixed(digits);
}

// A table inside a box that scrolls sideways by itself.
function scrollBox(label, ...children) {
  return element('div', {className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': label}, ...children);
}

// A table whose columns sort by their buttons. columns: {name, title, of: row -> value, text: row -> what is
// shown, number: true}. Empty values come last. Returns {box, show(rows)}, which keeps the order that the
// reader chose.
function sortingTable(caption, columns, first) {
  let sortedBy = first.column, rising = first.rising, rows = [];
  const body = element('tbody');
  const headers = columns.map((column, index) => {
    const button = element('button', {type: 'button', title: column.title || ''}, column.name);
    button.addEventListener('click', () => {
      rising = sortedBy === index ? !rising : !column.number;
      sortedBy = index;
      draw();
      announce(`sorted by ${column.name}, ${rising ? 'rising' : 'falling'}`);
    });
    return element('th', {scope: 'col', className: column.number ? 'number' : ''}, button);
  });
  const compare = (a, b) => {
    const x = columns[sortedBy].of(a), y = columns[sortedBy].of(b);
    if (x === y) return 0;
    if (x === null || x === undefined) return 1;
    if (y === null || y === undefined) return -1;
    const order = typeof x === 'string' ? x.localeCompare(y, 'en') : x - y;
    return rising ? order : -order;
  };
  const draw = () => {
    headers.forEach((header, index) => {
      header.setAttribute('aria-sort', index !== sortedBy ? 'none' : rising ? 'ascending' : 'descending');
    });
    body.replaceChildren(...[...rows].sort(compare).map(
        (row) => element('tr', {}, ...columns.map((column, index) => {
          const shown = column.text ? column.text(row) : column.of(row);
          return element(
              index === 0 ? 'th' : 'td',
              index === 0 ? {scope: 'row'} : {className: column.number ? 'number' : ''},
              shown === null || shown === undefined ? '–' : String(shown));
        }))));
  };
  const table = element(
      'table', {className: 'sorting'}, element('caption', {}, caption),
      element('thead', {}, element('tr', {}, ...headers)), body);
  return {
    box: scrollBox(caption, table),
    show(next) {
      rows = next;
      draw();
    }
  };
}

let announceTimer = 0;

// Said by screen readers, once things have come to rest.
function announce(text) {
  clearTimeout(announceTimer);
  announceTimer = setTimeout(() => {
    document.getElementById('live').textContent = text;
  }, 400);
}

// Few classes: every count in a table, shaded by its share of the row.
function confusionTable(caption, rows, names, novel) {
  const head = element(
      'tr', {}, element('td'), ...names.map((name) => element('th', {scope: 'col'}, shortName(name))),
      element('th', {scope: 'col', className: 'number'}, 'images'));
  const body = rows.map(
      (row) => element(
          'tr', {}, element('th', {scope: 'row'}, shortNameKeepingNote(row.name)),
          ...row.counts.map((count, answer) => {
            const share = count / row.images, right = row.novel ? answer === novel : answer === row.truth;
            const cell = element(
                'td', {
                  className: 'cell' +
                      (right                ? ' right' :
                           answer === novel ? ' novel' :
                                              ''),
                  title: `${percentText(100 * share)} of the row`
                },
                String(count));
            cell.style.setProperty('--share', share.toFixed(3));
            if (share > 0.85) cell.classList.add('dense');
            return cell;
          }),
          element('td', {className: 'number'}, String(row.images))));
  return scrollBox(
      caption,
      element(
          'table', {className: 'confusion'}, element('caption', {}, caption), element('thead', {}, head),
          element('tbody', {}, ...body)));
}

function shortNameKeepingNote(name) {
  return shortName(name) + (name.endsWith(' (held out)') && name.includes(',') ? ' (held out)' : '');
}

// Many classes: a cell a pair. Pointer, tap or arrow keys tell the names and the count in the line below.
// `order`: class indices, the novel one last; `blocks`: {name, from, length} along the order, and
// in blocks.rows along the rows.
function heatMap(label, rows, order, blocks, names, novel) {
  const cell = Math.max(6, Math.min(18, Math.floor(Math.min(900, document.body.clientWidth) / order.length)));
  const margin = 16, width = margin + cell * order.length, height = margin + cell * rows.length;
  const canvas = element('canvas', {
    tabIndex: 0,
    role: 'application',
    className: 'heat',
    'aria-label': `${label}. Arrow keys move from cell to cell.`
  });
  const ratio = Math.max(2, window.devicePixelRatio || 1);
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = width + 'px';
  canvas.style.height = height + 'px';
  const told = element('output', {className: 'told'}, 'Point at a cell, tap it, or use the arrow keys.');
  let at = {row: -1, column: -1};

  const draw = () => {
    const context = canvas.getContext('2d'), c = colours();
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.fillStyle = c.grid + '66';
    context.fillRect(margin, margin, width, height);
    rows.forEach((row, y) => order.forEach((answer, x) => {
      const share = row.counts[answer] / row.images;
      if (share === 0) return;
      const right = row.novel ? answer === novel : answer === row.truth;
      context.globalAlpha = 0.25 + 0.75 * share;
      context.fillStyle = right ? c.seen : answer === novel ? c.soft : c.far;
      context.fillRect(margin + x * cell, margin + y * cell, cell - 0.5, cell - 0.5);
    }));
    context.globalAlpha = 1;
    context.strokeStyle = c.soft;
    context.fillStyle = c.soft;
    context.font = '11px system-ui, sans-serif';
    context.textAlign = 'left';
    for (const block of blocks) {
      const from = margin + block.from * cell;
      if (block.length * cell > 20) context.fillText(block.name, from + 2, 11, block.length * cell - 4);
      context.fillRect(from - 0.5, 0, 0.5, height);
    }
    for (const line of blocks.rows) {
      const from = margin + line.from * cell;
      context.fillRect(0, from - 0.5, width, 0.5);
      context.save();
      context.translate(11, from + 2);
      context.rotate(Math.PI / 2);
      if (line.length * cell > 20) context.fillText(line.name, 0, 0, line.length * cell - 4);
      context.restore();
    }
    if (at.row >= 0) {
      context.strokeStyle = c.ink;
      context.lineWidth = 2;
      context.strokeRect(margin + at.column * cell - 1, margin + at.row * cell - 1, cell + 1, cell + 1);
    }
  };
  const tell = (row, column) => {
    if (row < 0 || column < 0 || row >= rows.length || column >= order.length) return;
    at = {row, column};
    const {name, counts, images} = rows[row], count = counts[order[column]];
    told.textContent =
        `${shortNameKeepingNote(name)} → ${shortName(names[order[column]])}: ${count} of ${images} images` +
        ` (${percentText(100 * count / images, 1)})`;
    draw();
  };
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    tell(
        Math.floor((event.clientY - box.top - margin) / cell),
        Math.floor((event.clientX - box.left - margin) / cell));
  };
  canvas.addEventListener('pointermove', point);
  canvas.addEventListener('pointerdown', point);
  canvas.addEventListener('keydown', (event) => {
    const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
    if (!step) return;
    event.preventDefault();
    const clamp = (value, most) => Math.max(0, Math.min(most - 1, value));
    tell(clamp(at.row + step[0], rows.length), clamp(at.column + step[1], order.length));
    announce(told.textContent);
  });
  draw();
  return {
    box: element('div', {}, scrollBox(label, canvas), told),
    redraw: draw,
    show(next) {
      rows = next;
      if (at.row >= 0)
        tell(at.row, at.column);
      else
        draw();
    }
  };
}
