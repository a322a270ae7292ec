// What the program says about a text of the configuration.

import { el } from './dom.js';
import { clock, nameOf, plural } from './format.js';

// verdictOf are the elements for a plan, or for the error there was instead.
// place returns what leads to a diagnostic's line, or null if that is in
// another file.
export function verdictOf(diagnostics, { plan, error, changed, place }) {
  const wrong = diagnostics.filter((d) => d.severity !== 'warning').length;
  return [
    headline(wrong, diagnostics.length - wrong, error),
    diagnostics.length > 0 && el('ol', { class: 'mistakes' }, ...diagnostics.map((d) => mistake(d, place(d)))),
    plan && changed && changes(plan),
  ].filter(Boolean);
}

function headline(wrong, warnings, error) {
  if (wrong) return el('h2', { class: 'bad', text: plural(wrong, 'mistake') });
  if (error) return el('h2', { class: 'bad', text: error.message });
  return el('h2', { class: 'good', text: warnings ? `Good, with ${plural(warnings, 'warning')}` : 'No mistakes' });
}

function mistake(d, go) {
  return el('li', { class: d.severity },
    d.line > 0 && (go
      ? el('button', { type: 'button', class: 'quiet place', text: `line ${d.line}`, on: { click: go } })
      : el('p', { text: `${nameOf(d.file)}, line ${d.line}` })),
    el('p', {}, el('strong', { text: d.summary })),
    d.detail && el('p', { text: d.detail }));
}

const verbs = { add: 'is added', remove: 'is removed', change: 'changes' };

// changes are what saving would do.
function changes(plan) {
  if (!plan.changes?.length) return el('p', { class: 'hint', text: 'Saving changes nothing that runs.' });
  return el('section', {}, el('h3', { text: 'Saving would do this' }), el('ul', { class: 'changes' },
    ...plan.changes.map((c) => el('li', {}, el('code', { text: c.block }), ` ${verbs[c.action] ?? c.action}`, c.fields?.length ? `: ${c.fields.join(', ')}` : '', c.effect && el('span', { class: 'hint', text: c.effect })))));
}

// lastReload says what runs, and since when.
export function lastReload(status) {
  const r = status.lastReload;
  if (!r) return `Generation ${status.generation} runs since the start.`;
  return r.ok ? `Generation ${status.generation} runs; applied at ${clock(r.at)}.` : `Generation ${status.generation} runs on: the text of ${clock(r.at)} was not applied. ${r.error ?? ''}`;
}
