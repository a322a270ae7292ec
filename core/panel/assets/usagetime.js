// The periods of the usage, and their parts.

import { language } from './i18n.js';

const locale = language === 'en' ? 'en-GB' : language;
const pad = (n) => String(n).padStart(2, '0');

// monthsAgo is the first day of a month.
function monthsAgo(n) {
  const d = new Date();
  d.setDate(1);
  d.setMonth(d.getMonth() - n);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-01`;
}

// periods have the start in the query, which the program rounds down, the end if that
// is not now, and the unit of their parts.
export const periods = {
  today: { from: () => 'today', unit: 'hour' },
  yesterday: { from: () => 'yesterday', to: 'today', unit: 'hour' },
  day: { from: () => '23h', unit: 'hour' },
  week: { from: () => '6d', unit: 'day' },
  month: { from: () => '29d', unit: 'day' },
  year: { from: () => '364d', unit: 'day' },
  months: { from: () => monthsAgo(11), unit: 'month' },
};

const texts = (options) => new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options });
const forms = {
  hour: [texts({ hour: '2-digit', minute: '2-digit', hour12: false }), texts({ weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hour12: false })],
  day: [texts({ day: 'numeric', month: 'short' }), texts({ weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' })],
  month: [texts({ month: 'short' }), texts({ month: 'long', year: 'numeric' })],
};

// buckets are all parts of the period of an answer, with the key of their rows. Times are
// in the program's time zone, as written.
export function buckets(usage, unit) {
  const out = [];
  const add = (key, wall) => out.push({ key, short: forms[unit][0].format(wall), long: forms[unit][1].format(wall) });
  if (unit === 'hour') {
    const offset = /(?:Z|[+-]\d\d:\d\d)$/.exec(usage.from)[0];
    const ahead = offset === 'Z' ? 0 : (offset[0] === '-' ? -1 : 1) * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4))) * 60_000;
    for (let at = Date.parse(usage.from); at < Date.parse(usage.to); at += 3_600_000) {
      const wall = new Date(at + ahead);
      add(wall.toISOString().slice(0, 19) + offset, wall);
    }
    return out;
  }
  const size = unit === 'day' ? 10 : 7;
  const wall = new Date(`${usage.from.slice(0, 10)}T00:00:00Z`);
  const end = usage.to.slice(0, 10); // of a day, not included
  while (wall.toISOString().slice(0, 10) < end) {
    add(wall.toISOString().slice(0, size), wall);
    if (unit === 'day') wall.setUTCDate(wall.getUTCDate() + 1);
    else wall.setUTCMonth(wall.getUTCMonth() + 1, 1);
  }
  return out;
}

// number writes an amount of money; a small one with more digits.
export function number(amount) {
  const digits = amount > 0 && amount < 1 ? 4 : 2;
  if (amount > 0 && amount < 0.00005) return '<0.0001';
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(amount);
}

// money writes an amount with its currency.
export const money = ({ amount, currency }) => `${number(amount)} ${currency}`;
