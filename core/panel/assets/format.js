// Figures as people read them.

import { code, language, said, t } from './i18n.js';

const whole = new Intl.NumberFormat(language);
const short = new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 });
const locale = language === 'en' ? 'en-GB' : language;

// count writes 8,204 and 1.2M.
export const count = (n) => (n >= 100_000 ? short : whole).format(n ?? 0);

// percent writes a share from 0 to 1. Only exactly 1 is 100 %.
export function percent(share) {
  if (share === null || share === undefined) return '–';
  const p = share * 100;
  return t('unit.percent', { n: p === 100 || p === 0 ? String(p) : Math.min(p, 99.9).toFixed(1) });
}

// millis writes a duration given in milliseconds.
export function millis(ms) {
  if (!ms) return '–';
  if (ms < 10) return t('unit.ms', { n: ms.toFixed(1) });
  if (ms < 1000) return t('unit.ms', { n: String(Math.round(ms)) });
  if (ms < 100_000) return t('unit.s', { n: (ms / 1000).toFixed(ms < 10_000 ? 2 : 1) });
  return span(ms / 1000);
}

// rate writes a number per second.
export function rate(n) {
  if (!n) return '0';
  if (n < 0.1) return '<0.1';
  return n < 10 ? n.toFixed(1) : count(Math.round(n));
}

// span writes a number of seconds in the two units that matter.
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return t('unit.s', { n: String(s) });
  const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  const first = units.findIndex(([, size]) => s >= size);
  const [unit, size] = units[first];
  const [lesser, part] = units[first + 1];
  const rest = Math.floor((s % size) / part);
  const amount = (n, name) => t(`unit.${name}`, { n: String(n) });
  return amount(Math.floor(s / size), unit) + (rest ? ` ${amount(rest, lesser)}` : '');
}

// clock writes the time of day.
export function clock(time) {
  return new Date(time).toLocaleTimeString(locale, { hour12: false });
}

// moment writes date and time.
export function moment(time) {
  return new Date(time).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'medium' });
}

// bytes writes a size.
export function bytes(n) {
  if (n < 1024) return `${n ?? 0} B`;
  const units = ['KiB', 'MiB', 'GiB'];
  let size = n / 1024;
  let u = 0;
  for (; size >= 1024 && u < units.length - 1; u++) size /= 1024;
  return `${size.toFixed(size < 10 ? 1 : 0)} ${units[u]}`;
}

// hostOf is the host of a URL with its port, and base path if there is one.
export function hostOf(target) {
  try {
    const u = new URL(target);
    return u.host + (u.pathname === '/' ? '' : u.pathname);
  } catch {
    return target;
  }
}

// sentence begins with a capital.
export const sentence = (s) => (s ? s[0].toUpperCase() + s.slice(1) : '');

// nameOf is the last part of a path.
export const nameOf = (path) => path.split(/[\\/]/).at(-1);

// diagnosticLine is an error of the configuration in one line.
export function diagnosticLine(d) {
  const text = diagnosticText(d);
  return d.line ? t('config.diagnostic', { n: d.line, text }) : text;
}

// diagnosticText is an error of the configuration without its place.
export const diagnosticText = (d) => (d.detail ? t('words.explained', { what: said(d.summary), why: said(d.detail) }) : said(d.summary));

// blockName is what a block of the configuration is called.
export const blockName = (kind, label) => t('block.name', { kind: code('blockKind', kind), label });
