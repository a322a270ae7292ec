// Asks where a request would go, without sending it.

import { post } from './api.js';
import { field } from './dialogs.js';
import { el } from './dom.js';
import { sentence } from './format.js';
import { keyText } from './logrow.js';

export function explainForm() {
  const method = el('select', {}, ...['POST', 'GET'].map((value) => el('option', { value, text: value })));
  const path = el('input', { type: 'text', value: '/v1/chat/completions', spellcheck: 'false', autocomplete: 'off' });
  const model = el('input', { type: 'text', spellcheck: 'false', autocomplete: 'off', placeholder: 'any' });
  const answer = el('div', { class: 'explanation', 'aria-live': 'polite' });
  const form = el('form', { class: 'explain', novalidate: true },
    field({ label: 'Method', input: method }), field({ label: 'Path', input: path }), field({ label: 'Model', input: model }),
    el('button', { type: 'submit', text: 'Explain' }));
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    try {
      const body = { method: method.value, path: path.value.trim() };
      if (model.value.trim()) body.model = model.value.trim();
      answer.replaceChildren(...explanation(await post('/api/explain', body)));
    } catch (error) {
      answer.replaceChildren(el('p', { class: 'trouble', text: error.message }));
    }
  });
  return el('section', { class: 'block', 'aria-labelledby': 'explain-title' },
    el('h2', { id: 'explain-title', text: 'Where would a request go?' }),
    el('p', { class: 'lead', text: 'Nothing is sent; this is what the plan and the state of things say now.' }), form, answer);
}

function explanation(x) {
  if (!x.route) return [el('p', { class: 'trouble', text: 'No route takes this request: it would be answered with an error.' })];
  const name = (c) => [el('strong', { text: c.channel }), c.key && el('span', { class: 'key', text: keyText(c.channel, c.key) })];
  return [
    el('p', {}, 'Route ', el('code', { text: x.route }), `, strategy ${x.strategy}, plan ${x.plan}${x.reason ? `: ${x.reason}` : ''}.`),
    x.candidates.length > 0
      ? el('ol', { class: 'candidates', 'aria-label': 'In this order' }, ...x.candidates.map((c) => el('li', {}, ...name(c).filter(Boolean), el('span', { class: 'reason', text: sentence(c.reason) }))))
      : el('p', { class: 'trouble', text: 'No channel would be asked.' }),
    x.skipped.length > 0 && el('ul', { class: 'candidates skipped', 'aria-label': 'Passed over' },
      ...x.skipped.map((c) => el('li', {}, ...name(c).filter(Boolean), el('span', { class: 'reason', text: `Passed over: ${reasonText(c.why)}` })))),
  ].filter(Boolean);
}
