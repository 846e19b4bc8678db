// SPDX-License-Identifier: LGPL-2.1-or-later
// The search: spaces by pid, name or root, parts of the kernel's half by module, region or
// address, and a sentence on what was found.

// "c4ffe000" is an address, "117" a pid: a number without 0x needs a letter, and some length.
function addressIn(text) {
  const digits = /^(?:0x)?([0-9a-f]{1,16})$/.exec(text)?.[1];
  if (!digits || !text.startsWith('0x') && !(digits.length >= 6 && /[a-f]/.test(digits)))
    return null;
  return BigInt('0x' + digits);
}

// The piece that holds an address, or -1.
function pieceOf(va) {
  const at = pieces.length ? pieceAt(va) : -1;
  return at >= 0 && va >= pieces[at].first && va <= pieces[at].end ? at : -1;
}

// A number is a whole pid, or a part of a name.
const isFoundSpace = (space, text, va) => va !== null && big(space.root) === va ||
  (/^\d+$/.test(text) ? String(space.pid) === text && space.hasPid || space.comm.includes(text)
    : spaceName(space).toLowerCase().includes(text));

const isFoundPiece = (piece, text) => (piece.module ?? '').toLowerCase().includes(text) ||
  piece.region.toLowerCase().includes(text);

function addressWords(va, at) {
  const piece = pieces[at];
  const bad = spaces.filter((space) => cellsOf(space)[at] > CELL.SAME).length;
  const where = `${address(va.toString(16))} lies in ${piece.region}` +
    (piece.module ? `, module ${piece.module}` : '');
  if (voids[at])
    return `${where}, where init_mm maps nothing.`;
  return `${where}: ${bad ? `something is wrong there in ${number(bad)} of ` +
    `${number(spaces.length)} spaces` : `all ${number(spaces.length)} spaces see it`}.`;
}

function foundWords(text, inSpaces, marks, va, at) {
  const some = (n, one) => `${number(n)} ${one}${n === 1 ? '' : 's'}`;
  const names = [...new Set([...marks].map((index) =>
    pieces[index].module ? `module ${pieces[index].module}` : pieces[index].region))];
  if (va !== null && at >= 0)
    return addressWords(va, at);
  if (!inSpaces.size && !marks.size)
    return `No match for \u201c${text}\u201d: no pid, name, module, region or address is like it.`;
  return 'Found ' + [inSpaces.size ? some(inSpaces.size, 'space') : null,
    names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${number(names.length - 3)} more`
      : names.join(', ') || null].filter(Boolean).join('; ') + '.';
}

// Null for no search. Where both were found, rows are chosen and columns only marked.
function searchFor(typed) {
  const text = typed.trim().toLowerCase();
  if (!text)
    return null;
  const va = addressIn(text), at = va === null ? -1 : pieceOf(va);
  const inSpaces = new Set(spaces.filter((space) => isFoundSpace(space, text, va)));
  const marks = new Set(pieces.map((_, index) => index).filter((index) => !voids[index] &&
    (index === at || isFoundPiece(pieces[index], text))));
  const nothing = !inSpaces.size && !marks.size && at < 0;
  return {
    marks, words: foundWords(typed.trim(), inSpaces, marks, va, at),
    rows: (space) => inSpaces.size ? inSpaces.has(space) : !nothing,
    columns: (index) => inSpaces.size || !marks.size || marks.has(index),
  };
}
