// Adds and changes services that notify the owner.

import { blockForm, textOf } from './blockedit.js';
import { settingField, textInput } from './blockfields.js';
import { stringsOf, valueOf, withLabel, withSetting } from './blockparts.js';
import { list } from './blocktext.js';
import { checkbox, field } from './dialogs.js';
import { el } from './dom.js';
import { code, t } from './i18n.js';

const events = ['channel_down', 'channel_up', 'key_invalid', 'key_exhausted', 'tunnel_down', 'tunnel_up', 'budget', 'plugin_failed', 'reload_failed'];

export const addNotification = (store) => notifyForm(store, 'notify "phone" {}');

export async function editNotification(store, name) {
  const place = { kind: 'notify', label: name };
  notifyForm(store, await textOf(place), place);
}

function notifyForm(store, before, place) {
  const name = textInput(place?.label ?? 'phone');
  const url = settingField(before, 'url', { label: t('notifyform.url'), hint: t('notifyform.urlHint') });
  const every = settingField(before, 'every', { label: t('notifyform.every'), hint: t('notifyform.everyHint') }, { placeholder: '10m' });
  const quiet = settingField(before, 'quiet', { label: t('notifyform.quiet'), hint: t('notifyform.quietHint') }, { placeholder: '23:00-07:00' });
  const chosen = eventsField(before);
  const fields = { name: field({ label: t('channel.name'), input: name }), url: url.node, every: every.node, quiet: quiet.node };
  blockForm({
    title: t('notifyform.title'),
    done: t('notifyform.added'),
    store,
    place,
    fields,
    layout: [fields.name, fields.url, chosen.node, el('div', { class: 'pair' }, fields.every, fields.quiet)],
    build(wrong) {
      const label = name.value.trim();
      if (!label) wrong('name', t('channel.nameEmpty'));
      if (!url.input.disabled && !url.input.value.trim()) wrong('url', t('notifyform.urlEmpty'));
      const out = label === place?.label ? before : withLabel(before, label);
      return [url, chosen, every, quiet].reduce((block, f) => f.write(block), out);
    },
  });
}

// eventsField has a box for each event. All of them are the default.
function eventsField(before) {
  const value = valueOf(before, 'events');
  const known = value === undefined ? events : stringsOf(value);
  const boxes = events.map((name) => [name, el('input', { type: 'checkbox', checked: Boolean(known?.includes(name)), disabled: !known })]);
  return {
    node: el('fieldset', {}, el('legend', { text: t('notify.events') }), ...boxes.map(([name, input]) => checkbox({ label: code('notifyEvent', name), input })),
      !known && el('p', { class: 'hint', text: t('block.expression') })),
    write(out) {
      const wanted = boxes.filter(([, input]) => input.checked).map(([name]) => name);
      if (!known || wanted.join() === events.filter((e) => known.includes(e)).join()) return out;
      return withSetting(out, 'events', wanted.length === events.length ? '' : list(wanted));
    },
  };
}
