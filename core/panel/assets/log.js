// The live log of requests, and of everything else that happens.

import { each, el, setText } from './dom.js';
import { parts, t } from './i18n.js';
import { icon } from './icons.js';
import { keyText, logRow } from './logrow.js';
import { showRecord } from './record.js';
import { segments } from './segments.js';

const SHOWN = 200;
const LATEST = 8;

// identity tells events apart, also those of two runs of the program.
const identity = (e) => `${e.id} ${e.time}`;
const isRequest = (e) => e.type === 'request';
const kinds = [
  ['requests', isRequest],
  ['failed', (e) => isRequest(e) && (e.request.status >= 400 || Boolean(e.request.error))],
  ['retried', (e) => isRequest(e) && e.request.retries > 0],
  ['everything', (e) => e.type !== 'retry'],
];

export function logView(view, records, store) {
  const chosen = { kind: 'requests', text: '', paused: null, missed: 0 };
  const text = el('input', { type: 'search', placeholder: t('log.filter'), 'aria-label': t('log.filterLabel') });
  const choice = segments(t('log.which'), kinds.map(([name]) => [name, t(`log.${name}`)]), (name) => {
    chosen.kind = name;
    show();
  });
  const pause = el('button', { id: 'log-pause', type: 'button', 'aria-pressed': 'false', text: t('log.pause') });
  const rows = el('ol', { class: 'log', 'aria-label': t('log.rows') });
  const nothing = el('div', { class: 'empty', hidden: true });
  view.append(
    el('div', { class: 'toolbar' }, el('label', { class: 'search wide' }, icon('search'), text), choice.node, el('span', { class: 'space' }), pause),
    el('div', { class: 'panel' }, columns(), rows, nothing));

  const show = throttle(() => {
    if (view.hidden) return;
    choice.choose(chosen.kind);
    const fits = kinds.find(([name]) => name === chosen.kind)[1];
    const shown = (chosen.paused ?? records.all).filter((e) => fits(e) && contains(e, chosen.text)).slice(0, SHOWN);
    each(rows, shown, identity, (e) => logRow(e, showRecord));
    nothing.hidden = shown.length > 0;
    if (!shown.length) nothing.replaceChildren(...empty(records, chosen, store));
  });
  text.addEventListener('input', () => {
    chosen.text = text.value;
    show();
  });
  pause.addEventListener('click', () => {
    chosen.paused = chosen.paused ? null : [...records.all];
    chosen.missed = 0;
    pause.setAttribute('aria-pressed', String(Boolean(chosen.paused)));
    setText(pause, t(chosen.paused ? 'log.resume' : 'log.pause'));
    show();
  });
  records.follow((e) => {
    if (!chosen.paused) return show();
    if (!e || !isRequest(e)) return;
    setText(pause, t('log.resumeNew', { n: ++chosen.missed }));
  });
  store.follow(() => records.all.length || show()); // the words for an empty log name the entry
  view.addEventListener('shown', show);
}

// latest is the short list below the channels.
export function latest(records, store) {
  const rows = el('ol', { class: 'log', 'aria-label': t('log.latest') });
  const nothing = el('div', { class: 'empty', hidden: true });
  const all = el('a', { href: '#log', text: t('log.open') });
  const node = el('section', { class: 'panel latest', 'aria-labelledby': 'latest-title' },
    el('header', {}, el('h2', { id: 'latest-title', text: t('log.latest') }), all), columns(), rows, nothing);
  const show = throttle(() => {
    const shown = records.all.filter(isRequest).slice(0, LATEST);
    each(rows, shown, identity, (e) => logRow(e, showRecord));
    nothing.hidden = shown.length > 0;
    if (!shown.length) nothing.replaceChildren(...empty(records, { kind: 'requests', text: '' }, store));
  });
  records.follow(show);
  store.follow(show);
  return node;
}

function columns() {
  const names = ['time', 'status', 'request', 'model', 'channel', 'key', 'firstByte', 'total', 'retries'];
  return el('div', { class: 'columns', 'aria-hidden': 'true' }, ...names.map((name) => el('span', { text: t(`column.${name}`) })));
}

function empty(records, chosen, store) {
  if (records.all.some(isRequest) || chosen.kind === 'everything') {
    return [el('p', { text: chosen.text ? t('log.noMatch', { text: chosen.text }) : t('log.nothing') })];
  }
  const address = `http://${store.state.status?.listen ?? 'localhost:9000'}/v1`;
  return [
    el('p', {}, ...parts('log.empty', { address: el('code', { text: address }) })),
    el('a', { href: '#connect', text: t('log.howTo') }),
  ];
}

// contains looks for every word in what a row shows.
function contains(e, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const r = e.request ?? {};
  const tried = (r.attempts ?? []).flatMap((a) => [a.channel, a.key, keyText(a.channel, a.key), a.error]);
  const all = [e.type, e.message, e.channel, e.key, keyText(e.channel, e.key), e.plugin, r.id, r.method, r.path, r.model, r.status, r.route, r.error, ...tried].join(' ').toLowerCase();
  return words.every((w) => all.includes(w));
}

const AT_ONCE = 30; // ms
const APART = 400; // ms, between two drawings while much happens

// throttle has f called soon, and not too often, however often it is asked to.
function throttle(f) {
  let due = false;
  let last = 0;
  return () => {
    if (due) return;
    due = true;
    setTimeout(() => {
      due = false;
      f();
      last = performance.now();
    }, Math.max(AT_ONCE, last + APART - performance.now()));
  };
}
