// Adds and changes routes. The settings of a strategy are those that its plugin
// declares.

import { blockForm, textOf } from './blockedit.js';
import { textInput } from './blockfields.js';
import { blocksIn, channelsOf, references, shownOf, stringsOf, valueOf, withBlock, withLabel, withoutBlock, withSetting, writtenOf } from './blockparts.js';
import { list, quote } from './blocktext.js';
import { checkbox, field } from './dialogs.js';
import { el } from './dom.js';
import { t } from './i18n.js';

// strategies are those of all plugins, by the names that a route uses.
function strategies(plugins) {
  return plugins.processes.flatMap((p) => p.components.filter((c) => c.kind === 'strategy').map((c) => ({
    ...c, ref: p.plugin === 'built-in' ? c.name : `${p.plugin}/${c.name}`,
  })));
}

export const addRoute = (store) => routeForm(store, 'route "/v1/**" {}');

// editRoute changes the nth route of a path.
export async function editRoute(store, path, nth) {
  const place = { kind: 'route', label: path, nth };
  routeForm(store, await textOf(place), place);
}

const split = (s) => s.split(/[,，\n]/).map((m) => m.trim()).filter(Boolean);

function routeForm(store, before, place) {
  const { status, channels } = store.state;
  if (!status) return; // nothing is known yet
  const path = textInput(place?.label ?? '/v1/**');
  const models = modelsField(before);
  const chosen = channelsField(before, channels, place);
  const strategy = strategyFields(before, strategies(status.plugins));
  const fields = {
    path: field({ label: t('routeform.path'), hint: t('routeform.pathHint'), input: path }),
    models: models.node,
    strategy: field({ label: t('routes.strategy'), input: strategy.input }),
  };
  const { show } = blockForm({
    title: t('routeform.title'),
    done: t('routeform.added'),
    store,
    place,
    fields,
    layout: [fields.path, fields.models, chosen.node, fields.strategy, strategy.about, strategy.settings],
    build(wrong) {
      const wanted = path.value.trim();
      if (!wanted) wrong('path', t('routeform.pathEmpty'));
      const out = wanted === place?.label ? before : withLabel(before, wanted);
      return strategy.write(chosen.write(models.write(out)));
    },
  });
  strategy.input.addEventListener('change', show);
}

// expression says that a value is none that the form can show.
function expression(node) {
  for (const input of node.querySelectorAll('input')) input.disabled = true;
  node.append(el('p', { class: 'hint', text: t('block.expression') }));
}

function modelsField(before) {
  const value = valueOf(before, 'models');
  const known = value === undefined ? [] : stringsOf(value);
  const input = textInput((known ?? []).join(', '), { placeholder: 'gpt-*, claude-*' });
  const node = field({ label: t('column.model'), hint: t('routeform.modelsHint'), input });
  if (!known) expression(node);
  return {
    node,
    write(out) {
      const wanted = split(input.value);
      return !known || wanted.join() === known.join() ? out : withSetting(out, 'models', wanted.length ? list(wanted) : '');
    },
  };
}

// channelsField has those of the route first, in their order.
function channelsField(before, channels, place) {
  const value = valueOf(before, 'channels');
  const known = value === undefined ? [] : channelsOf(value);
  const names = [...(known ?? []), ...channels.map((c) => c.name).filter((n) => !known?.includes(n))];
  const boxes = names.map((name) => [name, el('input', { type: 'checkbox', checked: !place || Boolean(known?.includes(name)) })]);
  const node = el('fieldset', {}, el('legend', { text: t('routeform.channels') }), ...boxes.map(([name, input]) => checkbox({ label: name, input })));
  if (!known) expression(node);
  return {
    node,
    write(out) {
      const wanted = boxes.filter(([, input]) => input.checked).map(([name]) => name);
      return !known || (place && wanted.join() === known.join()) ? out : withSetting(out, 'channels', references(wanted));
    },
  };
}

function strategyFields(before, all) {
  const own = blocksIn(before, 'strategy')[0];
  const input = el('select', {}, el('option', { value: '', text: t('routeform.standard') }),
    ...[...new Set([own?.label, ...all.map((s) => s.ref)].filter(Boolean))].map((ref) => el('option', { value: ref, text: ref, selected: ref === own?.label })));
  const about = el('p', { class: 'hint' });
  const settings = el('div', { class: 'settings' });
  let inputs = [];
  const choose = () => {
    const s = all.find((candidate) => candidate.ref === input.value);
    about.textContent = (s?.doc ?? '').split('\n')[0];
    inputs = (s?.settings ?? []).map((setting) => {
      const shown = own?.label === input.value ? shownOf(valueOf(own.text, setting.name)) : '';
      return { setting, shown, input: inputOf(setting, shown) };
    });
    settings.replaceChildren(...inputs.map(({ setting, input }) => field({ label: setting.name, hint: setting.doc, input })));
  };
  input.addEventListener('change', choose);
  choose();
  return {
    input, about, settings,
    write(out) {
      const same = own && own.label === input.value;
      const words = inputs.reduce(
        (block, { setting, shown, input }) => (input.value.trim() === shown ? block : withSetting(block, setting.name, writtenOf(setting.type, input.value.trim()))),
        same ? own.text : `strategy ${quote(input.value)} {}`);
      const at = blocksIn(out, 'strategy')[0];
      if (same) return out.slice(0, at.start) + words + out.slice(at.end);
      const rest = at ? withoutBlock(out, at.start) : out;
      return input.value ? withBlock(rest, words) : rest;
    },
  };
}

// inputOf is an input for a setting; empty is its default.
export function inputOf(setting, value = '') {
  const standard = setting.default === undefined ? '' : String(setting.default);
  const values = setting.type === 'bool' ? ['true', 'false'] : setting.enum;
  if (values) return el('select', {}, el('option', { value: '', text: t('routeform.default', { value: standard }) }), ...values.map((v) => el('option', { value: v, text: v, selected: v === value })));
  return textInput(value, { type: setting.sensitive ? 'password' : 'text', placeholder: standard });
}
