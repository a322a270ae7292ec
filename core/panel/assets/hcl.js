// Splits a line of HCL into its parts, for colors. It looks at one line at a time, which
// is enough for a configuration.

const part = /(#.*|\/\/.*)|("(?:[^"\\]|\\.)*"?)|(\b\d[\d_.]*\b)|(\b(?:true|false|null)\b)|([A-Za-z_][\w-]*)(?=\s*=[^=])|(^\s*[A-Za-z_][\w-]*)(?=.*\{\s*\}?\s*(?:#.*)?$)|(\b[A-Za-z_][\w-]*)(?=\()|([A-Za-z_][\w-]*)/g;
const placeholder = /^"\(hidden:/; // in place of a secret
const kinds = ['comment', 'string', 'number', 'number', 'attribute', 'block', 'function', 'plain'];

// parts returns the pieces of a line, each with its kind.
export function parts(line) {
  const out = [];
  let at = 0;
  for (const m of line.matchAll(part)) {
    if (m.index > at) out.push(['plain', line.slice(at, m.index)]);
    out.push([placeholder.test(m[0]) ? 'placeholder' : kinds[m.slice(1).findIndex((g) => g !== undefined)], m[0]]);
    at = m.index + m[0].length;
  }
  if (at < line.length) out.push(['plain', line.slice(at)]);
  return out;
}
