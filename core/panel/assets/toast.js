// Shows the results of actions.

import { el, find } from './dom.js';
import { diagnosticLine } from './format.js';
import { t } from './i18n.js';
import { icon } from './icons.js';

const SHOWN = 5000; // ms; a failure stays until it is closed or resolved

// confirmed says that something was done.
export function confirmed(message) {
  const node = show('good', 'status', message, []);
  setTimeout(() => node.remove(), SHOWN);
}

// failed says what was not done, and why.
export function failed(what, error) {
  settled(what);
  show('bad', 'alert', what, [error.message, ...(error.diagnostics ?? []).map(diagnosticLine)]);
}

// settled removes the message that something was not done, after it was done or
// corrected.
export function settled(what) {
  for (const node of [...find('toasts').children]) if (node.what === what) node.remove();
}

function show(kind, role, title, lines) {
  const node = el('div', { class: `toast ${kind}`, role },
    icon(kind === 'good' ? 'check' : 'warn'),
    el('div', {}, el('p', { class: 'title', text: title }), ...unique(title, lines).map((text) => el('p', { text }))),
    el('button', { type: 'button', class: 'quiet round', 'aria-label': t('form.closeMessage'), on: { click: () => node.remove() } }, icon('close')));
  node.what = title;
  find('toasts').append(node);
  while (find('toasts').children.length > 4) find('toasts').firstElementChild.remove();
  return node;
}

const unique = (title, lines) => [...new Set(lines)].filter((line) => line && line !== title);

// attempt runs an action, shows the result, and returns whether it was done. done may
// be an object with a title and a text, for an action that was done and found a problem.
export async function attempt(done, notDone, action) {
  try {
    const result = await action();
    settled(notDone);
    const words = typeof done === 'function' ? done(result) : done;
    if (!words) return true; // the page shows it
    if (typeof words === 'string') confirmed(words);
    else failed(words.title, new Error(words.text));
    return true;
  } catch (e) {
    failed(notDone, e);
    return false;
  }
}
