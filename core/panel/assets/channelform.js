// Adds, changes and removes channels, in the configuration.

import { channelPath, post, put, remove } from './api.js';
import { checkbox, confirm, field, form } from './dialogs.js';
import { el, find } from './dom.js';
import { nameOf } from './format.js';
import { code, parts, t } from './i18n.js';
import { keyLines, pastedKeys } from './keylines.js';
import { attempt, confirmed } from './toast.js';

const auths = ['auto', 'bearer', 'x-api-key', 'x-goog-api-key', 'none', 'passthrough'];
const apiPaths = /\/(v1|v1beta)(\/(chat\/completions|completions|messages|responses|models|embeddings))?\/?$/;

const text = (value, more = {}) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', value, ...more });

// inputs are what a channel is made of.
function inputs(c = {}) {
  return {
    target: text(c.target ?? '', { inputmode: 'url', placeholder: 'https://site.example' }),
    weight: text(c.weight ?? 1, { inputmode: 'decimal' }),
    models: text((c.models ?? []).join(', '), { placeholder: 'gpt-*, claude-*' }),
    fallback: el('input', { type: 'checkbox', checked: Boolean(c.fallback) }),
    auth: authChoice(c.auth ?? 'auto'),
    modelMap: el('textarea', { rows: 2, spellcheck: 'false', autocomplete: 'off', placeholder: 'gpt-4o = gpt-4o-2024-11-20' }, Object.entries(c.modelMap ?? {}).map(([from, to]) => `${from} = ${to}`).join('\n')),
    maxInFlight: text(c.maxInFlight || '', { inputmode: 'numeric' }),
  };
}

// authChoice offers the ways to send a key, and the one that is used if it is
// another, as query:NAME.
function authChoice(current) {
  const all = auths.includes(current) ? auths : [...auths, current];
  return el('select', {}, ...all.map((value) => el('option', { value, text: code('channel.auth', value), selected: value === current })));
}

// more are the settings that few channels need.
const more = (f) => el('details', {}, el('summary', { text: t('channel.more') }), f.model_map, f.max_in_flight);

const fieldsOf = (i) => ({
  target: field({ label: t('channel.target'), hint: t('channel.targetHint'), input: i.target }),
  weight: field({ label: t('channel.weight'), hint: t('channel.weightHint'), input: i.weight }),
  models: field({ label: t('channel.models'), hint: t('channel.modelsHint'), input: i.models }),
  fallback: checkbox({ label: t('channel.fallback'), hint: t('channel.fallbackHint'), input: i.fallback }),
  auth: field({ label: t('channel.auth'), input: i.auth }),
  model_map: field({ label: t('channel.modelMap'), hint: t('channel.modelMapHint'), input: i.modelMap }),
  max_in_flight: field({ label: t('channel.maxInFlight'), hint: t('channel.maxInFlightHint'), input: i.maxInFlight }),
});

// values is what the inputs say.
const values = (i) => ({
  target: i.target.value.trim(),
  weight: Number(i.weight.value.trim().replace(',', '.')),
  fallback: i.fallback.checked,
  models: i.models.value.split(/[,，\n]/).map((m) => m.trim()).filter(Boolean),
  auth: i.auth.value,
  modelMap: Object.fromEntries(mapLines(i)),
  maxInFlight: Number(i.maxInFlight.value.trim() || 0),
});

// mapLines are the lines of the model map, each in its two halves.
const mapLines = (i) => i.modelMap.value.split('\n').map((line) => line.split('=').map((half) => half.trim().replace(/^"|"$/g, ''))).filter((halves) => halves.join(''));

// check complains about what cannot be right.
function check(i, wrong) {
  const { target, weight } = values(i);
  if (!target) wrong('target', t('channel.targetEmpty'));
  const path = apiPaths.exec(target)?.[0];
  if (path) wrong('target', t('channel.targetPath', { path }));
  if (i.weight.value.trim() === '' || !Number.isFinite(weight) || weight < 0) wrong('weight', t('channel.weightWrong'));
  if (mapLines(i).some((halves) => halves.length !== 2 || !halves[0] || !halves[1])) wrong('model_map', t('channel.modelMapWrong'));
  if (!/^\d*$/.test(i.maxInFlight.value.trim())) wrong('max_in_flight', t('channel.maxInFlightWrong'));
}

export function addChannel(store) {
  const i = inputs();
  const name = text('', { placeholder: 'primary', name: 'name' });
  const lines = keyLines();
  const routes = routeChoice(store.state.status?.routes ?? []);
  const f = {
    name: field({ label: t('channel.name'), hint: t('channel.nameHint'), input: name }),
    ...fieldsOf(i),
    keys: field({ label: t('channel.keys'), hint: t('channel.keysHint'), input: lines.input, aside: lines.show }),
  };
  form({
    title: t('channel.addTitle'),
    action: t('channel.addAction'),
    fields: f,
    layout: [f.name, f.target, f.keys, el('div', { class: 'pair' }, f.auth, f.weight), f.models, f.fallback, more(f), routes.node],
    submit: async (wrong) => {
      if (!name.value.trim()) wrong('name', t('channel.nameEmpty'));
      check(i, wrong);
      const { keys } = pastedKeys(lines.input.value);
      if (!keys.length && !['none', 'passthrough'].includes(i.auth.value)) wrong('keys', t('channel.keysEmpty'));
      const body = { name: name.value.trim(), ...values(i) };
      if (!body.models.length) delete body.models;
      if (!mapLines(i).length) delete body.modelMap;
      if (!body.maxInFlight) delete body.maxInFlight;
      if (keys.length) body.keys = keys;
      if (routes.chosen().length) body.routes = routes.chosen();
      await post('/api/channels', body);
      lines.keep([]);
      confirmed(t('channel.added', { name: body.name }));
      store.refresh();
    },
  });
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

export function editChannel(channel, store) {
  const name = channel.name;
  const i = inputs(channel);
  const f = fieldsOf(i);
  const drop = el('button', { type: 'button', class: 'quiet danger', text: t('channel.remove') });
  const before = values(i);
  const place = el('a', { href: '#config', text: nameOf(channel.where ?? ''), title: channel.where, on: { click: () => dialog.close() } });
  const dialog = form({
    title: t('channel.editTitle', { name }),
    action: t('form.save'),
    extra: drop,
    fields: f,
    layout: [f.target, el('div', { class: 'pair' }, f.auth, f.weight), f.models, f.fallback, more(f), channel.where && el('p', { class: 'hint' }, ...parts('channel.elsewhere', { place }))],
    submit: async (wrong) => {
      check(i, wrong);
      const changed = Object.entries(values(i)).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key]));
      if (!changed.length) return;
      await put(channelPath(name), Object.fromEntries(changed));
      confirmed(t('channel.changed', { name }));
      store.refresh();
    },
  });
  drop.addEventListener('click', async () => {
    const sure = await confirm({ title: t('channel.removeTitle', { name }), text: t('channel.removeText'), action: t('channel.remove') });
    if (!sure) return;
    const done = await attempt(t('channel.removed', { name }), t('channel.notRemoved', { name }), () => remove(channelPath(name)));
    if (done) dialog.close();
    await store.refresh();
    if (done) find('add-channel').focus();
  });
}
