// A chart over time, of stacked bars or of lines, as SVG. The
// series differ by pattern as well as by color, and by dashes where they are lines.

import { el, setAttribute, svg } from './dom.js';
import { t } from './i18n.js';

const HEIGHT = 240;
const LEFT = 58;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 26;
const TICKS = 4;

// MOST is how many series have a pattern of their own.
export const MOST = 7;

let charts = 0;

// chart returns a node and the function that draws: labels are the names of the
// places along the time, series have a name and a value for each, format writes
// a value, axis one at the axis where there is less room, and describe sums the chart up for those who do not see it.
export function chart() {
  const id = `chart-${++charts}`;
  const drawing = svg('svg', { class: 'chart', height: HEIGHT, 'aria-hidden': 'true' });
  const tip = el('div', { class: 'tip', hidden: true });
  const said = el('p', { class: 'hidden-words', 'aria-live': 'polite' });
  const node = el('div', { class: 'chart-frame', tabindex: 0, role: 'group' }, drawing, tip, said);
  const legend = el('ul', { class: 'legend' });
  let shown = null;
  let at = -1;

  const draw = () => {
    if (!shown || !node.clientWidth) return;
    const width = node.clientWidth;
    setAttribute(drawing, 'width', width);
    drawing.replaceChildren(patterns(id), ...picture(shown, width, id), svg('path', { class: 'cursor' }));
  };
  const point = (i) => {
    at = i;
    const mark = drawing.querySelector('.cursor');
    tip.hidden = !shown || i < 0;
    if (tip.hidden) return mark?.setAttribute('d', '');
    const { left, step } = place(shown, node.clientWidth);
    const x = left + (i + 0.5) * step;
    mark?.setAttribute('d', `M${round(x)} ${TOP}V${HEIGHT - BOTTOM}`);
    tip.replaceChildren(...tipContent(shown, i));
    const onLeft = x > node.clientWidth / 2;
    tip.style.left = onLeft ? '' : `${x + 12}px`;
    tip.style.right = onLeft ? `${node.clientWidth - x + 12}px` : '';
  };
  drawing.addEventListener('pointermove', (e) => {
    if (!shown) return;
    const { left, step } = place(shown, node.clientWidth);
    const i = Math.floor((e.clientX - drawing.getBoundingClientRect().left - left) / step);
    if (i !== at) point(i >= 0 && i < shown.labels.length ? i : -1);
  });
  drawing.addEventListener('pointerleave', () => point(-1));
  node.addEventListener('blur', () => point(-1));
  node.addEventListener('keydown', (e) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (e.key === 'Escape') point(-1);
    if (!by || !shown) return;
    e.preventDefault();
    const last = shown.labels.length - 1;
    point(Math.min(Math.max(at < 0 ? (by > 0 ? 0 : last) : at + by, 0), last));
    said.textContent = tip.innerText.replaceAll('\n', ', ');
  });
  new ResizeObserver(draw).observe(node);
  return {
    node,
    legend,
    update(data) {
      shown = data;
      setAttribute(node, 'aria-label', data.describe);
      setAttribute(node, 'data-ready', 'true');
      legend.replaceChildren(...data.series.map((s, i) => el('li', {}, swatch(i, data.lines, id), s.name)));
      point(-1);
      draw();
    },
  };
}

// place is the area of the bars.
function place(data, width) {
  return { left: LEFT, step: Math.max(width - LEFT - RIGHT, 1) / Math.max(data.labels.length, 1) };
}

function picture(data, width, id) {
  const { left, step } = place(data, width);
  const ground = HEIGHT - BOTTOM;
  const sums = data.labels.map((_, i) => (data.lines ? Math.max(...data.series.map((s) => s.values[i])) : data.series.reduce((n, s) => n + s.values[i], 0)));
  const top = ceiling(Math.max(...sums, 0));
  const y = (value) => ground - (value / top) * (ground - TOP);
  return [...scale(top, y, width, data.axis ?? data.format), ...(data.lines ? lines(data, left, step, y) : bars(data, left, step, y, id)), ...names(data.labels, left, step)];
}

// ceiling is a round number at or above n.
function ceiling(n) {
  if (n <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(n / TICKS));
  return [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].map((m) => m * unit * TICKS).find((m) => m >= n * 0.999) ?? n;
}

function scale(top, y, width, format) {
  const out = [];
  for (let i = 0; i <= TICKS; i++) {
    const value = (top / TICKS) * i;
    out.push(svg('path', { class: 'grid', d: `M${LEFT} ${round(y(value))}H${width - RIGHT}` }), words(LEFT - 8, y(value) + 4, format(value), 'end'));
  }
  return out;
}

// words is a text in the drawing. It must not be cut off at either side.
function words(x, y, text, anchor) {
  const node = svg('text', { x: round(x), y: round(y), 'text-anchor': anchor });
  node.textContent = text;
  return node;
}

function names(labels, left, step) {
  const apart = Math.max(1, Math.ceil(64 / step));
  return labels.map((label, i) => (i % apart === 0 ? words(left + (i + 0.5) * step, HEIGHT - 8, label.short, 'middle') : null)).filter(Boolean);
}

// bars draws each series as one path, and its pattern over it as another.
function bars(data, left, step, y, id) {
  const thick = round(step > 4 ? Math.min(step * 0.72, 44) : step * 0.85);
  const below = data.labels.map(() => 0);
  return data.series.flatMap((s, n) => {
    let d = '';
    s.values.forEach((value, i) => {
      if (!(value > 0)) return;
      const from = y(below[i]);
      below[i] += value;
      const to = Math.min(y(below[i]), from - 0.5);
      d += `M${round(left + (i + 0.5) * step - thick / 2)} ${round(from)}h${thick}V${round(to)}h${-thick}z`;
    });
    const look = n % MOST;
    return [svg('path', { class: `series s${look}`, d }), look > 0 && svg('path', { class: 'pattern', d, fill: `url(#${id}-${look})` })].filter(Boolean);
  });
}

function lines(data, left, step, y) {
  return data.series.map((s, n) => {
    let d = '';
    let pen = 'M';
    s.values.forEach((value, i) => {
      if (!(value > 0)) {
        pen = 'M';
        return;
      }
      d += `${pen}${round(left + (i + 0.5) * step)} ${round(y(value))}`;
      if (pen === 'M' && !(s.values[i + 1] > 0)) d += 'h0.01'; // alone: a dot
      pen = 'L';
    });
    return svg('path', { class: `line s${n % MOST} dash${n}`, d });
  });
}

// The patterns of the series but the first, by their strokes in a square of 8.
const strokes = ['', 'M-1 9L9 -1M-1 1L1 -1M7 9L9 7', 'M0 4H8', 'M4 4h.01', 'M4 0V8', 'M-1 -1L9 9M-1 7L1 9M7 -1L9 1', 'M0 4H8M4 0V8'];

function patterns(id) {
  return svg('defs', {}, ...strokes.map((d, i) => i > 0 && svg('pattern', { id: `${id}-${i}`, width: 8, height: 8, patternUnits: 'userSpaceOnUse' }, svg('path', { class: 'stroke', d }))).filter(Boolean));
}

function swatch(i, asLine, id) {
  const look = i % MOST;
  const box = svg('svg', { class: 'swatch', width: 16, height: 16, viewBox: '0 0 16 16', 'aria-hidden': 'true' });
  if (asLine) box.append(svg('path', { class: `line s${look} dash${i}`, d: 'M0 8H16' }));
  else box.append(svg('path', { class: `series s${look}`, d: 'M0 0H16V16H0z' }), ...(look > 0 ? [svg('path', { class: 'pattern', d: 'M0 0H16V16H0z', fill: `url(#${id}-${look})` })] : []));
  return box;
}

function tipContent(data, i) {
  const rows = data.series.map((s, n) => [s.name, s.values[i], n]).filter(([, value]) => value > 0).reverse();
  const total = rows.reduce((sum, [, value]) => sum + value, 0);
  return [
    el('strong', { text: data.labels[i].long }),
    ...rows.map(([name, value]) => el('p', {}, el('span', { text: name }), el('span', { text: data.format(value) }))),
    !data.lines && rows.length !== 1 && el('p', { class: 'sum' }, el('span', { text: t('usage.total') }), el('span', { text: data.format(total) })),
  ].filter(Boolean);
}

const round = (n) => Math.round(n * 10) / 10;
