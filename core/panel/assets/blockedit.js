// Adds, changes and removes whole blocks of the configuration. Each dialog
// shows the text that it will write.

import { added, blocksOf, replaced } from './blocktext.js';
import { ConfigText } from './configtext.js';
import { confirm, field, form } from './dialogs.js';
import { el, setText } from './dom.js';
import { t } from './i18n.js';
import { attempt, confirmed } from './toast.js';

// change saves what edit makes of the text of a file, the first in which it
// changes something.
async function change(edit) {
  const ground = new ConfigText();
  const fetched = await ground.fetch();
  for (const file of fetched.files) {
    ground.adopt(fetched, file.name);
    const text = edit(file.text);
    if (text !== null) return ground.save(text);
  }
  throw new Error(t('block.gone'));
}

export const addBlock = (words) => change((text) => added(text, words));

// newBlock opens a dialog whose fields make a block; build returns its text, and
// calls wrong for a field that cannot be right.
export function newBlock({ title, done, fields, layout, build, store }) {
  const preview = el('pre', { class: 'preview', role: 'region', tabindex: '0', 'aria-label': t('block.preview') });
  const show = () => setText(preview, build(() => {}));
  const dialog = form({
    title,
    action: t('block.add'),
    fields,
    layout: [...(layout ?? Object.values(fields)), el('p', { class: 'hint', text: t('block.previewHint') }), preview],
    submit: async (wrong) => {
      await addBlock(build(wrong));
      confirmed(done);
      store.refresh();
    },
  });
  dialog.addEventListener('input', show);
  dialog.addEventListener('change', show);
  show();
  return { dialog, show };
}

// editBlock opens the text of a block, the nth of its label, for changes.
export async function editBlock({ kind, label, nth = 0, store }) {
  const fetched = await new ConfigText().fetch();
  const name = `${kind} "${label}"`;
  const words = fetched.files.map(({ text }) => {
    const at = blocksOf(text, kind).filter((b) => b.label === label)[nth];
    return at && text.slice(at.start, at.end);
  }).find(Boolean);
  if (!words) throw new Error(t('block.gone'));
  const text = el('textarea', { class: 'code', rows: Math.min(22, words.split('\n').length + 2), spellcheck: 'false', autocomplete: 'off' }, words);
  const drop = el('button', { type: 'button', class: 'quiet danger', text: t('block.remove') });
  const dialog = form({
    title: t('block.editTitle', { name }),
    action: t('form.save'),
    extra: drop,
    fields: { text: field({ label: t('block.text'), hint: t('block.textHint'), input: text }) },
    submit: async () => {
      await change((all) => replaced(all, kind, label, nth, text.value));
      confirmed(t('block.changed', { name }));
      store.refresh();
    },
  });
  drop.addEventListener('click', async () => {
    if (!(await confirm({ title: t('block.removeTitle', { name }), text: t('block.removeText'), action: t('block.remove') }))) return;
    if (await attempt(t('block.removed', { name }), t('block.notRemoved', { name }), () => change((all) => replaced(all, kind, label, nth, '')))) dialog.close();
    store.refresh();
  });
}
