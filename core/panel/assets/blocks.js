// Parts of the blocks in the views of routes, tunnels and plugins.

import { el, setText } from './dom.js';

// titled is the head of a block: a light, a name, a state, its host, which may be empty, and
// buttons.
export function titled(host, ...buttons) {
  const light = el('span', { class: 'light' });
  const name = el('h3', {});
  const state = el('span', { class: 'state' });
  return {
    node: el('header', {}, light, name, state, host, el('span', { class: 'actions' }, ...buttons)),
    update(text, word, kind) {
      light.className = `light ${kind}`;
      setText(name, text);
      setText(state, word);
      state.className = `state ${kind}`;
    },
  };
}

// factList shows names with values, and hides those without.
export function factList(...names) {
  const items = names.map((name) => {
    const value = el('dd', {});
    return { value, node: el('div', {}, el('dt', { text: name }), value) };
  });
  return {
    node: el('dl', { class: 'facts' }, ...items.map((i) => i.node)),
    set(...values) {
      values.forEach((v, i) => {
        items[i].node.hidden = !v;
        setText(items[i].value, v || '');
      });
    },
  };
}
