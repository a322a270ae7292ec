// The color and the words of the states that the program reports.

import { now } from './api.js';
import { percent, span } from './format.js';
import { code, listOf, quoted, t } from './i18n.js';

const stateKinds = { unknown: 'new', ready: 'good', degraded: 'warn', cooling_down: 'bad', down: 'bad', paused: 'off' };

// stateKind is the color of a channel's state, or of that of all channels.
export const stateKind = (state) => stateKinds[state] ?? 'warn';

// stateOf is the color and the word for a channel.
export const stateOf = (c) => ({ kind: stateKind(c.state), word: code('state', c.state) });

// needsAttention reports whether people should look at a channel.
export const needsAttention = (c) => ['bad', 'warn'].includes(stateKind(c.state));

// why says why a channel is not simply ready: the reason, more about it, and
// until when. It is null if there is nothing to say.
export function why(c) {
  if (!needsAttention(c)) return null;
  const what = code('reason', c.stateReason);
  switch (c.stateReason) {
    case 'no_key':
    case 'keys_out':
      return { what, more: tally(c.keys.list), until: c.stateReason === 'no_key' ? soonest(c.keys.list) : null };
    case 'keys_rejected': {
      const endpoints = [...new Set(c.keys.list.flatMap((k) => k.invalid_for ?? []))].sort();
      return { what, more: t('keys.rejectedBy', { endpoints: listOf(endpoints), n: endpoints.length }) };
    }
    case 'failing': {
      const { requests, failures } = recently(c);
      return { what, more: t('reason.failedShare', { n: requests, share: percent(1 - failures / requests) }) };
    }
    default:
      return { what, more: quoted(c.outReason), until: ['cooling_down', 'degraded'].includes(c.state) ? c.outUntil : null };
  }
}

// outage is why a channel or key is not used: a code, with its cause.
export const outage = (why, reason) => (reason ? t('outage.because', { what: code('reason', why), why: quoted(reason) }) : code('reason', why));

// recently is what happened in the last ten minutes.
export function recently(c) {
  let requests = 0;
  let failures = 0;
  for (const p of c.recent ?? []) {
    requests += p.requests;
    failures += p.failures;
  }
  return { requests, failures };
}

// tally says how many keys are in each state.
function tally(keys) {
  const by = Map.groupBy(keys, (k) => k.state);
  return [...by].map(([state, all]) => (keys.length === 1 ? code('reason', state) : t('keys.count', { n: all.length, state: code('reason', state) }))).join(t('words.comma'));
}

const soonest = (keys) => keys.map((k) => k.until).filter(Boolean).sort((a, b) => Date.parse(a) - Date.parse(b))[0];

const keyKinds = { ready: 'good', rate_limited: 'warn', cooldown: 'warn', invalid_key: 'bad', quota_spent: 'bad' };

// keyState is the color and the word for a key.
export const keyState = (k) => ({ kind: keyKinds[k.state] ?? 'warn', word: code('reason', k.state) });

const tunnelKinds = { up: 'good', degraded: 'warn', connecting: 'warn', waiting: 'warn', failed: 'bad' };
const forwardKinds = { open: 'good', up: 'good', silent: 'warn', refused: 'bad', closed: 'off' };

export const tunnelKind = (state) => tunnelKinds[state] ?? 'off';
export const forwardKind = (state) => forwardKinds[state] ?? 'off';

// left is how long it is until then, '' if that has passed.
export function left(until) {
  const seconds = until ? (Date.parse(until) - now()) / 1000 : 0;
  return seconds > 0 ? span(Math.ceil(seconds)) : '';
}
