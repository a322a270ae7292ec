// Draws the last minutes of a channel: a line of the time to the first byte,
// and a mark below wherever requests failed.

import { setAttribute, svg } from './dom.js';
import { millis } from './format.js';
import { t } from './i18n.js';

const WIDTH = 240;
const HEIGHT = 36;
const TOP = 4;
const GROUND = 30; // marks of failures are below

// sparkline returns a drawing and the function that sets its points.
export function sparkline() {
  const area = svg('path', { class: 'area' });
  const line = svg('path', { class: 'line' });
  const dots = svg('path', { class: 'dots' });
  const gaps = svg('path', { class: 'gaps' });
  const failures = svg('path', { class: 'failures' });
  const node = svg('svg', { class: 'sparkline', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' },
    svg('path', { class: 'ground', d: `M0 ${GROUND}H${WIDTH}` }), area, gaps, line, dots, failures);
  let drawn = '';
  return {
    node,
    update(points) {
      const as = JSON.stringify(points);
      if (as === drawn) return;
      drawn = as;
      const d = paths(points);
      area.setAttribute('d', d.area);
      line.setAttribute('d', d.line);
      dots.setAttribute('d', d.dots);
      gaps.setAttribute('d', d.gaps);
      failures.setAttribute('d', d.failures);
      setAttribute(node, 'aria-label', describe(points));
    },
  };
}

function paths(points) {
  const step = WIDTH / Math.max(points.length, 1);
  const highest = Math.max(1, ...points.map((p) => p.ttfb || 0)) * 1.1;
  const x = (i) => round((i + 0.5) * step);
  const y = (p) => round(GROUND - (p.ttfb / highest) * (GROUND - TOP));
  const d = { area: '', line: '', dots: '', gaps: '', failures: '' };
  let last = -1; // the last point with a sample
  points.forEach((p, i) => {
    if (p.failures > 0) d.failures += `M${x(i)} ${GROUND + 3}v3`;
    if (!p.ttfb) return;
    if (last >= 0 && last === i - 1) {
      d.line += `L${x(i)} ${y(p)}`;
      d.area += `M${x(last)} ${GROUND}V${y(points[last])}L${x(i)} ${y(p)}V${GROUND}z`;
    } else {
      if (last >= 0) d.gaps += `M${x(last)} ${y(points[last])}L${x(i)} ${y(p)}`;
      d.line += `M${x(i)} ${y(p)}`;
      if (!points[i + 1]?.ttfb) d.dots += `M${x(i)} ${y(p)}h0.01`; // alone: its round ends make a dot
    }
    last = i;
  });
  return d;
}

const round = (n) => Math.round(n * 100) / 100;

function describe(points) {
  const samples = points.map((p) => p.ttfb).filter(Boolean);
  const failed = points.reduce((n, p) => n + (p.failures || 0), 0);
  if (!samples.length && !failed) return t('spark.none', { n: Math.round((points.length * 10) / 60) || 10 });
  const range = samples.length ? t('spark.range', { least: millis(Math.min(...samples)), most: millis(Math.max(...samples)) }) : t('spark.noAnswer');
  return `${range}${t('words.comma')}${t('spark.failures', { n: failed })}`;
}
