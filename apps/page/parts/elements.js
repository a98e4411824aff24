// What every page is built with: elements from texts, and words for screen readers.
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

// A name's first synonym.
function shortName(name) { return name.split(',')[0]; }

// One of a picture's nearest known images: [place in `known`, cosine]; known: [{name, subclass, image}], the last a JPEG in
// base64.
function knownText([place, cosine], known, classNames) {
  return `${shortName(classNames[known[place].subclass])}, ${known[place].name}, cosine ${cosine.toFixed(3)}`;
}

// All of a picture's, small, in a row.
function nearestRow(nearest, known, classNames) {
  return element('div', {className: 'near'}, ...nearest.map((one) => {
    const text = knownText(one, known, classNames);
    return element('img', {
      src: jpegUrl(known[one[0]].image),
      alt: `nearest known: ${text}`,
      title: text,
      loading: 'lazy',
      decoding: 'async',
      width: 40,
      height: 40
    });
  }));
}

function jpegUrl(base64) { return 'data:image/jpeg;base64,' + base64; }

let announceTimer = 0;

// Said by screen readers, once things have come to rest.
function announce(text) {
  clearTimeout(announceTimer);
  announceTimer = setTimeout(() => {
    document.getElementById('live').textContent = text;
  }, 400);
}
