// Several runs beside each other: settings that differ, numbers at each run's tau, curves in one chart.
'use strict';

function buildComparison() {
  const body = bodyOf('comparison');
  const together = element('input', {type: 'checkbox', id: 'together', checked: state.together});
  together.addEventListener('change', () => {
    state.together = together.checked;
  });
  body.append(
      ...comparisonNotes().map((note) => element('p', {className: 'note'}, note)),
      element(
          'p', {}, element('label', {className: 'check'}, together, 'moving tau moves that of every run')),
      element('div', {className: 'columns'}, element('div', {}, ...comparisonTables()), differingSettings()));
  const pair = element('div', {className: 'pair'});
  body.append(pair);
  overlay(pair, 'Curve', curveChoices(), curveOverlay);
  overlay(pair, 'By epoch', epochChoices(), epochOverlay);
}

function differ(valueOf) { return new Set(runs.map((run) => JSON.stringify(valueOf(run)))).size > 1; }

function sameClasses() { return !differ((run) => [run.superclass_names, run.subclass_names]); }

function comparisonNotes() {
  const notes = [];
  if (!sameClasses()) {
    notes.push(
        'These runs know different classes: their rates answer different questions, and are side by side, not in contest.');
  } else if (differ((run) => run.summary.inputs.fingerprint)) {
    notes.push('These runs have other images or another split: part of a difference may be due to that.');
  }
  if (differ((run) => run.levels.map((level) => level.level)))
    notes.push('Not every run has both levels: at each level are those that have it.');
  return notes;
}

function head(shown) {
  return element(
      'tr', {}, element('td'),
      ...shown.map(
          (run) => element('th', {scope: 'col', className: run === shownRun() ? 'current' : ''}, run.name)));
}

// What the runs call a level, and those that have it: "Subclasses, or classes" where some have one level of classes.
function levelTitle(name, shown) {
  const [first, ...others] = new Set(shown.map((run) => levelNamesOf(run)[name]));
  return [first, ...others.map((other) => other.toLowerCase())].join(', or ');
}

// A table a level, of the runs that have it.
function comparisonTables() {
  const what = sameClasses() ? 'rates at tau; best of a row in bold' : 'rates at tau';
  return ['super', 'sub'].flatMap((name) => {
    const shown = runs.filter((run) => levelOf(run, name));
    if (!shown.length) return [];
    const part = element('tbody'), title = `${levelTitle(name, shown)}: ${what}`;
    whenTauMoves(name, () => part.replaceChildren(...metricRows(name, shown)));
    return [scrollBox(
        title,
        element(
            'table', {className: 'comparison'}, element('caption', {}, title),
            element('thead', {}, head(shown)), part))];
  });
}

function differingSettings() {
  const row = (name, cells) =>
      element('tr', {}, element('th', {scope: 'row'}, name), ...cells.map((cell) => element('td', {}, cell)));
  const settings = runs[0]
                       .settings.map(({key}) => [key, runs.map((run) => settingOf(run, key))])
                       .filter(([, values]) => new Set(values).size > 1)
                       .map(([key, values]) => row(key, values));
  if (!settings.length) settings.push(row('all settings are the same', runs.map(() => '')));
  return scrollBox(
      'Settings that differ',
      element(
          'table', {className: 'comparison'}, element('caption', {}, 'Settings that differ'),
          element('thead', {}, head(runs)), element('tbody', {}, ...settings)));
}

function levelOf(run, name) { return run.levels.find((level) => level.level === name); }

// Rows of a level, a column for each of the runs `shown`: tau, the rates at it, and what does not depend on it.
function metricRows(name, shown) {
  const metrics = new Map();
  const put = (index, id, title, value, better, text) => {
    if (!metrics.has(id)) metrics.set(id, {title, better, values: new Array(shown.length).fill(null), text});
    metrics.get(id).values[index] = value;
  };
  shown.forEach((run, index) => {
    const level = levelOf(run, name), tau = tauOf(level, runs.indexOf(run));
    put(index, 'tau', 'tau', tau, 0, tauText);
    for (const one of ratesAt(level, tau)) put(index, one.id, one.name, one.value, one.better, percentText);
    for (const curve of level.curves) {
      put(index, 'auroc' + curve.group, `AUROC, ${groupNames[curve.group]}`, 100 * curve.auroc, 1,
          percentText);
      put(index, 'oscr' + curve.group, `OSCR, ${groupNames[curve.group]}`, 100 * curve.oscr, 1, percentText);
      put(index, 'aurc' + curve.group, `AURC, ${groupNames[curve.group]}`, 100 * curve.aurc, -1, percentText);
      put(index, 'augrc' + curve.group, `AUGRC, ${groupNames[curve.group]}`, 100 * curve.augrc, -1,
          percentText);
    }
    put(index, 'closed', 'Accuracy of seen, no threshold', level.closed_set.accuracy_percent, 1, percentText);
    put(index, 'ece', 'ECE', level.closed_set.ece_percent, -1, percentText);
    put(index, 'nll', 'NLL, nats', level.closed_set.nll_nats, -1, numberText);
  });
  return [...metrics].map(([id, {title, better, values, text}]) => {
    const present = values.filter((value) => value !== null && value !== undefined);
    const best = better && present.length > 1 && sameClasses() ?
        (better > 0 ? Math.max(...present) : Math.min(...present)) :
        null;
    return element(
        'tr', {'data-metric': `${name}.${id}`}, element('th', {scope: 'row'}, title),
        ...values.map(
            (value) => element(
                'td', {className: 'number' + (best !== null && value === best ? ' best' : '')},
                value === null || value === undefined ? '–' : text(value))));
  });
}

// A chart of what is chosen from a list of {name, value}.
function overlay(parent, label, choices, draw) {
  if (!choices.length) return;
  const select = element(
      'select', {}, ...choices.map((choice, index) => element('option', {value: index}, choice.name)));
  const column = element('div', {}, element('label', {className: 'choice'}, label + ' ', select));
  parent.append(column);
  const redraw = addChart(
      column, 320, () => `${label}: ${choices[select.value].name}, a line a run.`,
      () => draw(choices[select.value].value));
  select.addEventListener('change', redraw);
  whenTauMoves('any', redraw);
}

function curveChoices() {
  const choices = [];
  for (const name of ['super', 'sub']) {
    for (const group of ['near', 'far', 'far_held_out']) {
      const shown = runs.filter(
          (run) => (levelOf(run, name) || {curves: []}).curves.some((curve) => curve.group === group));
      if (!shown.length) continue;
      for (const kind of ['roc', 'oscr']) {
        choices.push({
          name: `${kind.toUpperCase()}, ${levelTitle(name, shown).toLowerCase()}, ${groupNames[group]}`,
          value: {name, group, kind}
        });
      }
    }
  }
  return choices;
}

function curveOverlay({name, group, kind}) {
  const lines = [];
  runs.forEach((run, index) => {
    const level = levelOf(run, name), curve = level && level.curves.find((one) => one.group === group);
    if (!curve) return;
    lines.push({
      name: run.name,
      colour: runColour(index),
      dash: runDashes[index % runDashes.length],
      points: kind === 'roc' ? curve.roc : curve.oscr_curve,
      mark: curvePoint(level, group, kind, tauOf(level, index))
    });
  });
  return kind === 'roc' ? curveConfig(lines, 'false-novel rate', 'novel found', true) :
                          curveConfig(lines, 'novel kept', 'seen right', false);
}

function runColour(index) {
  const list = colours().runs;
  return list[index % list.length];
}

// A column of metrics.csv that has values; of no level that the run does not have: where all images are of any class, how many
// were found to be says nothing.
function epochValues(run, columns, column) {
  const values = columns[column];
  const told = values && values.some((value) => value !== null);
  return told && (!column.includes('_super_') || levelOf(run, 'super')) ? values : null;
}

function epochChoices() {
  const accuracyOf = (name, images) => ({
    column: `val_${name}_accuracy_${images}_percent`,
    title: (shown) => `accuracy of ${levelTitle(name, shown).toLowerCase()}, ${images}, %`
  });
  return [
    accuracyOf('super', 'seen'), accuracyOf('sub', 'seen'), accuracyOf('super', 'novel'),
    {column: 'val_loss', title: () => 'validation loss'}, {column: 'train_loss', title: () => 'training loss'}
  ].flatMap(({column, title}) => {
    const shown = runs.filter((run) => run.epochs.some(({columns}) => epochValues(run, columns, column)));
    return shown.length ? [{name: title(shown), value: column}] : [];
  });
}

function epochOverlay(column) {
  const lines = [];
  runs.forEach((run, index) => {
    for (const {model, columns} of run.epochs) {
      const values = epochValues(run, columns, column);
      if (!values) continue;
      const name = column.endsWith('loss') && run.epochs.length > 1 ? `${run.name}, ${model}` : run.name;
      lines.push({
        name,
        colour: runColour(index),
        dash: model === 'sub' ? [7, 4] : runDashes[index % runDashes.length],
        epochs: columns.epoch,
        values
      });
    }
  });
  return epochConfig(lines, column.endsWith('percent') ? '%' : 'loss', null);
}
