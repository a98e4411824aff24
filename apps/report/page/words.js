// The data, and the words for what is in it: where the classes of all runs have one level, nothing is called a superclass.
'use strict';

const report = JSON.parse(document.getElementById('data').textContent);
const runs = report.runs;
const oneLevel = runs.every((run) => run.one_level);
const subclass = oneLevel ? 'class' : 'subclass', subclasses = oneLevel ? 'classes' : 'subclasses';

// The first is there with one level, too, where there are novel images: then it tells them from all classes.
const levelNames = {
  super: oneLevel ? 'Any class' : 'Superclasses',
  sub: oneLevel ? 'Classes' : 'Subclasses',
};

const groupNames = {
  seen: 'seen',
  known: `held-out ${subclasses}`,
  near: 'near',
  far: 'far',
  far_held_out: 'far held out',
};

const modelNames = {
  two_heads: 'Both heads',
  super: oneLevel ? 'Model of any class' : 'Superclass model',
  sub: oneLevel ? 'Model of the classes' : 'Subclass model',
};
