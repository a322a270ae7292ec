// The record of one request: every attempt, why it went where it went, and
// what became of it.

import { open } from './dialogs.js';
import { el } from './dom.js';
import { bytes, millis, moment, plural } from './format.js';
import { keyText, statusKind } from './logrow.js';

const verdicts = {
  ok: ['good', 'answered'],
  channel: ['bad', 'the channel failed'],
  key: ['warn', 'the key was refused'],
  request: ['warn', 'the request itself was refused'],
  client: ['off', 'the caller went away'],
};

export function showRecord(e) {
  const r = e.request;
  const attempts = r.attempts ?? [];
  const longest = Math.max(1, ...attempts.map((a) => (a.wait_ms ?? 0) + a.total_ms));
  open({
    title: `${r.method} ${r.path}`,
    kind: 'sheet',
    content: el('div', { class: 'record' },
      el('p', { class: 'outcome' },
        el('span', { class: `status ${r.error && r.status < 400 ? 'bad' : statusKind(r.status)}`, text: r.status || 'no answer' }),
        el('span', { text: outcome(r) })),
      r.error && el('p', { class: 'why', text: r.error }),
      el('dl', { class: 'facts' }, ...facts(e)),
      el('h3', { text: plural(attempts.length, 'attempt') }),
      attempts.length
        ? el('ol', { class: 'attempts' }, ...attempts.map((a, i) => attemptItem(a, i, longest)))
        : el('p', { class: 'hint', text: 'It was sent to no channel.' })),
  });
}

function outcome(r) {
  if (r.status === 499) return 'The caller went away before the answer was whole.';
  const by = r.channel ? `from ${r.channel}` : 'from aitunnel itself';
  return r.retries ? `${by}, after ${(r.retries === 1 ? 'one retry' : `${r.retries} retries`)}` : by;
}

function facts(e) {
  const r = e.request;
  const all = [
    ['When', moment(e.time)], ['Route', r.route], ['Model', r.model], ['Channel', r.channel], ['Key', r.key && keyText(r.channel, r.key)],
    ['First byte', millis(r.ttfb_ms)], ['Total', millis(r.total_ms)], ['Sent by the caller', bytes(r.bytes_in)], ['Answered', bytes(r.bytes_out) + (r.stream ? ', streamed' : '')],
    ['Tokens', r.tokens && `${r.tokens.input} in, ${r.tokens.output} out`], ['Request ID', r.id],
  ];
  return all.filter(([, value]) => value).map(([name, value]) => el('div', { class: String(value).length > 17 ? 'long' : null }, el('dt', { text: name }), el('dd', { text: value })));
}

function attemptItem(a, i, longest) {
  const [kind, words] = verdicts[a.verdict] ?? ['off', a.verdict];
  const share = (n) => Math.round(((n ?? 0) / longest) * 1000) / 10;
  const times = [a.wait_ms > 0 && `waited ${millis(a.wait_ms)}`, a.ttfb_ms > 0 && `first byte ${millis(a.ttfb_ms)}`, `in all ${millis(a.total_ms)}`].filter(Boolean).join(', ');
  const bar = el('div', { class: 'bar', 'aria-hidden': 'true' }, el('span', { class: `length ${kind}` }));
  bar.firstElementChild.style.marginLeft = `${share(a.wait_ms)}%`;
  bar.firstElementChild.style.width = `${Math.max(1, share(a.total_ms))}%`;
  return el('li', {},
    el('p', { class: 'where' }, el('span', { class: 'number', text: i + 1 }), el('strong', { text: a.channel }), a.key && el('span', { class: 'key', text: keyText(a.channel, a.key) }),
      el('span', { class: `verdict ${kind}`, text: a.status ? `${a.status}, ${words}` : words })),
    bar,
    el('p', { class: 'times', text: times + (a.model ? `, sent as ${a.model}` : '') }),
    a.error && el('p', { class: 'error', text: a.error }),
    a.sent && el('p', { class: 'hint', text: 'It failed after the whole request was sent: the site may be at work on it still.' }),
    (a.reason || a.plan) && el('p', { class: 'reason' }, el('span', { text: 'Picked: ' }), `${a.reason ?? ''}${a.plan ? ` (plan ${a.plan})` : ''}`));
}
