// Tables that sort, and a confusion matrix of few classes.
'use strict';

function percentText(value, digits = 2) {
  return value === null || value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits) + ' %';
}

function numberText(value, digits = 3) {
  return value === null || value === undefined ? '–' : Number(value).toFixed(digits);
}

// Four digits, counted from 1 downwards where tau is near it.
function tauText(tau) {
  return String(Number(tau > 0.99 ? (1 - Number((1 - tau).toPrecision(4))).toFixed(8) : tau.toPrecision(4)));
}

// A table inside a box that scrolls sideways by itself.
function scrollBox(label, ...children) {
  return element('div', {className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': label}, ...children);
}

const mostRows = 500;  // of a table that sorts: a browser takes seconds for thousands

// A table whose columns sort by their buttons; of many rows the first in that order. columns: {name, title, of: row -> value, text: row -> what is
// shown, number: true}. Empty values come last. Returns {box, show(rows)}, which keeps the order that the
// reader chose.
function sortingTable(caption, columns, first) {
  let sortedBy = first.column, rising = first.rising, rows = [];
  const body = element('tbody'), left = element('p', {className: 'detail'});
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
    left.textContent = rows.length > mostRows ? `The first ${mostRows} of ${rows.length} in this order.` : '';
    body.replaceChildren(...[...rows]
                             .sort(compare)
                             .slice(0, mostRows)
                             .map((row) => element('tr', {}, ...columns.map((column, index) => {
                                    const shown = column.text ? column.text(row) : column.of(row);
                                    return element(
                                        index === 0 ? 'th' : 'td',
                                        index === 0 ? {scope: 'row'} :
                                                      {className: column.number ? 'number' : ''},
                                        shown === null || shown === undefined ? '–' : String(shown));
                                  }))));
  };
  const table = element(
      'table', {className: 'sorting'}, element('caption', {}, caption),
      element('thead', {}, element('tr', {}, ...headers)), body);
  return {
    box: scrollBox(caption, table, left),
    show(next) {
      rows = next;
      draw();
    }
  };
}

// Few classes: every count in a table, shaded by its share of the row.
function confusionTable(caption, rows, names, novel) {
  const head = element(
      'tr', {}, element('td'), ...names.map((name) => element('th', {scope: 'col'}, shortName(name))),
      element('th', {scope: 'col', className: 'number'}, 'images'));
  const body = rows.map(
      (row) => element(
          'tr', {}, element('th', {scope: 'row'}, shortNameKeepingNote(row.name)),
          ...names.map((_, answer) => {
            const count = row.counts.get(answer) || 0;
            const share = count / row.images, right = isRight(row, answer, novel);
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
