// The usage: totals compared with the preceding period, a chart, and the same figures as a
// table.

import { get } from './api.js';
import { chart, MOST } from './chart.js';
import { el, setText } from './dom.js';
import { count, millis, percent } from './format.js';
import { language, t } from './i18n.js';
import { kept } from './kept.js';
import { segments } from './segments.js';
import { failed } from './toast.js';
import { buckets, money, periods } from './usagetime.js';

const FRESH = 30_000; // ms, after which it is fetched again

const tokens = (r) => r.tokens_in + r.tokens_out;

// measures are what the chart can show, by their names in the catalog.
const measures = {
  tokens: { of: tokens, format: count },
  cost: { of: (r, currency) => spent(r).find((c) => c.currency === currency)?.amount ?? 0 },
  requests: { of: (r) => r.requests, format: count },
  failed: { of: (r) => r.failed, format: count },
  latency: { format: (n) => (n ? millis(n) : '0') },
};

// spent is the cost, known and estimated, by currency.
function spent({ cost, estimate = [] }) {
  const all = new Map(cost.map((c) => [c.currency, c.amount]));
  for (const e of estimate) all.set(e.currency, (all.get(e.currency) ?? 0) + e.amount);
  return [...all].map(([currency, amount]) => ({ currency, amount }));
}

// marks say that a cost is partly estimated, and lacks some requests.
const marks = (r) => (r.unpriced > (r.estimated ?? 0) ? '≥ ' : '') + (r.estimated > 0 ? '≈ ' : '');

const kinds = ['model', 'channel', 'key', 'client'];

export function usageView(view) {
  const chosen = { period: kept('usage.period') || 'week', measure: kept('usage.measure') || 'tokens', by: kept('usage.by') || 'model' };
  if (!periods[chosen.period]) chosen.period = 'week';
  if (!measures[chosen.measure]) chosen.measure = 'tokens';
  if (!kinds.includes(chosen.by)) chosen.by = 'model';
  let asked = 0;
  let answered = 0;
  let data = null;

  const choose = (what) => (name) => {
    chosen[what] = name;
    kept(`usage.${what}`, name);
    if (what === 'measure' && data) draw();
    else load();
    mark();
  };
  const period = segments(t('usage.period'), Object.keys(periods).map((name) => [name, t(`usage.period.${name}`)]), choose('period'));
  const measure = segments(t('usage.measure'), Object.keys(measures).map((name) => [name, t(`usage.measure.${name}`)]), choose('measure'));
  const by = el('select', { 'aria-label': t('usage.by'), on: { change: () => choose('by')(by.value) } }, ...kinds.map((name) => el('option', { value: name, text: t(`usage.by.${name}`) })));
  const file = el('a', { class: 'button', download: true, text: t('usage.csv') });
  const totals = el('dl', { class: 'totals' });
  const drawing = chart();
  const table = el('div', { class: 'scroll' });
  const times = el('div', { class: 'scroll' });
  const details = el('details', { class: 'panel', on: { toggle: () => data && draw() } }, el('summary', { text: t('usage.byTime') }), times);
  const nothing = el('div', { class: 'empty', hidden: true });
  const content = el('div', { class: 'usage', hidden: true }, totals,
    el('section', { class: 'panel figure' }, el('header', {}, measure.node, el('span', { class: 'space' }), drawing.legend), drawing.node),
    el('section', { class: 'panel' }, table),
    details);
  view.append(el('div', { class: 'toolbar' }, period.node, by, el('span', { class: 'space' }), file), content, nothing);

  const mark = () => {
    period.choose(chosen.period);
    measure.choose(chosen.measure);
    by.value = chosen.by;
    file.href = `/api/usage?${query(`${periods[chosen.period].unit},${chosen.by}`)}&format=csv`;
  };
  const query = (dimensions) => {
    const { from, to } = periods[chosen.period];
    return new URLSearchParams({ by: dimensions, from: from(), ...(to && { to }) }).toString();
  };

  async function load() {
    const turn = ++asked;
    const unit = periods[chosen.period].unit;
    try {
      const ask = (dimensions) => get(`/api/usage?${query(dimensions)}`);
      const [both, groups, time] = await Promise.all([ask(`${unit},${chosen.by}`), ask(chosen.by), ask(unit)]);
      if (turn !== asked) return;
      answered = Date.now();
      data = { both, groups, time, by: chosen.by, unit };
      draw();
    } catch (e) {
      if (turn !== asked) return;
      if (e.code !== 'no_history') return failed(t('usage.failed'), e);
      content.hidden = true;
      nothing.hidden = false;
      nothing.replaceChildren(el('p', { text: t('usage.off') }));
    }
  }

  function draw() {
    const { both, groups, time } = data;
    content.hidden = groups.total.requests === 0;
    nothing.hidden = !content.hidden;
    if (content.hidden) return nothing.replaceChildren(el('p', { text: t('usage.none') }));
    totals.replaceChildren(...figures(groups.total, groups.before));
    const labels = buckets(both, data.unit);
    drawing.update(picture(labels, both, time, groups));
    table.replaceChildren(figuresTable(groupRows(groups), t(`usage.by.${data.by}`), t('usage.table')));
    if (!details.open) return times.replaceChildren();
    times.replaceChildren(figuresTable(time.rows.map((r) => [labels.find((l) => l.key === r[data.unit])?.long ?? r[data.unit], r]).reverse(), t(`usage.unit.${data.unit}`), t('usage.byTime')));
  }

  const name = (r) => (data.by === 'key' ? keyTitle(r) : r[data.by]) || t(`usage.no.${data.by}`);
  const groupRows = (groups) => [...groups.rows].sort((a, b) => tokens(b) - tokens(a) || b.requests - a.requests).map((r) => [name(r), r]);

  // picture is the data of the chart: the largest groups, and the others together.
  function picture(labels, both, time, groups) {
    const what = t(`usage.measure.${chosen.measure}`);
    if (chosen.measure === 'latency') {
      const rows = new Map(time.rows.map((r) => [r[data.unit], r]));
      const series = ['p50', 'p90', 'p99'].map((q) => ({ name: t(`usage.${q}`), values: labels.map((l) => rows.get(l.key)?.[`${q}_ms`] ?? 0) }));
      return { labels, series, lines: true, format: measures.latency.format, describe: t('usage.describeLatency', { p50: millis(groups.total.p50_ms), p90: millis(groups.total.p90_ms) }) };
    }
    const currency = spent(groups.total)[0]?.currency ?? '';
    const { of } = measures[chosen.measure];
    const format = measures[chosen.measure].format ?? ((n) => money({ amount: n, currency }));
    const order = [...groups.rows].sort((a, b) => of(b, currency) - of(a, currency)).filter((r) => of(r, currency) > 0);
    const own = order.slice(0, order.length > MOST ? MOST - 1 : MOST);
    const index = new Map(own.map((r, i) => [r[data.by] ?? '', i]));
    const place = new Map(labels.map((l, i) => [l.key, i]));
    const series = own.map((r) => ({ name: name(r), values: labels.map(() => 0) }));
    const others = { name: t('usage.others', { n: order.length - own.length }), values: labels.map(() => 0) };
    for (const r of both.rows) {
      const i = place.get(r[data.unit]);
      if (i !== undefined) (series[index.get(r[data.by] ?? '')] ?? others).values[i] += of(r, currency);
    }
    if (order.length > own.length) series.push(others);
    const total = order.reduce((n, r) => n + of(r, currency), 0);
    const first = order[0] ? t('usage.most', { name: name(order[0]), share: percent(of(order[0], currency) / total) }) : '';
    return { labels, series, format, axis: chosen.measure === 'cost' ? short : undefined, describe: `${t('usage.describe', { what, total: format(total), from: labels[0]?.long ?? '', to: labels.at(-1)?.long ?? '' })} ${first}` };
  }

  view.addEventListener('shown', () => {
    mark();
    if (Date.now() - answered > FRESH || !data) load();
    else draw();
  });
  setInterval(() => !view.hidden && !document.hidden && Date.now() - answered > FRESH && load(), FRESH);
}

// keyTitle is the name of a key for people.
const keyTitle = (r) => (r.key_removed ? t('usage.removed', { key: r.key_name || r.key }) : r.key_name || r.key);

// figures are the totals, each with the change from the preceding period.
function figures(total, before) {
  const all = [
    ['requests', total.requests, before?.requests, count],
    ['failed', total.failed, before?.failed, count],
    ['input', total.tokens_in, before?.tokens_in, count, t('usage.cached', { n: count(total.tokens_cache_read) })],
    ['output', total.tokens_out, before?.tokens_out, count, total.tokens_reasoning > 0 && t('usage.reasoning', { n: count(total.tokens_reasoning) })],
    ...(spent(total).length ? spent(total) : [null]).map((c, i) => ['cost', c?.amount, before && spent(before).find((b) => b.currency === c?.currency)?.amount, () => (c ? (i === 0 ? marks(total) : '') + money(c) : t('usage.unknown')), i === 0 && unpriced(total)]),
    ['latency', total.p50_ms, before?.p50_ms, millis, t('usage.p90Of', { time: millis(total.p90_ms) })],
  ];
  return all.map(([what, now, then, format, more]) => el('div', { class: what },
    el('dt', { text: t(`usage.figure.${what}`) }),
    el('dd', {}, el('strong', { text: format(now) }), change(now, then)),
    el('dd', { class: 'more', text: more || '' })));
}

// unpriced says what is estimated, which requests the cost is without, and why.
function unpriced({ unpriced: all, unpriced_tokens: counted, estimated = 0, estimate = [] }) {
  const n = all - estimated;
  return [
    estimated > 0 && t('usage.estimated', { n: estimated, cost: estimate.map(money).join(' + ') }),
    n > 0 && (counted > 0 ? t('usage.unpriced', { n }) : t('usage.uncounted', { n })),
  ].filter(Boolean).join(t('words.separator'));
}

const shares = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0, signDisplay: 'exceptZero' });

function change(now, then) {
  if (!then || now === undefined) return null;
  const share = now / then - 1;
  const words = share > 9.99 ? t('usage.times', { n: Math.round(now / then) }) : shares.format(share);
  return el('span', { class: 'change', title: t('usage.before'), text: words });
}

function figuresTable(rows, what, caption) {
  const head = [what, t('usage.figure.requests'), t('usage.figure.failed'), t('usage.figure.input'), t('usage.column.cached'), t('usage.figure.output'), t('usage.figure.cost'), t('usage.figure.latency'), t('usage.column.p90')];
  const cells = (r) => [whole(r.requests), r.failed ? whole(r.failed) : '', whole(r.tokens_in), whole(r.tokens_cache_read), whole(r.tokens_out), costs(r), millis(r.p50_ms), millis(r.p90_ms)];
  const node = el('table', { class: 'figures-table' }, el('caption', { class: 'hidden-words', text: caption }),
    el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { scope: 'col', text })))),
    el('tbody', {}, ...rows.map(([name, r]) => el('tr', {}, el('th', { scope: 'row', text: name, title: name }), ...cells(r).map((text) => el('td', { text }))))));
  for (const cell of node.querySelectorAll('td')) if (!cell.textContent) setText(cell, '–');
  return node;
}

const decimals = new Intl.NumberFormat(language, { notation: 'compact', maximumSignificantDigits: 3 });
const short = (n) => decimals.format(n);

const exact = new Intl.NumberFormat(language);
const whole = (n) => exact.format(n);
const costs = (r) => (spent(r).length > 0 ? marks(r) + spent(r).map(money).join(' + ') : r.unpriced > 0 ? t('usage.unknown') : '');
