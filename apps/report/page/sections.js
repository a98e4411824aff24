// The sections below the thresholds, each built for the run that is shown.
'use strict';

// --- What is taken for what

const mostOnMap = 500;  // classes: a map of more has cells too small, and is larger than browsers draw

function buildConfusion() {
  const body = bodyOf('confusion'), run = shownRun();
  body.append(element(
      'p', {className: 'lead'},
      'Rows are the truth, columns the answers at the tau above; a cell counts images.'));
  for (const level of run.levels) {
    const names = classNames(run, level), holder = element('div', {className: 'confusion-holder'});
    body.append(element('h3', {}, levelNames[level.level]), holder);
    if (names.length <= 16) {
      whenTauMoves(
          level.level,
          () => holder.replaceChildren(confusionTable(
              `${levelNames[level.level]}: truth by answer`, confusionAt(run, level, tauOf(level)), names,
              level.novel)));
    } else if (names.length <= mostOnMap) {
      holder.append(classMap(run, level, names));
    } else {
      holder.append(element(
          'p', {className: 'note'},
          `${names.length - 1} classes are too many for a map: the mix-ups alone.`));
    }
    const pairs = element('div', {className: 'pairs'});
    body.append(pairs);
    whenTauMoves(
        level.level, () => showPairs(pairs, confusionAt(run, level, tauOf(level)), names, level.novel));
  }
}

// The heat map of many classes, those of a superclass side by side, held-out ones below, "novel" last.
function classMap(run, level, names) {
  const isSub = level.level === 'sub', place = new Map();
  const superOf = (index) => (isSub ? run.subclass_to_super[index] : Number(index === level.novel));
  const superName = (index) => (isSub && !run.one_level ? run.superclass_names[superOf(index)] : '');
  const order = names.map((_, index) => index)
                    .sort(
                        (a, b) => superOf(a) - superOf(b) ||
                            shortName(names[a]).localeCompare(shortName(names[b]), 'en'));
  order.forEach((index, position) => place.set(index, position));
  const groups = level.groups.map((group) => group.key);
  const sorted = (tau) => confusionAt(run, level, tau)
                              .sort(
                                  (a, b) => groups.indexOf(a.group) - groups.indexOf(b.group) ||
                                      place.get(a.truth) - place.get(b.truth));
  const starts = (list, keyOf, nameOf) =>
      list.map((item, from) => ({from, key: keyOf(item), name: nameOf(item)}))
          .filter((block, i, all) => i === 0 || all[i - 1].key !== block.key)
          .map((block, i, blocks) => ({
                 ...block,
                 length: (i + 1 < blocks.length ? blocks[i + 1].from : list.length) - block.from
               }));
  const blocks = starts(order, superOf, (index) => (index === level.novel ? '' : superName(index)));
  blocks.rows = starts(
      sorted(tauOf(level)), (row) => row.group + (row.group === 'seen' ? superOf(row.truth) : ''),
      (row) =>
          (row.group === 'seen'     ? superName(row.truth) :
               row.group === 'near' ? 'held out' :
                                      ''));
  const map = heatMap(
      `${levelNames[level.level]}: truth by answer`, sorted(tauOf(level)), order, blocks, names, level.novel);
  whenTauMoves(level.level, () => map.show(sorted(tauOf(level))));
  darkQuery.addEventListener('change', map.redraw);
  return element(
      'div', {},
      element(
          'p', {className: 'detail key'}, element('i', {className: 'swatch seen'}), 'right',
          element('i', {className: 'swatch far'}), 'another class', element('i', {className: 'swatch soft'}),
          'called novel (last column)',
          '; the darker, the larger the share of the row. Classes stand by ' +
              (isSub && !oneLevel ? 'superclass and name.' : 'name.')),
      map.box);
}

function showPairs(box, rows, names, novel) {
  const pairs = [];
  for (const row of rows) {
    row.counts.forEach((count, answer) => {
      const right = isRight(row, answer, novel);
      if (count > 0 && !right && answer !== novel) pairs.push({row, answer, count});
    });
  }
  pairs.sort((a, b) => b.count - a.count || b.count / b.row.images - a.count / a.row.images);
  const item = ({row, answer, count}) => element(
      'li', {}, element('b', {}, shortNameKeepingNote(row.name)), ' taken for ',
      element('b', {}, shortName(names[answer])), ` ${count} of ${row.images}`);
  box.replaceChildren(
      element(
          'h4', {}, pairs.length ? 'Most frequent mix-ups' : 'No image is answered as a wrong known class'),
      element('ol', {className: 'two-columns'}, ...pairs.slice(0, 10).map(item)));
}

// --- Pictures

const pictureTitle = (group) => ({
  seen: 'Seen images given a wrong class',
  known: `Images of held-out ${subclasses} given a wrong superclass`,
  near: `Near images taken for a known ${subclass}`,
  far: 'Far images taken for a known class',
  far_held_out: 'Far held-out images taken for a known class',
})[group];

const novelTitle = (group) => ({
  seen: 'Seen images',
  known: `Images of held-out ${subclasses}`,
  near: 'Near images',
  far: 'Far images',
  far_held_out: 'Far held-out images',
})[group];

function buildMistakes() {
  const body = bodyOf('mistakes'), run = shownRun();
  body.append(element(
      'p', {className: 'lead'},
      'What the model is wrong about and surest of. Faded ones are called novel at the tau above. ' +
          besideText(run)));
  for (const level of run.levels) {
    body.append(element('h3', {}, levelNames[level.level]));
    if (!level.pictures.length)
      body.append(element('p', {className: 'note'}, 'No image is taken for a wrong known class.'));
    for (const set of level.pictures) {
      const shown = set.items.length < set.wrong ? `, the ${set.items.length} surest` : '';
      pictureSet(body, run, level, set, pictureTitle(set.group), ` ${set.wrong}${shown}`);
    }
  }
}

function buildMostNovel() {
  const body = bodyOf('most-novel'), run = shownRun();
  body.append(element(
      'p', {className: 'lead'},
      'The images with the least confidence, by kind: of seen ones the first to be called novel, of others the easiest to ' +
          'find. Faded ones are called novel at the tau above. ' + besideText(run)));
  for (const level of run.levels) {
    body.append(element('h3', {}, levelNames[level.level]));
    for (const set of level.novel_pictures) {
      const shown = set.items.length < set.images ? `, the ${set.items.length} most novel` : '';
      pictureSet(body, run, level, set, novelTitle(set.group), ` ${set.images}${shown}`);
    }
  }
}

// What stands beside each picture, in words; and what does not.
function besideText(run) {
  const items =
      run.levels.flatMap((level) => [...level.pictures, ...level.novel_pictures].flatMap((set) => set.items));
  const has = (key) => items.some((item) => key in item);
  const words = [];
  if (has('heat'))
    words.push(
        'Beside an image its heat map: bright where the network saw what speaks for its answer (Grad-CAM of ' +
        `${run.heat.layer}, which sees the image as ${run.heat.rows} × ${run.heat.columns} places).`);
  if (has('nearest'))
    words.push('Below, the training images that are most alike to it by the network\'s features.');
  return [...words, ...run.notes].join(' ');
}

function pictureSet(body, run, level, set, title, count) {
  const rich = set.items.some((item) => item.heat);
  body.append(
      element('h4', {}, title, element('small', {}, count)),
      element(
          'div', {className: rich ? 'pictures rich' : 'pictures'},
          ...set.items.map((item) => picture(run, level, item))));
}

function picture(run, level, item) {
  const names = classNames(run, level), novelTruth = item.truth === level.novel;
  const subclass = level.level === 'super' ? shortName(run.subclass_names[item.subclass]) : '';
  const truth = novelTruth ? item.name.split(':').pop() :
                             shortName(names[item.truth]) + (subclass ? ` (${subclass})` : '');
  const answer = shortName(names[item.answer]);
  const badge = element('span', {className: 'badge', title: 'called novel at the tau above'}, 'novel');
  const show = (src, alt) =>
      element('img', {src, alt, loading: 'lazy', decoding: 'async', width: 104, height: 104});
  const image = show(item.image, `${truth}, answered ${answer}`);
  const heat = item.heat && show(item.heat, `where ${answer} was seen in it`);
  const figure = element(
      'figure', {title: `${item.name}: ${novelTruth ? 'novel' : names[item.truth]} → ${names[item.answer]}`},
      heat ? element('div', {className: 'with-heat'}, image, heat) : image, badge,
      element(
          'figcaption', {}, element('span', {className: 'truth'}, truth),
          element('span', {className: 'answer'}, '→ ' + answer),
          element('span', {className: 'number'}, `confidence ${item.confidence.toFixed(4)}`),
          item.nearest ? nearestRow(item.nearest, run.known, run.subclass_names) : null));
  whenTauMoves(level.level, () => figure.classList.toggle('faded', !isKept(item.confidence, tauOf(level))));
  return figure;
}

// --- Class by class

function buildClasses() {
  const body = bodyOf('classes'), run = shownRun();
  body.append(element(
      'p', {className: 'lead'},
      `Validation images at the tau above; ${
          oneLevel ? 'held-out classes, too' :
                     'at the subclass level held-out classes, too'}, for which “novel” is right.`));
  for (const level of run.levels) {
    const names = classNames(run, level);
    const columns = [
      {
        name: 'class',
        of: (row) => shortName(row.name).toLowerCase(),
        text: (row) => shortName(row.name) + (row.heldOut ? ' (held out)' : '')
      },
      {name: 'superclass', of: (row) => run.superclass_names[run.subclass_to_super[row.index]]},
      {name: 'images', number: true, of: (row) => row.images},
      {
        name: 'recall',
        number: true,
        title: 'right answers of its images',
        of: (row) => row.recall,
        text: (row) => percentText(row.recall, 1)
      },
      {
        name: 'precision',
        number: true,
        title: 'right answers of those that name it',
        of: (row) => row.precision,
        text: (row) => percentText(row.precision, 1)
      },
      {name: 'F1', number: true, of: (row) => row.f1, text: (row) => percentText(row.f1, 1)},
      {name: 'called novel', number: true, of: (row) => row.novel},
      {
        name: 'most taken for',
        of: (row) => (row.takenFor < 0 ? null : shortName(names[row.takenFor])),
        text: (row) => (row.takenFor < 0 ? '–' : `${shortName(names[row.takenFor])} (${row.takenForImages})`)
      },
    ].filter((column) => (level.level === 'sub' && !oneLevel) || column.name !== 'superclass');
    const recall = columns.findIndex((column) => column.name === 'recall');
    const table = sortingTable(levelNames[level.level], columns, {column: recall, rising: true});
    table.box.id = 'classes-' + level.level;
    body.append(table.box);
    whenTauMoves(level.level, () => table.show(classTableAt(run, level, tauOf(level))));
  }
}

// --- Reliability

function buildReliability() {
  const body = bodyOf('reliability'), columns = element('div', {className: 'columns'});
  body.append(
      element(
          'p', {className: 'lead'},
          'Seen images with the most probable known class as the answer, no threshold. Bars below the diagonal: surer than right.'),
      columns);
  for (const level of shownRun().levels) {
    const set = level.closed_set, fitted = set.temperature;
    const atEnd = fitted.fitted <= 0.01 || fitted.fitted >= 100;  // engine/metrics/calibration.h
    const text = `${set.images} images, accuracy ${percentText(set.accuracy_percent)}, ECE ${
                     percentText(set.ece_percent)}, ` +
        `NLL ${numberText(set.nll_nats)} nats`;
    const panel = element(
        'article', {className: 'panel'}, element('h3', {}, levelNames[level.level]), element('p', {}, text));
    columns.append(panel);
    addChart(
        panel, 320, () => `Reliability diagram, ${levelNames[level.level].toLowerCase()}: ${text}.`,
        () => reliabilityConfig(set.reliability, colours().seen));
    panel.append(element(
        'p', {className: 'detail'},
        `With temperature ${numberText(fitted.fitted, 2)}${
            atEnd ?
                ' (the limit of its range)' :
                ''}, on the half it was not fitted to: ECE ${percentText(fitted.other_half_ece_percent)}` +
            ` → ${percentText(fitted.other_half_ece_scaled_percent)}, NLL ${
                numberText(fitted.other_half_nll_nats)} → ` +
            `${numberText(fitted.other_half_nll_scaled_nats)} nats.`));
  }
}

// --- Training

function buildTraining() {
  const body = bodyOf('training'), run = shownRun();
  if (!run.epochs.length) {
    body.append(element('p', {className: 'note'}, 'No metrics.csv: no training curves.'));
    return;
  }
  body.append(element(
      'p', {className: 'lead'},
      'By epoch; the large dots are the epoch whose model is used. Training accuracy is measured on augmented images as training goes on.'));
  const withSuper = !oneLevel || levelOf(run, 'super');  // else all images are of any class
  const [superName, subName] = oneLevel ? ['any class', 'classes'] : ['super', 'sub'];
  for (const {model, columns} of run.epochs.filter((one) => withSuper || one.model !== 'super')) {
    const best = run.summary.best && run.summary.best[model] ? run.summary.best[model] : {};
    const pair = element('div', {className: 'pair'});
    body.append(element('h3', {}, modelNames[model] || model), pair);
    if (best.epoch)
      pair.before(element('p', {className: 'detail'}, `best epoch ${best.epoch} of ${columns.epoch.length}`));
    const chart = (title, yTitle, wanted) => {
      const lines = wanted.filter(
          ([, column]) => columns[column] && columns[column].some((value) => value !== null) &&
              (withSuper || !column.includes('_super_')));
      const column = element('div', {}, element('h4', {}, title));
      pair.append(column);
      addChart(
          column, 280,
          () => `${title} by epoch: ` +
              lines
                  .map(
                      ([name, key]) =>
                          `${name} ${numberText(columns[key][columns[key].length - 1], 2)} at the end`)
                  .join(', ') +
              '.',
          () => epochConfig(
              lines.map(
                  ([name, key, colour, dash]) =>
                      ({name, colour: colours()[colour], dash, epochs: columns.epoch, values: columns[key]})),
              yTitle, best.epoch));
    };
    chart(
        'Loss', 'loss', [['training', 'train_loss', 'soft', [5, 4]], ['validation', 'val_loss', 'ink', []]]);
    chart('Accuracy', '%', [
      [`${superName}, training`, 'train_super_accuracy_percent', 'seen', [5, 4]],
      [`${superName}, seen`, 'val_super_accuracy_seen_percent', 'seen', []],
      [`${superName}, novel`, 'val_super_accuracy_novel_percent', 'seen', [1, 3]],
      [`${subName}, training`, 'train_sub_accuracy_percent', 'far', [5, 4]],
      [`${subName}, seen`, 'val_sub_accuracy_seen_percent', 'far', []],
      [`${subName}, novel`, 'val_sub_accuracy_novel_percent', 'far', [1, 3]]
    ]);
  }
}

// --- Settings

function buildSettings() {
  const body = bodyOf('settings'), run = shownRun(), inputs = run.summary.inputs;
  const versions = Object.entries(run.summary.versions || {tern: run.summary.tern_version});
  const facts = [
    ['made by', versions.map((pair) => pair.join(' ')).join(', ')], ['backend', run.summary.backend],
    ['status', run.summary.status], ['threads', run.summary.threads], ['data', inputs.data],
    ['novel images', inputs.cifar], ['weights', inputs.weights],
    ['fingerprint of the data', inputs.fingerprint],
    ['peak memory', run.summary.peak_memory_mib && `${Math.round(run.summary.peak_memory_mib)} MiB`],
    ['untrained classes masked here', run.mask_untrained ? 'yes' : 'no'],
    [
      `held-out ${subclasses}`,
      run.counts.held_out_subclasses.map((index) => shortName(run.subclass_names[index])).join(', ')
    ]
  ];
  const rows = facts.filter(([, value]) => value)
                   .map(
                       ([name, value]) => element(
                           'tr', {}, element('th', {scope: 'row'}, name), element('td', {}, String(value))));
  const settings = run.settings.map(
      ({key, value, ...more}) => element(
          'tr', {className: 'default' in more ? 'differs' : ''}, element('th', {scope: 'row'}, key),
          element('td', {}, value), element('td', {}, 'default' in more ? more.default : '')));
  const head = element(
      'thead', {},
      element(
          'tr', {},
          ...['setting', 'value', 'default, where it is another'].map(
              (name) => element('th', {scope: 'col'}, name))));
  body.append(
      scrollBox('The run', element('table', {className: 'plain'}, element('tbody', {}, ...rows))),
      element(
          'details', {}, element('summary', {}, `All ${settings.length} settings`),
          scrollBox(
              'Settings', element('table', {className: 'plain'}, head, element('tbody', {}, ...settings)))));
}
