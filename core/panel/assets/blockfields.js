// Fields for the settings of a block of the configuration.

import { blocksIn, isPlain, shownOf, valueOf, withInner, withSetting, writtenOf } from './blockparts.js';
import { checkbox, field } from './dialogs.js';
import { el } from './dom.js';
import { t } from './i18n.js';

// textInput is an input for text of the configuration.
export const textInput = (value, more = {}) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', value, ...more });

const strings = ['list', 'string'];

// settingField is a field for a setting; an expression can only be edited as text.
export function settingField(before, name, { type = 'string', ...words }, more = {}) {
  const value = valueOf(before, name);
  const shown = shownOf(value);
  const input = textInput(shown, { disabled: !isPlain(value), ...more });
  const typed = () => (type === 'number' ? input.value.trim().replace(',', '.') : input.value.trim());
  return {
    input,
    node: field({ ...words, hint: input.disabled ? t('block.expression') : words.hint, input }),
    write: (out) => (input.disabled || typed() === shown ? out : withSetting(out, name, writtenOf(type, typed()))),
  };
}

// listField is a field for a list of strings, with commas between them.
export const listField = (before, name, words, more) => settingField(before, name, { ...words, type: strings }, more);

// switchField is a checkbox for a setting that is false by default.
export function switchField(before, name, words) {
  const value = valueOf(before, name);
  const input = el('input', { type: 'checkbox', checked: value === 'true', disabled: !isPlain(value) });
  return {
    input,
    node: checkbox({ ...words, hint: input.disabled ? t('block.expression') : words.hint, input }),
    write: (out) => (input.disabled || input.checked === (value === 'true') ? out : withSetting(out, name, input.checked ? 'true' : '')),
  };
}

// innerFields are fields for the settings of a block inside the block, which is
// written if one of them has a value.
export function innerFields(before, kind, settings) {
  const own = blocksIn(before, kind)[0];
  const text = own?.text ?? `${kind} {}`;
  const made = settings.map(([name, words, more]) => [name, settingField(text, name, words, more)]);
  return {
    used: Boolean(own),
    nodes: Object.fromEntries(made.map(([name, f]) => [name, f.node])),
    inputs: Object.fromEntries(made.map(([name, f]) => [name, f.input])),
    write(out) {
      const words = made.reduce((block, [, f]) => f.write(block), text);
      return words === text ? out : withInner(out, kind, words);
    },
  };
}
