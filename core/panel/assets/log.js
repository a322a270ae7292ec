// The log: requests as they come, and earlier ones from the history.

import { each, el, find, setAttribute, setText } from './dom.js';
import { open } from './dialogs.js';
import { local } from './connect.js';
import { parts, t } from './i18n.js';
import { moment } from './format.js';
import { icon } from './icons.js';
import { keyText, logRow } from './logrow.js';
import { asEvent, fields, keptRecord, Past } from './pastlog.js';
import { showRecord } from './record.js';
import { segments } from './segments.js';
import { failed } from './toast.js';

const SHOWN = 200; // of those since the page was opened
const LATEST = 8;

// identity identifies an event, also among those of two runs of the program. A request has
// the same one whether it came now or is from the history.
const identity = (e) => e.request?.id ?? `${e.id} ${e.time}`;
const isRequest = (e) => e.type === 'request';
const isCanceled = (r) => r.status === 499 || (r.status < 400 && r.attempts?.at(-1)?.verdict === 'client');
const hasFailed = (e) => isRequest(e) && !isCanceled(e.request) && (e.request.status >= 400 || !e.request.status || Boolean(e.request.error));
const kinds = [
  ['requests', isRequest],
  ['failed', hasFailed],
  ['retried', (e) => isRequest(e) && e.request.retries > 0],
  ['everything', (e) => e.type !== 'retry'],
];
const times = ['1h', '24h', '7d', '30d', ''];

export function logView(view, records, store) {
  const chosen = { kind: 'requests', text: '', paused: null, missed: 0, from: '24h' };
  const past = new Past();
  const text = el('input', { type: 'search', placeholder: t('log.filter'), 'aria-label': t('log.filterLabel') });
  const choice = segments(t('log.which'), kinds.map(([name]) => [name, t(`log.${name}`)]), (name) => {
    chosen.kind = name;
    again();
  });
  const pause = el('button', { id: 'log-pause', type: 'button', 'aria-pressed': 'false', text: t('log.pause') });
  const inputs = new Map(fields.map((name) => [name, el('input', { type: 'search', name, 'aria-label': t(`filter.${name}`), placeholder: t(`filter.${name}`), list: `filter-${name}`, autocomplete: 'off', spellcheck: 'false' })]));
  const lists = fields.map((name) => el('datalist', { id: `filter-${name}` }));
  const from = el('select', { 'aria-label': t('filter.time') }, ...times.map((value) => el('option', { value, text: t(`filter.time.${value || 'all'}`) })));
  from.value = chosen.from;
  const file = el('a', { class: 'button', download: true, text: t('usage.csv') });
  const filters = el('div', { class: 'toolbar filters', hidden: true }, from, ...inputs.values(), ...lists, file);
  const toggle = el('button', { type: 'button', class: 'quiet', 'aria-expanded': 'false', text: t('filter.show'), on: { click: () => {
    filters.hidden = !filters.hidden;
    setAttribute(toggle, 'aria-expanded', String(!filters.hidden));
    again();
  } } });
  const rows = el('ol', { class: 'log', 'aria-label': t('log.rows') });
  const nothing = el('div', { class: 'empty', hidden: true });
  const older = el('button', { type: 'button', text: t('log.older'), on: { click: () => loadOlder() } });
  const foot = el('div', { class: 'foot' }, older);
  view.append(
    el('div', { class: 'toolbar' }, el('label', { class: 'search wide' }, icon('search'), text), choice.node, toggle, el('span', { class: 'space' }), pause), filters,
    el('div', { class: 'panel' }, columns(), rows, nothing, foot));

  const filtered = () => !filters.hidden && [...inputs.values()].some((input) => input.value.trim());
  let asking = false; // the history was searched with this filter

  // query is the query for the history.
  const query = () => {
    const q = {};
    if (!filters.hidden) {
      for (const [name, input] of inputs) if (input.value.trim()) q[name] = name === 'key' ? keyID(input.value.trim(), store) : input.value.trim();
      if (chosen.from) q.from = chosen.from;
    }
    if (chosen.kind === 'failed' || chosen.kind === 'retried') q[chosen.kind] = 'true';
    if (chosen.text.trim()) Object.assign(q, { text: chosen.text.trim(), from: q.from ?? (filters.hidden ? '30d' : '36500d') });
    return q;
  };
  const matches = (e) => {
    if (!filtered()) return true;
    const r = e.request;
    return isRequest(e) && [...inputs].every(([name, input]) => {
      const wanted = input.value.trim();
      if (!wanted) return true;
      if (name === 'status') return /^[1-5]xx$/.test(wanted) ? String(r.status)[0] === wanted[0] : String(r.status) === wanted;
      if (name === 'verdict') return (r.verdict ?? r.attempts?.at(-1)?.means) === wanted;
      return glob(name === 'key' ? keyID(wanted, store) : wanted, r[name] ?? '');
    });
  };

  const show = throttle(() => {
    if (view.hidden) return;
    choice.choose(chosen.kind);
    file.href = `/api/history?${new URLSearchParams({ ...query(), format: 'csv' })}`;
    const fits = kinds.find(([name]) => name === chosen.kind)[1];
    const now = (chosen.paused ?? records.all).filter((e) => fits(e) && matches(e) && contains(e, chosen.text)).slice(0, SHOWN);
    const known = new Set(now.map(identity));
    const shown = [...now, ...past.found.filter((e) => fits(e) && !known.has(identity(e)))];
    if (past.found.length) shown.sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
    each(rows, shown, identity, (e) => logRow(e, openRecord));
    nothing.hidden = shown.length > 0;
    if (!shown.length) nothing.replaceChildren(...empty(records, chosen, store, asking));
    setText(older, past.searchedTo ? t('log.searched', { time: moment(past.searchedTo) }) : t('log.older'));
    foot.hidden = chosen.kind === 'everything' || (asking && !past.more);
  });

  // again drops what was found, and searches again if there is a filter that needs the
  // history.
  const again = async () => {
    asking = !filters.hidden && chosen.kind !== 'everything';
    show();
    await ask(() => past.ask(asking ? query() : null, show));
  };
  // loadOlder fetches the next page, and further ones until one has something new.
  const loadOlder = () => ask(async () => {
    const known = new Set([...records.all, ...past.found].map(identity));
    const first = !asking;
    asking = true;
    let waited = await (first ? past.ask(query(), show) : past.next(show));
    while (waited && past.more && past.found.every((e) => known.has(identity(e)))) waited = await past.next(show);
  });
  const ask = async (f) => {
    older.disabled = true;
    try {
      await f();
    } catch (e) {
      if (e.code !== 'no_history' || asking) failed(t('log.failedToRead'), e);
    } finally {
      older.disabled = false;
      show();
    }
  };

  let typing = 0;
  const soon = () => {
    clearTimeout(typing);
    typing = setTimeout(again, 250);
  };
  text.addEventListener('input', () => {
    chosen.text = text.value;
    show();
    soon();
  });
  for (const input of inputs.values()) input.addEventListener('input', soon);
  from.addEventListener('change', () => {
    chosen.from = from.value;
    again();
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
  store.follow(({ channels, stats }) => {
    suggest(lists, { channel: channels.map((c) => c.name), key: channels.flatMap((c) => c.keys.list.map((k) => keyText(c.name, k.id))), model: Object.keys(stats?.models ?? {}) });
    if (!records.all.length) show(); // the text for an empty log has the address of the proxy
  });
  const openNamed = () => {
    const id = /^#log\/(.+)$/.exec(location.hash)?.[1];
    if (id && !document.querySelector('dialog.sheet') && !find('app').hidden) openID(decodeURIComponent(id), records);
  };
  view.addEventListener('shown', () => {
    show();
    openNamed();
  });
  return { openNamed };
}

// openRecord shows a record. Lists of the history have no attempts, so those are fetched.
async function openRecord(e) {
  if (!e.kept) return showRecord(e);
  try {
    showRecord({ ...e, request: await keptRecord(e.request.id) });
  } catch (problem) {
    failed(t('log.failedToRead'), problem);
  }
}

// openID shows the record whose ID is in the address.
async function openID(id, records) {
  const known = records.all.find((e) => isRequest(e) && e.request.id === id);
  if (known) return showRecord(known);
  try {
    showRecord(asEvent(await keptRecord(id)));
  } catch (e) {
    open({ title: t('log.noRecord'), kind: 'sheet', content: el('p', { text: e.message }) });
  }
}

// suggest fills the suggestions of the fields.
function suggest(lists, names) {
  for (const list of lists) {
    const all = [...new Set(names[list.id.replace('filter-', '')] ?? [])];
    const as = all.join('\n');
    if (list.dataset.as === as) continue;
    list.dataset.as = as;
    list.replaceChildren(...all.map((value) => el('option', { value })));
  }
}

// keyID is the ID of a key with this name.
function keyID(name, store) {
  for (const c of store.state.channels) {
    const key = c.keys.list.find((k) => k.id === name || keyText(c.name, k.id) === name);
    if (key) return key.id;
  }
  return name;
}

// glob matches as the program does: * matches any characters.
function glob(pattern, name) {
  if (!pattern.includes('*')) return pattern === name;
  return new RegExp(`^${pattern.split('*').map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's').test(name);
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
    each(rows, shown, identity, (e) => logRow(e, openRecord));
    nothing.hidden = shown.length > 0;
    if (!shown.length) nothing.replaceChildren(...empty(records, { kind: 'requests', text: '' }, store));
  });
  records.follow(show);
  store.follow(show);
  return node;
}

function columns() {
  const names = ['time', 'status', 'request', 'model', 'channel', 'key', 'client', 'tokens', 'cost', 'firstByte', 'total', 'retries'];
  return el('div', { class: 'columns', 'aria-hidden': 'true' }, ...names.map((name) => el('span', { class: `head-${name}`, text: t(`column.${name}`) })));
}

function empty(records, chosen, store, asked) {
  if (records.all.some(isRequest) || chosen.kind === 'everything' || asked) {
    return [el('p', { text: chosen.text ? t('log.noMatch', { text: chosen.text }) : t('log.nothing') })];
  }
  const address = `http://${local(store.state.status?.listen ?? '127.0.0.1:9000')}/v1`;
  return [
    el('p', {}, ...parts('log.empty', { address: el('code', { text: address }) })),
    el('a', { href: '#connect', text: t('log.howTo') }),
  ];
}

// contains reports whether a row shows every word.
function contains(e, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const r = e.request ?? {};
  const tried = (r.attempts ?? []).flatMap((a) => [a.channel, a.key, keyText(a.channel, a.key), a.error]);
  const all = [e.type, e.message, e.channel, e.key, keyText(e.channel, e.key), e.plugin, r.id, r.method, r.path, r.model, r.status, r.route, r.error, r.client, ...tried].join(' ').toLowerCase();
  return words.every((w) => all.includes(w));
}

const AT_ONCE = 30; // ms
const APART = 400; // ms between two updates while events come quickly

// throttle calls f soon, but not too often.
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
