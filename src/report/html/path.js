// SPDX-License-Identifier: LGPL-2.1-or-later
// The fault path as chains of boxes: what a processor must reach, in the order in which it
// does, and where this space has nothing there.
const CHAINS = [
  ['A page fault', [
    ['faultpath-idt', 'IDT'], ['faultpath-gdt', 'GDT'], ['faultpath-tss', 'TSS'],
    ['faultpath-entry-stack', 'entry stack'], ['faultpath-pf-target', 'gate 14, handler'],
    ['faultpath-pti-entry', 'entry text'], ['faultpath-entry-text', 'entry text'],
    ['faultpath-pf-reach', 'what the handler reaches'],
    ['faultpath-task-stack', 'task stacks']]],
  ['A double fault, when that fails', [
    ['faultpath-double-fault', 'its stack and TSS'], ['faultpath-df-target', 'handler']]],
  ['Other exceptions and interrupts', [
    ['faultpath-ist-stack', 'interrupt stacks'], ['faultpath-gate-target', 'handlers']]],
];
const NAMED_IN_BOX = 3;

const needs = data.needs.map((need) => ({
  ...need, rule: data.rules[need.rule], first: big(need.va), end: big(need.last),
}));
const HALF_KERNEL = 1, HALF_USER = 2;  // enum ws_half

const concerns = (need, space, cpu) => (need.cpu < 0 || need.cpu === cpu) &&
  (need.halves & (space.isUser ? HALF_USER : HALF_KERNEL)) !== 0;

function brokenBy(need, space) {
  return groupsOf(space).find((group) => group.rule === need.rule &&
    (group.cpu < 0 || need.cpu < 0 || group.cpu === need.cpu) &&
    group.first <= need.end && group.end >= need.first);
}

// Needs of one rule are one link, those that are missing first.
function makeBox(name, links, space) {
  const broken = links.filter((need) => brokenBy(need, space));
  const named = broken.concat(links.filter((need) => !broken.includes(need)));
  const lines = named.slice(0, NAMED_IN_BOX).map((need) =>
    make('span', { class: broken.includes(need) ? 'gone' : '' }, need.what));
  if (named.length > NAMED_IN_BOX)
    lines.push(make('span', {}, `and ${number(named.length - NAMED_IN_BOX)} more`));
  const missing = !broken.length ? '' : links.length === 1 ? ': not here'
    : `: ${number(broken.length)} of ${number(links.length)} not here`;
  return make('li', { class: broken.length ? 'broken' : '' }, make('b', {}, name + missing),
    ...lines);
}

function makeChain([title, links], space, cpu) {
  const boxes = [];
  for (const [rule, name] of links) {
    const found = needs.filter((need) => need.rule.id === rule && concerns(need, space, cpu));
    if (found.length)
      boxes.push(makeBox(name, found, space));
  }
  if (!boxes.length)
    return null;
  return make('ol', { class: 'chain', 'aria-label': title },
    make('li', { class: 'start' }, make('b', {}, title),
      make('span', {}, `in ${spaceName(space)}`)), ...boxes);
}

const makeFaultPath = (space, cpu) => make('div', { class: 'fault-path' },
  ...CHAINS.map((chain) => makeChain(chain, space, cpu)).filter(Boolean));

const brokenChain = (space) => groupsOf(space).some((group) => group.rule.family === 'fault-path');
