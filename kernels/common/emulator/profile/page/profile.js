// Draws the page from `profile`, which report_html.cpp has put before this.

/// An element with attributes and children; text stays text.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'style')
      element.style.cssText = value;
    else if (name === 'onclick')
      element.addEventListener('click', value);
    else if (value !== false)
      element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function timeText(us) {
  const [value, unit] = us < 1 ? [us * 1e3, 'ns'] :
      us < 1e3                 ? [us, 'µs'] :
      us < 1e6                 ? [us / 1e3, 'ms'] :
                                 [us / 1e6, 's'];
  return `${value.toPrecision(3)} ${unit}`;
}

/// "1 sector", "2 sectors"
function counted(count, what) { return `${count} ${what}${count === 1 ? '' : 's'}`; }

function numberText(value) { return Number.isInteger(value) ? value.toLocaleString('en') : value.toFixed(2); }

function drawAnswer(kernel) {
  const box = make('div');
  box.append(make(
      'p', {class: 'soft'},
      kernel.launches > 1 ? `${kernel.shape}, ${kernel.launches} launches` : kernel.shape));
  if (!kernel.bounds.length) {
    box.append(make('p', {class: 'good'}, `A block does not fit on a multiprocessor. ${kernel.occupancy}.`));
    return box;
  }
  const largest = kernel.bounds[kernel.largest], work = kernel.bounds[kernel.largest_work];
  box.append(make(
      'p', {class: 'answer'}, 'At least ', make('b', {}, timeText(largest.us)),
      kernel.launches > 1 ? ' each' : '', ` on ${profile.device}, by its ${largest.name}`));
  if (kernel.largest !== kernel.largest_work)
    box.append(make('p', {}, `Its work alone: ${timeText(work.us)}, by its ${work.name}.`));
  const bars = make('div', {class: 'bars', role: 'group', 'aria-label': 'What bounds its time'});
  kernel.bounds.forEach((bound, index) => {
    const isLargest = index === kernel.largest;
    bars.append(
        make('span', {class: isLargest ? 'largest' : '', title: bound.why}, bound.name),
        make('span', {class: 'time'}, timeText(bound.us)),
        make(
            'div', {class: isLargest ? 'bar is-largest' : 'bar', title: bound.why},
            make('i', {style: `width: ${100 * bound.us / largest.us}%`})));
  });
  const leftOut = kernel.left_out.map((bound) => `${bound.name} (${bound.why})`).join(', ');
  if (leftOut) bars.after(make('p', {class: 'soft small'}, `Bounds left out: ${leftOut}.`));
  box.append(bars, make('p', {class: 'soft small'}, `${work.name}: ${work.why}. ${kernel.occupancy}.`));
  return box;
}

function drawFindings(kernel, choose) {
  if (!kernel.findings.length) return make('p', {class: 'good'}, 'Nothing to mend in how it touches memory.');
  const list = make('ol', {class: 'findings'});
  for (const finding of kernel.findings) {
    const item = make('li');
    if (finding.place) {
      item.append(
          make(
              'a', {
                href: '#',
                onclick: (event) => {
                  event.preventDefault();
                  choose(finding.file, finding.line);
                }
              },
              finding.place),
          ': ');
    }
    item.append(finding.text, ' ', make('span', {class: 'gain'}, finding.gain));
    list.append(item);
  }
  return list;
}

function drawListing(file, choose) {
  const listing =
      make('div', {class: 'listing', tabindex: '0', role: 'region', 'aria-label': `Source of ${file.name}`});
  let before = null;
  for (const line of file.lines) {
    if (before !== null && line.number > before + 1) listing.append(make('div', {class: 'row gap'}, '⋯'));
    before = line.number;
    const hot = line.share > 0 ? Math.min(0.75, 0.12 + 0.63 * line.share) : 0;
    const share = line.accesses ?
        (line.share >= 0.0005 ? `${(100 * line.share).toFixed(line.share < 0.0995 ? 1 : 0)} %` : '0 %') :
                                '';
    listing.append(make(
        'div', {class: 'row', 'data-line': line.number},
        make('span', {class: 'share', style: `--hot: ${hot}`}, share),
        line.accesses ? make(
                            'button', {class: 'number', onclick: () => choose(file.path, line.number)},
                            `${line.number}`) :
                        make('span', {class: 'number'}, `${line.number}`),
        make('code', {}, line.text)));
  }
  return listing;
}

function drawChoice(box, place, line) {
  box.replaceChildren(make('h4', {style: 'margin: 0'}, place));
  for (const access of line.accesses) {
    box.append(make('p', {}, access.what + (access.within ? ` (in ${access.within})` : '')));
    box.append(access.shared ? drawBanks(access) : drawSectors(access));
  }
}

function drawMetrics(kernel) {
  const body = make('tbody');
  for (const metric of kernel.metrics) {
    body.append(make(
        'tr', {}, make('td', {class: 'value'}, numberText(metric.value)),
        make(
            'td', {}, metric.label, make('br'),
            make('code', {class: 'soft'}, metric.ncu || 'no such metric in ncu')),
        make('td', {class: 'good-value'}, metric.good)));
  }
  const head = make(
      'tr', {}, make('th', {}, 'here'), make('th', {}, 'what, and as Nsight Compute calls it'),
      make('th', {class: 'good-value'}, 'good is'));
  return make('table', {}, make('thead', {}, head), body);
}

function drawKernel(kernel, index) {
  const section = make('section', {id: `kernel-${index}`});
  const choice = make('div', {class: 'choice', 'aria-live': 'polite'});
  const choose = (path, number, moves = true) => {
    const file = kernel.files.find((one) => one.path === path);
    const line = file && file.lines.find((one) => one.number === number);
    if (!line || !line.accesses) return;
    for (const row of section.querySelectorAll('.row.chosen')) row.classList.remove('chosen');
    const row = [...section.querySelectorAll('.listing')][kernel.files.indexOf(file)].querySelector(
        `[data-line="${number}"]`);
    row.classList.add('chosen');
    drawChoice(choice, `${file.name}:${number}`, line);
    if (moves) choice.scrollIntoView({block: 'nearest', behavior: 'smooth'});
  };
  section.append(
      make('h2', {}, kernel.name), drawAnswer(kernel), make('h3', {}, 'What would make it faster'),
      drawFindings(kernel, choose));
  if (kernel.files.length) {
    section.append(
        make('h3', {}, 'Where it goes'),
        make(
            'p', {class: 'soft small'},
            'Each line’s part of the time that L1 and shared memory need. Choose a line to see what one of its warps touches.'));
    for (const file of kernel.files)
      section.append(make('div', {class: 'file'}, file.path), drawListing(file, choose));
    section.append(choice);
  }
  if (kernel.trace.length) section.append(make('h3', {}, 'One warp, step by step'), drawTrace(kernel));
  section.append(make('h3', {}, 'Counts'), make('div', {class: 'scroll'}, drawMetrics(kernel)));
  const worst = kernel.findings.find((finding) => finding.place) || kernel.hottest;
  if (worst) choose(worst.file, worst.line, false);
  return section;
}

function drawPage() {
  document.title = `${profile.title} – tern profile`;
  document.getElementById('title').textContent = profile.title;
  document.getElementById('about').textContent =
      `What its kernels ask of memory, counted by running them on a CPU, and how long that takes at least on ${
          profile.device} (${profile.about}).`;
  profile.kernels.forEach((kernel, index) => {
    const time =
        kernel.bounds.length ? timeText(kernel.launches * kernel.bounds[kernel.largest].us) : 'does not fit';
    document.getElementById('contents')
        .append(make('a', {href: `#kernel-${index}`}, `${kernel.name} (${time})`));
    document.getElementById('kernels').append(drawKernel(kernel, index));
  });
  if (!profile.kernels.length)
    document.getElementById('kernels').append(
        make('p', {class: 'good'}, 'Nothing to report: no launch has come to its end.'));
}

document.addEventListener('DOMContentLoaded', drawPage);
