// The keys of a channel: how each stands, adding and removing.

import { channelPath, post, remove } from './api.js';
import { checkbox, confirm, field, form } from './dialogs.js';
import { each, el, setAttribute, setText } from './dom.js';
import { plural } from './format.js';
import { icon } from './icons.js';
import { keyStanding, left } from './standing.js';
import { keyName } from './store.js';
import { attempt, confirmed } from './toast.js';

const FEW = 4; // so many keys are shown without being asked for

// keySection returns a button that sums the keys up, and the list it opens.
export function keySection(channel, store) {
  const pips = el('span', { class: 'pips', 'aria-hidden': 'true' });
  const words = el('span', { class: 'words' });
  const summary = el('button', { type: 'button', class: 'keys quiet', 'aria-expanded': 'false' }, el('span', { class: 'title', text: 'Keys' }), pips, words, icon('chevron'));
  const removed = () => add.focus(); // the button that had the focus is gone
  const rows = el('ul', { 'aria-label': `Keys of ${channel}` });
  const add = el('button', { type: 'button', class: 'quiet', 'aria-label': `Add a key to ${channel}`, on: { click: () => addKey(channel, store) } }, icon('plus'), 'Add key');
  const list = el('div', { class: 'keylist', hidden: true }, rows, add);
  const ticking = new Set();
  let asked = false; // people said what they want to see
  const show = (open) => {
    list.hidden = !open;
    setAttribute(summary, 'aria-expanded', String(open));
  };
  summary.addEventListener('click', () => {
    asked = true;
    show(list.hidden);
  });
  return {
    summary,
    list,
    tick: () => ticking.forEach((f) => f()),
    open() {
      asked = true;
      show(true);
    },
    update(c) {
      drawPips(pips, c.keys.list);
      setText(words, c.keys.total ? `${c.keys.alive} / ${c.keys.total}` : 'none');
      setAttribute(summary, 'aria-label', c.keys.total ? `Keys of ${channel}: ${c.keys.alive} of ${c.keys.total} ready` : `${channel} has no keys`);
      each(rows, c.keys.list, (k) => k.id, (k) => keyRow(channel, k.id, ticking, store, removed));
      if (!asked) show(c.keys.total <= FEW && !summary.closest('.list'));
    },
  };
}

function drawPips(node, keys) {
  const kinds = keys.slice(0, 12).map((k) => keyStanding(k).kind);
  if (kinds.join() === node.dataset.shown) return;
  node.dataset.shown = kinds.join();
  node.replaceChildren(...kinds.map((kind) => el('span', { class: kind })));
}

function keyRow(channel, id, ticking, store, removed) {
  const light = el('span', { class: 'light small' });
  const name = el('span', { class: 'name' });
  const state = el('span', { class: 'key-state' });
  const calls = el('span', { class: 'calls' });
  const drop = el('button', { type: 'button', class: 'quiet round small' }, icon('close'));
  let key = { id };
  const tick = () => {
    const { word } = keyStanding(key);
    const rest = left(key.until);
    setText(state, rest ? `${word}, ${rest}` : word);
    if (key.until && !rest) store.refreshSoon(); // it is over
    if (!drop.isConnected) ticking.delete(tick);
  };
  ticking.add(tick);
  drop.addEventListener('click', () => removeKey(channel, key, store, removed));
  return {
    node: el('li', { 'data-key': id }, light, name, state, calls, drop),
    update(k) {
      key = k;
      const { kind } = keyStanding(k);
      light.className = `light small ${kind}`;
      setText(name, keyName(k) + (k.ephemeral ? ' (until a restart)' : ''));
      setAttribute(name, 'title', k.label ? k.masked : null);
      state.className = `key-state ${kind}`;
      setAttribute(state, 'title', k.reason || null);
      setText(calls, plural(k.stats.totalRequests, 'call'));
      setAttribute(drop, 'aria-label', `Remove the key ${keyName(k)} from ${channel}`);
      setAttribute(drop, 'title', 'Remove this key');
      tick();
      ticking.add(tick);
    },
  };
}

async function removeKey(channel, key, store, removed) {
  const sure = await confirm({
    title: `Remove the key ${keyName(key)}?`,
    text: key.ephemeral
      ? `${channel} stops using it for new requests. It stands in no file.`
      : `It is taken out of the configuration, and ${channel} stops using it for new requests. The panel cannot show it again.`,
    action: 'Remove key',
  });
  if (!sure) return;
  const done = await attempt(`The key ${keyName(key)} of ${channel} is removed.`, 'The key was not removed', () => remove(channelPath(channel, 'keys', key.id)));
  await store.refresh();
  if (done) removed();
}

function addKey(channel, store) {
  const value = el('input', { type: 'password', autocomplete: 'off', spellcheck: 'false', name: 'key' });
  const label = el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', name: 'label' });
  const ephemeral = el('input', { type: 'checkbox', name: 'ephemeral' });
  form({
    title: `Add a key to ${channel}`,
    action: 'Add key',
    fields: [
      field({ label: 'Key', hint: 'It is never shown again, here or anywhere.', input: value }),
      field({ label: 'Label', hint: 'Optional. What the panel and the log call it.', input: label }),
      checkbox({ label: 'Until a restart only', hint: 'It is not written to the configuration.', input: ephemeral }),
    ],
    submit: async () => {
      if (!value.value.trim()) throw new Error('Write the key first.');
      const body = { key: value.value.trim(), ephemeral: ephemeral.checked };
      if (label.value.trim()) body.label = label.value.trim();
      const made = await post(channelPath(channel, 'keys'), body);
      value.value = '';
      confirmed(`The key ${keyName(made)} is added; the next request can use it.`);
      store.refresh();
    },
  });
}
