// The page of tern predict: the pictures by answer, what chooses among them, and one of them in detail.
'use strict';

const page = JSON.parse(document.getElementById('data').textContent);
const at = (id) => document.getElementById(id);
const countText = (count, one, many) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
const sentence = (text) => text[0].toUpperCase() + text.slice(1);
const superName = (index) => shortName(page.superclass_names[index]);
const subName = (index) => shortName(page.subclass_names[index]);
const novelSuper = page.superclass_names.length - 1, novelSub = page.subclass_names.length - 1;

// Pictures in the order of the page: {item, group, figure}.
const pictures = [];
const sections = [];

// What two classes say of an image: an answer or its truth.
function classText([superclass, subclass]) {
  if (page.one_level && (superclass === novelSuper || subclass === novelSub)) return 'novel class';
  if (superclass === novelSuper) return 'novel superclass';
  if (subclass === novelSub) return `novel subclass of ${superName(superclass)}`;
  return subName(subclass);
}

function groupName(group) { return classText([group.superclass, group.subclass]); }

// Which level is wrong, of an image that is not right at both.
function wrongText(item) {
  if (page.one_level) return 'wrong';
  const [superclass, subclass] = item.truth.map((truth, level) => truth === item.answer[level]);
  return superclass ? 'subclass' : subclass ? 'superclass' : 'wrong';
}

// Where the level of superclasses says another one than the subclass lies in.
function contradiction(item) {
  const [superclass, subclass] = item.answer;
  if (page.one_level || subclass === novelSub || page.subclass_to_super[subclass] === superclass) return '';
  return superclass === novelSuper ? `the subclass level says ${subName(subclass)}` :
                                     `the superclass level says ${superName(superclass)}`;
}

// A number without zeros behind that say nothing, and never 0 or 1 for what is not.
function shareText(value) {
  if (value > 0 && value < 0.001) return '< 0.001';
  if (value < 1 && value > 0.999) return '> 0.999';
  return value.toFixed(3);
}

// --- The head

function tile(name, value, detail) {
  return element(
      'div', {className: 'tile'}, element('span', {className: 'name'}, name),
      element('span', {className: 'value'}, value), element('span', {className: 'detail'}, detail || ''));
}

// Which pictures have nearest images, of those that are shown.
function nearestText(shown) {
  if (page.with_nearest === 0) return '';
  const count = page.with_nearest.toLocaleString('en');
  return page.with_nearest < shown ?
      ` Below the ${count} most novel pictures, and no others, are the training images nearest to them.` :
      ' Below each picture are the training images nearest to it.';
}

function describe() {
  at('title').textContent = `Predictions of ${page.runs}`;
  document.title = `${page.runs} – tern predict`;
  const shown = page.groups.reduce((sum, group) => sum + group.items.length, 0);
  at('what').textContent = `${countText(page.images, 'image', 'images')} of ${
      page.source}, by answer, the most novel first. ${page.decision}${nearestText(shown)}`;
  document.body.classList.toggle('one-level', page.one_level);
  at('counts').append(...page.kinds.map(
      ({words, images}) => tile(
          sentence(words), images.toLocaleString('en'),
          `${(100 * images / page.images).toFixed(1)} % of all`)));
  if (page.labelled) {
    const right = page.groups.reduce((sum, group) => sum + group.right, 0);
    at('counts').append(tile(
        'Right, by the labels', `${(100 * right / page.images).toFixed(1)} %`,
        countText(right, 'image', 'images') + (page.one_level ? '' : ' at both levels')));
  }
  const notes = [...page.notes];
  if (shown < page.images) {
    notes.unshift(
        `${countText(page.images - shown, 'image is', 'images are')} left out. Shown are the ${
            page.most_novel.toLocaleString('en')} most novel, ` +
        'and as many of the rest of each group as there is room for, spread evenly over its order; --page-limit changes their number.');
  }
  if (!page.calibrated)
    notes.push('No p: this run has no calibration for what decides (tern calibrate --run RUN makes one).');
  at('notes').append(...notes.map((note) => element('p', {className: 'note'}, note)));
  at('made-by').textContent = `Made by tern ${page.tern_version}.`;
}

// --- The pictures

function altText(item) {
  return `${item.name}, answered ${classText(item.answer)}` +
      (item.truth ? `, ${item.right ? 'right' : 'wrong'}: it is ${classText(item.truth)}` : '');
}

// A line is broken after the separator alone.
function noveltyText(item) {
  const kept = (text) => text.replaceAll(' ', '\u00a0');
  const p = item.p ? item.p[item.least_known] : null;
  const novelty = kept(`novelty ${shareText(item.novelty)}`);
  return p === null ? novelty : `${novelty}\u00a0· ${kept(`p ${shareText(p)}`)}`;
}

function figureOf(item, number) {
  const open = element('button', {type: 'button', title: 'Show in detail'}, element('img', {
                         src: jpegUrl(item.image),
                         alt: altText(item),
                         loading: 'lazy',
                         decoding: 'async',
                         width: 128,
                         height: 128
                       }));
  open.addEventListener('click', () => showDetail(number));
  const figure = element('figure', {}, open);
  if (item.truth) {
    const right = item.right;
    figure.append(element(
        'span', {className: `verdict ${right ? 'right' : 'wrong'}`, 'aria-hidden': 'true'},
        right ? '✓' : `✗ ${wrongText(item)}`));
  }
  const caption = element('figcaption', {});
  if (item.truth && !item.right)
    caption.append(element('span', {className: 'truth wrong'}, `is ${classText(item.truth)}`));
  const against = contradiction(item);
  if (against)
    caption.append(element('span', {}, against));
  else if (item.answer[1] === novelSub && item.second[1] >= 0)
    caption.append(element('span', {}, `most like ${subName(item.second[1])}`));
  caption.append(
      element('span', {className: 'number'}, noveltyText(item)),
      element('span', {className: 'name'}, item.name));
  if (item.nearest) caption.append(nearestRow(item.nearest, page.known, page.subclass_names));
  figure.append(caption);
  return figure;
}

function build() {
  for (const group of page.groups) {
    const grid = element('div', {className: 'pictures'});
    for (const item of group.items) {
      const figure = figureOf(item, pictures.length);
      pictures.push({item, group, figure});
      grid.append(figure);
    }
    const more = [countText(group.images, 'image', 'images')];
    if (group.known && !page.one_level) more.unshift(superName(group.superclass));
    if (group.items.length < group.images) more.push(`${group.items.length.toLocaleString('en')} shown`);
    if (page.labelled) more.push(`${group.right.toLocaleString('en')} right`);
    const section = element(
        'section', {}, element('h2', {}, sentence(groupName(group)), element('small', {}, more.join(', '))),
        grid);
    sections.push({group, section});
    at('groups').append(section);
  }
}

// --- What is shown

function buildFilters() {
  const choice = (value, text) => element('option', {value}, text);
  at('group').append(choice('', 'all'), choice('novel', 'all novel ones'), choice('known', 'all known ones'));
  page.groups.forEach(
      (group, index) => at('group').append(choice(String(index), `${groupName(group)} (${group.images})`)));
  at('verdict-label').hidden = !page.labelled;
  for (const id of ['group', 'search', 'verdict']) at(id).addEventListener('input', filter);
  at('filters').addEventListener('submit', (event) => event.preventDefault());
}

function filter() {
  const wanted = at('group').value, part = at('search').value.trim().toLowerCase(),
        verdict = at('verdict').value;
  const inGroup = (group) => wanted === '' ||
      (wanted === 'novel' || wanted === 'known' ? group.known === (wanted === 'known') :
                                                  page.groups[Number(wanted)] === group);
  let shown = 0;
  for (const {item, group, figure} of pictures) {
    const passes = inGroup(group) && (part === '' || item.name.toLowerCase().includes(part)) &&
        (verdict === '' || item.right === (verdict === 'right'));
    figure.hidden = !passes;
    shown += passes;
  }
  for (const {section} of sections) section.hidden = !section.querySelector('figure:not([hidden])');
  const text = `${countText(shown, 'picture', 'pictures')}${
      shown < pictures.length ? ` of ${pictures.length.toLocaleString('en')}` : ''}`;
  at('shown').textContent = text;
  announce(text);
}

// --- One in detail

let detailed = 0;

function rowsOf(item) {
  const rows = [['answer', classText(item.answer)]];
  const against = contradiction(item);
  if (against) rows.push(['but', against]);
  if (item.truth) rows.push(['truth', `${classText(item.truth)} (${item.right ? 'right' : 'wrong'})`]);
  const isNovel = (level) => item.answer[level] === (level === 0 ? novelSuper : novelSub);
  const second = item.second.map(
      (index, level) =>
          (index < 0       ? '' :
               level === 0 ? superName(index) :
                             subName(index)));
  const levels = page.one_level ? [[1, '']] : [[0, 'superclass '], [1, 'subclass ']];
  rows.push(['novelty', shareText(item.novelty)]);
  for (const [level, name] of levels) {
    rows.push([`${name}confidence`, shareText(item.confidence[level])]);
    if (item.p) rows.push([`${name}p`, item.p[level] === null ? '–' : shareText(item.p[level])]);
    if (second[level]) rows.push([name + (isNovel(level) ? 'most like' : 'second choice'), second[level]]);
  }
  return rows;
}

function showDetail(number) {
  detailed = number;
  const {item} = pictures[number], dialog = at('detail');
  at('detail-name').textContent = item.name;
  const table = element(
      'table', {className: 'plain'},
      element(
          'tbody', {},
          ...rowsOf(item).map(
              ([name, value]) =>
                  element('tr', {}, element('th', {scope: 'row'}, name), element('td', {}, value)))));
  const body = [element('img', {src: jpegUrl(item.image), alt: altText(item)}), table];
  if (item.nearest) {
    body.push(element(
        'div', {className: 'nearest'}, element('h3', {}, 'Nearest known images'),
        element('div', {className: 'pictures'}, ...item.nearest.map((one) => {
          const known = page.known[one[0]];
          return element(
              'figure', {},
              element(
                  'img', {src: jpegUrl(known.image), alt: knownText(one, page.known, page.subclass_names)}),
              element(
                  'figcaption', {}, element('span', {className: 'truth'}, subName(known.subclass)),
                  element('span', {className: 'number'}, `cosine ${one[1].toFixed(3)}`),
                  element('span', {className: 'name'}, known.name)));
        }))));
  }
  if (!item.nearest && page.with_nearest > 0) {
    body.push(element(
        'p', {className: 'nearest detail'},
        `Nearest known images were looked for of the ${
            page.with_nearest.toLocaleString('en')} most novel pictures alone (--page-nearest).`));
  }
  at('detail-body').replaceChildren(...body);
  if (!dialog.open) dialog.showModal();
  announce(altText(item));
}

// The next one in a direction that is not hidden.
function step(direction) {
  for (let number = detailed + direction; number >= 0 && number < pictures.length; number += direction) {
    if (!pictures[number].figure.hidden) {
      showDetail(number);
      return;
    }
  }
}

function buildDetail() {
  const dialog = at('detail');
  at('close').addEventListener('click', () => dialog.close());
  at('previous').addEventListener('click', () => step(-1));
  at('next').addEventListener('click', () => step(1));
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft') step(-1);
    if (event.key === 'ArrowRight') step(1);
  });
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => pictures[detailed].figure.querySelector('button').focus());
}

describe();
buildFilters();
build();
buildDetail();
filter();
