// The state of the program. It is fetched every few seconds, and soon after an event.

import { ApiError, get } from './api.js';

const EVERY = 5000; // ms
const SOON = 200;
const AT_MOST_EVERY = 1000;

export const state = { status: null, channels: [], stats: null, connected: true };

const readers = new Set();
let timer = 0;
let asked = 0;
let running = false;
let turn = 0; // number of the last fetch
let shown = 0; // number of the fetch whose answers are shown
let trouble = () => {};

// follow calls f with the state now and after each change. With a view, it does so
// while and when that is shown.
export function follow(f, view) {
  const reader = view ? () => !view.hidden && f(state) : f;
  view?.addEventListener('shown', () => state.status && f(state));
  readers.add(reader);
  if (state.status) reader(state);
}

// setConnected says whether events arrive; without them the state may be out of
// date.
export function setConnected(connected) {
  if (state.connected === connected) return;
  state.connected = connected;
  if (state.status) for (const f of readers) f(state);
}

// whenTroubled sets the function that is called when fetching fails, and with null when it
// works again.
export function whenTroubled(f) {
  trouble = f;
}

// begin starts fetching; end stops it.
export async function begin() {
  running = true;
  await refresh();
}

export function end() {
  running = false;
  clearTimeout(timer);
}

// refresh fetches now.
export async function refresh() {
  clearTimeout(timer);
  asked = Date.now();
  const mine = ++turn;
  try {
    const [status, channels, stats] = await Promise.all([get('/api/status'), get('/api/channels'), get('/api/stats')]);
    if (mine < shown) return; // a later one was faster
    shown = mine;
    Object.assign(state, { status, channels: unchangedKept(channels), stats });
    trouble(null);
    for (const f of readers) f(state);
    document.dispatchEvent(new Event('refreshed')); // for tests
  } catch (e) {
    if (!(e instanceof ApiError)) throw e;
    trouble(e);
  } finally {
    if (running) plan(EVERY);
  }
}

// unchangedKept keeps the object of each channel that has not changed, so that it is not
// drawn again.
function unchangedKept(channels) {
  const before = new Map(state.channels.map((c) => [c.name, c]));
  return channels.map((c) => {
    const old = before.get(c.name);
    return old && JSON.stringify(old) === JSON.stringify(c) ? old : c;
  });
}

// adopt shows a channel that an action returned, before everything is fetched again.
export function adopt(channel) {
  shown = ++turn; // earlier fetches are out of date
  state.channels = state.channels.map((c) => (c.name === channel.name ? channel : c));
  for (const f of readers) f(state);
}

// refreshSoon fetches after a moment, once for many calls.
export function refreshSoon() {
  if (running) plan(Math.max(SOON, asked + AT_MOST_EVERY - Date.now()));
}

let due = Infinity;
function plan(pause) {
  const at = Date.now() + pause;
  if (pause < EVERY && due < at && due > Date.now()) return; // one is due sooner
  clearTimeout(timer);
  due = at;
  timer = setTimeout(() => (document.hidden ? plan(EVERY) : refresh()), pause);
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && running) refresh();
});

// channelNamed and keyNamed return a channel and a key, or undefined.
export const channelNamed = (name) => state.channels.find((c) => c.name === name);
export const keyNamed = (channel, id) => channelNamed(channel)?.keys.list.find((k) => k.id === id);

// keyName is the name of a key for people.
export const keyName = (key) => key.shown || key.label || key.id;
