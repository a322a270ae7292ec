// Fields for a block that names a component of a plugin: which one, and the settings
// that its plugin declares.

import { textInput } from './blockfields.js';
import { blocksIn, shownOf, valueOf, withBlock, withoutBlock, withSetting, writtenOf } from './blockparts.js';
import { quote } from './blocktext.js';
import { field } from './dialogs.js';
import { el } from './dom.js';
import { said, t } from './i18n.js';

// componentsOf are the components of a kind of all plugins, by the names that blocks use.
export const componentsOf = (plugins, kind) => plugins.processes.flatMap((p) => p.components.filter((c) => c.kind === kind).map((c) => ({
  ...c, ref: p.plugin === 'built-in' ? c.name : `${p.plugin}/${c.name}`,
})));

// componentFields are the fields for the inner block of a kind. Settings in
// common are those that the block has with every component. Without a component, the
// words for the default are shown.
export function componentFields(before, kind, all, standard, common = []) {
  const own = blocksIn(before, kind)[0];
  const input = el('select', {}, el('option', { value: '', text: standard }),
    ...[...new Set([own?.label, ...all.map((c) => c.ref)].filter(Boolean))].map((ref) => el('option', { value: ref, text: ref, selected: ref === own?.label })));
  const about = el('p', { class: 'hint' });
  const settings = el('div', { class: 'settings' });
  let inputs = [];
  const choose = () => {
    const chosen = all.find((c) => c.ref === input.value);
    about.textContent = said((chosen?.doc ?? '').split('\n')[0]);
    inputs = input.value ? [...(chosen?.settings ?? []), ...common].map((setting) => {
      const shown = own?.label === input.value ? shownOf(valueOf(own.text, setting.name)) : '';
      return { setting, shown, input: inputOf(setting, shown) };
    }) : [];
    settings.replaceChildren(...inputs.map(({ setting, input }) => field({ label: setting.label ?? setting.name, hint: setting.doc, input })));
  };
  input.addEventListener('change', choose);
  choose();
  return {
    input, about, settings,
    write(out) {
      const same = own && own.label === input.value;
      const words = inputs.reduce(
        (block, { setting, shown, input }) => (input.value.trim() === shown ? block : withSetting(block, setting.name, writtenOf(setting.type, input.value.trim()))),
        same ? own.text : `${kind} ${quote(input.value)} {}`);
      const at = blocksIn(out, kind)[0];
      if (same) return out.slice(0, at.start) + words + out.slice(at.end);
      const rest = at ? withoutBlock(out, at.start) : out;
      return input.value ? withBlock(rest, words) : rest;
    },
  };
}

// inputOf is an input for a setting; empty is its default.
function inputOf(setting, value = '') {
  const standard = setting.default === undefined ? '' : String(setting.default);
  const values = setting.type === 'bool' ? ['true', 'false'] : setting.enum;
  if (values) return el('select', {}, el('option', { value: '', text: t('routeform.default', { value: standard }) }), ...values.map((v) => el('option', { value: v, text: v, selected: v === value })));
  return textInput(value, { type: setting.sensitive ? 'password' : 'text', placeholder: standard });
}
