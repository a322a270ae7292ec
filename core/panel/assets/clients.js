// Who may use the proxy: what each client uses of its limits and budget. A new
// client's token is shown once.

import { post, remove } from './api.js';
import { factList, titled } from './blocks.js';
import { confirm, field, form, open } from './dialogs.js';
import { each, el, setAttribute, setText } from './dom.js';
import { count, moment, percent } from './format.js';
import { parts, t } from './i18n.js';
import { notificationsPart } from './notifications.js';
import { attempt, confirmed, failed } from './toast.js';

export function clientsView(view, store) {
  const list = el('div', { class: 'blocks' });
  const add = el('button', { type: 'button', class: 'primary', text: t('clients.add'), on: { click: () => addClient(store) } });
  view.append(
    el('header', { class: 'heading' }, el('h2', { text: t('view.clients') }), add),
    el('p', { class: 'lead' }, ...parts('clients.lead', { setting: el('code', { text: 'proxy.client_tokens' }), block: el('code', { text: 'client' }) })),
    list, ...notificationsPart(view, store));
  store.follow(({ status }) => each(list, status.clients ?? [], (c) => c.name, () => clientBlock(store)));
}

function clientBlock(store) {
  const drop = el('button', { type: 'button', class: 'quiet', text: t('clients.remove') });
  const head = titled(el('span', { class: 'host' }), drop);
  const facts = factList(...['models', 'paths', 'requests', 'tokens', 'inFlight', 'waiting'].map((name) => t(`clients.${name}`)));
  const budget = meter(t('clients.budget'));
  const node = el('article', { class: 'block client' }, head.node, budget.node, facts.node);
  let client = null;
  drop.addEventListener('click', async () => {
    if (!(await confirm({ title: t('clients.removeTitle', { name: client.name }), text: t('clients.removeText'), action: t('clients.remove') }))) return;
    await attempt(t('clients.removed', { name: client.name }), t('clients.notRemoved', { name: client.name }), () => remove(`/api/clients/${encodeURIComponent(client.name)}`));
    store.refresh();
  });
  return {
    node,
    update(next) {
      client = next;
      const [kind, word] = standing(next);
      head.update(next.name, word, kind);
      setAttribute(node, 'data-name', next.name);
      setAttribute(drop, 'aria-label', t('clients.removeLabel', { name: next.name }));
      drop.hidden = !next.token;
      const l = next.limit;
      facts.set(
        next.models?.join(', ') || t('clients.all'), next.paths?.join(', ') || t('clients.all'),
        l.requestsPerMinute && t('clients.perMinute', { n: l.requestsPerMinute, share: percent(Math.min(1, l.requestsUsed ?? 0)) }),
        l.tokensPerMinute && t('clients.perMinute', { n: l.tokensPerMinute, share: percent(Math.min(1, l.tokensUsed ?? 0)) }),
        l.concurrent ? t('clients.of', { used: count(next.active), most: count(l.concurrent) }) : next.active && count(next.active),
        next.waiting && count(next.waiting));
      budget.node.hidden = !next.budget;
      if (next.budget) showBudget(budget, next.budget);
    },
  };
}

// standing is the colour and the words for a client.
function standing(c) {
  if (c.state === 'budget_used_up') return ['bad', t('clients.usedUp')];
  if (c.waiting > 0) return ['warn', t('clients.isWaiting')];
  if (c.state === 'client_limit') return ['warn', t('reason.at_limit')];
  if (c.name === 'anonymous') return ['warn', t('clients.anybody')];
  return ['good', t('clients.letIn')];
}

// share is how much of a budget is used and reserved.
const share = (b) => Math.max(b.amount ? (b.spentAmount + b.reservedAmount) / b.amount : 0, b.tokens ? (b.spentTokens + b.reservedTokens) / b.tokens : 0);

function meter(label) {
  const bar = el('meter', { min: '0', max: '1', high: '0.8', optimum: '0', 'aria-label': label });
  const words = el('span', {});
  const more = el('span', { class: 'hint' });
  return { node: el('p', { class: 'budget' }, bar, words, more), bar, words, more };
}

function showBudget(m, b) {
  m.bar.value = Math.min(1, share(b));
  const spent = b.amount ? b.spentAmount.toFixed(2) : count(b.spentTokens);
  const bound = b.amount ? String(b.amount) : t('clients.nTokens', { n: b.tokens });
  setText(m.words, t(`clients.spent.${b.per}`, { spent, bound }));
  setText(m.more, t('clients.ends', { time: moment(b.ends) }));
}

function addClient(store) {
  const name = el('input', { autocomplete: 'off', spellcheck: 'false', maxlength: '64' });
  const models = el('input', { autocomplete: 'off', spellcheck: 'false', placeholder: 'gpt-*, claude-*' });
  form({
    title: t('clients.addTitle'),
    action: t('clients.add'),
    fields: {
      name: field({ label: t('clients.name'), hint: t('clients.nameHint'), input: name }),
      models: field({ label: t('clients.models'), hint: t('clients.modelsHint'), input: models }),
    },
    submit: async (wrong) => {
      if (!name.value.trim()) wrong('name', t('clients.noName'));
      const patterns = models.value.split(',').map((m) => m.trim()).filter(Boolean);
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
