// The result of the check of a configuration.

import { el } from './dom.js';
import { clock, nameOf } from './format.js';
import { has, language, listOf, parts, quoted, said, t } from './i18n.js';

// verdictOf are the elements for a dry run, or for the error instead of one. place returns
// a link to a diagnostic's line, or null if that is in another file.
export function verdictOf(diagnostics, { plan, error, changed, place }) {
  const errors = diagnostics.filter((d) => d.severity !== 'warning').length;
  return [
    headline(errors, diagnostics.length - errors, error),
    diagnostics.some((d) => languageOf(d.summary) || languageOf(d.detail)) && el('p', { class: 'hint', text: t('config.places') }),
    diagnostics.length > 0 && el('ol', { class: 'mistakes' }, ...diagnostics.map((d) => mistake(d, place(d)))),
    plan && changed && changes(plan),
  ].filter(Boolean);
}

function headline(errors, warnings, error) {
  if (errors) return el('h2', { class: 'bad', text: t('config.errors', { n: errors }) });
  if (error) return el('h2', { class: 'bad', text: error.message });
  return el('h2', { class: 'good', text: warnings ? t('config.warnings', { n: warnings }) : t('config.good') });
}

function mistake(d, go) {
  return el('li', { class: d.severity },
    d.line > 0 && (go
      ? el('button', { type: 'button', class: 'quiet place', text: t('config.line', { n: d.line }), on: { click: go } })
      : el('p', { text: t('config.fileLine', { file: nameOf(d.file), n: d.line }) })),
    el('p', { lang: languageOf(d.summary) }, el('strong', { text: said(d.summary) })),
    d.detail && el('p', { lang: languageOf(d.detail), text: quoted(d.detail) }));
}

// languageOf is the language of a sentence that the catalog does not have; null: that of the page.
const languageOf = (text) => (language !== 'en' && text && said(text) === text ? 'en' : null);

const actions = ['add', 'remove', 'change', 'upgrade'];

// effect is what a change does to the live state. A newer program may have other codes.
const effect = (c) => (has(`effect.${c.effect_code}`) ? t(`effect.${c.effect_code}`, c.effect_args) : c.effect);

// changes are what saving would do.
function changes(plan) {
  if (!plan.changes?.length) return el('p', { class: 'hint', text: t('config.noChange') });
  return el('section', {}, el('h3', { text: t('config.would') }), el('ul', { class: 'changes' },
    ...plan.changes.map((c) => el('li', {}, ...change(c), c.fields?.length ? `: ${c.fields.join(', ')}` : '', c.effect && el('span', { class: 'hint', text: effect(c) })))));
}

function change(c) {
  const block = el('code', { text: blockName(c) });
  return actions.includes(c.action) ? parts(`config.change.${c.action}`, { block }) : [block, ` ${c.action}`];
}

// blockName is the block that a change is about. An older program gives it in words only.
export function blockName(c) {
  if (c.type === 'top_level' || c.type === 'order') return t(`block.${c.type}`);
  if (c.type === 'plugin' && c.name === 'built-in') return t('block.builtin');
  if (c.models?.length) return t('block.routeFor', { block: `${c.type} "${c.name}"`, models: listOf(c.models) });
  return c.block;
}

// lastReload says what is in use, and since when.
export function lastReload(status) {
  const r = status.lastReload;
  if (!r) return t('config.runsSinceStart');
  const time = clock(r.at);
  return r.ok ? t('config.runs', { time }) : t('config.runsStill', { time, reason: r.diagnostics?.length ? '' : r.error ?? '' }).trim(); // the diagnostics are shown
}
