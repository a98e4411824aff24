// A warp's accesses as pictures: lanes and sectors, banks, and steps of a trace.

function hueOf(index) { return Math.round(index * 137.5) % 360; }

function drawLane(lane, isOn, hue, text, title) {
  return make('div', {class: isOn ? 'lane on' : 'lane', style: `--hue: ${hue}`, title}, text);
}

/// The 32 threads, each in the colour of the sector that it wants, and these sectors with the bytes that are wanted.
function drawSectors(access) {
  const sectors = new Map();
  access.offsets.forEach((offset, lane) => {
    if (offset === null) return;
    for (let byte = offset; byte < offset + access.bytes; byte += 4) {
      const sector = Math.floor(byte / 32);
      if (!sectors.has(sector)) sectors.set(sector, new Set());
      sectors.get(sector).add(Math.floor(byte / 4) % 8);
    }
  });
  const order = [...sectors.keys()].sort((a, b) => a - b);
  const hue = (sector) => hueOf(order.indexOf(sector));
  const lanes = make('div', {
    class: 'lanes',
    role: 'img',
    'aria-label': `32 threads, coloured by ${counted(order.length, 'sector')}`
  });
  access.offsets.forEach((offset, lane) => {
    const isOn = offset !== null;
    lanes.append(drawLane(
        lane, isOn, isOn ? hue(Math.floor(offset / 32)) : 0, `${lane}`,
        isOn ? `thread ${lane}: ${access.labels[lane]}` : `thread ${lane} takes no part`));
  });
  const row = make(
      'div', {class: 'sectors', role: 'img', 'aria-label': `${counted(order.length, 'sector')} of 32 bytes`});
  for (const sector of order) {
    const box = make('div', {
      class: 'sector',
      style: `--hue: ${hue(sector)}`,
      title: `sector ${sector - order[0]} from the first`
    });
    for (let word = 0; word < 8; ++word)
      box.append(make('i', {class: sectors.get(sector).has(word) ? 'on' : ''}));
    row.append(box);
  }
  return make(
      'div', {},
      make(
          'p', {class: 'soft small'},
          `The worst request (block ${access.block}, warp ${
              access.warp}): its threads, in the colour of their sector, and the ${
              counted(order.length, 'sector')} that ${order.length === 1 ? 'moves' : 'move'} for it.`),
      lanes, row);
}

/// The words that lanes want of each bank, in the phase with most of them for one bank.
function busiestPhase(access) {
  const size = Math.max(1, Math.min(32, Math.floor(128 / access.bytes)));
  let busiest = null;
  for (let begin = 0; begin < 32; begin += size) {
    const banks = Array.from({length: 32}, () => new Map());
    for (let lane = begin; lane < begin + size; ++lane) {
      const offset = access.offsets[lane];
      if (offset === null) continue;
      for (let word = Math.floor(offset / 4); word <= Math.floor((offset + access.bytes - 1) / 4); ++word)
        banks[word % 32].set(word, [...(banks[word % 32].get(word) || []), lane]);
    }
    const degree = Math.max(...banks.map((words) => words.size));
    if (!busiest || degree > busiest.degree) busiest = {banks, degree, begin, size};
  }
  return busiest;
}

function drawBanks(access) {
  const {banks, degree, begin, size} = busiestPhase(access);
  const row = make('div', {
    class: 'banks',
    role: 'img',
    'aria-label': `32 banks; the fullest is asked for ${counted(degree, 'word')}`
  });
  const shown = 32;
  banks.forEach((words, bank) => {
    const column = make('div', {class: 'bank'}, make('b', {}, `${bank}`));
    for (const [word, lanes] of [...words].slice(0, shown))
      column.append(make('i', {
        style: `--hue: ${hueOf(lanes[0])}`,
        title: `bank ${bank}, word ${word}: ${lanes.length > 1 ? 'threads' : 'thread'} ${lanes.join(', ')}`
      }));
    row.append(column);
  });
  const who = size === 32 ? '' : ` Threads ${begin} to ${begin + size - 1}, which pass together.`;
  const passes = degree === 1 ? 'one pass' : `${degree} passes`;
  return make(
      'div', {},
      make(
          'p', {class: 'soft small'},
          `The worst request (block ${access.block}, warp ${
              access.warp}): words that each of the 32 banks is asked for; the fullest needs ${passes}.${
              who}`),
      row);
}

function drawStep(step, box) {
  const lanes = make('div', {class: 'lanes values', role: 'img', 'aria-label': `${step.what}, lane by lane`});
  for (let lane = 0; lane < 32; ++lane) {
    const isOn = (step.lanes >>> lane & 1) === 1;
    const label = isOn && step.labels ? step.labels[lane] : '';
    const value = isOn && step.values ? step.values[lane] : '';
    lanes.append(make(
        'div', {
          class: isOn ? 'lane on' : 'lane',
          style: '--hue: 200',
          title: isOn ? `lane ${lane}: ${label} ${value}` : `lane ${lane} takes no part`
        },
        make('small', {}, `${lane}`), value || (isOn ? '●' : '')));
  }
  const known = step.labels ? step.labels.filter((label) => label) : [];
  const first = known.length > 1 ? `${known[0]} … ${known[known.length - 1]}` : known[0];
  box.replaceChildren(
      make('p', {}, make('b', {}, step.what), ` at ${step.place}`, first ? `: ${first}` : ''),
      make('p', {class: 'listing', style: 'padding: 2px 10px'}, make('code', {}, step.text || ' ')), lanes);
}

/// Buttons, a slider and the arrow keys go through the steps.
function drawTrace(kernel) {
  const box = make('div', {'aria-live': 'polite'});
  const slider =
      make('input', {type: 'range', min: 1, max: kernel.trace.length, value: 1, 'aria-label': 'Step'});
  const count = make('span', {class: 'soft small'});
  const show = (number) => {
    const at = Math.max(1, Math.min(kernel.trace.length, number));
    slider.value = at;
    count.textContent =
        `step ${at} of ${kernel.trace.length}${kernel.trace_is_cut ? ', more are left out' : ''}`;
    drawStep(kernel.trace[at - 1], box);
  };
  slider.addEventListener('input', () => show(Number(slider.value)));
  const back = make('button', {onclick: () => show(Number(slider.value) - 1)}, '◀ back');
  const on = make('button', {onclick: () => show(Number(slider.value) + 1)}, 'on ▶');
  show(1);
  return make('div', {class: 'trace'}, make('div', {class: 'steps'}, back, on, slider, count), box);
}
