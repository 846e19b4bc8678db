// SPDX-License-Identifier: LGPL-2.1-or-later
// The page around the map, from the top down; then it is set going.
const CASES_SHOWN = 12, GROUPS_SHOWN = 100, ROWS_SHOWN = 200, PICKED_MOST = 2000;
const PAPER_WIDTH = 690;  // pixels between the margins of A4 and Letter

// ---- the headline -----------------------------------------------------------------------------

function fillHeadline() {
  fill('machine', [
    data.release ? `Linux ${data.release}` : 'an unknown kernel', data.format,
    `${number(data.cpus.length)} processor${data.cpus.length === 1 ? '' : 's'}`,
    data.pti ? 'page-table isolation' : null,
    data.kind === 'sim' ? 'a simulated machine' : `${data.packing ? `${data.packing}-compressed ` : ''}${data.kind} dump`,
  ].filter(Boolean).join(' \u00b7 '));
  fill('who', data.who);
  fillAbout();
  const counts = data.verdicts.map((_, v) => 
    spaces.filter((space) => space.verdict === v && !space.isUser).length);
  fill('verdicts', ...data.verdicts.map((_, v) => counts[v] ? makeVerdict(v, counts[v]) : null)
    .filter(Boolean).reverse());  // worst first
}

// "117 | will crash at their next page fault | nests: lacks the code behind a gate".
function makeVerdict(v, count) {
  const [name, meaning, one, many] = data.verdicts[v];
  const does = count === 1 ? one : many;
  return make('button', { type: 'button', class: name, 'aria-pressed': 'false', 'data-verdict': v,
    onclick: () => setVerdict(map.verdict === String(v) ? '' : String(v)) },
  make('b', {}, number(count)), make('span', { class: 'name' },
    does),
  make('span', { class: 'meaning' }, `${name}: ${meaning}`));
}

function fillAbout() {
  const facts = [];
  if (data.file !== null)
    facts.push(['File', data.file], ['Size', `${number(data.size)} bytes (${bytes(data.size)})`],
      ['SHA-256', data.sha256 ?? `not known: ${data.no_hash}`]);
  facts.push([data.taken_by ?? 'Dumped', data.taken || 'not known'], ['Report made', data.made]);
  fill('about', ...facts.map(([name, value]) => make('div', {}, make('dt', {}, name),
    make('dd', { class: name === 'SHA-256' && data.sha256 ? 'mono' : '' }, value))));
}

// ---- why it died ------------------------------------------------------------------------------

const makeClue = ({ about, va, pa, text }) => [about,
  va ?? (pa ? `${pa} (physical)` : ''), text];

// Of a machine that shows no trace of a death there is nothing to say.
function fillDeath() {
  const { sentence, cause, certainty, unknown, clues } = data.death;
  if (!cause && !clues.some((clue) => clue.about === 'log'))
    return;
  byId('death').hidden = false;
  fill('death-body', make('article', { class: 'card' },
    make('p', { class: 'cause' }, sentence[0].toUpperCase() + sentence.slice(1)),
    make('p', {}, cause ? `How sure: ${certainty}. ${cause.meaning}` : null),
    cause ? make('p', {}, make('b', {}, 'What to do: '), cause.fix) : null,
    unknown ? make('p', {}, `Unknown: ${unknown}`) : null,
    makeTable('The evidence', null, [['About'], ['Address', 'address'], ['Evidence']],
      clues.map(makeClue))));
}

// ---- the map's tools --------------------------------------------------------------------------

function setVerdict(verdict) {
  map.verdict = verdict;
  byId('verdict').value = verdict;
  for (const button of byId('verdicts').children)
    button.setAttribute('aria-pressed', String(button.dataset.verdict === verdict));
  layOutMap();
  fillTable();
}

const option = (value, text) => make('option', { value }, text);

function fillTools() {
  const present = new Set(spaces.map((space) => space.verdict));
  fill('verdict', option('', 'all'), ...data.verdicts.map(([name], v) =>
    present.has(v) ? option(v, name) : null).filter(Boolean));
  const regions = [...new Set(pieces.filter((_, i) => !voids[i]).map((piece) => piece.region))];
  fill('region', option('', 'all'), ...regions.map((region) => option(region, region)));
  const swatches = [['same', 'calm', 'as in init_mm'], ['hole', 'hole', 'missing'],
    ['stale', 'stale', 'stale'], ['wrong', 'wrong', 'wrong'], ['warn', 'warn', 'warning']];
  const used = new Set(groups.map((group) => group.cell));
  const isUsed = { same: true, hole: true, stale: used.has(CELL.STALE),
    wrong: used.has(CELL.ERROR), warn: used.has(CELL.WARNING) };
  fill('legend', ...swatches.filter(([name]) => isUsed[name]).map(([, name, words]) => {
    const swatch = make('i');
    swatch.style.setProperty('--swatch', `var(--${name})`);
    return make('span', {}, swatch, words);
  }));
}

function listenToTools() {
  const changed = (id, event, take) => byId(id).addEventListener(event, () => {
    take(byId(id));
    layOutMap();
    fillTable();
  });
  changed('find', 'input', (input) => {
    map.found = searchFor(input.value);
    map.zoomIndex = 0;
  });
  changed('region', 'change', (select) => { map.region = select.value; });
  changed('order', 'change', (select) => { map.order = select.value; });
  changed('fold', 'change', (box) => { map.fold = box.checked; map.heightIndex = null; });
  byId('verdict').addEventListener('change', () => setVerdict(byId('verdict').value));
  byId('tools').addEventListener('submit', (event) => event.preventDefault());
  byId('rows-less').addEventListener('click', () => zoomRows(-1));
  byId('rows-more').addEventListener('click', () => zoomRows(1));
  byId('columns-less').addEventListener('click', () => zoomColumns(-1));
  byId('columns-more').addEventListener('click', () => zoomColumns(1));
}

function spaceButton(space) {
  return make('button', { type: 'button', onclick: () => selectSpace(space, true) },
    spaceName(space));
}

function fillTable() {
  const details = byId('table');
  if (!details.open)
    return;
  const wanted = wantedSpaces();
  const lines = wanted.slice(0, ROWS_SHOWN).map((space) => [spaceButton(space), space.kind,
    address(space.root), number(space.tasks), badge(verdictName(space)),
    number(space.findings.length)]);
  details.querySelector('.scroll')?.remove();
  details.append(makeTable('Address spaces', wanted.length > ROWS_SHOWN
    ? `The first ${ROWS_SHOWN} of ${number(wanted.length)} spaces; find one above` : null,
  [['Space'], ['Kind'], ['Root', 'address'], ['Processes', 'number'], ['Verdict'],
    ['Findings', 'number']], lines));
}

// ---- one space --------------------------------------------------------------------------------

const processorOf = (space) => {
  const at = data.cpus.findIndex((cpu) => cpu.space === space.index);
  return at < 0 ? 0 : at;
};

function makePick(label, list, chosen, onpick) {
  const shown = list.slice(0, PICKED_MOST);
  if (!shown.includes(chosen))
    shown.unshift(chosen);
  const select = make('select', {}, ...shown.map((space) =>
    option(space.index, spaceName(space))));
  select.value = chosen.index;
  select.addEventListener('change', () => onpick(spaces[Number(select.value)]));
  return make('label', { class: 'pick who' }, label, ' ', select);
}

// With several processors, of the one that is chosen; at first the one that is in the space.
function makeFaultPathOf(space) {
  const holder = make('div'), at = processorOf(space);
  const show = (cpu) => holder.replaceChildren(makeFaultPath(space, cpu));
  show(at);
  if (data.cpus.length < 2)
    return holder;
  const select = make('select', {}, ...data.cpus.map((_, cpu) => option(cpu, cpu)));
  select.value = at;
  select.addEventListener('change', () => show(Number(select.value)));
  return make('div', {}, make('label', { class: 'pick who' }, 'Processor ', select), holder);
}

function fillPath(space) {
  const holder = make('div', {}, makeFaultPathOf(space));
  fill('path-body', makePick('In', spaces, space, (picked) =>
    holder.replaceChildren(makeFaultPathOf(picked))), holder);
}

function makeFacts(space) {
  const facts = [['root', address(space.root)], ['kind', space.kind],
    ['processes', number(space.tasks)], ['findings', number(space.findings.length)]];
  const loaded = data.cpus.flatMap((cpu, i) => cpu.space === space.index ? [i] : []);
  if (loaded.length)
    facts.push(['in CR3 of processor', loaded.join(', ')]);
  return make('p', { class: 'facts' }, badge(verdictName(space)), ...facts.map(([name, value]) =>
    make('span', {}, `${name} `, make('b', { class: 'mono' }, value))));
}

// What comes first is what all the rest follows from.
function makeReasons(space) {
  const [cause] = linesOf(space, space.caused);
  return make('div', {}, cause ? make('p', { class: 'cause' }, cause) : null,
    make('ol', { class: 'reasons' }, ...reasonsOf(space).map((line) => make('li', {}, line))));
}

// The fault path is drawn once, for one space.
function makePathLink(space) {
  return make('a', { href: '#path', class: 'pick', onclick: () => fillPath(space) },
    `See where its fault path breaks`);
}

function selectSpace(space, focus, others = [space]) {
  map.selected = space;
  fill('selected-title', spaceName(space));
  const body = [makeFacts(space)];
  if (others.length > 1)
    body.unshift(makePick(`One of ${number(others.length)} that are alike:`, others, space,
      (picked) => selectSpace(picked, false, others)));
  if (space.reasons >= 0)
    body.push(makeReasons(space));
  if (brokenChain(space))
    body.push(make('p', {}, makePathLink(space)));
  body.push(...foldCauses(space.findings.map((finding) => finding.group)).slice(0, GROUPS_SHOWN)
    .map((entry) => makeEntry(entry, (group) =>
      space.findings.find((finding) => finding.group === group))));
  fill('selected-body', make('div', { class: `card ${verdictName(space)}` }, ...body));
  byId('selected').hidden = false;
  fillPath(space);
  redraw();
  if (focus)
    byId('selected-title').focus();
}

// ---- who is sick ------------------------------------------------------------------------------

// Spaces with one verdict and the same findings are one case, as in `whosees audit`; what is
// found in a user half is its space's.
function sickCases() {
  const cases = new Map();
  for (const space of spaces) {
    const half = spaces[space.index + 1]?.isUser ? spaces[space.index + 1].row : -1;
    const key = `${space.verdict}/${space.row}/${half}`;
    if (!space.verdict || space.isUser)
      continue;
    if (cases.has(key))
      cases.get(key).push(space);
    else
      cases.set(key, [space]);
  }
  return [...cases.values()].sort((a, b) => b[0].verdict - a[0].verdict);
}

function caseName(sick) {
  const named = sick.slice(0, 3).map(spaceName).join(', ');
  return sick.length > 3 ? `${named} and ${number(sick.length - 3)} more` : named;
}

function makeCase(sick) {
  const [space] = sick, name = verdictName(space);
  return make('article', { class: `card ${name}`, 'data-spaces': sick.length },
    make('h3', {}, badge(name), caseName(sick)),
    makeReasons(space),
    make('p', { class: 'ways' }, sick.length > 1
      ? makePick('Look at', sick, space, (picked) => selectSpace(picked, true, sick))
      : make('button', { type: 'button', class: 'pick',
        onclick: () => selectSpace(space, true) }, `Look at ${spaceName(space)}`),
    brokenChain(space) ? makePathLink(space) : null));
}

function fillCases() {
  const cases = sickCases();
  if (!cases.length)
    fill('cases', make('p', {}, 'Nothing: every space sees what init_mm sees.'));
  else
    fill('cases', ...cases.slice(0, CASES_SHOWN).map(makeCase));
  if (cases.length > CASES_SHOWN)
    byId('cases').append(makeMore(cases.length - CASES_SHOWN, 'cases', () =>
      cases.slice(CASES_SHOWN).map(makeCase)));
}

function makeMore(n, what, rest) {
  const button = make('button', { type: 'button', onclick: () => button.replaceWith(...rest()) },
    `Show ${number(n)} more ${what}`);
  return button;
}

// ---- findings ---------------------------------------------------------------------------------

function makeGroupBody(group, chosen) {
  const holder = make('div');
  const show = (finding) => holder.replaceChildren(makeTrails(finding));
  const body = make('div', { class: 'group-body' });
  show(chosen ?? group.findings[0]);
  if (!chosen && group.findings.length > 1)
    body.append(makePick('In', group.findings.map((finding) => finding.space),
      group.findings[0].space,
      (space) => show(group.findings.find((finding) => finding.space === space))));
  body.append(holder, makeRule(group.rule));
  return body;
}

const makeRule = ({ meaning, fix, history }) => make('div', { class: 'rule-words' },
  make('p', {}, meaning), make('p', {}, make('b', {}, 'What to do: '), fix),
  make('p', {}, make('b', {}, 'Where it happened: '), history));

function makeGroup(group, chosen) {
  const name = severityName(group);
  const details = make('details', { class: `group ${name}`, 'data-group': group.index },
    make('summary', {}, badge(name), make('span', {}, group.rule.name),
      make('span', { class: 'where mono' }, `${address(group.va)} - ${address(group.last)} ` +
        `${group.region}${group.cpu >= 0 ? ', processor ' + group.cpu : ''}`),
      make('span', { class: 'count' }, chosen ? '' :
        `${number(group.spaces)} space${group.spaces === 1 ? '' : 's'}`),
      make('span', { class: 'what' }, group.text)));
  return makeLazy(details, () => makeGroupBody(group, chosen));
}

// Groups as they come, those of one cause in one entry: [{cause, groups}].
function foldCauses(list) {
  const entries = [], byCause = new Map();
  for (const group of list) {
    let entry = group.cause && byCause.get(group.cause);
    if (!entry) {
      entry = { cause: group.cause, groups: [] };
      entries.push(entry);
      byCause.set(group.cause, entry);
    }
    entry.groups.push(group);
  }
  return entries;
}

const some = (n, what) => `${number(n)} ${what}${n === 1 ? '' : 's'}`;

// chosen: the finding of a group to show, where it is of one space.
function makeEntry({ cause, groups: list }, chosen = () => undefined) {
  if (!cause || list.length < 2)
    return makeGroup(list[0], chosen(list[0]));
  const name = severityName(cause), isOne = chosen(list[0]) !== undefined;
  const what = isOne ? some(list.length, 'finding')
    : `${some(cause.findings, 'finding')} in ${some(cause.spaces, 'space')}`;
  const rules = [...new Set(list.map((group) => group.rule.name))];
  const details = make('details', { class: `group ${name}`, 'data-cause': cause.index },
    make('summary', {}, badge(name), make('span', {}, cause.words),
      make('span', { class: 'where' }, 'one missing entry'),
      make('span', { class: 'count' }, what),
      make('span', { class: 'what' }, `From it follow: ${rules.join('; ')}`)));
  return makeLazy(details, () => make('div', { class: 'group-body parts' },
    ...list.map((group) => makeGroup(group, chosen(group)))));
}

function fillFindings() {
  const entries = foldCauses(groups), caused = causes.reduce((sum, c) => sum + c.findings, 0);
  fill('findings-sentence', data.findings_sentence +
    (causes.length ? `; ${number(caused)} of them follow from ` +
      `${causes.length === 1 ? 'one missing entry' : `${number(causes.length)} missing entries`}`
      : ''));
  fill('groups', ...entries.slice(0, GROUPS_SHOWN).map((entry) => makeEntry(entry)));
  if (entries.length > GROUPS_SHOWN)
    byId('groups').append(makeMore(entries.length - GROUPS_SHOWN, 'lines', () =>
      entries.slice(GROUPS_SHOWN).map((entry) => makeEntry(entry))));
}

// ---- processors and notes ---------------------------------------------------------------------

const makeRegisters = (pairs) => make('dl', { class: 'registers mono' }, ...pairs.map(
  ([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, address(value)))));

function makeCpu(cpu, index) {
  const space = cpu.space === null ? null : spaces[cpu.space];
  return make('article', { class: 'card' },
    make('h3', {}, `Processor ${index}`, make('span', { class: 'who' },
      space ? `in the space of ${spaceName(space)}` : 'in no space that was audited')),
    makeRegisters(cpu.registers.concat(cpu.control ?? [])),
    cpu.segments ? makeTable(`Segments of processor ${index}`, null, [['Segment'], ['Selector', 'address'], ['Base', 'address'],
      ['Limit', 'address'], ['Flags', 'address']], cpu.segments.map(
      ([name, selector, base, limit, flags]) => [name, `0x${selector}`, address(base),
        `0x${limit}`, `0x${flags}`])) : null);
}

function fillProcessors() {
  byId('processors').hidden = !data.cpus.length;
  fill('cpus', ...data.cpus.map(makeCpu));
}

// On paper the rules that found something come once, and not with each finding.
function fillRules() {
  const found = data.rules.filter((rule) => groups.some((group) => group.rule === rule));
  byId('rules').hidden = !found.length;
  fill('rule-list', ...found.map((rule) => make('article', {},
    make('h3', {}, badge(data.severities[rule.severity]), ` ${rule.id}: ${rule.name}`),
    makeRule(rule))));
}

function fillNotes() {
  byId('notes').hidden = !data.notes.length;
  fill('note-list', ...data.notes.map((note) => make('li', {}, note)));
  fill('footer', `Made by whosees ${data.tool}; one file, which asks nothing of any network.`);
}

// ---- dark and light, and paper ----------------------------------------------------------------

const dark = matchMedia('(prefers-color-scheme: dark)');

function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? 'dark' : 'light');
}

function showTheme() {
  fill('theme', theme() === 'dark' ? 'Light mode' : 'Dark mode');
  takeColours();
  redraw();
}

function listenToTheme() {
  byId('theme').addEventListener('click', () => {
    document.documentElement.dataset.theme = theme() === 'dark' ? 'light' : 'dark';
    showTheme();
  });
  dark.addEventListener('change', showTheme);
}

// Paper is white, has no scroll bars, and cannot be clicked: what was found is all open.
function listenToPrinter() {
  let before = null;
  addEventListener('beforeprint', () => {
    before = { theme: document.documentElement.dataset.theme, open: [] };
    document.documentElement.dataset.theme = 'light';
    for (const details of document.querySelectorAll('#groups > details:not([open])'))
      if (before.open.length < 40) {
        details.open = true;
        details.dispatchEvent(new Event('toggle'));
        before.open.push(details);
      }
    view.style.flex = `0 0 ${PAPER_WIDTH}px`;
    takeColours();
    layOutMap();
    drawMap();
  });
  addEventListener('afterprint', () => {
    if (!before)
      return;
    if (before.theme)
      document.documentElement.dataset.theme = before.theme;
    else
      delete document.documentElement.dataset.theme;
    for (const details of before.open)
      details.open = false;
    before = null;
    view.style.flex = '';
    showTheme();
    layOutMap();
  });
}

// ---- go ---------------------------------------------------------------------------------------

function start() {
  fillDeath();
  fillHeadline();
  fillTools();
  fillCases();
  fillFindings();
  fillProcessors();
  fillRules();
  fillNotes();
  showTheme();
  layOutMap();
  markCursor();
  if (spaces.length)
    fillPath(sickCases().map(([space]) => space).find(brokenChain) ??
      spaces[data.cpus[0]?.space ?? 0]);
  listenToMap();
  listenToTools();
  listenToTheme();
  listenToPrinter();
  byId('table').addEventListener('toggle', fillTable);
  new ResizeObserver(layOutMap).observe(view);
}

start();
