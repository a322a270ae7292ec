// Adds and changes clients. A new client's token is shown once.

import { post } from './api.js';
import { blockForm, textOf } from './blockedit.js';
import { innerFields, listField, textInput } from './blockfields.js';
import { shownOf, blocksIn, valueOf, withInner, withSetting } from './blockparts.js';
import { quote } from './blocktext.js';
import { limitSettings } from './channelfields.js';
import { field, form, open } from './dialogs.js';
import { el } from './dom.js';
import { blockName } from './format.js';
import { t } from './i18n.js';
import { confirmed, failed } from './toast.js';

export function addClient(store) {
  const name = textInput('', { maxlength: '64' });
  const models = textInput('', { placeholder: 'gpt-*, claude-*' });
  form({
    title: t('clients.addTitle'),
    action: t('clients.add'),
    fields: {
      name: field({ label: t('clients.name'), hint: t('clients.nameHint'), input: name }),
      models: field({ label: t('clients.models'), hint: t('clients.modelsHint'), input: models }),
    },
    submit: async (wrong) => {
      if (!name.value.trim()) wrong('name', t('clients.noName'));
      const patterns = models.value.split(/[,，]/).map((m) => m.trim()).filter(Boolean);
      const added = await post('/api/clients', { name: name.value.trim(), ...(patterns.length ? { models: patterns } : {}) });
      store.refresh();
      showToken(added);
    },
  });
}

// showToken shows the token of a new client, this once.
function showToken({ name, token }) {
  const code = el('code', { class: 'token', text: token });
  const copy = el('button', { type: 'button', class: 'primary', text: t('connect.copy') });
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(token);
      confirmed(t('connect.copied'));
    } catch (e) {
      getSelection().selectAllChildren(code);
      failed(t('connect.notCopied'), e);
    }
  });
  open({ title: t('clients.tokenTitle', { name }), content: el('div', { class: 'form' }, el('p', { text: t('clients.tokenOnce') }), el('pre', { tabindex: '0' }, code), el('footer', {}, copy)) });
  copy.focus();
}

// editClient changes what a client may use. One that has no block yet, such as
// default, gets one.
export async function editClient(client, store) {
  const place = client.written ? { kind: 'client', label: client.name } : undefined;
  const before = place ? await textOf(place) : `client ${quote(client.name)} {}`;
  const models = listField(before, 'models', { label: t('clients.models'), hint: t('clients.modelsHint') }, { placeholder: 'gpt-*, claude-*' });
  const paths = listField(before, 'paths', { label: t('clients.paths'), hint: t('clients.pathsHint') }, { placeholder: '/v1/**' });
  const limit = innerFields(before, 'limit', [...limitSettings(), ['wait', { label: t('clients.wait'), hint: t('clients.waitHint') }, { placeholder: '10s' }]]);
  const budget = budgetFields(before);
  blockForm({
    title: t('block.editTitle', { name: blockName('client', client.name) }),
    done: t('block.changed', { name: `client "${client.name}"` }),
    store,
    place,
    fields: { models: models.node, paths: paths.node, ...limit.nodes, ...budget.fields },
    layout: [
      models.node, paths.node,
      el('fieldset', {}, el('legend', { text: t('clients.limits') }), ...Object.values(limit.nodes)),
      el('fieldset', {}, el('legend', { text: t('clients.budget') }), el('p', { class: 'hint', text: t('clients.budgetHint') }), ...Object.values(budget.fields)),
    ],
    build: () => [models, paths, limit, budget].reduce((block, f) => f.write(block), before),
  });
}

// budgetFields are an amount or tokens, and the period, which counts only with one of
// them.
function budgetFields(before) {
  const text = blocksIn(before, 'budget')[0]?.text ?? 'budget {}';
  const inner = innerFields(before, 'budget', [
    ['amount', { label: t('clients.amount'), type: 'number' }, { inputmode: 'decimal' }],
    ['tokens', { label: t('clients.budgetTokens'), type: 'number' }, { inputmode: 'numeric' }],
  ]);
  const current = shownOf(valueOf(text, 'per')) || 'day';
  const per = el('select', {}, ...['hour', 'day', 'week', 'month'].map((p) => el('option', { value: p, text: t(`clients.per.${p}`), selected: p === current })));
  return {
    fields: { ...inner.nodes, per: field({ label: t('clients.per'), input: per }) },
    write(out) {
      const written = inner.write(out);
      const own = blocksIn(written, 'budget')[0];
      if (!own) return written;
      const bounded = ['amount', 'tokens'].some((name) => valueOf(own.text, name) !== undefined);
      if (!bounded) return withInner(written, 'budget', 'budget {}');
      return per.value === current ? written : withInner(written, 'budget', withSetting(own.text, 'per', quote(per.value)));
    },
  };
}
