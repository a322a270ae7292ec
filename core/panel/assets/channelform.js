// Adds, changes and removes channels, in the configuration.

import { channelPath, post, remove } from './api.js';
import { blockForm, namesOfBlocks, textOf } from './blockedit.js';
import { textInput } from './blockfields.js';
import { insideOf, withBlock, withLabel, withSetting } from './blockparts.js';
import { list } from './blocktext.js';
import { channelFields, check } from './channelfields.js';
import { checkbox, confirm, field } from './dialogs.js';
import { el, find } from './dom.js';
import { nameOf } from './format.js';
import { parts, t } from './i18n.js';
import { keyLines, pastedKeys } from './keylines.js';
import { attempt } from './toast.js';

// egressNames are those of the configuration; without them the form still works.
const egressNames = () => namesOfBlocks('egress').catch(() => []);

export async function addChannel(store) {
  if (!store.state.status) await store.refresh(); // the page has just been opened
  const f = channelFields('channel "" {}', store.state.status.plugins, await egressNames());
  const name = textInput('', { placeholder: 'primary', name: 'name' });
  const lines = keyLines();
  const routes = routeChoice(store.state.status.routes);
  const nameField = field({ label: t('channel.name'), hint: t('channel.nameHint'), input: name });
  const keyField = field({ label: t('channel.keys'), hint: t('channel.keysHint'), input: lines.input, aside: lines.show });
  blockForm({
    title: t('channel.addTitle'),
    action: t('channel.addAction'),
    done: () => t('channel.added', { name: name.value.trim() }),
    store,
    fields: { name: nameField, ...f.fields, keys: keyField },
    layout: [nameField, f.fields.target, keyField, ...f.basic, ...f.more, routes.node],
    build(wrong) {
      if (!name.value.trim()) wrong('name', t('channel.nameEmpty'));
      check(f.inputs, wrong);
      const { keys } = pastedKeys(lines.input.value);
      if (!keys.length && !['none', 'passthrough'].includes(f.inputs.auth.value)) wrong('keys', t('channel.keysEmpty'));
      return withKeys(f.write(withLabel('channel "" {}', name.value.trim())), keys);
    },
    save: async () => {
      const { keys } = pastedKeys(lines.input.value);
      const settings = insideOf(f.write('channel "" {}', false));
      await post('/api/channels', {
        name: name.value.trim(), target: f.inputs.target.value.trim(), ...(settings && { settings }), ...(keys.length && { keys }), ...(routes.chosen().length && { routes: routes.chosen() }),
      });
      lines.keep([]);
    },
  });
}

// withKeys shows how many keys will be written, not the keys.
function withKeys(block, keys) {
  const plain = keys.filter((k) => !k.label);
  const out = plain.length ? withSetting(block, 'keys', list(plain.map(() => '••••'))) : block;
  return keys.filter((k) => k.label).reduce((all, k) => withBlock(all, withSetting(withLabel('key "" {}', k.label), 'value', '"••••"')), out);
}

// routeChoice lets people choose which routes use a new channel. Where no
// routes are configured, there is one that uses all channels.
function routeChoice(routes) {
  const written = routes.filter((r) => r.written);
  const boxes = [...new Set(written.map((r) => r.path))].map((path) => [path, el('input', { type: 'checkbox', checked: true })]);
  return {
    node: boxes.length > 0 && el('fieldset', {}, el('legend', { text: t('channel.routes') }), ...boxes.map(([path, input]) => checkbox({ label: path, input }))),
    chosen: () => boxes.filter(([, input]) => input.checked).map(([path]) => path),
  };
}

export async function editChannel(channel, store) {
  const { name } = channel;
  const place = { kind: 'channel', label: name };
  const [before, egresses] = await Promise.all([textOf(place), egressNames()]);
  const f = channelFields(before, store.state.status.plugins, egresses);
  const drop = el('button', { type: 'button', class: 'quiet danger', text: t('channel.remove') });
  const where = el('a', { href: '#config', text: nameOf(channel.where ?? ''), title: channel.where, on: { click: () => dialog.close() } });
  const { dialog } = blockForm({
    store,
    place,
    drop,
    fields: f.fields,
    layout: [f.fields.target, ...f.basic, ...f.more, channel.where && el('p', { class: 'hint' }, ...parts('channel.elsewhere', { place: where }))].filter(Boolean),
    build(wrong) {
      check(f.inputs, wrong);
      return f.write(before);
    },
  });
  drop.addEventListener('click', () => removeChannel(name, dialog, store));
}

async function removeChannel(name, dialog, store) {
  const sure = await confirm({ title: t('channel.removeTitle', { name }), text: t('channel.removeText'), action: t('channel.remove') });
  if (!sure) return;
  const done = await attempt(t('channel.removed', { name }), t('channel.notRemoved', { name }), () => remove(channelPath(name)));
  if (done) dialog.close();
  await store.refresh();
  if (done) find('add-channel').focus();
}
