// The view of all channels: which of them to show, and how densely.

import { card } from './card.js';
import { addChannel } from './channelform.js';
import { each, el, setAttribute } from './dom.js';
import { icon } from './icons.js';
import { kept } from './kept.js';
import { segments } from './segments.js';
import { standing } from './standing.js';

const MANY = 12; // from here on channels are a list unless people choose cards

const filters = [
  ['all', 'All', () => true],
  ['bad', 'Out', (c) => ['bad', 'warn'].includes(standing(c).kind)],
  ['off', 'Paused', (c) => !c.enabled],
];

export function channelsView(view, store, latest) {
  const chosen = { state: 'all', text: '', density: kept('density') };
  const grid = el('div', { class: 'channels' });
  const titles = el('div', { class: 'titles', 'aria-hidden': 'true' }, ...['Channel', 'First byte', 'Last ten minutes', 'Success', 'Calls', 'Tokens', 'Weight', 'Keys', ''].map((text) => el('span', { text })));
  const nothing = el('div', { class: 'empty', hidden: true });
  const bar = toolbar(chosen, () => show(), store);
  view.append(bar.node, titles, grid, nothing, latest);

  function show() {
    const all = store.state.channels;
    const fits = filters.find(([name]) => name === chosen.state)[2];
    const shown = all.filter((c) => fits(c) && matches(c, chosen.text));
    const density = chosen.density || (all.length > MANY ? 'list' : 'cards');
    grid.className = `channels ${density}`;
    setAttribute(grid, 'data-few', all.length <= 3);
    titles.hidden = density !== 'list' || !shown.length;
    bar.update(all, density);
    each(grid, shown, (c) => c.name, (c) => card(c, store));
    nothing.hidden = shown.length > 0;
    if (!shown.length) nothing.replaceChildren(...empty(all, chosen, bar.reset, store));
  }
  store.follow(show);
}

// matches looks at what people know a channel by.
function matches(c, text) {
  const t = text.trim().toLowerCase();
  return !t || [c.name, c.target, ...(c.models ?? []), ...c.keys.list.map((k) => k.label ?? '')].some((s) => s.toLowerCase().includes(t));
}

function empty(all, chosen, reset, store) {
  if (all.length) {
    const what = chosen.text ? `No channel matches “${chosen.text}”.` : { bad: 'No channel is out of service.', off: 'No channel is paused.' }[chosen.state];
    return [el('p', { text: what ?? 'No channel matches.' }), el('button', { type: 'button', text: 'Show all channels', on: { click: reset } })];
  }
  return [
    el('h2', { text: 'No channels yet' }),
    el('p', { text: 'A channel is a site that answers AI requests, with the keys you have there. Add the first one: you need its address and a key.' }),
    el('button', { type: 'button', class: 'primary', text: 'Add a channel', on: { click: () => addChannel(store) } }),
  ];
}

function toolbar(chosen, changed, store) {
  const text = el('input', { type: 'search', placeholder: 'Filter channels', 'aria-label': 'Filter channels by name, address, model or key' });
  text.addEventListener('input', () => {
    chosen.text = text.value;
    changed();
  });
  const states = segments('Which channels', filters.map(([name, title]) => [name, title]), (name) => {
    chosen.state = name;
    changed();
  });
  const densities = segments('Density', [['cards', 'Cards', 'cards'], ['list', 'List', 'list']], (name) => {
    chosen.density = name;
    kept('density', name);
    changed();
  });
  densities.node.classList.add('icons');
  return {
    node: el('div', { class: 'toolbar' },
      el('label', { class: 'search' }, icon('search'), text), states.node, el('span', { class: 'space' }), densities.node,
      el('button', { id: 'add-channel', type: 'button', class: 'primary', on: { click: () => addChannel(store) } }, icon('plus'), 'Add', el('span', { text: ' channel' }))),
    update(all, density) {
      for (const [name, title, fits] of filters) states.label(name, title, all.filter(fits).length);
      states.choose(chosen.state);
      densities.choose(density);
    },
    reset() {
      chosen.text = text.value = '';
      chosen.state = 'all';
      changed();
      text.focus();
    },
  };
}
