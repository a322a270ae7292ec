// The keys of a channel: the state of each, adding and removing.

import { channelPath, post, remove } from './api.js';
import { checkbox, confirm, field, form } from './dialogs.js';
import { each, el, setAttribute, setText } from './dom.js';
import { quoted, t } from './i18n.js';
import { icon } from './icons.js';
import { keyLines, pastedKeys } from './keylines.js';
import { keyState, left } from './states.js';
import { keyName } from './store.js';
import { attempt, confirmed } from './toast.js';

const FEW = 4; // keys that are shown without a click

// keySection returns a button that sums up the keys, and the list it opens.
export function keySection(channel, store) {
  const pips = el('span', { class: 'pips', 'aria-hidden': 'true' });
  const words = el('span', { class: 'words' });
  const summary = el('button', { type: 'button', class: 'keys quiet', 'aria-expanded': 'false' }, el('span', { class: 'title', text: t('keys.title') }), pips, words, icon('chevron'));
  const removed = () => add.focus(); // the button that had the focus is gone
  const rows = el('ul', { 'aria-label': t('keys.of', { name: channel }) });
  const add = el('button', { type: 'button', class: 'quiet', 'aria-label': t('keys.addLabel', { name: channel }), on: { click: () => addKeys(channel, store) } });
  const list = el('div', { class: 'keylist', hidden: true });
  const ticking = new Set();
  let asked = false; // the user opened or closed it
  let all = [];
  const show = (open) => {
    list.hidden = !open;
    if (open && !list.firstChild) {
      add.append(icon('plus'), t('keys.add'));
      list.append(rows, add);
    }
    if (open) each(rows, all, (k) => k.id, (k) => keyRow(channel, k.id, ticking, store, removed));
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
      all = c.keys.list;
      drawPips(pips, c.keys.list);
      setText(words, c.keys.total ? `${c.keys.alive} / ${c.keys.total}` : t('keys.none'));
      setAttribute(summary, 'aria-label', c.keys.total ? t('keys.ready', { name: channel, alive: c.keys.alive, n: c.keys.total }) : t('keys.noneOf', { name: channel }));
      show(asked ? !list.hidden : c.keys.total <= FEW && !summary.closest('.list'));
    },
  };
}

function drawPips(node, keys) {
  const kinds = keys.slice(0, 12).map((k) => keyState(k).kind);
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
    const { word } = keyState(key);
    const time = left(key.until);
    setText(state, time ? `${word}${t('words.comma')}${time}` : word);
    if (key.until && !time) store.refreshSoon(); // it is over
    if (!drop.isConnected) ticking.delete(tick);
  };
  ticking.add(tick);
  drop.addEventListener('click', () => removeKey(channel, key, store, removed));
  return {
    node: el('li', { 'data-key': id }, light, name, state, calls, drop),
    update(k) {
      key = k;
      const { kind } = keyState(k);
      light.className = `light small ${kind}`;
      setText(name, k.ephemeral ? t('keys.untilRestart', { name: keyName(k) }) : keyName(k));
      setAttribute(name, 'title', k.label ? `${k.label} ${k.masked}` : keyName(k));
      state.className = `key-state ${kind}`;
      setAttribute(state, 'title', quoted(k.reason) || null);
      setText(calls, t('keys.calls', { n: k.stats.totalRequests }));
      setAttribute(drop, 'aria-label', t('keys.removeLabel', { key: keyName(k), name: channel }));
      setAttribute(drop, 'title', t('keys.remove'));
      tick();
      ticking.add(tick);
    },
  };
}

async function removeKey(channel, key, store, removed) {
  const names = { key: keyName(key), name: channel };
  const sure = await confirm({
    title: t('keys.removeTitle', names),
    text: t(key.ephemeral ? 'keys.removeEphemeral' : 'keys.removeText', names),
    action: t('keys.removeAction'),
  });
  if (!sure) return;
  const done = await attempt(t('keys.removed', names), t('keys.notRemoved'), () => remove(channelPath(channel, 'keys', key.id)));
  await store.refresh();
  if (done) removed();
}

function addKeys(channel, store) {
  const lines = keyLines();
  const ephemeral = el('input', { type: 'checkbox', name: 'ephemeral' });
  form({
    title: t('keys.addTitle', { name: channel }),
    action: t('keys.add'),
    fields: {
      key: field({ label: t('keys.value'), hint: t('keys.valueHint'), input: lines.input, aside: lines.show }),
      ephemeral: checkbox({ label: t('keys.ephemeral'), hint: t('keys.ephemeralHint'), input: ephemeral }),
    },
    submit: async (wrong) => {
      const { keys, repeated } = pastedKeys(lines.input.value);
      if (!keys.length) wrong('key', t('keys.empty'));
      let done = 0;
      try {
        for (const key of keys) {
          await post(channelPath(channel, 'keys'), { ...key, ephemeral: ephemeral.checked });
          done++;
        }
      } catch (e) {
        if (done) {
          e.message = t('keys.notAdded', { done, n: keys.length, reason: e.message });
          e.diagnostics = [];
          lines.keep(keys.slice(done));
          store.refresh();
        }
        throw e;
      }
      lines.keep([]);
      confirmed([t('keys.added', { n: done }), repeated && t('keys.twice', { n: repeated })].filter(Boolean).join(' '));
      store.refresh();
    },
  });
}
