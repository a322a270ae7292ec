// Starts the panel: signs in where that is needed, then shows the program's
// state and follows its events.

import { ApiError, call, get, whenRefused } from './api.js';
import { banner } from './banner.js';
import { channelsView } from './channels.js';
import { clientsView } from './clients.js';
import { configView } from './config.js';
import { connectView } from './connect.js';
import { find, setAttribute, setText } from './dom.js';
import { header } from './header.js';
import { applyTo, t } from './i18n.js';
import { icon } from './icons.js';
import { latest, logView } from './log.js';
import { notice } from './notice.js';
import { asEvent } from './pastlog.js';
import { phoneButton } from './phone.js';
import { Records } from './records.js';
import { routesView } from './routes.js';
import { hasLink, session, signIn } from './session.js';
import * as store from './store.js';
import { Stream } from './stream.js';
import { systemView } from './system.js';
import { failed } from './toast.js';
import { usageView } from './usage.js';
import { views } from './views.js';

const HISTORY = 300; // events fetched at the start
const REQUESTS = 100; // requests fetched from the history, if the events have fewer
const REFRESHING = new Set(['request', 'retry', 'health', 'key', 'channel_toggle', 'reload', 'tunnel', 'plugin']);

const records = new Records();
const line = banner();
const stream = new Stream({
  event(e) {
    if (e.type !== 'notice') records.add(e);
    if (e.type === 'request') heard = true;
    if (REFRESHING.has(e.type)) store.refreshSoon();
  },
  state(state, at) {
    line.stream(state, at);
    connection(state);
    if (state === 'live' && lost) store.refresh();
    lost = state === 'lost';
  },
});

let log; // the view
let counted = 0; // requests in the last status whose requests were seen as events
let heard = false; // a request was seen since then
let lost = false; // the connection, before it came back
let started = ''; // when the program was started

// connection grays the page out while it may be out of date.
function connection(state) {
  setAttribute(document.body, 'data-connection', state);
  store.setConnected(state !== 'lost');
}

async function show() {
  get('/api/session').then(({ phone }) => { find('phone').hidden = !phone; }, () => {});
  find('signin').hidden = true;
  find('app').hidden = false;
  const [last] = await Promise.all([history(), store.begin()]);
  stream.connect(last);
  log.openNamed();
}

// history fills the log with the events that the program keeps in memory, which begin
// with its start, and with the requests before them. It returns the id of the last event.
async function history() {
  const events = await get(`/api/logs/recent?n=${HISTORY}`);
  records.replace(events);
  if (events.filter((e) => e.type === 'request').length < REQUESTS) keptRequests();
  return events.at(-1)?.id ?? 0;
}

// keptRequests adds the latest requests of the history, if there is one.
async function keptRequests() {
  try {
    records.addKept((await get(`/api/history?limit=${REQUESTS}`)).requests.map(asEvent));
  } catch (e) {
    if (!(e instanceof ApiError)) throw e; // the button in the log says why there are no older ones
  }
}

function hide() {
  store.end();
  stream.stop();
  line.stream('live');
  connection('live');
  find('app').hidden = true;
  for (const d of document.querySelectorAll('dialog')) d.close();
}

function build() {
  applyTo(document);
  header(store);
  phoneButton();
  notice(store);
  channelsView(find('view-channels'), store, latest(records, store));
  log = logView(find('view-log'), records, store);
  usageView(find('view-usage'));
  routesView(find('view-routes'), store);
  clientsView(find('view-clients'), store);
  systemView(find('view-system'), store);
  configView(find('view-config'), store);
  connectView(find('view-connect'), store);
  views(); // last, when each view listens for being shown
  line.retry = () => stream.connect();
  store.whenTroubled((e) => line.trouble(e));
  store.follow(({ status, stats }) => {
    if (started && started !== status.startedAt) follow();
    if (!started || heard || stats.totalRequests < counted) {
      counted = stats.totalRequests;
      heard = false;
    } else if (stats.totalRequests > counted) stream.suspect();
    started = status.startedAt;
  });
  const out = find('leave');
  out.append(icon('leave'));
  setAttribute(out, 'aria-label', t('app.signOut'));
  setAttribute(out, 'title', t('app.signOut'));
  out.addEventListener('click', async () => {
    await call('DELETE', '/api/session').catch(() => {});
    location.reload();
  });
  addEventListener('hashchange', () => hasLink() && enter()); // a sign-in link that is pasted into this tab; the form handles its own
}

// follow continues with the events of another run of the program, whose IDs begin at 1
// again.
async function follow() {
  try {
    stream.connect(await history());
  } catch {
    stream.connect(0);
  }
}

let entering = false;

// enter signs in where that is needed, and shows the page.
async function enter() {
  if (entering) return;
  entering = true;
  try {
    const { reading, authenticated } = await session();
    find('leave').hidden = !authenticated && reading;
    if (!reading) {
      hide();
      await signIn();
      find('leave').hidden = false;
    }
    await show();
  } finally {
    entering = false;
  }
}

// refused asks for the token when a request needs one: the session has ended, or only
// reading is open.
async function refused(path) {
  if (entering) return;
  entering = true;
  try {
    hide();
    await signIn(['channels', 'config', 'clients', 'notifications'].some((part) => path.startsWith(`/api/${part}`)) ? t('signin.edit') : '');
    find('leave').hidden = false;
    await show();
  } finally {
    entering = false;
  }
}

async function start() {
  build();
  whenRefused(refused);
  await enter();
}

start().catch((e) => {
  find('app').hidden = false;
  setText(find('overall'), t('app.failed'));
  failed(t('app.failed'), e);
});
