// The settings and blocks inside a block of the configuration. A change leaves
// all other text of the block as it is, comments too.

import { list, quote } from './blocktext.js';

const token = /#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|<<-?(\w+)\n[\s\S]*?\n\s*\1\b|[{}[\]()=\n]|[A-Za-z_][\w-]*/g;
const comment = /^(#|\/\/|\/\*)/;

// partsOf are the settings and blocks of a block: name and label, where each
// begins and ends, and of a setting the text of its value.
export function partsOf(text) {
  const found = [];
  let depth = 0;
  let current = null;
  const end = (at) => {
    const value = text.slice(current.from, at).trimEnd();
    found.push({ ...current, end: current.from + value.length, value: value.trim() });
    current = null;
  };
  for (const m of text.matchAll(token)) {
    const [word] = m;
    if (depth === 1 && current?.from && (word === '\n' || word === '}' || comment.test(word))) end(m.index);
    if ('{[('.includes(word)) depth++;
    else if ('}])'.includes(word)) {
      depth--;
      if (depth === 1 && current && !current.from) {
        found.push({ ...current, end: m.index + 1 });
        current = null;
      }
    } else if (depth === 1 && word === '=' && current && !current.from) current.from = m.index + 1;
    else if (depth === 1 && !current && /^[A-Za-z_]/.test(word)) current = { name: word, start: m.index, label: null };
    else if (depth === 1 && current && !current.from && current.label === null && word[0] === '"') current.label = JSON.parse(word);
  }
  return found;
}

const setting = (text, name) => partsOf(text).find((p) => p.name === name && p.from);

// valueOf is the text of a setting's value, undefined if it is not there.
export const valueOf = (text, name) => setting(text, name)?.value;

// blocksIn are the blocks of a name inside a block, each with its text.
export const blocksIn = (text, name) => partsOf(text).filter((p) => p.name === name && !p.from).map((p) => ({ ...p, text: text.slice(p.start, p.end) }));

// withSetting is the block with another value of a setting; '' removes it.
export function withSetting(text, name, value) {
  const at = setting(text, name);
  if (at && value) return `${text.slice(0, at.from)} ${value}${text.slice(at.end)}`;
  if (at) return without(text, at);
  return value ? withLine(spread(text), `${name} = ${value}`) : text;
}

// withoutBlock is the block without the one that begins at start.
export const withoutBlock = (text, start) => without(text, partsOf(text).find((p) => p.start === start));

// withBlock is the block with another one at its end.
export function withBlock(text, words) {
  const wide = spread(text);
  return `${wide.slice(0, wide.lastIndexOf('}')).trimEnd()}\n${indented(words)}\n}`;
}

// withInner replaces the inner block of that name. An empty one is removed.
export function withInner(text, name, words) {
  const at = blocksIn(text, name)[0];
  if (!partsOf(words).length) return at ? withoutBlock(text, at.start) : text;
  return at ? text.slice(0, at.start) + words + text.slice(at.end) : withBlock(text, words);
}

// insideOf is the text between the braces of a block.
export const insideOf = (text) => text.slice(headOf(text).length, text.lastIndexOf('}')).replaceAll(/^ {2}/gm, '').trim();

// withLabel is the block with another label.
export const withLabel = (text, label) => text.replace(/"(?:[^"\\\n]|\\.)*"/, () => quote(label));

// without removes a part, and its line if nothing else is on it.
function without(text, { start, end }) {
  const before = text.slice(0, start).replace(/\n[ \t]*$/, '\n');
  const after = text.slice(end);
  return before.endsWith('\n') && /^[ \t]*\n/.test(after) ? before + after.replace(/^[ \t]*\n/, '') : text.slice(0, start) + after.replace(/^[ \t]*/, '');
}

const indented = (words) => words.split('\n').map((line) => `  ${line}`).join('\n');

const headOf = (text) => /^[^"{]*(?:"(?:[^"\\]|\\.)*"[^"{]*)*\{/.exec(text)[0];

// spread puts the content of a block on lines of its own.
function spread(text) {
  const head = headOf(text);
  const body = text.slice(head.length, text.lastIndexOf('}'));
  return body.includes('\n') || !body.trim() ? text : `${head}\n  ${body.trim()}\n}`;
}

// withLine puts a line after the last setting, or first if there is none.
function withLine(text, line) {
  const last = partsOf(text).filter((p) => p.from).at(-1);
  const at = last ? last.end + /^[^\n]*/.exec(text.slice(last.end))[0].length : headOf(text).length;
  const rest = text.slice(at);
  return `${text.slice(0, at)}\n  ${line}${rest.startsWith('\n') ? '' : '\n'}${rest}`;
}

// isPlain reports whether a form can show a value: it is not an expression.
export const isPlain = (value) => value === undefined || /^(-?\d+(\.\d+)?|true|false)$/.test(value) || stringOf(value) !== null || stringsOf(value) !== null;

// stringOf is a value if it is a plain string, else null.
export function stringOf(value) {
  if (!/^"(?:[^"\\\n$%]|\\.)*"$/.test(value ?? '')) return null;
  return JSON.parse(value);
}

// stringsOf are the values of a list of plain strings, else null.
export function stringsOf(value) {
  const inside = /^\[([\s\S]*)\]$/.exec(value ?? '')?.[1];
  const all = inside?.match(/"(?:[^"\\\n$%]|\\.)*"/g) ?? [];
  return inside !== undefined && /^[\s,]*$/.test(inside.replace(/"(?:[^"\\\n$%]|\\.)*"/g, '')) ? all.map((s) => JSON.parse(s)) : null;
}

// namesOf are the names in a list of references to blocks of a kind, else null.
export function namesOf(kind, value) {
  const reference = new RegExp(`\\b${kind}(?:\\.([A-Za-z_][\\w-]*)|\\["([^"\\\\]+)"\\])`, 'g');
  const inside = /^\[([\s\S]*)\]$/.exec(value ?? '')?.[1];
  if (inside === undefined || !/^[\s,]*$/.test(inside.replace(reference, ''))) return null;
  return [...inside.matchAll(reference)].map((m) => m[1] ?? m[2]);
}

// references is a list of references to blocks of a kind as it is written.
export const references = (kind, names) => `[${names.map((n) => (/^[A-Za-z_][\w-]*$/.test(n) ? `${kind}.${n}` : `${kind}[${quote(n)}]`)).join(', ')}]`;

const pair = /\s*(?:([A-Za-z_][\w-]*)|("(?:[^"\\\n$%]|\\.)*"))\s*[=:]\s*("(?:[^"\\\n$%]|\\.)*")\s*(?:,|\n|$)/gy;

// mapOf are the pairs of a map of plain strings, else null.
export function mapOf(value) {
  const inside = /^\{([\s\S]*)\}$/.exec(value ?? '')?.[1]?.trim();
  if (inside === undefined) return null;
  const found = [...inside.matchAll(pair)];
  return found.map(([m]) => m).join('') === inside ? found.map(([, word, name, to]) => [word ?? JSON.parse(name), JSON.parse(to)]) : null;
}

// mapText is a map of strings as it is written.
export const mapText = (pairs) => `{ ${pairs.map(([name, to]) => `${quote(name)} = ${quote(to)}`).join(', ')} }`;

// shownOf is how a field shows a value: strings without quotes, a list with
// commas, and anything else as it is written.
export const shownOf = (value) => (value === undefined ? '' : stringOf(value) ?? stringsOf(value)?.join(', ') ?? value);

// writtenOf is the HCL for what a field shows, for a setting of that type.
export function writtenOf(type, shown) {
  if (!shown) return '';
  if (type === 'bool' || (type === 'number' && Number.isFinite(Number(shown)))) return shown;
  if (Array.isArray(type) && (type[0] === 'list' || type[0] === 'set')) {
    const all = shown.split(/[,，\n]/).map((v) => v.trim()).filter(Boolean);
    return type[1] === 'number' ? `[${all.join(', ')}]` : list(all);
  }
  return quote(shown);
}
