// The page: builds each section, and recounts what depends on tau when it moves.
'use strict';

// By run and level, where tau stands; and what is to be brought up to date when it moves.
const state = {
  run: 0,
  together: true,
  taus: runs.map((run) => Object.fromEntries(run.levels.map((level) => [level.level, level.tau]))),
  scale: {},
  listeners: [],
};

const tauOf = (level, run = state.run) => state.taus[run][level.level];
const bodyOf = (id) => document.querySelector(`#${id} .body`);
const shownRun = () => runs[state.run];

function whenTauMoves(levelName, update) {
  state.listeners.push({levelName, update});
  update();
}

let frame = 0;
const moved = new Set();

// Moves tau of a level of the run shown, or of all runs; what depends on it follows in the next frame.
function moveTau(levelName, tau) {
  if (!(tau >= 0 && tau <= 1)) return;
  state.taus.forEach((taus, run) => {
    if (levelName in taus && (run === state.run || state.together)) taus[levelName] = tau;
  });
  moved.add(levelName);
  if (!frame) frame = requestAnimationFrame(settle);
}

function settle() {
  cancelAnimationFrame(frame);
  frame = 0;
  const names = [...moved];
  moved.clear();
  for (const {levelName, update} of state.listeners) {
    if (levelName === 'any' || names.includes(levelName)) update();
  }
  for (const level of shownRun().levels.filter((one) => names.includes(one.level))) {
    announce(
        `tau ${tauText(tauOf(level))}: ` +
        ratesAt(level, tauOf(level)).map((one) => `${one.name} ${percentText(one.value)}`).join(', '));
  }
}

function tile(name, help) {
  const value = element('output', {className: 'value'}), detail = element('span', {className: 'detail'});
  const box = element(
      'div', {className: 'tile', title: help || ''}, element('span', {className: 'name'}, name), value,
      detail);
  return {
    box,
    set(text, more) {
      value.textContent = text;
      detail.textContent = more || '';
    }
  };
}

// --- The head of the page

function settingOf(run, key) {
  const entry = run.settings.find((setting) => setting.key === key);
  return entry ? entry.value.replace(/^"|"$/g, '') : '';
}

function approachOf(run) {
  if (settingOf(run, 'approach') === 'two_heads') return 'Approach A: two heads on one backbone';
  const only = settingOf(run, 'levels') === 'both' ? '' : ` (the ${settingOf(run, 'levels')} level alone)`;
  const cosine = settingOf(run, 'sub_head') !== 'linear';
  return (cosine ? `Approach C: two models, a cosine head for ${subclasses}` : 'Approach B: two models') +
      only;
}

function describeRun() {
  const run = shownRun(), counts = run.counts;
  document.getElementById('title').textContent = run.name;
  document.title = `${runs.map((one) => one.name).join(', ')} – tern report`;
  const pictures = settingOf(run, 'cifar') === 'none' ?
      '' :
      `, ${counts.train_extra.toLocaleString('en')} of them of ${
          oneLevel ? 'no class' : 'the novel superclass'}`;
  document.getElementById('what').textContent = `${approachOf(run)}, ${settingOf(run, 'backbone')}` +
      `${run.summary.inputs.weights ? ' from ' + run.summary.inputs.weights : ' from random weights'}. ` +
      `${counts.train.toLocaleString('en')} training images${pictures}; ${
                                                    counts.validation.toLocaleString('en')} for validation` +
      (counts.held_out_subclasses.length ?
           `, ${counts.pseudo_novel.toLocaleString('en')} of ${counts.held_out_subclasses.length} held-out ${
               counts.held_out_subclasses.length === 1 ? subclass : subclasses}` :
           '') +
      (counts.pseudo_novel_super ? `, ${counts.pseudo_novel_super.toLocaleString('en')} of a ${
                                       oneLevel ? 'kind' : 'superclass'} never trained on` :
                                   '') +
      '.';
  describeMissing(run);
  const box = document.getElementById('key-numbers');
  box.replaceChildren();
  for (const level of run.levels) {
    for (const id of ['seen_right', 'near_found', 'far_held_out_found', 'far_found']) {
      const now = ratesAt(level, tauOf(level)).find((one) => one.id === id);
      if (!now) continue;
      const shown = tile(`${levelNames[level.level]}: ${now.name.toLowerCase()}`, now.help);
      box.append(shown.box);
      whenTauMoves(level.level, () => {
        const next = ratesAt(level, tauOf(level)).find((one) => one.id === id);
        shown.set(percentText(next.value, 1), `at tau ${tauText(tauOf(level))}`);
      });
    }
  }
}

// What this run does not have, in words.
function describeMissing(run) {
  const notes = [];
  const has = (key) => run.levels.some((level) => findGroup(level, key));
  if (run.summary.status !== 'complete')
    notes.push(`The training has not ended (status: ${run.summary.status}).`);
  if (run.levels.length < 2 && !run.one_level)
    notes.push(`Only ${run.levels.map((l) => levelNames[l.level].toLowerCase()).join()} were trained.`);
  if (!has('near') && !has('known'))
    notes.push(`No ${subclasses} were held out of training: nothing here is near.`);
  if (!has('far') && !has('far_held_out'))
    notes.push(
        `There are no images of ${oneLevel ? 'anything else' : 'a novel superclass'}: nothing here is far.`);
  const chips = run.settings.filter((setting) => 'default' in setting)
                    .map(
                        (setting) => element(
                            'li', {title: `default: ${setting.default}`}, element('b', {}, setting.key),
                            ' ' + setting.value));
  document.getElementById('facts').replaceChildren(
      ...notes.map((note) => element('p', {className: 'note'}, note)),
      chips.length ? element(
                         'details', {className: 'chips'},
                         element('summary', {}, `${chips.length} settings differ from the defaults`),
                         element('ul', {}, ...chips)) :
                     element('p', {className: 'detail'}, 'All settings are the defaults.'));
}

// --- Thresholds

function buildThresholds() {
  const body = bodyOf('thresholds');
  body.append(element(
      'p', {className: 'lead'},
      'An answer with less confidence than tau becomes “novel”. Move tau to see what that costs and what it finds.'));
  const columns = element('div', {className: 'columns'});
  body.append(columns);
  for (const level of shownRun().levels) columns.append(thresholdPanel(level));
}

function thresholdPanel(level) {
  const name = level.level, panel = element('article', {className: 'panel', id: 'panel-' + name});
  panel.append(element('h3', {}, levelNames[name]));
  if (!(name in state.scale)) {
    state.scale[name] = median(findGroup(level, 'seen').confidence) > 0.97 ? 'stretched' : 'linear';
  }
  if (level.score !== 'max_softmax') {
    panel.append(element('p', {className: 'detail'}, `Confidence by the novelty score ${level.score}.`));
  }
  panel.append(rateTiles(level), tauControls(level, panel));
  if (level.candidates.length)
    panel.append(candidateButtons(level));
  else
    panel.append(
        element('p', {className: 'detail'}, 'No calibration.json: tern calibrate proposes thresholds.'));
  const curves = element('div', {className: 'pair'});
  panel.append(curves);
  if (!level.curves.length)
    curves.append(
        element('p', {className: 'note'}, 'No novel images at this level: no ROC and no OSCR curve.'));
  else
    addCurves(level, curves);
  return panel;
}

function rateTiles(level) {
  const box = element('div', {className: 'tiles small'}), tiles = new Map();
  for (const one of ratesAt(level, tauOf(level))) {
    const made = tile(one.name, one.help);
    made.box.dataset.rate = `${level.level}.${one.id}`;
    made.box.classList.add(one.better > 0 ? 'up' : 'down');
    tiles.set(one.id, made);
    box.append(made.box);
  }
  whenTauMoves(level.level, () => {
    for (const one of ratesAt(level, tauOf(level))) {
      tiles.get(one.id).set(percentText(one.value), one.detail || `${one.part} of ${one.whole}`);
    }
  });
  return box;
}

// Histograms with the slider below them, as wide as their bars.
function tauControls(level, panel) {
  const name = level.level, id = 'tau-' + name;
  const slider = element('input', {
    type: 'range',
    id: id + '-slider',
    min: 0,
    max: 1000,
    step: 1,
    className: 'tau-slider',
    'aria-label': `tau of ${levelNames[name].toLowerCase()}, slider`
  });
  const number = element('input', {type: 'number', id, min: 0, max: 1, step: 'any', inputMode: 'decimal'});
  const stretch =
      element('input', {type: 'checkbox', id: id + '-stretch', checked: state.scale[name] === 'stretched'});
  const bars = element('div', {className: 'histograms'});
  const redraws = level.groups.map((group, i) => {
    const images = group.truth.length;
    bars.append(element(
        'p', {className: 'group-name'}, element('i', {className: 'swatch ' + group.key}),
        element('b', {}, groupNames[group.key]), ` ${images} ${images === 1 ? 'image' : 'images'}`));
    const last = i === level.groups.length - 1;
    return addChart(
        bars, last ? 104 : 80,
        () => `Histogram of the confidence of ${images} images: ${groupNames[group.key]}.`,
        () => histogramConfig(group, state.scale[name], tauOf(level), last));
  });
  slider.addEventListener('input', () => moveTau(name, tauOfSlider(state.scale[name], slider.value / 1000)));
  number.addEventListener('input', () => {
    if (number.value !== '') moveTau(name, Number(number.value));
  });
  number.addEventListener('change', () => {
    number.value = tauOf(level);
  });
  stretch.addEventListener('change', () => {
    state.scale[name] = stretch.checked ? 'stretched' : 'linear';
    moveTau(name, tauOf(level));
  });
  whenTauMoves(name, () => {
    const tau = tauOf(level);
    if (document.activeElement !== slider)
      slider.value = Math.round(1000 * scales[state.scale[name]].to(tau));
    if (Number(number.value) !== tau || number.value === '') number.value = tau;
    slider.setAttribute('aria-valuetext', `tau ${tau}`);
    redraws.forEach((redraw) => redraw());
  });
  return element(
      'div', {className: 'tau'},
      element(
          'div', {className: 'tau-row'}, element('label', {htmlFor: id}, 'tau'), number,
          element('label', {className: 'check'}, stretch, 'stretch the end near 1')),
      element('p', {className: 'detail'}, 'Share of each kind by confidence; light bars are called novel.'),
      bars, slider);
}

function candidateButtons(level) {
  const box =
      element('div', {className: 'candidates', role: 'group', 'aria-label': 'Thresholds of tern calibrate'});
  const own = {rule: 'as the report began', tau: level.tau, of_reference: false};
  const buttons = [own, ...level.candidates].map((candidate) => {
    const button = element(
        'button', {type: 'button', title: candidate.of_reference ? 'a rule of the reference' : ''},
        candidate.rule + (candidate.of_reference ? ' *' : ''),
        element('small', {}, candidate.tau.toFixed(4)));
    button.addEventListener('click', () => moveTau(level.level, candidate.tau));
    box.append(button);
    return {button, candidate};
  });
  whenTauMoves(level.level, () => {
    for (const {button, candidate} of buttons)
      button.setAttribute('aria-pressed', String(candidate.tau === tauOf(level)));
  });
  return element(
      'div', {className: 'proposals'},
      element(
          'p', {className: 'detail'}, 'Thresholds that tern calibrate proposes (* a rule of the reference):'),
      box);
}

// The 95 % interval of an AUROC over resampled images.
function intervalText(curve) {
  return `${(100 * curve.auroc_low).toFixed(1)}–${percentText(100 * curve.auroc_high)}`;
}

function addCurves(level, box) {
  const kinds = [
    {
      kind: 'roc',
      points: 'roc',
      value: 'auroc',
      name: 'ROC',
      x: 'false-novel rate',
      y: 'novel found',
      more: (curve) => ` (${intervalText(curve)})`,
      diagonal: true
    },
    {
      kind: 'oscr',
      points: 'oscr_curve',
      value: 'oscr',
      name: 'OSCR',
      x: 'novel kept',
      y: 'seen right',
      more: () => '',
      diagonal: false
    }
  ];
  for (const one of kinds) {
    const title = one.name + ': seen against ' +
        new Intl.ListFormat('en').format(level.curves.map((curve) => groupNames[curve.group]));
    const column = element('div', {}, element('h4', {}, title));
    box.append(column);
    const areas = level.curves
                      .map(
                          (curve) => `${groupNames[curve.group]} ${percentText(100 * curve[one.value])}` +
                              one.more(curve))
                      .join(', ');
    column.append(element('p', {className: 'detail'}, `${one.value.toUpperCase()}: ${areas}`));
    const redraw = addChart(
        column, 300, () => `${title}. ${one.value.toUpperCase()}: ${areas}.`,
        () => curveConfig(
            level.curves.map((curve) => ({
                               name: groupNames[curve.group],
                               colour: colours()[curve.group],
                               dash: dashes[curve.group],
                               points: curve[one.points],
                               mark: curvePoint(level, curve.group, one.kind, tauOf(level))
                             })),
            one.x, one.y, one.diagonal));
    whenTauMoves(level.level, redraw);
  }
}

// --- All of it

function buildContents() {
  const links = [...document.querySelectorAll('main > section:not([hidden])')].map(
      (section) => element('a', {href: '#' + section.id}, section.querySelector('h2').textContent));
  document.getElementById('contents').replaceChildren(...links);
}

function showRun(index) {
  state.run = index;
  state.listeners = [];
  speakOf(shownRun());
  for (const body of document.querySelectorAll('main > section .body')) {
    removeCharts(body);
    body.replaceChildren();
  }
  describeRun();
  if (runs.length > 1) buildComparison();
  buildThresholds();
  buildConfusion();
  buildMistakes();
  buildMostNovel();
  buildClasses();
  buildReliability();
  buildTraining();
  buildSettings();
  buildContents();
}

function start() {
  const picker = document.getElementById('run');
  runs.forEach((run, index) => picker.append(element('option', {value: index}, run.name)));
  picker.addEventListener('change', () => showRun(Number(picker.value)));
  document.getElementById('run-picker').hidden = runs.length < 2;
  document.getElementById('comparison').hidden = runs.length < 2;
  document.getElementById('made-by').textContent = `Made by tern ${report.tern_version}. Charts by Chart.js ${
      Chart.version}, © Chart.js Contributors, MIT License.`;
  showRun(0);
}

start();
