// The fields of a channel's block: those that every channel needs, and below them, folded,
// those that few need.

import { innerFields, listField, settingField, switchField } from './blockfields.js';
import { mapOf, mapText, namesOf, references, stringOf, valueOf, withSetting } from './blockparts.js';
import { quote } from './blocktext.js';
import { componentFields, componentsOf } from './componentfields.js';
import { field } from './dialogs.js';
import { el } from './dom.js';
import { code, t } from './i18n.js';

const auths = ['auto', 'bearer', 'x-api-key', 'x-goog-api-key', 'none', 'passthrough'];
const apiPaths = /\/(v1|v1beta)(\/(chat\/completions|completions|messages|responses|models|embeddings))?\/?$/;

// words are the label, the type, and the hint if there is one.
const words = (name, type, hint) => ({ label: t(`channel.${name}`), hint: hint && t(`channel.${hint}`), type });

const checkSettings = () => [
  { name: 'interval', label: t('channel.interval'), default: '1m' }, { name: 'timeout', label: t('channel.timeout'), default: '5s' },
  { name: 'fall', label: t('channel.fall'), type: 'number', default: 3 }, { name: 'rise', label: t('channel.rise'), type: 'number', default: 1 },
].map((s) => ({ type: 'string', ...s }));

// limitSettings are those of a channel, a key or a client.
export const limitSettings = (concurrent) => [
  ['requests_per_minute', words('requestsPerMinute', 'number'), { inputmode: 'numeric' }],
  ['tokens_per_minute', words('tokensPerMinute', 'number'), { inputmode: 'numeric' }],
  ['burst', words('burst', 'number', 'burstHint'), { inputmode: 'numeric' }],
  ['concurrent', words('concurrent', 'number', concurrent)],
];

// channelFields are the fields by the names of their settings, the order in which
// they are shown, and write, which puts what they say into a block. Egresses are the
// names of those that are configured.
export function channelFields(before, plugins, egresses) {
  const target = settingField(before, 'target', words('target', 'string', 'targetHint'), { inputmode: 'url', placeholder: 'https://site.example' });
  const weight = settingField(before, 'weight', words('weight', 'number', 'weightHint'), { inputmode: 'decimal', placeholder: '1' });
  const models = listField(before, 'models', words('models', '', 'modelsHint'), { placeholder: 'gpt-*, claude-*' });
  const fallback = switchField(before, 'fallback', words('fallback', '', 'fallbackHint'));
  const auth = authField(before);
  const modelMap = modelMapField(before);
  const maxInFlight = settingField(before, 'max_in_flight', words('maxInFlight', 'number', 'maxInFlightHint'), { inputmode: 'numeric' });
  const timeouts = innerFields(before, 'timeouts', [
    ['connect', words('connect'), { placeholder: '10s' }],
    ['first_byte', words('firstByte', 'string', 'firstByteHint'), { placeholder: '60s' }],
    ['stream_idle', words('streamIdle', 'string', 'streamIdleHint'), { placeholder: '2m' }],
  ]);
  const limit = innerFields(before, 'limit', limitSettings('concurrentHint'));
  const check = componentFields(before, 'health_check', componentsOf(plugins, 'health_checker'), t('channel.noCheck'), checkSettings());
  const selector = componentFields(before, 'key_selector', componentsOf(plugins, 'key_selector'), t('channel.standardSelector'));
  const egress = egressField(before, egresses);
  const checkField = field({ label: t('channel.checker'), input: check.input });
  const selectorField = field({ label: t('channel.keySelector'), input: selector.input });
  const group = (name, open, ...nodes) => el('details', { open }, el('summary', { text: t(`channel.${name}`) }), ...nodes);
  return {
    inputs: { target: target.input, weight: weight.input, auth: auth.input, modelMap: modelMap.input, maxInFlight: maxInFlight.input },
    target,
    fields: {
      target: target.node, weight: weight.node, models: models.node, fallback: fallback.node, auth: auth.node, model_map: modelMap.node, max_in_flight: maxInFlight.node,
      ...timeouts.nodes, ...limit.nodes, health_check: checkField, key_selector: selectorField, egress: egress.node,
    },
    basic: [el('div', { class: 'pair' }, auth.node, weight.node), models.node, fallback.node],
    more: [
      group('more', false, modelMap.node, maxInFlight.node, selectorField, selector.about, selector.settings),
      group('timeouts', timeouts.used, ...Object.values(timeouts.nodes)),
      group('limits', limit.used, el('p', { class: 'hint', text: t('channel.limitsHint') }), ...Object.values(limit.nodes)),
      group('healthCheck', Boolean(check.input.value), checkField, check.about, check.settings),
      group('egress', Boolean(egress.input.value), egress.node),
    ],
    // write leaves out the address of a new channel, which is sent by itself.
    write: (out, all = true) => [all && target, weight, auth, models, fallback, modelMap, maxInFlight, egress, timeouts, limit, check, selector].filter(Boolean).reduce((block, f) => f.write(block), out),
  };
}

// authField offers the ways to send a key, and the current one if it is another, such
// as query:NAME.
function authField(before) {
  const value = valueOf(before, 'auth');
  const current = value === undefined ? 'auto' : stringOf(value) ?? value;
  const all = auths.includes(current) ? auths : [...auths, current];
  const input = el('select', {}, ...all.map((a) => el('option', { value: a, text: code('channel.auth', a), selected: a === current })));
  return {
    input,
    node: field({ label: t('channel.auth'), input }),
    write: (out) => (input.value === current ? out : withSetting(out, 'auth', input.value === 'auto' ? '' : quote(input.value))),
  };
}

// mapLines are the lines of the model map, each as a pair.
const mapLines = (text) => text.split('\n').map((line) => line.split('=').map((half) => half.trim().replace(/^"|"$/g, ''))).filter((halves) => halves.join(''));

function modelMapField(before) {
  const value = valueOf(before, 'model_map');
  const known = value === undefined ? [] : mapOf(value);
  const shown = (known ?? []).map(([from, to]) => `${from} = ${to}`).join('\n');
  const input = el('textarea', { rows: 2, spellcheck: 'false', autocomplete: 'off', placeholder: 'gpt-4o = gpt-4o-2024-11-20', disabled: !known }, shown);
  return {
    input,
    node: field({ label: t('channel.modelMap'), hint: t(known ? 'channel.modelMapHint' : 'block.expression'), input }),
    write(out) {
      const pairs = mapLines(input.value).filter((halves) => halves.length === 2);
      return !known || input.value.trim() === shown ? out : withSetting(out, 'model_map', pairs.length ? mapText(pairs) : '');
    },
  };
}

// egressField takes names, in the order in which they are tried.
function egressField(before, configured) {
  const value = valueOf(before, 'egress');
  const known = value === undefined ? [] : namesOf('egress', value);
  const input = el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', value: known ? known.join(', ') : value, disabled: !known });
  const all = [...new Set(['direct', 'environment', ...configured])].join(', ');
  return {
    input,
    node: field({ label: t('channel.egresses'), hint: known ? t('channel.egressHint', { all }) : t('block.expression'), input }),
    write(out) {
      const wanted = input.value.split(/[,，]/).map((n) => n.trim()).filter(Boolean);
      return !known || wanted.join() === known.join() ? out : withSetting(out, 'egress', wanted.length ? references('egress', wanted) : '');
    },
  };
}

// check reports invalid fields before anything is sent.
export function check(inputs, wrong) {
  const target = inputs.target.value.trim();
  if (!target) wrong('target', t('channel.targetEmpty'));
  const path = apiPaths.exec(target)?.[0];
  if (path) wrong('target', t('channel.targetPath', { path }));
  const weight = Number(inputs.weight.value.trim().replace(',', '.'));
  if (!inputs.weight.disabled && !(weight >= 0)) wrong('weight', t('channel.weightWrong'));
  if (mapLines(inputs.modelMap.value).some((halves) => halves.length !== 2 || !halves[0] || !halves[1])) wrong('model_map', t('channel.modelMapWrong'));
  if (!inputs.maxInFlight.disabled && !/^\d*$/.test(inputs.maxInFlight.value.trim())) wrong('max_in_flight', t('channel.maxInFlightWrong'));
}
