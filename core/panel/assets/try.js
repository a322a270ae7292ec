// Sends one real request to a channel, to see whether and how it answers.

import { channelPath, get, post, put } from './api.js';
import { field, open } from './dialogs.js';
import { el, setText } from './dom.js';
import { factList } from './blocks.js';
import { count, millis } from './format.js';
import { parts, quoted, said, t } from './i18n.js';
import { kept } from './kept.js';
import { keyText } from './logrow.js';
import { attempt } from './toast.js';

export function tryChannel(channel, store) {
  const name = channel.name;
  const model = el('input', { type: 'text', list: 'try-models', autocomplete: 'off', spellcheck: 'false', value: kept('tryModel') });
  const models = el('datalist', { id: 'try-models' });
  const prompt = el('textarea', { rows: 2 });
  prompt.value = t('try.promptDefault');
  const offered = el('p', { class: 'hint', 'aria-live': 'polite', text: t('try.loading') });
  const send = el('button', { type: 'submit', class: 'primary', text: t('try.send') });
  const answer = el('div', { class: 'answer', 'aria-live': 'polite' });
  const modelField = field({ label: t('try.model'), input: model });
  const form = el('form', { class: 'form', novalidate: true }, modelField, models, offered, field({ label: t('try.prompt'), hint: t('try.note'), input: prompt }), answer,
    el('footer', {}, el('button', { type: 'button', text: t('form.close'), on: { click: () => dialog.close() } }), send));
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    if (!model.value.trim()) {
      modelField.showError(t('try.modelEmpty'));
      return model.focus();
    }
    kept('tryModel', model.value.trim());
    send.disabled = true;
    setText(send, t('try.sending'));
    try {
      answer.replaceChildren(...result(name, await post(channelPath(name, 'try'), { model: model.value.trim(), prompt: prompt.value })));
    } catch (error) {
      answer.replaceChildren(el('p', { class: 'trouble', text: error.message }));
    }
    send.disabled = false;
    setText(send, t('try.send'));
    answer.scrollIntoView({ block: 'nearest' });
    store.refreshSoon();
  });
  const dialog = open({ title: t('try.title', { name }), content: form });
  model.focus();
  list(name, model, models, offered);
}

// list offers the models of the site.
async function list(name, model, models, offered) {
  try {
    const { models: all } = await get(channelPath(name, 'models'));
    models.replaceChildren(...all.map((value) => el('option', { value })));
    setText(offered, `${t('try.models')}: ${all.slice(0, 6).join(', ')}${all.length > 6 ? ' …' : ''}`);
    if (!model.value || !all.includes(model.value)) model.value = all[0] ?? model.value;
  } catch (e) {
    setText(offered, t('try.noModels', { reason: said(e.message) }));
  }
}

function result(name, r) {
  const facts = factList(...['status', 'firstByte', 'firstContent', 'total', 'tokens', 'key', 'address'].map((what) => t(`try.${what}`)));
  facts.set(r.status && String(r.status), r.ttfb_ms > 0 && millis(r.ttfb_ms), r.content_ms > 0 && millis(r.content_ms), millis(r.total_ms),
    (r.tokens.input || r.tokens.output) && t('card.tokensInOut', { in: count(r.tokens.input), out: count(r.tokens.output) }), r.key && keyText(name, r.key),
    r.ok && r.url);
  return [
    r.ok ? null : el('p', { class: 'trouble' }, el('strong', { text: `${t('try.failed')}. ` }), quoted(r.error)),
    !r.ok && r.target ? elsewhere(name, r) : null,
    !r.ok && !r.target && [404, 405].includes(r.status) && r.url ? el('p', { class: 'hint', text: t('try.sentTo', { url: r.url }) }) : null,
    facts.node,
    r.ok && el('pre', { tabindex: '0', text: r.text || t('try.empty') }),
  ].filter(Boolean);
}

// elsewhere says where the site has its API, if not at the channel's address, and offers
// to correct that.
function elsewhere(name, r) {
  const use = el('button', { type: 'button', text: t('try.useTarget') });
  use.addEventListener('click', async () => {
    use.disabled = true;
    const done = await attempt(t('try.targetUsed', { name }), t('card.notChanged', { name }), () => put(channelPath(name), { target: r.target }));
    use.disabled = Boolean(done);
  });
  return el('p', { class: 'hint' }, ...parts('try.elsewhere', { url: r.url, target: el('code', { text: r.target }) }), ' ', use);
}
