// A group of buttons of which one is selected.

import { el, setAttribute, setText } from './dom.js';
import { icon } from './icons.js';

// segments are buttons of which one is selected.
export function segments(title, choices, choose) {
  const buttons = new Map();
  let chosen;
  for (const [name, words, drawing] of choices) {
    const label = el('span', { text: words, class: drawing ? 'hidden-words' : '' });
    const number = el('span', { class: 'number' });
    const node = el('button', { type: 'button', title: drawing ? words : null, on: { click: () => choose(name) } }, drawing && icon(drawing), label, number);
    buttons.set(name, { node, label, number });
  }
  return {
    node: el('div', { class: 'segments', role: 'group', 'aria-label': title }, ...[...buttons.values()].map((b) => b.node)),
    choose(name) {
      if (name === chosen) return; // reading positions makes the browser lay the page out
      chosen = name;
      for (const [n, b] of buttons) setAttribute(b.node, 'aria-pressed', String(n === name));
      requestAnimationFrame(() => intoView(buttons.get(name)?.node));
    },
    label(name, words, n) {
      setText(buttons.get(name).label, words);
      setText(buttons.get(name).number, n);
    },
  };
}

// intoView scrolls to a button in its row, which may be wider than a narrow window.
function intoView(button) {
  const row = button?.parentElement;
  if (row) row.scrollLeft = Math.min(button.offsetLeft - row.offsetLeft, Math.max(row.scrollLeft, button.offsetLeft - row.offsetLeft + button.offsetWidth - row.clientWidth + 3));
}
