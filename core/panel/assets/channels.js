// The view of all channels: which of them to show, and how densely.

import { post } from './api.js';
import { card } from './card.js';
import { addChannel } from './channelform.js';
import { confirm } from './dialogs.js';
import { each, el, setAttribute, setText } from './dom.js';
import { moment } from './format.js';
import { t } from './i18n.js';
import { icon } from './icons.js';
import { importChannels } from './importform.js';
import { kept } from './kept.js';
import { segments } from './segments.js';
import { needsAttention, recently } from './states.js';
import { attempt } from './toast.js';

const MANY = 12; // from this number on, channels are a list by default
const AT_ONCE = 24; // drawn before the page is painted; the others follow

const filters = [
  ['all', () => true],
  ['attention', needsAttention],
  ['paused', (c) => !c.enabled],
];

export function channelsView(view, store, latest) {
  const chosen = { state: 'all', text: '', density: kept('density') };
  const grid = el('div', { class: 'channels' });
  const columns = ['channel', 'firstByte', 'trend', 'success', 'calls', 'tokens', 'weight', 'keys'].map((name) => el('span', { text: t(`column.${name}`) }));
  const titles = el('div', { class: 'titles', 'aria-hidden': 'true' }, ...columns, el('span', {}));
  const nothing = el('div', { class: 'empty', hidden: true });
  const bar = toolbar(chosen, () => show(), store);
  const counted = countedSince(store);
  let drawn = AT_ONCE;
  let later = 0;
  view.append(bar.node, titles, grid, nothing, counted.node, latest);

  function show() {
    const all = inOrder(store.state.channels);
    const fits = filters.find(([name]) => name === chosen.state)[1];
    const shown = all.filter((c) => fits(c) && matches(c, chosen.text));
    const density = chosen.density || (all.length > MANY ? 'list' : 'cards');
    grid.className = `channels ${density}`;
    setAttribute(grid, 'data-few', all.length <= 3);
    titles.hidden = density !== 'list' || !shown.length;
    bar.update(all, density);
    const share = sharesOf(all);
    each(grid, shown.slice(0, drawn).map((c) => ({ c, share: share(c.name), density })), ({ c }) => c.name, ({ c }) => card(c, store));
    if (drawn < shown.length) drawMore();
    counted.update(store.state.stats, all.length);
    nothing.hidden = shown.length > 0;
    if (!shown.length) nothing.replaceChildren(...empty(all, chosen, bar.reset, store));
  }
  // drawMore draws further channels when what is drawn has been painted, so that all can
  // be found in the page soon after.
  function drawMore() {
    cancelAnimationFrame(later);
    later = requestAnimationFrame(() => setTimeout(() => {
      drawn += AT_ONCE;
      show();
    }));
  }
  addEventListener('beforeprint', () => {
    drawn = Infinity;
    if (store.state.status) show();
  });
  store.follow(show, view);
}

// inOrder sorts channels roughly in the order in which they are tried.
function inOrder(channels) {
  const rank = (c) => (c.first ? 0 : c.fallback ? 2 : 1);
  return [...channels].sort((a, b) => rank(a) - rank(b) || b.weight - a.weight);
}

// sharesOf are the channels' shares of the requests of the last ten minutes.
function sharesOf(channels) {
  const requests = new Map(channels.map((c) => [c.name, recently(c).requests]));
  const all = [...requests.values()].reduce((n, r) => n + r, 0);
  return (name) => (all ? requests.get(name) / all : null);
}

// matches searches the name, address, models and keys of a channel.
function matches(c, text) {
  const wanted = text.trim().toLowerCase();
  return !wanted || [c.name, c.target, ...(c.models ?? []), ...c.keys.list.flatMap((k) => [k.shown ?? '', k.label ?? '', k.masked ?? ''])].some((s) => s.toLowerCase().includes(wanted));
}

// countedSince shows when the totals began, with a button that resets them.
function countedSince(store) {
  const words = el('span', {});
  const reset = el('button', { type: 'button', class: 'quiet', text: t('counters.reset') });
  reset.addEventListener('click', async () => {
    if (!(await confirm({ title: t('counters.resetTitle'), text: t('counters.resetText'), action: t('counters.reset') }))) return;
    await attempt(t('counters.done'), t('counters.notDone'), () => post('/api/stats/reset'));
    store.refresh();
  });
  const node = el('p', { class: 'hint counted' }, words, reset);
  return {
    node,
    update(stats, channels) {
      node.hidden = !stats || !channels;
      if (stats) setText(words, t('counters.since', { time: moment(stats.since) }));
    },
  };
}

function empty(all, chosen, reset, store) {
  if (all.length) {
    const none = { attention: t('channels.noAttention'), paused: t('channels.nonePaused') }[chosen.state];
    const what = chosen.text ? t('channels.noMatch', { text: chosen.text }) : none;
    return [el('p', { text: what }), el('button', { type: 'button', text: t('channels.showAll'), on: { click: reset } })];
  }
  return [
    el('h2', { text: t('channels.none') }),
    el('p', { text: t('channels.noneHint') }),
    el('button', { type: 'button', class: 'primary', text: t('channels.addFirst'), on: { click: () => addChannel(store) } }),
  ];
}

function toolbar(chosen, changed, store) {
  const text = el('input', { type: 'search', placeholder: t('channels.filter'), 'aria-label': t('channels.filterLabel') });
  text.addEventListener('input', () => {
    chosen.text = text.value;
    changed();
  });
  const states = segments(t('channels.which'), filters.map(([name]) => [name, t(`channels.${name}`)]), (name) => {
    chosen.state = name;
    changed();
  });
  const densities = segments(t('channels.density'), [['cards', t('channels.cards'), 'cards'], ['list', t('channels.list'), 'list']], (name) => {
    chosen.density = name;
    kept('density', name);
    changed();
  });
  densities.node.classList.add('icons');
  return {
    node: el('div', { class: 'toolbar' },
      el('label', { class: 'search' }, icon('search'), text), states.node, el('span', { class: 'space' }), densities.node,
      el('button', { type: 'button', class: 'quiet', text: t('import.open'), on: { click: () => importChannels(store) } }),
      el('button', { id: 'add-channel', type: 'button', class: 'primary', on: { click: () => addChannel(store) } }, icon('plus'), t('channels.add'), el('span', { text: t('channels.addRest') }))),
    update(all, density) {
      for (const [name, fits] of filters) states.label(name, t(`channels.${name}`), all.filter(fits).length);
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
