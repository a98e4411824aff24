// A confusion matrix of many classes: a cell a pair. Pointer, tap or arrow keys tell the names and the count.
'use strict';

const heatMargin = 16;  // for the blocks' names, above and to the left

// A map of rows as confusionAt gives them. `order`: class indices by column; `blocks`: {name, from, length}
// along the columns, and in blocks.rows along the rows. Returns {box, redraw(), show(rows)}.
function heatMap(label, rows, order, blocks, names, novel) {
  const cell = Math.max(6, Math.min(18, Math.floor(Math.min(900, document.body.clientWidth) / order.length)));
  const canvas = element('canvas', {
    tabIndex: 0,
    role: 'application',
    className: 'heat',
    'aria-label': `${label}. Arrow keys move from cell to cell.`
  });
  const told = element('output', {className: 'told'}, 'Point at a cell, tap it, or use the arrow keys.');
  const map = {canvas, cell, rows, order, blocks, novel, at: {row: -1, column: -1}};

  const tell = (row, column) => {
    if (row < 0 || column < 0 || row >= map.rows.length || column >= order.length) return;
    map.at = {row, column};
    const {name, counts, images} = map.rows[row], count = counts.get(order[column]) || 0;
    told.textContent =
        `${shortNameKeepingNote(name)} → ${shortName(names[order[column]])}: ${count} of ${images} images` +
        ` (${percentText(100 * count / images, 1)})`;
    drawHeatMap(map);
  };
  const point = (event) => {
    const box = canvas.getBoundingClientRect(), place = (pixels) => Math.floor((pixels - heatMargin) / cell);
    tell(place(event.clientY - box.top), place(event.clientX - box.left));
  };
  canvas.addEventListener('pointermove', point);
  canvas.addEventListener('pointerdown', point);
  canvas.addEventListener('keydown', (event) => {
    const step = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key];
    if (!step) return;
    event.preventDefault();
    const clamp = (value, most) => Math.max(0, Math.min(most - 1, value));
    tell(clamp(map.at.row + step[0], map.rows.length), clamp(map.at.column + step[1], order.length));
    announce(told.textContent);
  });
  const show = (next) => {
    map.rows = next;
    if (map.at.row >= 0)
      tell(map.at.row, map.at.column);
    else
      drawHeatMap(map);
  };
  show(rows);
  return {box: element('div', {}, scrollBox(label, canvas), told), redraw: () => drawHeatMap(map), show};
}

function drawHeatMap({canvas, cell, rows, order, blocks, novel, at}) {
  const width = heatMargin + cell * order.length, height = heatMargin + cell * rows.length;
  const ratio = Math.max(2, window.devicePixelRatio || 1), c = colours(), context = canvas.getContext('2d');
  canvas.width = width * ratio;  // which clears it
  canvas.height = height * ratio;
  canvas.style.width = width + 'px';
  canvas.style.height = height + 'px';
  context.scale(ratio, ratio);
  context.fillStyle = c.grid + '66';
  context.fillRect(heatMargin, heatMargin, width, height);
  const place = new Map(order.map((answer, x) => [answer, x]));
  rows.forEach((row, y) => row.counts.forEach((count, answer) => {
    const share = count / row.images, x = place.get(answer);
    context.globalAlpha = 0.25 + 0.75 * share;
    context.fillStyle = isRight(row, answer, novel) ? c.seen : answer === novel ? c.soft : c.far;
    context.fillRect(heatMargin + x * cell, heatMargin + y * cell, cell - 0.5, cell - 0.5);
  }));
  context.globalAlpha = 1;
  drawBlocks(context, c.soft, cell, blocks, height);
  context.save();
  context.transform(0, 1, 1, 0, 0, 0);  // rows are columns of the mirrored map, their names
  drawBlocks(context, c.soft, cell, blocks.rows, width, true);
  context.restore();
  if (at.row < 0) return;
  context.strokeStyle = c.ink;
  context.lineWidth = 2;
  context.strokeRect(heatMargin + at.column * cell - 1, heatMargin + at.row * cell - 1, cell + 1, cell + 1);
}

// A line where each block begins, `length` pixels long, and its name if there is room for it.
function drawBlocks(context, colour, cell, blocks, length, mirrored) {
  context.fillStyle = colour;
  context.font = '11px system-ui, sans-serif';
  for (const block of blocks) {
    const from = heatMargin + block.from * cell, room = block.length * cell - 4;
    context.fillRect(from - 0.5, 0, 0.5, length);
    if (room < 16) continue;
    context.save();
    context.translate(from + 2, mirrored ? 3 : 11);
    if (mirrored) context.scale(1, -1);  // back to letters that read downwards
    context.fillText(block.name, 0, 0, room);
    context.restore();
  }
}
