// The data, and the words for what is in it: where the classes of the run that is shown have one level, nothing is called a
// superclass.
'use strict';

const report = JSON.parse(document.getElementById('data').textContent);
const runs = report.runs;

let oneLevel, subclass, subclasses, levelNames, groupNames, modelNames;

// The first is there with one level, too, where there are novel images: then it tells them from all classes.
function levelNamesOf(run) {
  return run.one_level ? {super: 'Any class', sub: 'Classes'} : {super: 'Superclasses', sub: 'Subclasses'};
}

function speakOf(run) {
  oneLevel = run.one_level;
  subclass = oneLevel ? 'class' : 'subclass';
  subclasses = oneLevel ? 'classes' : 'subclasses';
  levelNames = levelNamesOf(run);
  groupNames = {
    seen: 'seen',
    known: `held-out ${subclasses}`,
    near: 'near',
    far: 'far',
    far_held_out: 'far held out',
  };
  modelNames = {
    two_heads: 'Both heads',
    super: oneLevel ? 'Model of any class' : 'Superclass model',
    sub: oneLevel ? 'Model of the classes' : 'Subclass model',
  };
  document.body.classList.toggle('one-level', oneLevel);
}
