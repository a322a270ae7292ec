// The services that notify the user, each with a test.

import { get, post } from './api.js';
import { factList, titled } from './blocks.js';
import { each, el, setAttribute } from './dom.js';
import { count, moment, sentence } from './format.js';
import { code, quoted, t } from './i18n.js';
import { addNotification, editNotification } from './notifyform.js';
import { attempt } from './toast.js';

// notificationsPart is the part of a view about notifications.
export function notificationsPart(view, store) {
  const list = el('div', { class: 'blocks' });
  const none = el('div', { class: 'empty boxed', hidden: true },
    el('p', { text: t('notify.none') }));
  const refresh = async () => {
    if (view.hidden || !store.state.status) return;
    try {
      const all = await get('/api/notifications');
      each(list, all, (n) => n.name, () => block(refresh, store));
      none.hidden = all.length > 0;
    } catch {
      // The header says that the program does not answer.
    }
  };
  view.addEventListener('shown', refresh);
  store.follow(refresh);
  const add = el('button', { type: 'button', text: t('notifyform.open'), on: { click: () => addNotification(store) } });
  return [el('div', { class: 'toolbar' }, el('h2', { text: t('notify.title') }), el('span', { class: 'space' }), add), el('p', { class: 'lead', text: t('notify.lead') }), list, none];
}

function block(refresh, store) {
  const test = el('button', { type: 'button', text: t('notify.test') });
  const edit = el('button', { type: 'button', class: 'quiet', text: t('block.edit') });
  edit.addEventListener('click', () => attempt(() => '', t('block.notRead'), () => editNotification(store, name)));
  const head = titled(el('span', { class: 'host' }), edit, test);
  const facts = factList(...['service', 'events', 'last', 'pending', 'error'].map((name) => t(`notify.${name}`)));
  const node = el('article', { class: 'block notification' }, head.node, facts.node);
  let name = '';
  test.addEventListener('click', async () => {
    test.disabled = true;
    await attempt(
      (r) => (r.ok ? t('notify.sent', { name }) : { title: t('notify.notSent', { name }), text: sentence(quoted(r.error)) }),
      t('notify.notSent', { name }), () => post(`/api/notifications/${encodeURIComponent(name)}/test`));
    test.disabled = false;
    refresh();
  });
  return {
    node,
    update(n) {
      name = n.name;
      head.update(n.name, n.error ? t('notify.failing') : t('notify.ready'), n.error ? 'bad' : 'good');
      setAttribute(node, 'data-name', n.name);
      setAttribute(edit, 'aria-label', t('block.editLabel', { name: `notify "${name}"` }));
      setAttribute(test, 'aria-label', t('notify.testLabel', { name }));
      facts.set(n.service, n.events.map((e) => code('notifyEvent', e)).join(t('words.list')), n.sent && moment(n.sent), n.pending && count(n.pending), n.error && sentence(quoted(n.error)));
    },
  };
}
