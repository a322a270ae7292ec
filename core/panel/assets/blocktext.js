// Blocks of the configuration as text: how values are written, and where a
// block is in a file.

// quote is a string as HCL writes it.
export const quote = (s) => JSON.stringify(s).replaceAll('${', '$${').replaceAll('%{', '%%{');

// list is a list of strings.
export const list = (all) => `[${all.map(quote).join(', ')}]`;

// block is a block of lines; those that are empty are left out.
export const block = (head, lines) => {
  const body = lines.flat().filter(Boolean).map((line) => `  ${line}\n`).join('');
  return body ? `${head} {\n${body}}\n` : `${head} {}\n`;
};

// token matches comments and strings, in which braces do not count.
const token = /#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|<<-?(\w+)\n[\s\S]*?\n\s*\1\b|[{}]|[A-Za-z_][\w-]*/g;

// blocksOf finds the blocks at the top level of a text that begin with a word:
// where each begins and ends, and its first label.
export function blocksOf(text, kind) {
  const found = [];
  let depth = 0;
  let current = null;
  for (const m of text.matchAll(token)) {
    const [word] = m;
    if (word === '{') depth++;
    else if (word === '}') {
      depth--;
      if (depth === 0 && current) {
        found.push({ ...current, end: m.index + 1 });
        current = null;
      }
    } else if (depth === 0 && word === kind && !current) current = { start: m.index, label: null };
    else if (depth === 0 && current && current.label === null && word[0] === '"') current.label = JSON.parse(word);
  }
  return found;
}

// replaced is the text with the nth block of that label replaced; null if there is
// none. '' removes it with its line break.
export function replaced(text, kind, label, nth, words) {
  const at = blocksOf(text, kind).filter((b) => b.label === label)[nth];
  if (!at) return null;
  const rest = text.slice(at.end);
  return text.slice(0, at.start) + words.trimEnd() + (words ? rest : rest.replace(/^[^\n]*\n\n?/, ''));
}

// added is the text with a block at its end.
export const added = (text, words) => `${text.trimEnd()}\n\n${words.trimEnd()}\n`.trimStart();
