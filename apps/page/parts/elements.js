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

let announceTimer = 0;

// Said by screen readers, once things have come to rest.
function announce(text) {
  clearTimeout(announceTimer);
  announceTimer = setTimeout(() => {
    document.getElementById('live').textContent = text;
  }, 400);
}
