// A field for keys, one per line, whose text is hidden unless the user shows it.

import { el, setAttribute, setText } from './dom.js';
import { t } from './i18n.js';

// keyLines returns the text area, and the button that shows its text.
export function keyLines() {
  const input = el('textarea', { class: 'secret', rows: 2, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', wrap: 'off' });
  const show = el('button', { type: 'button', class: 'quiet', text: t('keys.show'), 'aria-pressed': 'false' });
  show.addEventListener('click', () => {
    const shown = input.classList.toggle('shown');
    setText(show, t(shown ? 'keys.hide' : 'keys.show'));
    setAttribute(show, 'aria-pressed', String(shown));
  });
  input.addEventListener('input', () => {
    input.rows = Math.min(8, Math.max(2, input.value.split('\n').length));
  });
  return {
    input,
    show,
    // keep sets the keys that stay in the field.
    keep(keys) {
      input.value = keys.map((k) => [k.key, k.label].filter(Boolean).join(' ')).join('\n');
    },
  };
}

// pastedKeys are the keys of a pasted list, each with a label if one follows,
// and how many lines repeat another. Quotes and commas around keys, as in JSON
// and in configurations, are not part of them.
export function pastedKeys(text) {
  const keys = new Map();
  let repeated = 0;
  for (const line of text.split(/[\n,;]/)) {
    const [key, ...label] = line.trim().split(/\s+/).map((word) => word.replace(/^["'`[]+|["'`\]]+$/g, ''));
    if (!key || key.startsWith('#')) continue;
    if (keys.has(key)) repeated++;
    else keys.set(key, label.length ? { key, label: label.join(' ') } : { key });
  }
  return { keys: [...keys.values()], repeated };
}
