// Shows where a request would go, without sending it.

import { post } from './api.js';
import { field } from './dialogs.js';
import { el } from './dom.js';
import { sentence } from './format.js';
import { parts, quoted, said, t } from './i18n.js';
import { keyText } from './logrow.js';
import { outage } from './states.js';

export function explainForm() {
  const method = el('select', {}, ...['POST', 'GET'].map((value) => el('option', { value, text: value })));
  const path = el('input', { type: 'text', value: '/v1/chat/completions', spellcheck: 'false', autocomplete: 'off' });
  const model = el('input', { type: 'text', spellcheck: 'false', autocomplete: 'off', placeholder: t('explain.any') });
  const answer = el('div', { class: 'explanation', 'aria-live': 'polite' });
  const form = el('form', { class: 'explain', novalidate: true },
    field({ label: t('explain.method'), input: method }), field({ label: t('explain.path'), input: path }), field({ label: t('explain.model'), input: model }),
    el('button', { type: 'submit', text: t('explain.submit') }));
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
    el('h2', { id: 'explain-title', text: t('explain.title') }),
    el('p', { class: 'lead', text: t('explain.lead') }), form, answer);
}

function explanation(x) {
  if (!x.route) return [el('p', { class: 'trouble', text: t('explain.noRoute') })];
  const name = (c) => [el('strong', { text: c.channel }), c.key && el('span', { class: 'key', text: keyText(c.channel, c.key) })].filter(Boolean);
  return [
    el('p', {}, ...parts('explain.route', { route: el('code', { text: x.route }), strategy: x.strategy }), x.reason ? ` ${sentence(quoted(x.reason))}.` : ''),
    x.unrouted && el('p', { class: 'trouble', text: `${sentence(said(x.unrouted))}.` }),
    x.candidates.length > 0
      ? el('ol', { class: 'candidates', 'aria-label': t('explain.order') }, ...x.candidates.map((c) => el('li', {}, ...name(c), c.egress && el('span', { class: 'key', text: t('card.egress', { name: c.egress }) }), el('span', { class: 'reason', text: sentence(quoted(c.reason)) }), c.keys?.length > 1 && el('span', { class: 'reason', text: t('explain.keys', { selector: c.key_selector, keys: c.keys.map((k) => keyText(c.channel, k)).join(t('words.list')) }) }))))
      : el('p', { class: 'trouble', text: t('explain.nobody') }),
    x.skipped.length > 0 && el('ul', { class: 'candidates skipped', 'aria-label': t('explain.skipped') },
      ...x.skipped.map((c) => el('li', {}, ...name(c), el('span', { class: 'reason', text: t('explain.why', { reason: outage(c.why, c.reason) }) })))),
  ].filter(Boolean);
}
