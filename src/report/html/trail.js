// SPDX-License-Identifier: LGPL-2.1-or-later
// A finding's two walks, level by level: the space's beside init_mm's.
const END = ['page', 'hole', 'malformed', 'absent', 'noncanonical', 'failed'];  // enum ws_end
const USER = 1, WRITE = 2, EXECUTE = 4;                                    // enum ws_access

function rights(access) {
  return `r${access & WRITE ? 'w' : '-'}${access & EXECUTE ? 'x' : '-'} ` +
    (access & USER ? 'user' : 'kernel');
}

function endWords([end, , pa, shift, access], level) {
  switch (END[end]) {
    case 'page': return `a ${bytes(2 ** shift)} page at physical ${address(pa)}, ${rights(access)}`;
    case 'hole': return `a hole: this ${level ? level[1] : 'entry'} is not present`;
    case 'malformed': return `this ${level ? level[1] : 'entry'} means nothing`;
    case 'absent': return 'this table is not in the target';
    case 'failed': return 'this table could not be read';
    default: return 'not an address of this format';
  }
}

// How many entries a table of that level has: PAE's top has 4, i386's tables 1024.
function entriesAt(level) {
  if (data.format === 'i386-pae' && level === 0)
    return 4;
  return data.format.startsWith('i386') && data.format !== 'i386-pae' ? 1024 : 512;
}

function makeStep(step, level, root, isLast, broken, other) {
  const [table, index, entry, attributes] = step;
  const differs = other && other[2] !== entry;
  const marks = [isLast && broken ? 'broken' : '', differs ? 'differs' : ''].join(' ');
  const strip = make('span', { class: 'strip', 'aria-hidden': 'true' });
  strip.style.setProperty('--at', index / (entriesAt(level) - 1));
  const names = data.levels[level];
  return make('li', { class: `step ${marks}` },
    strip,
    make('div', {},
      make('span', { class: 'level' }, ...(table ?? root) === null ? [names[0]]
        : [`${names[0]} at `, code(address(table ?? root))]),
      make('span', { class: 'entry' }, code(`${names[1]} ${index} = ` +
        (entry === null ? 'unreadable' : address(entry)))),
      make('span', { class: 'level' }, attributes ?? '')));
}

function makeTrail(title, trail, root, other) {
  const [end, , , , , steps] = trail;
  const broken = END[end] !== 'page';
  const level = data.levels[Math.max(0, steps.length - 1)];
  return make('div', { class: 'trail' },
    make('h3', {}, title),
    make('ol', {}, ...steps.map((step, i) => makeStep(step, i, root, i + 1 === steps.length, broken,
      other ? other[5][i] : null))),
    make('p', { class: `end${broken ? ' broken' : ''}` }, endWords(trail, level)));
}

// Both are walks of the first address of the range that one of the two maps.
function makeTrails(finding) {
  return make('div', {},
    make('p', { class: 'who' }, 'The walk of ', code(address(finding.here[1])), ':'),
    make('div', { class: 'trails' },
      makeTrail(`in ${spaceName(finding.space)}`, finding.here, finding.space.root, finding.there),
      makeTrail(data.consensus ? 'in most other processes' : 'in init_mm', finding.there,
        data.consensus ? null : data.reference, null)));
}
