// Answers of sites that no rule recognizes, and rules made from them.

import { get, remove } from './api.js';
import { addBlock } from './blockedit.js';
import { field, form } from './dialogs.js';
import { each, el, setText } from './dom.js';
import { moment } from './format.js';
import { code, t } from './i18n.js';
import { attempt, confirmed } from './toast.js';

const EVERY = 15000; // ms between two fetches while the view is shown

export function unknownSection(view, store) {
  const rows = el('ul', { class: 'rows unknown' });
  const none = el('p', { class: 'hint', text: t('unknown.none') });
  const node = el('section', { class: 'block', 'aria-labelledby': 'unknown-title' },
    el('h2', { id: 'unknown-title', text: t('unknown.title') }), el('p', { class: 'lead', text: t('unknown.lead') }), rows, none);
  let asked = 0;
  async function load() {
    asked = Date.now();
    try {
      const all = await get('/api/unknown');
      none.hidden = all.length > 0;
      each(rows, all, (e) => e.key, (e) => row(e, store, load));
    } catch {
      asked = 0; // the page already shows that the program does not answer
    }
  }
  view.addEventListener('shown', load);
  store.follow(() => !view.hidden && Date.now() - asked > EVERY && load());
  return node;
}

function row(first, store, load) {
  const what = el('strong', {});
  const more = el('span', { class: 'doc' });
  const rule = el('button', { type: 'button', text: t('unknown.rule'), 'aria-label': t('unknown.ruleLabel', { key: first.key }), on: { click: () => makeRule(first.key, store, load) } });
  const drop = el('button', { type: 'button', class: 'quiet', text: t('unknown.dismiss'), 'aria-label': t('unknown.dismissLabel', { key: first.key }) });
  drop.addEventListener('click', async () => {
    await attempt(t('unknown.dismissed'), t('unknown.notDismissed'), () => remove(`/api/unknown/${first.key}`));
    load();
  });
  return {
    node: el('li', { 'data-key': first.key }, what, more, rule, drop),
    update(e) {
      setText(what, `${e.status} · ${code('means', e.means)}`);
      setText(more, t('unknown.seen', { n: e.count, channels: Object.keys(e.channels).join(t('words.list')), time: moment(e.last) }));
    },
  };
}

// makeRule opens the draft of a rule for an answer.
async function makeRule(key, store, load) {
  let e;
  const opened = await attempt(() => '', t('unknown.notRead'), async () => { e = await get(`/api/unknown/${key}`); });
  if (!opened) return;
  const text = el('textarea', { class: 'code', rows: 8, spellcheck: 'false', autocomplete: 'off' }, e.draft);
  const fields = { text: field({ label: t('block.text'), hint: t('unknown.ruleHint'), input: text }) };
  form({
    title: t('unknown.ruleTitle'),
    action: t('block.add'),
    fields,
    layout: [el('pre', { class: 'preview', role: 'region', tabindex: '0', 'aria-label': t('unknown.answer'), text: e.full || e.text }), fields.text],
    submit: async () => {
      await addBlock(text.value);
      await remove(`/api/unknown/${key}`);
      confirmed(t('unknown.ruled'));
      store.refresh();
      load();
    },
  });
}
