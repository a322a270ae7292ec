// Starts the panel: signs in where that is needed, then shows what runs and
// follows it.

import { call, get, whenRefused } from './api.js';
import { banner } from './banner.js';
import { channelsView } from './channels.js';
import { configView } from './config.js';
import { find, setText } from './dom.js';
import { header } from './header.js';
import { icon } from './icons.js';
import { latest, logView } from './log.js';
import { notice } from './notice.js';
import { Records } from './records.js';
import { routesView } from './routes.js';
import { session, signIn } from './session.js';
import * as store from './store.js';
import { Stream } from './stream.js';
import { systemView } from './system.js';
import { failed } from './toast.js';
import { views } from './views.js';

const HISTORY = 300; // events asked for at the start
const TELLING = new Set(['request', 'retry', 'health', 'key', 'channel_toggle', 'reload', 'tunnel', 'plugin']);

const records = new Records();
const line = banner();
const stream = new Stream({
  event(e) {
    if (e.type !== 'notice') records.add(e);
    if (e.type === 'request') heard = true;
    if (TELLING.has(e.type)) store.refreshSoon();
  },
  state(state, at) {
    line.stream(state, at);
    if (state === 'live') store.refresh();
  },
});

let counted = 0; // requests, when the program was asked last and they were heard of
let heard = false; // of a request since then
let started = ''; // when the program was started that we talk to

async function show() {
  find('signin').hidden = true;
  find('app').hidden = false;
  const last = await history();
  await store.begin();
  stream.connect(last);
}

// history fills the log with what the program remembers, and returns the id of
// the last event.
async function history() {
  const events = await get(`/api/logs/recent?n=${HISTORY}`);
  records.replace(events);
  return events.at(-1)?.id ?? 0;
}

async function leave() {
  store.end();
  stream.stop();
  line.stream('live');
  find('app').hidden = true;
  for (const d of document.querySelectorAll('dialog')) d.close();
  await signIn();
  await show();
}

function build() {
  header(store);
  notice(store);
  channelsView(find('view-channels'), store, latest(records, store));
  logView(find('view-log'), records, store);
  routesView(find('view-routes'), store);
  systemView(find('view-system'), store);
  configView(find('view-config'), store);
  views(); // when each is there to hear that it is shown
  line.retry = () => stream.connect();
  store.whenTroubled((e) => line.trouble(e));
  store.follow(({ status, stats }) => {
    if (started && started !== status.startedAt) again();
    if (!started || heard || stats.totalRequests < counted) {
      counted = stats.totalRequests;
      heard = false;
    } else if (stats.totalRequests > counted) stream.suspect();
    started = status.startedAt;
  });
  const out = find('leave');
  out.append(icon('leave'));
  out.addEventListener('click', async () => {
    await call('DELETE', '/api/session').catch(() => {});
    leaveOnce();
  });
}

// again follows another run of the program: its events count from 1 again.
async function again() {
  try {
    stream.connect(await history());
  } catch {
    stream.connect(0);
  }
}

let leaving = false;
async function leaveOnce() {
  if (leaving) return;
  leaving = true;
  try {
    await leave();
  } finally {
    leaving = false;
  }
}

async function start() {
  build();
  const { needed, authenticated } = await session();
  find('leave').hidden = !needed;
  if (needed && !authenticated) await signIn();
  whenRefused(leaveOnce);
  await show();
}

start().catch((e) => {
  find('app').hidden = false;
  setText(find('overall'), 'The panel did not start');
  failed('The panel did not start', e);
});
