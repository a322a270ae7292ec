// The record of one request: every attempt, why its channel was chosen, and its result.

import { open } from './dialogs.js';
import { el } from './dom.js';
import { bytes, count, millis, moment } from './format.js';
import { code, quoted, said, t } from './i18n.js';
import { costText, keyText, statusKind, tokensInWords } from './logrow.js';
import { outage } from './states.js';

const verdictKinds = { ok: 'good', channel: 'bad', key: 'warn', request: 'warn', egress: 'bad', local: 'bad', client: 'off' };

export function showRecord(e) {
  const r = e.request;
  const attempts = r.attempts ?? [];
  const longest = Math.max(1, ...attempts.map((a) => (a.wait_ms ?? 0) + a.total_ms));
  const before = location.hash;
  const dialog = open({
    title: `${r.method} ${r.path}`,
    kind: 'sheet',
    content: el('div', { class: 'record' },
      el('p', { class: 'outcome' },
        el('span', { class: `status ${r.error && r.status < 400 ? 'bad' : statusKind(r.status)}`, text: r.status || t('record.noAnswer') }),
        el('span', { text: outcome(r) })),
      r.error && el('p', { class: 'why', text: said(code('fault', r.error)) }),
      r.message && el('p', { class: 'hint', text: t('record.told', { message: quoted(r.message) }) }),
      causes(r),
      el('dl', { class: 'facts' }, ...facts(e)),
      el('h3', { text: t('record.attempts', { n: attempts.length }) }),
      attempts.length
        ? el('ol', { class: 'attempts' }, ...attempts.map((a, i) => attemptItem(a, i, longest)))
        : el('p', { class: 'hint', text: t('record.none') })),
  });
  // While it is open it has an address of its own, which can be kept.
  const address = `#log/${encodeURIComponent(r.id)}`;
  history.replaceState(null, '', address);
  dialog.addEventListener('close', () => location.hash === address && history.replaceState(null, '', before === address ? '#log' : before || '#'));
}

function outcome(r) {
  if (r.status === 499) return t('record.canceled');
  const from = r.channel ? t('record.from', { name: r.channel }) : t('record.fromUs');
  return r.retries ? t('record.fromAfter', { from, n: r.retries }) : from;
}

// causes says why earlier channels did not answer: which failed, and which were not
// available. It is null if there are none.
function causes(r) {
  const item = (name, why) => el('li', {}, el('strong', { text: name }), t('words.colon'), el('span', { class: 'reason', text: why }));
  const failed = (r.attempts ?? []).filter((a) => a.verdict !== 'ok').map((a) => item(a.key ? `${a.channel} · ${keyText(a.channel, a.key)}` : a.channel, failure(a)));
  const out = (r.passed_over ?? []).map((o) => item(o.channel, t('record.wasOut', { why: passedOver(o) })));
  if (!failed.length && !out.length) return null;
  return el('section', { class: 'causes' }, el('h3', { text: r.channel && !r.error ? t('record.causes', { name: r.channel }) : t('record.failed') }), el('ul', {}, ...out, ...failed));
}

// passedOver is why a channel was not available, with each of its keys if they differ.
function passedOver(o) {
  const keys = o.keys ?? [];
  const same = keys.every((k) => k.why === keys[0].why && k.reason === keys[0].reason);
  if (same) return outage(o.why, o.reason);
  const each = keys.map((k) => t('record.keyOut', { key: keyText(o.channel, k.key), why: outage(k.why, k.reason) }));
  return t('outage.because', { what: code('reason', o.why), why: each.join(t('words.separator')) });
}

// failure is why an attempt failed.
const failure = (a) => quoted(a.error) || code('means', a.means || 'suspect');

function facts(e) {
  const r = e.request;
  const size = bytes(r.bytes_out);
  const all = [
    [t('record.when'), moment(e.time)], [t('record.route'), r.route], [t('column.model'), r.model], [t('column.channel'), r.channel], [t('column.key'), r.key && keyText(r.channel, r.key)],
    [t('record.firstByte'), millis(r.ttfb_ms)], [t('record.content'), r.content_ms && millis(r.content_ms)], [t('record.total'), millis(r.total_ms)], [t('record.in'), bytes(r.bytes_in)], [t('record.out'), r.stream ? t('record.streamed', { size }) : size],
    [t('record.tokens'), tokensInWords(r)], [t('record.cached'), r.tokens_cache_read && count(r.tokens_cache_read)], [t('record.cacheWrite'), r.tokens_cache_write && count(r.tokens_cache_write)],
    [t('record.reasoning'), r.tokens_reasoning && count(r.tokens_reasoning)], [t('column.cost'), r.currency ? costText(r) : (r.tokens_in || r.tokens_out) && t('usage.unknown')],
    [t('column.client'), r.client], [t('record.tunnel'), r.entry], [t('record.id'), r.id],
  ];
  return all.filter(([, value]) => value).map(([name, value]) => el('div', { class: String(value).length > 17 ? 'long' : null }, el('dt', { text: name }), el('dd', { text: value })));
}

function attemptItem(a, i, longest) {
  const kind = verdictKinds[a.verdict] ?? 'off';
  const words = code('verdict', a.verdict);
  const share = (n) => Math.round(((n ?? 0) / longest) * 1000) / 10;
  const times = [
    a.wait_ms > 0 && t('record.waited', { time: millis(a.wait_ms) }), a.ttfb_ms > 0 && t('record.ttfb', { time: millis(a.ttfb_ms) }), t('record.all', { time: millis(a.total_ms) }),
    a.egress && t('record.egress', { name: a.egress }), a.model && t('record.sentAs', { model: a.model }),
  ].filter(Boolean).join(t('words.comma'));
  const bar = el('div', { class: 'bar', 'aria-hidden': 'true' }, el('span', { class: `length ${kind}` }));
  bar.firstElementChild.style.marginLeft = `${share(a.wait_ms)}%`;
  bar.firstElementChild.style.width = `${Math.max(1, share(a.total_ms))}%`;
  return el('li', {},
    el('p', { class: 'where' }, el('span', { class: 'number', text: i + 1 }), el('strong', { text: a.channel }), a.key && el('span', { class: 'key', text: keyText(a.channel, a.key) }),
      el('span', { class: `verdict ${kind}`, text: a.status ? `${a.status}${t('words.comma')}${words}` : words })),
    bar,
    el('p', { class: 'times', text: times }),
    (a.error || (a.verdict !== 'ok' && a.means)) && el('p', { class: 'error', text: failure(a) }),
    a.stale && el('p', { class: 'hint', text: t('record.stale') }),
    a.sent && el('p', { class: 'hint', text: t('record.sent') }),
    (a.reason || a.plan) && el('p', { class: 'reason' }, el('span', { text: `${t('record.picked')} ` }), [i > 0 && t('record.afterFailure', { n: i }), quoted(a.reason), a.plan && t('record.plan', { n: a.plan })].filter(Boolean).join(' ')));
}
