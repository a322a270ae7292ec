// Adds, changes and removes channels, in the configuration.

import { channelPath, post, put, remove } from './api.js';
import { checkbox, confirm, field, form } from './dialogs.js';
import { el, find } from './dom.js';
import { nameOf } from './format.js';
import { attempt, confirmed } from './toast.js';

const auths = [
  ['auto', 'auto – as the API of the request does'], ['bearer', 'bearer – Authorization: Bearer'], ['x-api-key', 'x-api-key – as Anthropic'],
  ['x-goog-api-key', 'x-goog-api-key – as Gemini'], ['none', 'none – the site needs no key'], ['passthrough', 'passthrough – the caller’s own key'],
];

const text = (value, more = {}) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', value, ...more });

// inputs are what a channel is made of.
function inputs(c = {}) {
  return {
    target: text(c.target ?? '', { inputmode: 'url', placeholder: 'https://site.example' }),
    weight: text(c.weight ?? 1, { inputmode: 'decimal' }),
    models: text((c.models ?? []).join(', '), { placeholder: 'gpt-*, claude-*' }),
    fallback: el('input', { type: 'checkbox', checked: Boolean(c.fallback) }),
  };
}

const fields = (i) => ({
  target: field({ label: 'Address', hint: 'Where the site answers. A path is kept before that of each request.', input: i.target }),
  weight: field({ label: 'Weight', hint: 'More is preferred; what it means exactly is the strategy’s affair.', input: i.weight }),
  models: field({ label: 'Models', hint: 'Optional: only requests for these come here. * stands for anything.', input: i.models }),
  fallback: checkbox({ label: 'Fallback', hint: 'It is asked only when the other channels are not to be had.', input: i.fallback }),
});

// read is what the inputs say; it complains about what makes no sense.
function read(i) {
  const weight = Number(i.weight.value.trim().replace(',', '.'));
  if (!i.target.value.trim()) throw new Error('Write the address of the site, such as https://site.example.');
  if (!Number.isFinite(weight) || i.weight.value.trim() === '') throw new Error('The weight has to be a number.');
  return {
    target: i.target.value.trim(),
    weight,
    fallback: i.fallback.checked,
    models: i.models.value.split(',').map((m) => m.trim()).filter(Boolean),
  };
}

export function addChannel(store) {
  const i = inputs();
  const name = text('', { placeholder: 'primary', name: 'name' });
  const auth = el('select', {}, ...auths.map(([value, words]) => el('option', { value, text: words })));
  const key = el('input', { type: 'password', autocomplete: 'off', spellcheck: 'false', name: 'key' });
  const label = text('', { name: 'label' });
  const routes = routeChoice(store.state.status?.routes ?? []);
  const f = fields(i);
  form({
    title: 'Add a channel',
    action: 'Add channel',
    fields: [
      field({ label: 'Name', hint: 'What the configuration, the log and this page call it.', input: name }), f.target,
      el('div', { class: 'pair' },
        field({ label: 'Key', hint: 'It is never shown again. More keys can be added later.', input: key }),
        field({ label: 'Label of the key', hint: 'Optional.', input: label })),
      el('div', { class: 'pair' }, field({ label: 'How the key is sent', input: auth }), f.weight),
      f.models, f.fallback, routes.node,
    ],
    submit: async () => {
      if (!name.value.trim()) throw new Error('Give the channel a name.');
      const body = { name: name.value.trim(), ...read(i), auth: auth.value };
      if (!body.models.length) delete body.models;
      if (key.value.trim()) body.keys = [{ key: key.value.trim(), label: label.value.trim() || undefined }];
      if (routes.chosen().length) body.routes = routes.chosen();
      await post('/api/channels', body);
      key.value = '';
      confirmed(`The channel ${body.name} is added.`);
      store.refresh();
    },
  });
}

// routeChoice lets people choose which routes use a new channel. Where no
// routes are written out, there is one that uses all channels.
function routeChoice(routes) {
  const written = routes.filter((r) => r.written);
  const boxes = [...new Set(written.map((r) => r.path))].map((path) => [path, el('input', { type: 'checkbox', checked: true })]);
  return {
    node: boxes.length > 0 && el('fieldset', {}, el('legend', { text: 'Used by the routes' }), ...boxes.map(([path, input]) => checkbox({ label: path, input }))),
    chosen: () => boxes.filter(([, input]) => input.checked).map(([path]) => path),
  };
}

export function editChannel(channel, store) {
  const i = inputs(channel);
  const f = fields(i);
  const drop = el('button', { type: 'button', class: 'quiet danger', text: 'Remove channel' });
  const before = JSON.stringify(read(i));
  const dialog = form({
    title: `Edit ${channel.name}`,
    action: 'Save',
    extra: drop,
    fields: [
      f.target, f.weight, f.models, f.fallback,
      channel.where && el('p', { class: 'hint' }, 'Everything else about it stands in the configuration, at ', el('a', { href: '#config', text: nameOf(channel.where), title: channel.where, on: { click: () => dialog.close() } }), '.'),
    ],
    submit: async () => {
      const body = read(i);
      if (JSON.stringify(body) === before) return;
      const old = JSON.parse(before);
      for (const name of Object.keys(body)) if (JSON.stringify(body[name]) === JSON.stringify(old[name])) delete body[name];
      await put(channelPath(channel.name), body);
      confirmed(`${channel.name} is changed.`);
      store.refresh();
    },
  });
  drop.addEventListener('click', async () => {
    const sure = await confirm({
      title: `Remove ${channel.name}?`,
      text: 'The channel and its keys are taken out of the configuration. Requests under way come to their end. The panel cannot bring the keys back.',
      action: 'Remove channel',
    });
    if (!sure) return;
    const done = await attempt(`The channel ${channel.name} is removed.`, `${channel.name} was not removed`, () => remove(channelPath(channel.name)));
    if (done) dialog.close();
    await store.refresh();
    if (done) find('add-channel').focus();
  });
}
