// One line of the log.

import { el, setAttribute, setText } from './dom.js';
import { clock, count, millis, moment } from './format.js';
import { code, said, t } from './i18n.js';
import { keyName, keyNamed } from './store.js';
import { money } from './usagetime.js';

// logRow makes the line of an event. Events do not change, but the name of a key may be
// known only later. A click on a request opens its record.
export function logRow(e, open) {
  const node = el('li', {}, e.request ? requestLine(e, open) : messageLine(e));
  const key = node.querySelector('.key');
  return {
    node,
    update() {
      if (!key) return;
      setText(key, keyText(e.request.channel, e.request.key));
      setAttribute(key, 'title', key.textContent);
    },
  };
}

// statusKind is the color of a status.
export function statusKind(status) {
  if (status === 499 || !status) return 'off';
  if (status < 400) return 'good';
  return status < 500 ? 'warn' : 'bad';
}

// keyText is the name of a key in an event: the one that the channel's list
// shows.
export function keyText(channel, id) {
  if (!id) return '–';
  const key = keyNamed(channel, id);
  return key ? keyName(key) : id;
}

function requestLine(e, open) {
  const r = e.request;
  const kind = r.error && r.status < 400 ? 'bad' : statusKind(r.status);
  const cell = (name, text, title) => el('span', { class: name, text, title });
  const label = [
    t('log.row', { time: clock(e.time), request: `${r.method} ${r.path}` }), r.model,
    r.status ? t('log.answered', { status: String(r.status) }) : t('log.noAnswer'),
    r.channel && t('log.by', { name: r.channel }), t('log.after', { time: millis(r.total_ms) }), r.retries && t('log.retries', { n: r.retries }),
  ];
  return el('button', { type: 'button', class: 'row', on: { click: () => open(e) }, 'aria-label': label.filter(Boolean).join(t('words.comma')) },
    cell('time', when(e.time), moment(e.time)),
    cell(`status ${kind}`, r.status || '–', r.error),
    el('span', { class: 'path', title: `${r.method} ${r.path}` }, el('span', { class: 'method', text: r.method }), r.path),
    cell('model', r.model || '–', r.model),
    cell('channel-name', r.channel || '–', r.channel),
    cell('key', ''),
    cell('client', r.client || '–', r.client),
    cell('tokens', tokens(r), tokensInWords(r)),
    cell('cost', costText(r)),
    cell('ttfb', millis(r.ttfb_ms)),
    cell('total', millis(r.total_ms)),
    cell(`retries${r.retries ? ' some' : ''}`, r.retries || ''));
}

// when writes the time of day, with the date before it unless that is today.
function when(time) {
  const d = new Date(time);
  return d.toDateString() === new Date().toDateString() ? clock(time) : `${d.getMonth() + 1}/${d.getDate()} ${clock(time).slice(0, 5)}`;
}

const tokens = (r) => (r.tokens_in || r.tokens_out ? count((r.tokens_in ?? 0) + (r.tokens_out ?? 0)) : '–');

// tokensInWords is the number of tokens that a site reported for a request.
export const tokensInWords = (r) => ((r.tokens_in || r.tokens_out) ? t('record.tokensInOut', { in: count(r.tokens_in), out: count(r.tokens_out) }) : '');

// costText is the cost of a request, – where it is not known.
export const costText = (r) => (r.currency ? money({ amount: r.cost ?? 0, currency: r.currency }) : '–');

const levels = { error: 'bad', warn: 'warn' };

function messageLine(e) {
  const about = [e.channel, e.key && keyText(e.channel, e.key), e.plugin, e.tunnel].filter(Boolean).join(' · ');
  return el('div', { class: 'row message' },
    el('span', { class: 'time', text: clock(e.time) }),
    el('span', { class: `kind ${levels[e.level] ?? 'off'}`, text: code('eventType', e.type) }),
    el('span', { class: 'words' }, about && el('strong', { text: about }), said(e.message)));
}
