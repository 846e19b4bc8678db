// SPDX-License-Identifier: LGPL-2.1-or-later
// Building the document. Text goes in as text, never as markup: it comes from a dump.
const byId = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null)
      continue;
    if (name === 'class')
      node.className = value;
    else if (name.startsWith('on'))
      node.addEventListener(name.slice(2), value);
    else
      node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const badge = (name) => make('span', { class: `badge ${name}` }, name);
const code = (text) => make('code', {}, text);

function fill(id, ...children) {
  byId(id).replaceChildren(...children);
}

// A table of text; columns are [title, class], cells text or nodes. Where it is wider than
// the page it scrolls, by keys too: name is what the scrolling region is called.
function makeTable(name, caption, columns, lines) {
  const head = columns.map(([title, kind]) => make('th', { scope: 'col', class: kind }, title));
  const body = lines.map((line) => make('tr', {}, ...line.map((cell, i) =>
    make('td', { class: columns[i][1] }, cell))));
  return make('div', { class: 'scroll', tabindex: 0, role: 'region',
    'aria-label': name }, make('table', {},
    caption ? make('caption', {}, caption) : null,
    make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...body)));
}

// A <details> whose body is made when it is first opened.
function makeLazy(details, body) {
  let made = false;
  details.addEventListener('toggle', () => {
    if (details.open && !made) {
      made = true;
      details.append(body());
    }
  });
  return details;
}

// What a CSS variable comes to now, in this theme.
const probe = document.body.appendChild(make('span', { hidden: '' }));
function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}
