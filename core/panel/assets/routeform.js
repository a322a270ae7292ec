// Adds a route. The settings of its strategy are those that the plugin declares.

import { newBlock } from './blockedit.js';
import { block, list, quote } from './blocktext.js';
import { checkbox, field } from './dialogs.js';
import { el } from './dom.js';
import { t } from './i18n.js';

const text = (value, more = {}) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', value, ...more });

// strategies are those of all plugins, by the names that a route uses.
function strategies(plugins) {
  return plugins.processes.flatMap((p) => p.components.filter((c) => c.kind === 'strategy').map((c) => ({
    ...c, ref: p.plugin === 'built-in' ? c.name : `${p.plugin}/${c.name}`,
  })));
}

export function addRoute(store) {
  const { status, channels } = store.state;
  if (!status) return; // nothing is known yet
  const all = strategies(status.plugins);
  const path = text('/v1/**');
  const models = text('', { placeholder: 'gpt-*, claude-*' });
  const boxes = channels.map((c) => [c.name, el('input', { type: 'checkbox', checked: true })]);
  const chosen = el('fieldset', {}, el('legend', { text: t('routeform.channels') }), ...boxes.map(([name, input]) => checkbox({ label: name, input })));
  const strategy = el('select', {}, el('option', { value: '', text: t('routeform.standard') }), ...all.map((s) => el('option', { value: s.ref, text: s.ref })));
  const about = el('p', { class: 'hint' });
  const settings = el('div', { class: 'settings' });
  const fields = {
    path: field({ label: t('routeform.path'), hint: t('routeform.pathHint'), input: path }),
    models: field({ label: t('column.model'), hint: t('routeform.modelsHint'), input: models }),
    strategy: field({ label: t('routes.strategy'), input: strategy }),
  };
  let inputs = [];
  const { show } = newBlock({
    title: t('routeform.title'),
    done: t('routeform.added'),
    store,
    fields,
    layout: [fields.path, fields.models, chosen, fields.strategy, about, settings],
    build(wrong) {
      if (!path.value.trim()) wrong('path', t('routeform.pathEmpty'));
      const names = boxes.filter(([, input]) => input.checked).map(([name]) => name);
      const wanted = models.value.split(/[,，\n]/).map((m) => m.trim()).filter(Boolean);
      const own = inputs.map(({ setting, input }) => input.value.trim() && `  ${setting.name} = ${written(setting, input.value.trim())}`).filter(Boolean);
      return block(`route ${quote(path.value.trim())}`, [
        wanted.length > 0 && `models = ${list(wanted)}`,
        `channels = [${names.map((n) => `channel.${n}`).join(', ')}]`,
        strategy.value && (own.length ? [`strategy ${quote(strategy.value)} {`, ...own, '}'] : `strategy ${quote(strategy.value)} {}`),
      ]);
    },
  });
  strategy.addEventListener('change', () => {
    const s = all.find((candidate) => candidate.ref === strategy.value);
    about.textContent = (s?.doc ?? '').split('\n')[0];
    inputs = (s?.settings ?? []).map((setting) => ({ setting, input: inputOf(setting) }));
    settings.replaceChildren(...inputs.map(({ setting, input }) => field({ label: setting.name, hint: setting.doc, input })));
    show();
  });
}

// inputOf is an input for a setting; empty is its default.
export function inputOf(setting) {
  const standard = setting.default === undefined ? '' : String(setting.default);
  const values = setting.type === 'bool' ? ['true', 'false'] : setting.enum;
  if (values) return el('select', {}, el('option', { value: '', text: t('routeform.default', { value: standard }) }), ...values.map((value) => el('option', { value, text: value })));
  return el('input', { type: setting.sensitive ? 'password' : 'text', autocomplete: 'off', spellcheck: 'false', placeholder: standard });
}

// written is a value as HCL writes it.
function written({ type }, value) {
  if (type === 'bool' || (type === 'number' && Number.isFinite(Number(value)))) return value;
  if (Array.isArray(type) && (type[0] === 'list' || type[0] === 'set')) {
    const all = value.split(/[,，]/).map((v) => v.trim()).filter(Boolean);
    return type[1] === 'number' ? `[${all.join(', ')}]` : list(all);
  }
  return quote(value);
}
