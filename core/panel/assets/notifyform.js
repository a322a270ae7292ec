// Adds and changes services that notify the user.

import { blockForm, namesOfBlocks, textOf } from './blockedit.js';
import { settingField, textInput } from './blockfields.js';
import { namesOf, references, stringsOf, valueOf, withLabel, withSetting } from './blockparts.js';
import { list } from './blocktext.js';
import { checkbox, field } from './dialogs.js';
import { el } from './dom.js';
import { code, t } from './i18n.js';

const events = ['channel_down', 'channel_up', 'key_invalid', 'key_exhausted', 'tunnel_down', 'tunnel_up', 'budget', 'plugin_failed', 'reload_failed'];

// egressNames are those of the configuration; without them the form still works.
const egressNames = () => namesOfBlocks('egress').catch(() => []);

export async function addNotification(store) {
  notifyForm(store, 'notify "phone" {}', await egressNames());
}

export async function editNotification(store, name) {
  const place = { kind: 'notify', label: name };
  const [before, egresses] = await Promise.all([textOf(place), egressNames()]);
  notifyForm(store, before, egresses, place);
}

function notifyForm(store, before, egresses, place) {
  const name = textInput(place?.label ?? 'phone');
  const url = settingField(before, 'url', { label: t('notifyform.url'), hint: t('notifyform.urlHint') });
  const every = settingField(before, 'every', { label: t('notifyform.every'), hint: t('notifyform.everyHint') }, { placeholder: '10m' });
  const quiet = settingField(before, 'quiet', { label: t('notifyform.quiet'), hint: t('notifyform.quietHint') }, { placeholder: '23:00-07:00' });
  const egress = egressField(before, egresses);
  const chosen = eventsField(before);
  const fields = { name: field({ label: t('channel.name'), input: name }), url: url.node, every: every.node, quiet: quiet.node, egress: egress.node };
  blockForm({
    title: t('notifyform.title'),
    done: t('notifyform.added'),
    store,
    place,
    fields,
    layout: [fields.name, fields.url, chosen.node, el('div', { class: 'pair' }, fields.every, fields.quiet), fields.egress],
    build(wrong) {
      const label = name.value.trim();
      if (!label) wrong('name', t('channel.nameEmpty'));
      if (!url.input.disabled && !url.input.value.trim()) wrong('url', t('notifyform.urlEmpty'));
      const out = label === place?.label ? before : withLabel(before, label);
      return [url, chosen, every, quiet, egress].reduce((block, f) => f.write(block), out);
    },
  });
}

// egressField chooses the egress to the service.
function egressField(before, configured) {
  const value = valueOf(before, 'egress');
  const known = value === undefined ? [''] : namesOf('egress', `[${value}]`);
  const names = ['', ...new Set(['direct', 'environment', ...configured])];
  if (known && !names.includes(known[0])) names.push(known[0]);
  const input = el('select', { disabled: !known }, ...(known ? names : [value]).map((name) => el('option', { value: name, text: name || t('notifyform.egressDefault'), selected: name === known?.[0] })));
  return {
    node: field({ label: t('notifyform.egress'), hint: t(known ? 'notifyform.egressHint' : 'block.expression'), input }),
    write: (out) => (!known || input.value === known[0] ? out : withSetting(out, 'egress', input.value && references('egress', [input.value]).slice(1, -1))),
  };
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
