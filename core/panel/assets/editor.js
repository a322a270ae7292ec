// A text area with line numbers, colors, and the errors in the text at their lines. The
// same text with the colors is below the text area.

import { el, setAttribute } from './dom.js';
import { parts } from './hcl.js';
import { said, t } from './i18n.js';

export function editor(changed) {
  const input = el('textarea', { spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', autocorrect: 'off', wrap: 'off', 'aria-label': t('config.text'), 'aria-describedby': 'mistakes' });
  const colors = el('pre', { 'aria-hidden': 'true' });
  const gutter = el('div', { class: 'gutter', 'aria-hidden': 'true' });
  const node = el('div', { class: 'editor' }, gutter, el('div', { class: 'text' }, colors, input));
  let lines = []; // what is drawn
  let marks = new Map(); // by line, from 1

  function draw() {
    const wanted = input.value.split('\n');
    while (colors.children.length > wanted.length) {
      colors.lastElementChild.remove();
      gutter.lastElementChild.remove();
    }
    wanted.forEach((line, i) => {
      const as = `${marks.get(i + 1)?.key ?? ''}|${line}`;
      if (lines[i] === as && colors.children[i]) return;
      const drawn = drawLine(line, marks.get(i + 1));
      if (colors.children[i]) colors.children[i].replaceWith(drawn);
      else colors.append(drawn);
      if (!gutter.children[i]) gutter.append(el('span', { text: i + 1 }));
      setAttribute(gutter.children[i], 'class', marks.get(i + 1)?.kind ?? null);
      lines[i] = as;
    });
    lines.length = wanted.length;
    follow();
  }
  function follow() {
    colors.scrollTop = gutter.scrollTop = input.scrollTop;
    colors.scrollLeft = input.scrollLeft;
  }
  input.addEventListener('input', () => {
    draw();
    changed();
  });
  input.addEventListener('scroll', follow);

  return {
    node,
    input,
    get text() {
      return input.value;
    },
    set text(value) {
      input.value = value;
      input.setSelectionRange(0, 0);
      marks = new Map();
      draw();
    },
    // mark shows diagnostics at their lines.
    mark(diagnostics) {
      marks = new Map();
      for (const d of diagnostics) {
        if (!d.line) continue;
        const known = marks.get(d.line);
        const words = known ? `${known.words} · ${said(d.summary)}` : said(d.summary);
        const kind = d.severity === 'warning' && known?.kind !== 'error' ? 'warning' : 'error';
        marks.set(d.line, { kind, words, key: `${kind} ${words}` });
      }
      draw();
    },
    // go puts the cursor at a line and column and scrolls to it.
    go(line, column = 1) {
      const before = input.value.split('\n').slice(0, line - 1);
      const at = before.reduce((n, l) => n + l.length + 1, 0) + column - 1;
      input.focus({ preventScroll: true });
      input.setSelectionRange(at, at);
      const height = input.scrollHeight / Math.max(1, input.value.split('\n').length);
      input.scrollTop = Math.max(0, (line - 4) * height);
      node.scrollIntoView({ block: 'nearest' });
      follow();
    },
  };
}

function drawLine(line, mark) {
  const node = el('div', { class: mark?.kind ?? null, 'data-mark': mark ? 'true' : null }, ...parts(line).map(([kind, text]) => (kind === 'plain' ? text : el('span', { class: kind, text }))));
  if (mark) node.append(el('span', { class: 'note', text: mark.words }));
  else if (!line) node.append('\n');
  return node;
}
