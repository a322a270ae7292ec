// The language of the page: the one that was chosen, or the first language of the browser
// that has a catalog.

import { en } from './i18n/en.js';
import { zh } from './i18n/zh.js';
import { kept } from './kept.js';

const catalogs = { en, zh };

export const languages = Object.keys(catalogs);
export const language = choose();
const texts = catalogs[language];
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

function choose() {
  const wanted = [kept('language'), ...(navigator.languages ?? [])];
  return wanted.map((tag) => tag.split('-')[0].toLowerCase()).find((tag) => catalogs[tag]) ?? 'en';
}

// languageName is the name of a language in that language.
export const languageName = (tag) => catalogs[tag]['language.name'];

// useLanguage stores the choice of a language and reloads the page.
export function useLanguage(tag) {
  kept('language', tag);
  location.reload();
}

// listOf joins names: "a, b and c".
const lists = new Intl.ListFormat(language === 'en' ? 'en-GB' : language);
export const listOf = (names) => lists.format(names);

// has reports whether there is a text with this name.
export const has = (name) => Object.hasOwn(texts, name);

// t is a text of the catalog with its values. The number n selects the plural form.
export function t(name, values = {}) {
  return pattern(name, values).replace(/\{(\w+)\}/g, (whole, key) => show(values[key]) ?? whole);
}

// parts is t with elements among the values, as children for an element.
export function parts(name, values = {}) {
  return pattern(name, values).split(/(\{\w+\})/).filter(Boolean).map((piece) => {
    const key = /^\{(\w+)\}$/.exec(piece)?.[1];
    return key in values ? show(values[key]) : piece;
  });
}

// code is the text for a code of the API, or the code itself if it is unknown, such as that
// of a newer program.
export const code = (group, value) => (has(`${group}.${value}`) ? t(`${group}.${value}`) : String(value ?? ''));

// said translates a sentence of the program as far as the catalog has it: the sentence is
// compared with the English texts.
export function said(text) {
  if (language === 'en' || !text) return text ?? '';
  for (const [name, known, wordless] of sentences()) {
    const found = known.exec(text);
    if (!found) continue;
    const values = Object.entries(found.groups ?? {}).map(([key, value]) => [key, value, said(value)]);
    if (wordless && values.every(([, before, after]) => before === after)) continue; // no part of it is in the catalog
    return t(name, Object.fromEntries(values.map(([key, , after]) => [key, after])));
  }
  return text;
}

// quoted is said, and puts in quotes what the catalog does not have: the words of a site
// or of a plugin.
export function quoted(text) {
  const translated = said(text);
  return language !== 'en' && text && translated === text ? t('words.quoted', { text }) : translated;
}

let known;

// sentences are the names and the patterns of the program's sentences. A pattern also
// matches with a capital letter and a full stop. Longer sentences come first.
function sentences() {
  known ??= Object.entries(catalogs.en)
    .filter(([name]) => /^(means|said|reason)\./.test(name) && typeof catalogs.en[name] === 'string')
    .sort(([, a], [, b]) => bare(b).length - bare(a).length)
    .map(([name, text]) => [name, new RegExp(`^${text.split(/(\{\w+\})/).map(expression).join('')}\\.?$`), !/\p{L}/u.test(bare(text))]);
  return known;
}

// expression is the pattern for a piece of a sentence: a value, which ends where the next words
// begin, or words.
function expression(piece, i) {
  const value = /^\{(\w+)\}$/.exec(piece);
  if (value) return `(?<${value[1]}>.+?)`;
  const words = piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return i ? words : words.replace(/^[a-z]/, (first) => `[${first}${first.toUpperCase()}]`);
}

const bare = (text) => text.replace(/\{\w+\}/g, '');

function pattern(name, values) {
  const text = texts[name] ?? name;
  return typeof text === 'string' ? text : text[plurals.select(values.n ?? 0)] ?? text.other;
}

const show = (value) => (typeof value === 'number' ? numbers.format(value) : value);

// applyTo sets the texts of the page itself.
export function applyTo(root) {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : language;
  for (const node of root.querySelectorAll('[data-text]')) node.textContent = t(node.dataset.text);
  for (const node of root.querySelectorAll('[data-label]')) node.setAttribute('aria-label', t(node.dataset.label));
}
