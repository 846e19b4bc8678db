// SPDX-License-Identifier: LGPL-2.1-or-later
'use strict';
// What the page knows, and what can be asked of it. Its fields: src/report/html_data.h.
const data = JSON.parse(document.getElementById('data').textContent);

const HEX_DIGITS = data.bits > 32 ? 16 : 8;
const address = (hex) => '0x' + hex.padStart(HEX_DIGITS, '0');
const number = (n) => n.toLocaleString('en');
const UNOWNED = 'unowned';
const big = (hex) => BigInt('0x' + hex);

function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (n >= 1024 && unit + 1 < units.length) {
    n /= 1024;
    unit++;
  }
  return `${n < 10 && n % 1 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

const spaces = (() => {
  const s = data.spaces;
  return s.pid.map((pid, i) => ({
    index: i, pid, comm: s.comm[i], kind: s.kind[i], root: s.root[i], tasks: s.tasks[i],
    verdict: s.verdict[i], row: s.row[i], reasons: s.reasons[i], caused: s.caused[i],
    isUser: s.kind[i] === 'user half',
    hasPid: s.kind[i] === 'process' || s.kind[i] === 'user half' && pid !== 0,
  }));
})();

// The same words as the tool's: src/report/words.c.
function spaceName(space) {
  if (space.kind === 'init_mm')
    return 'init_mm';
  if (space.hasPid)
    return `${space.pid} ${space.comm}${space.isUser ? ' (user half)' : ''}`;
  if (space.isUser || space.kind === UNOWNED)
    return `${space.comm} (${space.isUser ? 'user half, ' : ''}no known owner)`;
  return `root 0x${space.root} (${space.kind === 'lone' ? 'used by no task' : 'freed'})`;
}

// A text of data.reasons: its lines, with the space's own name in them.
function linesOf(space, text) {
  if (text < 0)
    return [];
  const owner = space.hasPid ? `${space.pid} ${space.comm}` : space.comm;
  return data.reasons[text].split('\u0001').join(owner)
    .split('\u0002').join(`--pid ${space.pid}'`).split('\n');
}
const reasonsOf = (space) => linesOf(space, space.reasons);

const verdictName = (space) => data.verdicts[space.verdict][0];
const severityName = (group) => data.severities[group.severity];

const groups = data.groups.map((g, i) => ({
  ...g, index: i, rule: data.rules[g.rule], first: big(g.va), end: big(g.last), findings: [],
}));
// One missing entry, and the groups of findings that follow from it.
const causes = data.causes.map((cause, i) => ({ ...cause, index: i, groups: [] }));
for (const group of groups) {
  group.cause = causes[group.cause] ?? null;
  group.cause?.groups.push(group);
}
const rows = data.rows.map((row) => row.map((g) => groups[g]));

const findings = data.findings.space.map((space, i) => ({
  space: spaces[space], group: groups[data.findings.group[i]],
  here: data.trails[data.findings.here[i]], there: data.trails[data.findings.there[i]],
}));
for (const space of spaces)
  space.findings = [];
for (const finding of findings) {
  finding.group.findings.push(finding);
  finding.space.findings.push(finding);
}

const groupsOf = (space) => rows[space.row];

// Columns of the map: what is mapped somewhere, or found. The rest only keeps them apart.
const pieces = data.pieces.map(([va, last, region, module, mapped, userMapped]) => ({
  va, last, region, module, mapped, userMapped, first: big(va), end: big(last),
}));

// What a cell says, mildest first. A hole is what this page is about.
const CELL = { NONE: 0, SAME: 1, INFO: 2, WARNING: 3, ERROR: 4, STALE: 5, HOLE: 6 };
const END_HOLE = 1;  // enum ws_end

function cellOfGroup(group) {
  if (group.rule.id === 'coherence-stale')
    return CELL.STALE;
  if (group.findings[0].here[0] === END_HOLE)
    return CELL.HOLE;
  return [CELL.INFO, CELL.WARNING, CELL.ERROR, CELL.ERROR][group.severity];
}

function pieceAt(va) {
  let low = 0, high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pieces[middle].first <= va)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

// Indices of the pieces that a group is about.
for (const group of groups) {
  group.cell = cellOfGroup(group);
  group.from = pieceAt(group.first);
  group.to = pieceAt(group.end);
}

// Cells of one row, by piece, for either half; rows that are alike share them.
const rowCells = new Map();
function cellsOf(space) {
  const key = space.row * 2 + (space.isUser ? 1 : 0);
  let cells = rowCells.get(key);
  if (cells)
    return cells;
  cells = new Uint8Array(pieces.length);
  pieces.forEach((piece, i) => {
    cells[i] = (space.isUser ? piece.userMapped : piece.mapped) ? CELL.SAME : CELL.NONE;
  });
  for (const group of groupsOf(space))
    for (let i = group.from; i <= group.to; i++)
      cells[i] = Math.max(cells[i], cellIn(group, pieces[i], cells[i]));
  rowCells.set(key, cells);
  return cells;
}

// Where a hole spans what nobody maps, nothing is missing.
function cellIn(group, piece, before) {
  return group.cell === CELL.HOLE && before === CELL.NONE ? CELL.NONE : group.cell;
}

const CELL_WORDS = {
  [CELL.NONE]: 'nothing is mapped', [CELL.SAME]: 'as in init_mm', [CELL.INFO]: 'worth knowing',
  [CELL.WARNING]: 'a warning', [CELL.ERROR]: 'wrong', [CELL.STALE]: 'stale: init_mm gave it up',
  [CELL.HOLE]: 'missing here',
};
