// What a threshold makes of a level's images. Nothing here touches the page.
//
// A level is an entry of "levels" in the data (apps/report/groups.h): groups of images, by image the true
// class, the most probable one and the confidence. The answer is novel unless confidence >= tau, in single
// precision, as tern evaluate and tern predict compare.
'use strict';

function isKept(confidence, tau) { return Math.fround(confidence) >= Math.fround(tau); }

function answerAt(level, group, i, tau) {
  return isKept(group.confidence[i], tau) ? group.answer[i] : level.novel;
}

function findGroup(level, key) { return level.groups.find((group) => group.key === key); }

function countGroup(level, group, tau) {
  const counts = {images: group.truth.length, kept: 0, right: 0, wrong: 0, calledNovel: 0};
  for (let i = 0; i < group.truth.length; ++i) {
    const answer = answerAt(level, group, i, tau);
    if (answer === level.novel)
      ++counts.calledNovel;
    else if (!group.novel && answer === group.truth[i])
      ++counts.right;
    else
      ++counts.wrong;
  }
  counts.kept = counts.images - counts.calledNovel;
  return counts;
}

function rate(id, name, part, whole, better, help) {
  return {id, name, value: 100 * part / whole, part, whole, better, help};
}

// Every rate of a level at tau: a list of {id, name, value in percent, part, whole, better: 1 for higher, -1
// for lower, help, detail: in words, where there is no part of a whole}. Rates of groups that have no images
// are left out.
function ratesAt(level, tau) {
  const seen = countGroup(level, findGroup(level, 'seen'), tau);
  const list = [
    rate('seen_kept', 'Seen kept', seen.kept, seen.images, 1, 'seen images that are not called novel'),
    rate(
        'seen_right', 'Seen right', seen.right, seen.images, 1,
        'seen images that are kept and given their class'),
    rate(
        'false_novel', 'False-novel rate', seen.calledNovel, seen.images, -1,
        'seen images that are called novel'),
    rate(
        'misclassified', 'Misclassified', seen.wrong, seen.images, -1,
        'seen images that are answered as another known class'),
  ];
  for (const group of level.groups) {
    if (group.key === 'seen') continue;
    const counts = countGroup(level, group, tau);
    const name = groupNames[group.key];
    if (group.novel) {
      list.push(rate(
          group.key + '_found', name.charAt(0).toUpperCase() + name.slice(1) + ' found', counts.calledNovel,
          counts.images, 1, 'images of this kind that are called novel'));
    } else {
      list.push(rate(
          group.key + '_right', `Held-out ${subclasses} right`, counts.right, counts.images, 1,
          `images of held-out ${subclasses} that are given ${
              oneLevel ? 'a known class' : 'their superclass, which is known'}`));
    }
  }
  // Of kinds never trained on, if there are any, as tern calibrate takes them.
  const harmonic =
      ['near', 'far_held_out', 'far'].map((key) => list.find((r) => r.id === key + '_found')).find(Boolean);
  if (harmonic) {
    const right = list[1].value, found = harmonic.value;
    const value = right + found > 0 ? 2 * right * found / (right + found) : 0;
    list.push({
      id: 'harmonic_mean',
      name: 'Harmonic mean',
      value,
      better: 1,
      help: `of “seen right” and “${harmonic.name.toLowerCase()}”`,
      detail: `seen right, ${harmonic.name.toLowerCase()}`
    });
  }
  return list;
}

// Where tau stands on a curve: [x, y] as in the data's roc and oscr_curve.
function curvePoint(level, key, kind, tau) {
  const seen = countGroup(level, findGroup(level, 'seen'), tau);
  const novel = countGroup(level, findGroup(level, key), tau);
  return kind === 'roc' ? [seen.calledNovel / seen.images, novel.calledNovel / novel.images] :
                          [novel.kept / novel.images, seen.right / seen.images];
}

// Whether an answer to a row of confusionAt is right.
function isRight(row, answer, novel) { return answer === (row.novel ? novel : row.truth); }

// Answers at tau by rows: the known classes, those held out, then the novel kinds. Each row is {name, truth:
// class or -1, group, images, counts: a Map by answer, of those that came}.
function confusionAt(run, level, tau) {
  const names = classNames(run, level);
  const rows = new Map();
  for (const group of level.groups) {
    for (let i = 0; i < group.truth.length; ++i) {
      const byClass = !group.novel || group.key === 'near';
      const id = group.key + (byClass ? group.truth[i] : '');
      if (!rows.has(id)) {
        const name = byClass ? names[group.truth[i]] + (group.key === 'seen' ? '' : ' (held out)') :
                               groupNames[group.key];
        rows.set(id, {
          name,
          truth: byClass ? group.truth[i] : -1,
          group: group.key,
          novel: group.novel,
          images: 0,
          counts: new Map()
        });
      }
      const row = rows.get(id);
      ++row.images;
      const answer = answerAt(level, group, i, tau);
      row.counts.set(answer, (row.counts.get(answer) || 0) + 1);
    }
  }
  const order = level.groups.map((group) => group.key);
  return [...rows.values()].sort(
      (a, b) => order.indexOf(a.group) - order.indexOf(b.group) || a.truth - b.truth);
}

// A row a class over the seen, near and far images, as evaluation.json has it: for a held-out class, and for
// the novel one, "novel" is right.
function classTableAt(run, level, tau) {
  const names = classNames(run, level);
  const rows = names.map(
      (name, index) =>
          ({index, name, images: 0, right: 0, novel: 0, answers: 0, heldOut: false, others: new Map()}));
  for (const group of level.groups) {
    if (group.key === 'far_held_out' || group.key === 'known') continue;
    for (let i = 0; i < group.truth.length; ++i) {
      const answer = answerAt(level, group, i, tau), row = rows[group.truth[i]];
      const right = answer === (group.novel ? level.novel : group.truth[i]);
      if (group.key === 'near') row.heldOut = true;
      ++row.images;
      ++rows[answer].answers;
      if (right) ++row.right;
      if (answer === level.novel) ++row.novel;
      if (!right) row.others.set(answer, (row.others.get(answer) || 0) + 1);
    }
  }
  for (const row of rows) {
    let most = -1, count = 0;
    for (const [answer, images] of [...row.others].sort((a, b) => a[0] - b[0])) {
      if (images > count) most = answer, count = images;
    }
    row.recall = row.images ? 100 * row.right / row.images : null;
    row.precision = !row.heldOut && row.answers ? 100 * row.right / row.answers : null;
    row.f1 = !row.heldOut && row.images + row.answers ? 200 * row.right / (row.images + row.answers) : null;
    row.takenFor = most;
    row.takenForImages = count;
  }
  return rows.filter((row) => row.images > 0);
}

function classNames(run, level) {
  return level.level === 'super' ? run.superclass_names : run.subclass_names;
}

// The scale of slider and histogram: linear, or stretched towards 1 so that .9, .99, .999 and .9999 are a
// quarter apart. Both map [0, 1] to [0, 1].
const scales = {
  linear: {to: (c) => c, from: (u) => u, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1]},
  stretched: {
    to: (c) => -Math.log10(1 - c * (1 - 1e-4)) / 4,
    from: (u) => (1 - Math.pow(10, -4 * u)) / (1 - 1e-4),
    ticks: [0, 0.5, 0.9, 0.99, 0.999, 1],
  },
};

// tau where a slider at u in [0, 1] stands: three digits, counted from 1 downwards on the stretched scale.
function tauOfSlider(scale, u) {
  const tau = scales[scale].from(u);
  if (scale === 'linear') return Number(tau.toFixed(3));
  return u >= 1 ? 1 : Number((1 - Number((1 - tau).toPrecision(3))).toFixed(8));
}

function histogramOf(group, scale, bins) {
  const shares = new Array(bins).fill(0);
  for (const confidence of group.confidence) {
    const bin = Math.floor(scales[scale].to(Math.min(confidence, 1)) * bins);
    shares[Math.min(bins - 1, Math.max(0, bin))] += 100 / group.confidence.length;
  }
  return shares;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
