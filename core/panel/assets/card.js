// One channel: its state, and what can be done with it.

import { channelPath, post } from './api.js';
import { editChannel } from './channelform.js';
import { el, setAttribute, setText } from './dom.js';
import { count, hostOf, millis, percent, sentence } from './format.js';
import { code, quoted, t } from './i18n.js';
import { icon } from './icons.js';
import { keySection } from './keys.js';
import { sparkline } from './sparkline.js';
import { left, recently, stateOf, why } from './states.js';
import { tick } from './ticker.js';
import { attempt } from './toast.js';
import { tryChannel } from './try.js';

// card returns the element of a channel and the function that updates it. In a list, the
// details of a channel are made when it is first opened.
export function card(first, store) {
  const name = first.name;
  let channel = first;
  let shown = {};
  let details = null;
  const head = heading(name);
  const latency = el('strong', {});
  const spark = sparkline();
  const figures = figureList();
  const keys = keySection(name, store);
  const expand = el('button', { type: 'button', class: 'expand quiet round', 'aria-expanded': 'false', 'aria-label': t('card.more', { name }) }, icon('chevron'));
  const node = el('article', { class: 'channel', 'data-name': name, 'aria-label': t('card.label', { name }) },
    head.node,
    el('div', { class: 'trend' }, el('p', { class: 'latency' }, latency, el('span', { text: t('card.firstByte') })), spark.node),
    figures.node, keys.summary, expand, keys.list);
  const makeDetails = () => {
    details = { reason: reasonBox(store), restrictions: restrictionList(name, store), actions: actionBar(name, () => channel, store) };
    head.node.after(details.reason.node, details.restrictions.node);
    node.append(details.actions.node);
  };
  const updateDetails = () => {
    details?.reason.update(channel);
    details?.restrictions.update(channel.restricted ?? []);
    details?.actions.update(channel);
  };
  expand.addEventListener('click', () => {
    const open = node.classList.toggle('open');
    setAttribute(expand, 'aria-expanded', String(open));
    if (!open) return;
    if (!details) makeDetails();
    updateDetails();
    keys.open();
  });
  tick(() => {
    if (!node.isConnected) return;
    details?.reason.tick();
    details?.restrictions.tick();
    keys.tick();
  });
  return {
    node,
    // update does nothing for a channel that has not changed.
    update(next) {
      if (next.c === shown.c && next.share === shown.share && next.density === shown.density) return;
      shown = next;
      const { c } = next;
      channel = c;
      const { kind, word } = stateOf(c);
      setAttribute(node, 'data-kind', kind);
      setAttribute(node, 'data-state', c.state);
      head.update(c, kind, word);
      setText(latency, c.latency ? millis(c.latency) : '–');
      spark.update(c.recent ?? []);
      figures.update(c, next.share);
      keys.update(c);
      if (!details && next.density === 'cards') makeDetails();
      updateDetails();
    },
  };
}

function heading(name) {
  const light = el('span', { class: 'light' });
  const state = el('span', { class: 'state' });
  const badges = el('span', { class: 'badges' });
  const host = el('p', { class: 'host' });
  const cause = el('p', { class: 'cause' }); // in place of the host where there is no room for both
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
      const way = c.egress?.find((e) => e.used);
      const wanted = [c.first && t('card.preferred'), way && way.name !== 'direct' && t('card.egress', { name: way.name }), c.fallback && t('card.fallback'), c.inFlight > 0 && t('card.inFlight', { n: c.inFlight })].filter(Boolean);
      if (wanted.join() !== badges.dataset.shown) {
        badges.dataset.shown = wanted.join();
        badges.replaceChildren(...wanted.map((text, i) => el('span', { class: `badge${i === 0 && c.first ? ' first' : ''}`, text })));
      }
    },
  };
}

// reasonBox says why a channel gets no requests, and counts down to when it
// does.
function reasonBox(store) {
  const what = el('strong', {});
  const more = el('span', {});
  const when = el('span', { class: 'when' });
  const node = el('div', { class: 'why', hidden: true }, what, more, when);
  let until = null;
  let counting = false;
  const tickTime = () => {
    const time = left(until);
    setText(when, until ? (time ? t('wait.next', { time }) : t('wait.now')) : '');
    if (counting && !time) store.refreshSoon(); // it is over
    counting = Boolean(time);
  };
  return {
    node,
    tick: tickTime,
    update(c) {
      const w = why(c);
      node.hidden = !w;
      if (!w) return;
      setText(what, sentence(w.what));
      setText(more, w.more ? sentence(w.more) : '');
      until = w.until;
      tickTime();
    },
  };
}

const MOST = 3; // restrictions that are shown

// restrictionList says for which models and endpoints a channel is not used, with a button
// that ends that.
function restrictionList(name, store) {
  const rows = el('ul', {});
  const forget = el('button', { type: 'button', class: 'quiet', text: t('card.forget'), 'aria-label': t('card.forgetLabel', { name }) });
  const node = el('div', { class: 'restricted', hidden: true }, rows, forget);
  let all = [];
  forget.addEventListener('click', async () => {
    await attempt(t('card.forgotten', { name }), t('card.notChanged', { name }), async () => store.adopt(await post(channelPath(name, 'toggle'), { enabled: true })));
    store.refresh();
  });
  const text = (r) => t('card.restricted', { what: r.model || r.endpoint || t('card.restrictedAll'), why: code('reason', r.state) });
  const tick = () => {
    const lines = all.slice(0, MOST).map((r) => [text(r), left(r.until)].filter(Boolean).join(t('words.comma')));
    if (all.length > MOST) lines.push(t('card.moreRestrictions', { n: all.length - MOST }));
    if (lines.join('\n') === rows.dataset.shown) return;
    rows.dataset.shown = lines.join('\n');
    rows.replaceChildren(...lines.map((line, i) => el('li', { text: line, title: quoted(all[i].reason) || null })));
  };
  return {
    node,
    tick,
    update(next) {
      all = next;
      node.hidden = !all.length;
      tick();
    },
  };
}

function figureList() {
  const values = {};
  const item = (name) => {
    values[name] = el('dd', {});
    return el('div', { class: name }, el('dt', { text: t(`card.${name}`) }), values[name]);
  };
  return {
    node: el('dl', {}, ...['success', 'share', 'calls', 'tokens', 'weight'].map(item)),
    update(c, share) {
      const { requests, failures } = recently(c);
      const success = requests ? 1 - failures / requests : null;
      const tokens = (c.tokens?.input ?? 0) + (c.tokens?.output ?? 0);
      setText(values.success, percent(success));
      setText(values.share, percent(share));
      setText(values.calls, count(c.stats.totalRequests));
      setText(values.tokens, count(tokens));
      setAttribute(values.tokens, 'title', tokens ? t('card.tokensInOut', { in: count(c.tokens.input), out: count(c.tokens.output) }) : null);
      setText(values.weight, c.weight);
      values.success.className = success !== null && success < 0.9 ? 'low' : '';
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
  const button = (what, f) => {
    const b = el('button', { type: 'button', class: 'quiet', text: t(`card.${what}`), 'aria-label': t(`card.${what}Label`, { name }) });
    b.addEventListener('click', () => f(b));
    return b;
  };
  const notChanged = t('card.notChanged', { name });
  const pause = button('pause', (b) => act(b,
    (r) => t(r.enabled ? 'card.resumed' : 'card.pausedNow', { name }), notChanged,
    async () => {
      const r = await post(channelPath(name, 'toggle'), { enabled: !channel().enabled });
      store.adopt(r);
      return r;
    }));
  const prefer = button('prefer', (b) => act(b,
    (r) => t(r.first ? 'card.preferredNow' : 'card.unpreferredNow', { name }), notChanged,
    () => post(channelPath(name, 'switch'), { on: !channel().first })));
  const check = button('check', (b) => act(b, (r) => checked(name, r), t('card.notChecked', { name }), () => post(channelPath(name, 'check'))));
  const test = button('try', () => tryChannel(channel(), store));
  const edit = button('edit', () => attempt(() => '', t('block.notRead'), () => editChannel(channel(), store)));
  const label = (b, what) => {
    setText(b, t(`card.${what}`));
    setAttribute(b, 'aria-label', t(`card.${what}Label`, { name }));
  };
  return {
    node: el('footer', {}, pause, prefer, check, test, edit),
    update(c) {
      label(pause, c.enabled ? 'pause' : 'resume');
      setAttribute(pause, 'title', t(c.enabled ? 'card.pauseTitle' : 'card.resumeTitle'));
      label(prefer, c.first ? 'unprefer' : 'prefer');
    },
  };
}

// checked is the result of a check in words.
function checked(name, r) {
  if (!r.ok) return { title: t('card.checkFailed', { name }), text: r.message };
  return t('card.checkOK', { name, time: millis(r.latency) });
}
