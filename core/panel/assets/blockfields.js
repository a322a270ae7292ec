// Fields for the settings of a block of the configuration.

import { shownOf, stringOf, valueOf, withSetting } from './blockparts.js';
import { quote } from './blocktext.js';
import { field } from './dialogs.js';
import { el } from './dom.js';
import { t } from './i18n.js';

// textInput is an input for words of the configuration.
export const textInput = (value, more = {}) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', value, ...more });

// settingField is a field for a setting that is a string; an expression is left
// to the text.
export function settingField(before, name, words, more = {}) {
  const value = valueOf(before, name);
  const input = textInput(shownOf(value), { disabled: value !== undefined && stringOf(value) === null, ...more });
  return {
    input,
    node: field({ ...words, hint: input.disabled ? t('block.expression') : words.hint, input }),
    write: (out) => (input.disabled || input.value.trim() === shownOf(value) ? out : withSetting(out, name, input.value.trim() && quote(input.value.trim()))),
  };
}
