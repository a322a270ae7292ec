// One channel: how it does, and what can be done with it.

import { channelPath, post } from './api.js';
import { editChannel } from './channelform.js';
import { el, setAttribute, setText } from './dom.js';
import { count, hostOf, millis, percent, sentence } from './format.js';
import { icon } from './icons.js';
import { keySection } from './keys.js';
import { sparkline } from './sparkline.js';
import { left, standing, why } from './standing.js';
import { tick } from './ticker.js';
import { attempt } from './toast.js';

// card returns the element of a channel and the function that updates it.
export function card(first, store) {
  const name = first.name;
  let channel = first;
  const head = heading(name);
  const reason = whyOut(store);
  const latency = el('strong', {});
  const spark = sparkline();
  const figures = figureList();
  const keys = keySection(name, store);
  const actions = actionBar(name, () => channel, store);
  const expand = el('button', { type: 'button', class: 'expand quiet round', 'aria-expanded': 'false', 'aria-label': `More about ${name}` }, icon('chevron'));
  const node = el('article', { class: 'channel', 'data-name': name, 'aria-label': `Channel ${name}` },
    head.node,
    reason.node,
    el('div', { class: 'trend' }, el('p', { class: 'latency' }, latency, el('span', { text: 'first byte' })), spark.node),
    figures.node, keys.summary, expand, keys.list, actions.node);
  expand.addEventListener('click', () => {
    const open = node.classList.toggle('open');
    setAttribute(expand, 'aria-expanded', String(open));
    if (open) keys.open();
  });
  tick(() => {
    if (!node.isConnected) return;
    reason.tick();
    keys.tick();
  });
  return {
    node,
    update(c) {
      channel = c;
      const { kind, word } = standing(c);
      setAttribute(node, 'data-kind', kind);
      head.update(c, kind, word);
      reason.update(c);
      setText(latency, c.latency ? millis(c.latency) : '–');
      spark.update(c.recent ?? []);
      figures.update(c);
      keys.update(c);
      actions.update(c);
    },
  };
}

function heading(name) {
  const light = el('span', { class: 'light' });
  const state = el('span', { class: 'state' });
  const badges = el('span', { class: 'badges' });
  const host = el('p', { class: 'host' });
  const cause = el('p', { class: 'cause' }); // in the place of the host where there is no room for more
  return {
    node: el('header', {}, light, el('h3', { text: name, title: name }), badges, state, host, cause),
    update(c, kind, word) {
      light.className = `light ${kind}`;
      state.className = `state ${kind}`;
      setText(state, word);
      setText(host, hostOf(c.target));
      setAttribute(host, 'title', c.target);
      const w = why(c);
      setText(cause, w ? sentence(w.more || w.what) : '');
      const wanted = [c.first && 'First choice', c.fallback && 'Fallback', c.inFlight > 0 && `${count(c.inFlight)} running`].filter(Boolean);
      if (wanted.join() !== badges.dataset.shown) {
        badges.dataset.shown = wanted.join();
        badges.replaceChildren(...wanted.map((text, i) => el('span', { class: `badge${i === 0 && c.first ? ' first' : ''}`, text })));
      }
    },
  };
}

// whyOut says why a channel gets no requests, and counts down to when it does.
function whyOut(store) {
  const what = el('strong', {});
  const more = el('span', {});
  const when = el('span', { class: 'when' });
  const node = el('div', { class: 'why', hidden: true }, what, more, when);
  let until = null;
  let counting = false;
  const ticking = () => {
    const rest = left(until);
    setText(when, until ? (rest ? `Next try in ${rest}` : 'The next request tries it') : '');
    if (counting && !rest) store.refreshSoon(); // it is over
    counting = Boolean(rest);
  };
  return {
    node,
    tick: ticking,
    update(c) {
      const w = why(c);
      node.hidden = !w;
      if (!w) return;
      setText(what, sentence(w.what));
      setText(more, w.more ? sentence(w.more) : '');
      until = w.until;
      ticking();
    },
  };
}

function figureList() {
  const values = {};
  const item = (name, title) => {
    values[name] = el('dd', {});
    return el('div', { class: name }, el('dt', { text: title }), values[name]);
  };
  return {
    node: el('dl', {}, item('success', 'Success'), item('calls', 'Calls'), item('tokens', 'Tokens'), item('weight', 'Weight')),
    update(c) {
      const tokens = (c.tokens?.input ?? 0) + (c.tokens?.output ?? 0);
      setText(values.success, percent(c.successRate));
      setText(values.calls, count(c.stats.totalRequests));
      setText(values.tokens, count(tokens));
      setAttribute(values.tokens, 'title', tokens ? `${count(c.tokens.input)} in, ${count(c.tokens.output)} out` : null);
      setText(values.weight, c.weight);
      values.success.className = c.successRate !== null && c.successRate < 0.9 ? 'low' : '';
    },
  };
}

function actionBar(name, channel, store) {
  const act = async (button, done, notDone, action) => {
    button.disabled = true;
    await attempt(done, notDone, action);
    button.disabled = false;
    button.focus({ preventScroll: true });
    store.refresh();
  };
  const button = (text, f) => {
    const b = el('button', { type: 'button', class: 'quiet', text });
    b.addEventListener('click', () => f(b));
    return b;
  };
  const pause = button('Pause', (b) => act(b,
    (r) => (r.enabled ? `${name} gets requests again.` : `${name} is paused. Its requests go to other channels.`),
    `${name} was not changed`,
    () => post(channelPath(name, 'toggle'), { enabled: !channel().enabled })));
  const first = button('Make first', (b) => act(b,
    (r) => (r.first ? `${name} is the first choice now.` : `${name} is no longer the first choice.`),
    `${name} was not changed`,
    () => post(channelPath(name, 'switch'), { on: !channel().first })));
  const check = button('Check now', (b) => act(b, (r) => checked(name, r), `${name} was not checked`, () => post(channelPath(name, 'check'))));
  const edit = button('Edit', () => editChannel(channel(), store));
  return {
    node: el('footer', {}, pause, first, check, edit),
    update(c) {
      setText(pause, c.enabled ? 'Pause' : 'Resume');
      setText(first, c.first ? 'Undo first' : 'Make first');
      for (const [b, what] of [[pause, c.enabled ? 'Pause' : 'Resume'], [first, c.first ? 'No longer prefer' : 'Make first choice:'], [check, 'Check now:'], [edit, 'Edit']]) {
        setAttribute(b, 'aria-label', `${what} ${name}`);
      }
    },
  };
}

// checked says what a check found.
function checked(name, r) {
  if (!r.ok) return { title: `${name} failed its check`, text: r.message };
  return `${name} is ${r.health}` + (r.latency ? `, it answered after ${millis(r.latency)}.` : '.');
}

