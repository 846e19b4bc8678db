// SPDX-License-Identifier: LGPL-2.1-or-later
// The visibility map: spaces by pieces of the kernel's half, on a canvas that is as large as
// what is seen of it. Rows that are alike can be folded into one band.
const ROW_HEIGHTS = [1, 2, 3, 4, 6, 9, 12, 16, 20, 26];
const COLUMN_ZOOMS = [1, 1.5, 2, 3, 5, 8, 12, 20];
const LABELLED = 11;    // the least height of a row that has its name beside it
const AXIS_LEAST = 44;  // pixels for the names of regions, and of modules below
const UPRIGHT_MOST = 110;  // and more where they stand upright
const UPRIGHT_LEAST = 14;  // the width of a column with such a name
const VIEW_MOST = 460;  // pixels of height
const BAND_MOST = 96;

const map = {
  order: 'worst', fold: true, region: '', verdict: '', find: '',
  heightIndex: null, zoomIndex: 0,
  found: null,  // what a search found, of find.js
  bands: [],    // [{spaces, top, height, cells}]
  columns: [],  // [{piece, index, left, width}]
  height: 0, width: 0,
  cursor: { band: 0, column: 0 },
  selected: null,
};

let axis = AXIS_LEAST;     // the height of all the names above the rows
let upright = false;       // they stand: they are wider than their columns

const view = byId('view'), canvas = byId('cells'), overview = byId('overview');

// ---- which rows -------------------------------------------------------------------------------

const isWanted = (space) => (map.verdict === '' || space.verdict === Number(map.verdict)) &&
  (!map.found || map.found.rows(space));

const kindRank = { 'init_mm': 0, 'process': 1, 'user half': 1, [UNOWNED]: 2, 'lone': 3, 'freed': 4 };
const byPid = (a, b) => kindRank[a.kind] - kindRank[b.kind] || a.pid - b.pid || a.index - b.index;
const worstFirst = (a, b) => b.verdict - a.verdict || groupsOf(b).length - groupsOf(a).length ||
  a.row - b.row || a.isUser - b.isUser || byPid(a, b);

function wantedSpaces() {
  return spaces.filter(isWanted).sort(map.order === 'worst' ? worstFirst : byPid);
}

const alike = (a, b) => a.row === b.row && a.isUser === b.isUser && a.verdict === b.verdict;

function rowHeight(count) {
  if (map.heightIndex !== null)
    return ROW_HEIGHTS[map.heightIndex];
  const fits = ROW_HEIGHTS.filter((height) => height <= 20 && height * count <= VIEW_MOST - axis);
  return fits.length ? fits[fits.length - 1] : 1;
}

// A band of many is taller than one row, but not by as much as they are more.
const bandHeight = (row, count) =>
  Math.round(Math.min(count * row, BAND_MOST, row + 9 * Math.log2(count)));

function layOutRows() {
  const wanted = wantedSpaces(), bands = [];
  for (const space of wanted) {
    const last = bands[bands.length - 1];
    if (map.fold && last && alike(last.spaces[0], space))
      last.spaces.push(space);
    else
      bands.push({ spaces: [space], cells: cellsOf(space) });
  }
  const row = Math.max(rowHeight(bands.length), map.fold && bands.length < 40 ? LABELLED + 5 : 1);
  let top = 0;
  for (const band of bands) {
    band.top = top;
    band.height = bandHeight(row, band.spaces.length);
    top += band.height;
  }
  map.bands = bands;
  map.height = top;
  map.shown = wanted.length;
}

// ---- which columns ----------------------------------------------------------------------------

// Where nobody maps anything there is no column, but for what a space maps all the same.
const voids = pieces.map((piece) => !piece.mapped && !piece.userMapped);
for (const group of groups)
  if (group.cell !== CELL.HOLE)
    voids.fill(false, group.from, group.to + 1);

// What is mapped counts, but by its logarithm: a module is as interesting as all of RAM.
const weight = (piece) => 8 + 3 * Math.log2(1 + Math.max(piece.mapped, piece.userMapped) / 65536);

function wantedColumns() {
  const columns = [];
  pieces.forEach((piece, index) => {
    if (!voids[index] && (!map.region || piece.region === map.region) &&
        (!map.found || map.found.columns(index)))
      columns.push({ piece, index, weight: weight(piece), least: 6 });
  });
  return columns;
}

const startsRegion = (columns, i) =>
  !i || columns[i].piece.region !== columns[i - 1].piece.region;

function widthsOfNames(columns, context) {
  const least = columns.map(({ piece }) => piece.module
    ? context.measureText(piece.module).width + 8 : 12);
  for (let i = 0, end; i < columns.length; i = end) {
    for (end = i + 1; end < columns.length && !startsRegion(columns, end); end++)
      ;
    const wants = context.measureText(columns[i].piece.region).width + 4;
    const has = least.slice(i, end).reduce((sum, width) => sum + width, 0);
    least[i] += Math.max(0, wants - has);
  }
  return least;
}

// Columns wide enough for their names; where there is no room for that, names stand upright.
function makeRoomForNames(columns, room) {
  const context = canvas.getContext('2d');
  context.font = mapFont();
  const least = widthsOfNames(columns, context);
  const modules = columns.filter(({ piece }) => piece.module);
  upright = least.reduce((sum, width) => sum + width, 0) > room;
  columns.forEach((column, i) => {
    if (!upright)
      column.least = least[i];
    else if (column.piece.module || startsRegion(columns, i))
      column.least = UPRIGHT_LEAST;
  });
  const names = modules.map(({ piece }) => piece.module)
    .concat(columns.filter((_, i) => startsRegion(columns, i)).map(({ piece }) => piece.region));
  const longest = Math.max(0, ...names.map((name) => context.measureText(name).width));
  axis = upright ? Math.round(Math.min(UPRIGHT_MOST, longest) + 34) : AXIS_LEAST;
}

function layOutColumns(room) {
  const columns = wantedColumns();
  const gap = (i) => !i ? 0 : startsRegion(columns, i) ? 8 : 2;
  const free = room - columns.reduce((sum, _, i) => sum + gap(i), 0);
  makeRoomForNames(columns, free);
  const least = columns.reduce((sum, column) => sum + column.least, 0);
  const weights = columns.reduce((sum, column) => sum + column.weight, 0);
  const scale = Math.max(0, (free - least) / weights), zoom = COLUMN_ZOOMS[map.zoomIndex];
  let left = 0;
  columns.forEach((column, i) => {
    left += gap(i);
    column.left = left;
    column.width = (column.least + column.weight * scale) * zoom;
    left += column.width;
  });
  map.columns = columns;
  map.width = left;
}

// ---- drawing ----------------------------------------------------------------------------------

let paint = null;  // colours of the theme

function takeColours() {
  paint = {
    ink: colour('ink'), soft: colour('soft'), line: colour('line'), panel: colour('panel'),
    focus: colour('focus'),
    cell: {
      [CELL.SAME]: colour('calm'), [CELL.INFO]: colour('info'), [CELL.WARNING]: colour('warn'),
      [CELL.ERROR]: colour('wrong'), [CELL.STALE]: colour('stale'), [CELL.HOLE]: colour('hole'),
    },
    verdict: ['good', 'info', 'soft', 'warn', 'wrong', 'hole', 'hole'].map(colour),
  };
}

const gutter = () => view.clientWidth < 560 ? 92 : 176;
const mapFont = () => '12px ' + getComputedStyle(document.body).fontFamily;

function bandName(band) {
  const [first] = band.spaces, n = band.spaces.length;
  return n === 1 ? spaceName(first) : `${number(n)} alike: ${spaceName(first)} ...`;
}

function clipText(context, text, width) {
  if (context.measureText(text).width <= width)
    return text;
  while (text && context.measureText(text + '\u2026').width > width)
    text = text.slice(0, -1);
  return text ? text + '\u2026' : '';
}

function drawLabel(context, band, y, width) {
  const bad = band.spaces[0].verdict > 0;
  if (bad) {
    context.fillStyle = paint.verdict[band.spaces[0].verdict];
    context.fillRect(0, y, 4, Math.max(1, band.height - (band.height > 4 ? 1 : 0)));
  }
  if (band.height < LABELLED)
    return;
  context.fillStyle = bad ? paint.ink : paint.soft;
  context.fillText(clipText(context, bandName(band), width - 20), 12, y + band.height / 2);
}

// Stripes distinguish a hole from a page where colours do not.
function drawStripes(context, x, y, width, height) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = paint.panel;
  context.lineWidth = 1;
  context.beginPath();
  for (let at = x - height; at < x + width; at += 5) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}

function drawCells(context, band, y, left) {
  const height = band.height - (band.height > 3 ? 1 : 0);
  for (const column of map.columns) {
    const cell = band.cells[column.index], x = left + column.left;
    if (!cell || x + column.width < gutter() || x > view.clientWidth)
      continue;
    context.fillStyle = paint.cell[cell];
    context.fillRect(x, y, column.width, height);
    if (cell > CELL.SAME && height >= 8 && column.width >= 6)
      drawStripes(context, x, y, column.width, height);
  }
}

// Thin rows that are alike are drawn as one: the index behind those that begin at i.
function endOfRun(i) {
  const { height, cells } = map.bands[i];
  let end = i + 1;
  while (height <= 3 && end < map.bands.length && map.bands[end].cells === cells)
    end++;
  return end;
}

function drawBands(context, height, left) {
  const offset = view.scrollTop - axis, { bands } = map;
  for (let i = bandAt(view.scrollTop), end; i < bands.length && bands[i].top - offset < height;
    i = end) {
    end = endOfRun(i);
    const bottom = bands[end - 1].top + bands[end - 1].height;
    drawCells(context, { cells: bands[i].cells, height: bottom - bands[i].top },
      bands[i].top - offset, left);
  }
}

function drawLabels(context, height) {
  const offset = view.scrollTop - axis;
  context.fillStyle = paint.panel;
  context.fillRect(0, axis, gutter() - 6, height);
  for (let i = bandAt(view.scrollTop); i < map.bands.length; i++) {
    const y = map.bands[i].top - offset;
    if (y > height)
      break;
    drawLabel(context, map.bands[i], y, gutter());
  }
}

function regionRuns() {
  const runs = [];
  for (const column of map.columns) {
    const last = runs[runs.length - 1];
    if (last && last.region === column.piece.region)
      last.right = column.left + column.width;
    else
      runs.push({ region: column.piece.region, left: column.left,
        right: column.left + column.width, first: column });
  }
  return runs;
}

function drawAxis(context, left) {
  context.fillStyle = paint.panel;
  context.fillRect(0, 0, view.clientWidth, axis - 2);
  for (const run of regionRuns()) {
    const x = left + run.left, width = run.right - run.left;
    if (x + width < gutter() || x > view.clientWidth)
      continue;
    const shift = Math.max(0, gutter() - x);
    context.fillStyle = paint.ink;
    if (upright && !run.first.piece.module && context.measureText(run.region).width > width)
      drawUpright(context, run.region, x, Math.max(12, run.first.width));
    else
      context.fillText(clipText(context, run.region, width - shift), x + shift, 12);
    context.fillStyle = paint.soft;
    context.fillRect(x, axis - 5, width, 1);
  }
  drawModules(context, left);
  context.fillStyle = paint.panel;
  context.fillRect(0, 0, gutter() - 6, axis - 2);
}

function drawUpright(context, text, x, width) {
  context.save();
  context.translate(x + width / 2, axis - 9);
  context.rotate(-Math.PI / 2);
  context.fillText(clipText(context, text, axis - 32), 0, 0);
  context.restore();
}

function drawModules(context, left) {
  for (const column of map.columns) {
    const { piece, index, width } = column, x = left + column.left;
    const text = piece.module || address(piece.va);
    if (x + width < gutter() || x > view.clientWidth)
      continue;
    context.fillStyle = map.found?.marks.has(index) ? paint.focus : paint.soft;
    if (map.found?.marks.has(index))
      context.fillRect(x, axis - 5, width, 3);
    if (piece.module && upright)
      drawUpright(context, text, x, width);
    else if (context.measureText(text).width <= width - 2)
      context.fillText(text, x, axis - 16);
    else if (piece.module && width > 40)
      context.fillText(clipText(context, text, width - 2), x, axis - 16);
  }
}

function drawFrame(context, band, column, left, stroke, width) {
  const y = band.top - view.scrollTop + axis;
  context.strokeStyle = stroke;
  context.lineWidth = width;
  if (column)
    context.strokeRect(left + column.left - 1, y - 1, column.width + 2,
      Math.max(3, band.height + 1));
  else
    context.strokeRect(1, y - .5, view.clientWidth - 2, Math.max(3, band.height));
}

function sizeCanvas(element, width, height) {
  const ratio = devicePixelRatio, wide = Math.round(width * ratio);
  const high = Math.round(height * ratio);
  if (element.width !== wide || element.height !== high) {
    element.width = wide;
    element.height = high;
  }
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
  const context = element.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

function drawMap() {
  const width = view.clientWidth, height = view.clientHeight, left = gutter() - view.scrollLeft;
  const context = sizeCanvas(canvas, width, height);
  context.font = mapFont();
  context.textBaseline = 'middle';
  drawBands(context, height, left);
  const cursor = map.bands[map.cursor.band];
  const chosen = map.bands.find((band) => band.spaces.includes(map.selected));
  if (chosen && map.bands.length > 1)
    drawFrame(context, chosen, null, left, paint.soft, 1);
  if (cursor && document.activeElement === view)
    drawFrame(context, cursor, map.columns[map.cursor.column], left, paint.focus, 2);
  drawLabels(context, height);
  drawAxis(context, left);
  drawOverview();
}

// All rows at once, beside the scrolling ones: where the sick are.
function drawOverview() {
  const height = view.clientHeight;
  const context = sizeCanvas(overview, 11, height);
  const scale = (height - axis) / Math.max(1, map.height);
  for (const band of map.bands)
    if (band.spaces[0].verdict) {
      context.fillStyle = paint.verdict[band.spaces[0].verdict];
      context.fillRect(2, axis + band.top * scale, 7, Math.max(2, band.height * scale));
    }
  context.strokeStyle = paint.soft;
  if (map.height > height - axis)
    context.strokeRect(.5, axis + view.scrollTop * scale + .5, 10, (height - axis) * scale - 1);
}

let drawing = 0;
function redraw() {
  if (!drawing)
    drawing = requestAnimationFrame(() => {
      drawing = 0;
      drawMap();
    });
}

// ---- laying out, and finding one's way --------------------------------------------------------

function bandAt(y) {
  let low = 0, high = map.bands.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (map.bands[middle].top <= y)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

function columnAt(x) {
  const at = map.columns.findIndex((column) => x < column.left + column.width + 1);
  return at < 0 ? map.columns.length - 1 : at;
}

// Where all rows fit there is no bar beside them, and where columns do not, a bar below them
// takes nothing of their room.
function sizeView() {
  const wanted = map.height + axis + 10, bar = view.offsetHeight - view.clientHeight;
  view.style.overflowY = wanted <= VIEW_MOST ? 'hidden' : 'auto';
  view.style.height = `${Math.min(VIEW_MOST, wanted) + bar}px`;
}

function layOutMap() {
  layOutRows();
  layOutColumns(view.clientWidth - gutter() - 12);
  sizeView();
  layOutColumns(view.clientWidth - gutter() - 12);  // a scroll bar may have come or gone
  const extent = byId('extent');
  extent.style.width = `${map.width + gutter() + 10}px`;
  extent.style.height = `${map.height + axis + 6}px`;
  view.setAttribute('aria-rowcount', map.bands.length);
  view.setAttribute('aria-colcount', map.columns.length);
  map.cursor.band = Math.max(0, Math.min(map.cursor.band, map.bands.length - 1));
  map.cursor.column = Math.max(0, Math.min(map.cursor.column, map.columns.length - 1));
  fill('shown', `${number(map.shown)} of ${number(spaces.length)} spaces`);
  fill('found', map.found?.words ?? '');
  redraw();
}

function cellWords(band, column) {
  if (!band || !column)
    return '';
  const { piece, index } = column;
  const state = band.spaces[0].isUser && band.cells[index] === CELL.SAME
    ? "as in init_mm's user half" : CELL_WORDS[band.cells[index]];
  return `${bandName(band)}: ${piece.region}${piece.module ? ', module ' + piece.module : ''}, ` +
    `${address(piece.va)} to ${address(piece.last)}, ${state}`;
}

function markCursor() {
  const words = cellWords(map.bands[map.cursor.band], map.columns[map.cursor.column]);
  fill('cell', words);
  byId('cell-row').setAttribute('aria-rowindex', map.cursor.band + 1);
  byId('cell').setAttribute('aria-colindex', map.cursor.column + 1);
  fill('status-text', document.activeElement === view ? words : '');
}

function showCursor() {
  const band = map.bands[map.cursor.band], column = map.columns[map.cursor.column];
  const room = view.clientHeight - axis - 8;
  if (!band || !column)
    return;
  if (band.top < view.scrollTop)
    view.scrollTop = band.top;
  else if (band.top + band.height > view.scrollTop + room)
    view.scrollTop = band.top + band.height - room;
  const right = column.left + column.width, wide = view.clientWidth - gutter() - 10;
  if (column.left < view.scrollLeft)
    view.scrollLeft = column.left - 2;
  else if (right > view.scrollLeft + wide)
    view.scrollLeft = right - wide;
}

function moveCursor(rows, columns) {
  const clamp = (value, most) => Math.max(0, Math.min(value, most));
  map.cursor.band = clamp(map.cursor.band + rows, map.bands.length - 1);
  map.cursor.column = clamp(map.cursor.column + columns, map.columns.length - 1);
  showCursor();
  markCursor();
  redraw();
}

function zoomRows(by) {
  const now = map.heightIndex ?? ROW_HEIGHTS.indexOf(Math.min(20, rowHeight(map.bands.length)));
  map.heightIndex = Math.max(0, Math.min(now + by, ROW_HEIGHTS.length - 1));
  layOutMap();
  showCursor();
}

function zoomColumns(by) {
  map.zoomIndex = Math.max(0, Math.min(map.zoomIndex + by, COLUMN_ZOOMS.length - 1));
  layOutMap();
  showCursor();
}

const page = () => Math.max(1, Math.floor((view.clientHeight - axis) /
  Math.max(1, map.height / map.bands.length)));

const KEYS = {
  ArrowUp: () => moveCursor(-1, 0), ArrowDown: () => moveCursor(1, 0),
  ArrowLeft: () => moveCursor(0, -1), ArrowRight: () => moveCursor(0, 1),
  PageUp: () => moveCursor(-page(), 0), PageDown: () => moveCursor(page(), 0),
  Home: () => moveCursor(0, -map.columns.length), End: () => moveCursor(0, map.columns.length),
  '+': () => zoomRows(1), '=': () => zoomRows(1), '-': () => zoomRows(-1),
  ']': () => zoomColumns(1), '[': () => zoomColumns(-1),
  Enter: () => chooseBand(true), ' ': () => chooseBand(true),
};
const CONTROL_KEYS = {
  Home: () => moveCursor(-map.bands.length, -map.columns.length),
  End: () => moveCursor(map.bands.length, map.columns.length),
};

function chooseBand(focus) {
  const band = map.bands[map.cursor.band];
  if (band)
    selectSpace(band.spaces[0], focus, band.spaces);
}

// The cell under the mouse, or null.
function cellUnder(event) {
  const box = view.getBoundingClientRect();
  const x = event.clientX - box.left, y = event.clientY - box.top;
  if (y < axis || x > view.clientWidth || !map.bands.length)
    return null;
  const at = y - axis + view.scrollTop, band = bandAt(at);
  if (at > map.bands[band].top + map.bands[band].height)
    return null;
  return { band, column: columnAt(Math.max(0, x - gutter() + view.scrollLeft)) };
}

function showTip(event) {
  const cell = cellUnder(event), tip = byId('tip');
  tip.hidden = !cell;
  if (!cell)
    return;
  fill('tip', cellWords(map.bands[cell.band], map.columns[cell.column]));
  tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8)}px`;
}

function listenToMap() {
  view.addEventListener('keydown', (event) => {
    const key = (event.ctrlKey ? CONTROL_KEYS : KEYS)[event.key];
    if (!key || event.altKey || event.metaKey)
      return;
    event.preventDefault();
    key();
  });
  view.addEventListener('scroll', redraw, { passive: true });
  for (const name of ['focus', 'blur'])
    view.addEventListener(name, () => { markCursor(); redraw(); });
  view.addEventListener('mousemove', showTip);
  view.addEventListener('mouseleave', () => { byId('tip').hidden = true; });
  view.addEventListener('click', (event) => {
    const cell = cellUnder(event);
    if (!cell)
      return;
    map.cursor = cell;
    markCursor();
    chooseBand(false);
  });
  overview.addEventListener('click', (event) => {
    const share = (event.offsetY - axis) / Math.max(1, view.clientHeight - axis);
    view.scrollTop = share * map.height - (view.clientHeight - axis) / 2;
  });
}
