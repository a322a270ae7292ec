// Adds, changes and removes whole blocks of the configuration. Each dialog
// shows the text that it will write.

import { added, blocksOf, replaced } from './blocktext.js';
import { ConfigText } from './configtext.js';
import { confirm, field, form } from './dialogs.js';
import { el, setText } from './dom.js';
import { blockName } from './format.js';
import { t } from './i18n.js';
import { attempt, confirmed } from './toast.js';

// change saves the result of edit for the first file whose text it changes.
async function change(edit) {
  const ground = new ConfigText();
  const fetched = await ground.fetch();
  for (const file of fetched.files) {
    ground.adopt(fetched, file.name);
    const text = edit(file.text);
    if (text !== null) return ground.save(text);
  }
  throw new Error(missing(fetched));
}

// missing says why a block cannot be found in the text.
const missing = (fetched) => t(fetched.files.some((f) => /\.ya?ml$/.test(f.name)) ? 'block.yaml' : 'block.gone');

export const addBlock = (words) => change((text) => added(text, words));

// A place names a block of the configuration: the nth of a kind and label.

const nameOf = ({ kind, label }) => blockName(kind, label);

// textOf is the text of the block at a place.
export async function textOf({ kind, label, nth = 0 }) {
  const fetched = await new ConfigText().fetch();
  const words = fetched.files.map(({ text }) => {
    const at = blocksOf(text, kind).filter((b) => b.label === label)[nth];
    return at && text.slice(at.start, at.end);
  }).find(Boolean);
  if (!words) throw new Error(missing(fetched));
  return words;
}

// namesOfBlocks are the labels of all blocks of a kind.
export async function namesOfBlocks(kind) {
  const fetched = await new ConfigText().fetch();
  return fetched.files.flatMap(({ text }) => blocksOf(text, kind).map((b) => b.label));
}

const replace = ({ kind, label, nth = 0 }, words) => change((all) => replaced(all, kind, label, nth, words));

// blockForm opens a dialog whose fields make a block; build returns its text, and
// calls wrong for an invalid field. With a place, that block is
// changed; else a new one is added, by save if that is given. drop is a button that
// removes the block, in place of the usual one.
export function blockForm({ title, done, action, fields, layout, build, place, store, save, drop }) {
  const preview = el('pre', { class: 'preview', role: 'region', tabindex: '0', 'aria-label': t('block.preview') });
  const show = () => setText(preview, build(() => {}));
  const dialog = form({
    title: place ? t('block.editTitle', { name: nameOf(place) }) : title,
    action: place ? t('form.save') : action ?? t('block.add'),
    extra: place && others(place, store, () => dialog, drop),
    fields,
    layout: [...(layout ?? Object.values(fields)), el('p', { class: 'hint', text: t(place ? 'block.previewChanged' : 'block.previewHint') }), preview],
    submit: async (wrong) => {
      const words = build(wrong);
      if (place) await replace(place, words);
      else await (save ?? addBlock)(words, wrong);
      confirmed(place ? t('block.changed', { name: nameOf(place) }) : typeof done === 'function' ? done() : done);
      store.refresh();
    },
  });
  dialog.addEventListener('input', show);
  dialog.addEventListener('change', show);
  show();
  return { dialog, show };
}

// others are the actions for a block other than changing its fields.
function others(place, store, dialog, drop) {
  const text = el('button', { type: 'button', class: 'quiet', text: t('block.asText') });
  text.addEventListener('click', () => attempt(() => '', t('block.notRead'), async () => {
    const words = await textOf(place);
    dialog().close();
    editText(place, words, store);
  }));
  return el('span', { class: 'others' }, drop ?? removal(place, store, dialog), text);
}

function removal(place, store, dialog) {
  const name = nameOf(place);
  const drop = el('button', { type: 'button', class: 'quiet danger', text: t('block.remove') });
  drop.addEventListener('click', async () => {
    if (!(await confirm({ title: t('block.removeTitle', { name }), text: t('block.removeText'), action: t('block.remove') }))) return;
    if (await attempt(t('block.removed', { name }), t('block.notRemoved', { name }), () => replace(place, ''))) dialog().close();
    store.refresh();
  });
  return drop;
}

// editText opens the text of a block in an editor.
function editText(place, words, store) {
  const name = nameOf(place);
  const text = el('textarea', { class: 'code', rows: Math.min(22, words.split('\n').length + 2), spellcheck: 'false', autocomplete: 'off' }, words);
  const dialog = form({
    title: t('block.editTitle', { name }),
    action: t('form.save'),
    extra: removal(place, store, () => dialog),
    fields: { text: field({ label: t('block.text'), hint: t('block.textHint'), input: text }) },
    submit: async () => {
      await replace(place, text.value);
      confirmed(t('block.changed', { name }));
      store.refresh();
    },
  });
}
