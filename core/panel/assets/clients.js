// Who may use the proxy: what each client uses of its limits and budget.

import { remove } from './api.js';
import { factList, titled } from './blocks.js';
import { addClient, editClient } from './clientform.js';
import { confirm } from './dialogs.js';
import { each, el, setAttribute, setText } from './dom.js';
import { count, moment, percent } from './format.js';
import { parts, t } from './i18n.js';
import { notificationsPart } from './notifications.js';
import { attempt } from './toast.js';
import { number } from './usagetime.js';

export function clientsView(view, store) {
  const list = el('div', { class: 'blocks' });
  const add = el('button', { type: 'button', class: 'primary', text: t('clients.add'), on: { click: () => addClient(store) } });
  view.append(
    el('header', { class: 'heading' }, el('h2', { text: t('view.clients') }), add),
    el('p', { class: 'lead' }, ...parts('clients.lead', { setting: el('code', { text: 'proxy.client_tokens' }), block: el('code', { text: 'client' }) })),
    list, ...notificationsPart(view, store));
  store.follow(({ status }) => each(list, status.clients ?? [], (c) => c.name, () => clientBlock(store)), view);
}

function clientBlock(store) {
  const drop = el('button', { type: 'button', class: 'quiet', text: t('clients.remove') });
  const edit = el('button', { type: 'button', class: 'quiet', text: t('block.edit') });
  const head = titled(el('span', { class: 'host' }), edit, drop);
  const facts = factList(...['models', 'paths', 'requests', 'tokens', 'inFlight', 'waiting'].map((name) => t(`clients.${name}`)));
  const budget = meter(t('clients.budget'));
  const node = el('article', { class: 'block client' }, head.node, budget.node, facts.node);
  let client = null;
  edit.addEventListener('click', () => attempt(() => '', t('block.notRead'), () => editClient(client, store)));
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
      setAttribute(edit, 'aria-label', t('block.editLabel', { name: `client "${next.name}"` }));
      setAttribute(drop, 'aria-label', t('clients.removeLabel', { name: next.name }));
      drop.hidden = !next.token;
      const l = next.limit;
      facts.set(
        next.models?.join(t('words.list')) || t('clients.all'), next.paths?.join(t('words.list')) || t('clients.all'),
        l.requestsPerMinute && t('clients.perMinute', { n: l.requestsPerMinute, share: percent(Math.min(1, l.requestsUsed ?? 0)) }),
        l.tokensPerMinute && t('clients.perMinute', { n: l.tokensPerMinute, share: percent(Math.min(1, l.tokensUsed ?? 0)) }),
        l.concurrent ? t('clients.of', { used: count(next.active), most: count(l.concurrent) }) : next.active && count(next.active),
        next.waiting && count(next.waiting));
      budget.node.hidden = !next.budget;
      if (next.budget) showBudget(budget, next.budget);
    },
  };
}

// standing is the color and the text for the state of a client.
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
  const spent = b.amount ? number(b.spentAmount) : count(b.spentTokens);
  const bound = b.amount ? `${b.amount} ${b.currency ?? ''}`.trim() : t('clients.nTokens', { n: b.tokens });
  setText(m.words, t(`clients.spent.${b.per}`, { spent, bound }));
  setText(m.more, t('clients.ends', { time: moment(b.ends) }));
}
