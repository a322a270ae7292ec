// Adds and changes routes. The settings of a strategy are those that its plugin
// declares.

import { blockForm, textOf } from './blockedit.js';
import { textInput } from './blockfields.js';
import { namesOf, references, stringsOf, valueOf, withLabel, withSetting } from './blockparts.js';
import { list } from './blocktext.js';
import { componentFields, componentsOf } from './componentfields.js';
import { checkbox, field } from './dialogs.js';
import { el } from './dom.js';
import { t } from './i18n.js';

export const addRoute = (store) => routeForm(store, 'route "/v1/**" {}');

// editRoute changes the nth route of a path.
export async function editRoute(store, path, nth) {
  const place = { kind: 'route', label: path, nth };
  routeForm(store, await textOf(place), place);
}

const split = (s) => s.split(/[,，\n]/).map((m) => m.trim()).filter(Boolean);

function routeForm(store, before, place) {
  const { status, channels } = store.state;
  if (!status) return; // it is not loaded yet
  const path = textInput(place?.label ?? '/v1/**');
  const models = modelsField(before);
  const chosen = channelsField(before, channels, place);
  const strategy = componentFields(before, 'strategy', componentsOf(status.plugins, 'strategy'), t('routeform.standard'));
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

// expression says that the form cannot show a value.
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

// channelsField lists the channels of the route first, in their order.
function channelsField(before, channels, place) {
  const value = valueOf(before, 'channels');
  const known = value === undefined ? [] : namesOf('channel', value);
  const names = [...(known ?? []), ...channels.map((c) => c.name).filter((n) => !known?.includes(n))];
  const boxes = names.map((name) => [name, el('input', { type: 'checkbox', checked: !place || Boolean(known?.includes(name)) })]);
  const node = el('fieldset', {}, el('legend', { text: t('routeform.channels') }), ...boxes.map(([name, input]) => checkbox({ label: name, input })));
  if (!known) expression(node);
  return {
    node,
    write(out) {
      const wanted = boxes.filter(([, input]) => input.checked).map(([name]) => name);
      return !known || (place && wanted.join() === known.join()) ? out : withSetting(out, 'channels', references('channel', wanted));
    },
  };
}
