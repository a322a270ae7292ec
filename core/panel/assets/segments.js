// A few choices of which one is selected.

import { el, setAttribute, setText } from './dom.js';
import { icon } from './icons.js';

// segments are buttons of which one is selected.
export function segments(title, choices, choose) {
  const buttons = new Map();
  for (const [name, words, drawing] of choices) {
    const label = el('span', { text: words, class: drawing ? 'hidden-words' : '' });
    const number = el('span', { class: 'number' });
    const node = el('button', { type: 'button', title: drawing ? words : null, on: { click: () => choose(name) } }, drawing && icon(drawing), label, number);
    buttons.set(name, { node, label, number });
  }
  return {
    node: el('div', { class: 'segments', role: 'group', 'aria-label': title }, ...[...buttons.values()].map((b) => b.node)),
    choose(name) {
      for (const [n, b] of buttons) setAttribute(b.node, 'aria-pressed', String(n === name));
      const chosen = buttons.get(name)?.node;
      const row = chosen?.parentElement; // in a narrow window it is wider than what is seen of it
      if (row) row.scrollLeft = Math.min(chosen.offsetLeft - row.offsetLeft, Math.max(row.scrollLeft, chosen.offsetLeft - row.offsetLeft + chosen.offsetWidth - row.clientWidth + 3));
    },
    label(name, words, n) {
      setText(buttons.get(name).label, words);
      setText(buttons.get(name).number, n);
    },
  };
}
