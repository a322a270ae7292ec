// Says that the configuration as it is in its files does not run.

import { el, find, setText } from './dom.js';
import { diagnosticLine } from './format.js';
import { icon } from './icons.js';

export function notice(store) {
  const text = el('p', {});
  const place = find('notice');
  place.append(icon('warn'), text, el('a', { href: '#config', text: 'Look at it' }));
  store.follow(({ status }) => {
    const r = status.lastReload;
    place.hidden = !r || r.ok || Boolean(r.stale);
    if (place.hidden) return;
    const mistakes = r.diagnostics.filter((d) => d.severity !== 'warning');
    const first = mistakes.length ? diagnosticLine(mistakes[0]) : r.error;
    setText(text, `The configuration in the file is not applied, what ran before goes on. ${first}` + (mistakes.length > 1 ? ` And ${mistakes.length - 1} more.` : ''));
  });
}
