// How a channel, a key or a tunnel stands, in one word and one colour.

import { now } from './api.js';
import { reasonText } from './codes.js';
import { span } from './format.js';

// standing of a channel: good, warn, bad or off, and the word for it.
export function standing(c) {
  if (!c.enabled) return { kind: 'off', word: 'Paused' };
  if (c.keys.total > 0 && c.keys.alive === 0) return { kind: 'bad', word: 'No key left' };
  switch (c.out) {
    case undefined:
    case '':
      return { kind: 'good', word: c.stats.totalRequests || c.health === 'up' ? 'Up' : 'Ready' };
    case 'full':
      return { kind: 'warn', word: 'Full' };
    case 'breaker_probing':
      return { kind: 'warn', word: 'Being tried' };
    case 'check_failed':
      return { kind: 'bad', word: 'Down' };
    case 'breaker_open':
      return { kind: 'bad', word: 'Resting' };
    default:
      return { kind: 'bad', word: 'Out' };
  }
}

// why says why a channel gets no requests: what it is, more about it, and for
// how long. It is null if the channel is in service, or only paused.
export function why(c) {
  const { kind } = standing(c);
  if (kind !== 'bad' && kind !== 'warn') return null;
  if (!c.out && c.keys.total > 0) return { what: 'No key is ready', more: tally(c.keys.list), until: soonest(c.keys.list) };
  return { what: reasonText(c.out), more: c.outReason ?? '', since: c.outSince, until: c.outUntil };
}

// tally says how many keys are in each state.
function tally(keys) {
  const by = Map.groupBy(keys, (k) => k.state);
  return [...by].map(([state, all]) => (by.size === 1 && keys.length === 1 ? reasonText(state) : `${all.length} ${reasonText(state)}`)).join(', ');
}

const soonest = (keys) => keys.map((k) => k.until).filter(Boolean).sort((a, b) => Date.parse(a) - Date.parse(b))[0];

const keyKinds = { ready: 'good', rate_limited: 'warn', invalid_key: 'bad', quota_spent: 'bad' };

// keyStanding of a key.
export const keyStanding = (k) => ({ kind: keyKinds[k.state] ?? 'warn', word: reasonText(k.state) });

const tunnelKinds = { up: 'good', degraded: 'warn', connecting: 'warn', waiting: 'warn', failed: 'bad' };

// tunnelKind is the light of a tunnel's or a forward's state.
export const tunnelKind = (state) => tunnelKinds[state] ?? 'off';

// left is how long it is until then, '' if that has passed.
export function left(until) {
  const seconds = until ? (Date.parse(until) - now()) / 1000 : 0;
  return seconds > 0 ? span(Math.ceil(seconds)) : '';
}
