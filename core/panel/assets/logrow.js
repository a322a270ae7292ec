// One line of the log.

import { el } from './dom.js';
import { clock, millis } from './format.js';
import { keyName, keyNamed } from './store.js';

// logRow makes the line of an event. Events do not change, so it is made once;
// a click on a request opens its record.
export function logRow(e, open) {
  const node = el('li', {}, e.request ? requestLine(e, open) : messageLine(e));
  return { node, update: () => {} };
}

// statusKind is the colour of a status.
export function statusKind(status) {
  if (status === 499 || !status) return 'off';
  if (status < 400) return 'good';
  return status < 500 ? 'warn' : 'bad';
}

// keyText is the name of a key in an event: what the channel's list calls it.
export function keyText(channel, id) {
  if (!id) return '–';
  const key = keyNamed(channel, id);
  return key ? keyName(key) : id;
}

function requestLine(e, open) {
  const r = e.request;
  const kind = r.error && r.status < 400 ? 'bad' : statusKind(r.status);
  const key = keyText(r.channel, r.key);
  const cell = (name, text, title) => el('span', { class: name, text, title });
  return el('button', {
    type: 'button', class: 'row', on: { click: () => open(e) },
    'aria-label': [`${clock(e.time)}: ${r.method} ${r.path}`, r.model, `answered ${r.status || 'nothing'}`, r.channel && `by ${r.channel}`, `after ${millis(r.total_ms)}`, r.retries ? `${r.retries} retries` : ''].filter(Boolean).join(', '),
  },
  cell('time', clock(e.time)),
  cell(`status ${kind}`, r.status || '–', r.error),
  el('span', { class: 'path', title: `${r.method} ${r.path}` }, el('span', { class: 'method', text: r.method }), r.path),
  cell('model', r.model || '–', r.model),
  cell('channel-name', r.channel || '–', r.channel),
  cell('key', key, key),
  cell('ttfb', millis(r.ttfb_ms)),
  cell('total', millis(r.total_ms)),
  cell(`retries${r.retries ? ' some' : ''}`, r.retries || ''));
}

const shortNames = { channel_toggle: 'toggle' };
const levels = { error: 'bad', warn: 'warn' };

function messageLine(e) {
  const about = [e.channel, e.key && keyText(e.channel, e.key), e.plugin].filter(Boolean).join(' · ');
  return el('div', { class: 'row message' },
    el('span', { class: 'time', text: clock(e.time) }),
    el('span', { class: `kind ${levels[e.level] ?? 'off'}`, text: shortNames[e.type] ?? e.type }),
    el('span', { class: 'words' }, about && el('strong', { text: about }), e.message || ''));
}
