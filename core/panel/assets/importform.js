// Adds channels from the list of one-api or new-api, or from a file of the
// earlier program.

import { post } from './api.js';
import { addBlock } from './blockedit.js';
import { block, list, quote } from './blocktext.js';
import { field, form } from './dialogs.js';
import { el, setText } from './dom.js';
import { diagnosticLine } from './format.js';
import { t } from './i18n.js';
import { confirmed } from './toast.js';

// hosts are the hosts of the types of channels that have a fixed one.
const hosts = { 1: 'api.openai.com', 14: 'api.anthropic.com', 24: 'generativelanguage.googleapis.com', 20: 'openrouter.ai/api', 43: 'api.deepseek.com' };
const auths = { 14: 'x-api-key', 24: 'x-goog-api-key' };

// channelsOf reads a list: bare, or as an answer of the program's own API.
export function channelsOf(text) {
  const read = JSON.parse(text);
  const all = [read, read.data, read.data?.items, read.items].find(Array.isArray);
  return all ?? (read.data && typeof read.data === 'object' ? [read.data] : [read]);
}

// blocksFor are the blocks for channels; taken are names in use. A channel
// without an address is left out.
export function blocksFor(channels, taken) {
  const used = new Set(taken);
  const words = [];
  const left = [];
  for (const c of channels) {
    const target = (c.base_url || (hosts[c.type] ? `https://${hosts[c.type]}` : '')).replace(/\/+$/, '').replace(/\/v1(beta)?$/, '');
    if (!target) {
      left.push(c.name ?? String(c.id ?? '?'));
      continue;
    }
    let name = String(c.name ?? '').trim().replace(/[^\w-]+/g, '-').replace(/^[^A-Za-z_]+/, '') || `channel-${c.id ?? words.length + 1}`;
    for (let n = 2, base = name; used.has(name); n++) name = `${base}-${n}`;
    used.add(name);
    words.push(channelBlock(name, target, c));
  }
  return { text: words.join('\n'), n: words.length, left };
}

function channelBlock(name, target, c) {
  const keys = String(c.key ?? '').split('\n').map((k) => k.trim()).filter(Boolean);
  const models = String(c.models ?? '').split(',').map((m) => m.trim()).filter(Boolean);
  const map = Object.entries(mapping(c.model_mapping));
  return block(`channel ${quote(name)}`, [
    `target = ${quote(target)}`,
    `keys = ${list(keys.length ? keys : ['put-your-key-here'])}`,
    auths[c.type] && `auth = ${quote(auths[c.type])}`,
    c.weight > 0 && `weight = ${Number(c.weight)}`,
    models.length > 0 && `models = ${list(models)}`,
    map.length > 0 && `model_map = { ${map.map(([from, to]) => `${quote(from)} = ${quote(String(to))}`).join(', ')} }`,
    c.status > 1 && 'disabled = true',
  ]);
}

function mapping(text) {
  try {
    const read = typeof text === 'string' ? JSON.parse(text || '{}') : text;
    return read && typeof read === 'object' ? read : {};
  } catch {
    return {};
  }
}

export function importChannels(store) {
  const text = el('textarea', { class: 'code', rows: 6, spellcheck: 'false', autocomplete: 'off', placeholder: '[{"name": "site", "type": 1, "base_url": "https://site.example", "key": "sk-…", "models": "gpt-4o"}]' });
  const preview = el('pre', { class: 'preview', role: 'region', tabindex: '0', 'aria-label': t('block.preview') });
  const note = el('p', { class: 'hint', 'aria-live': 'polite' });
  const fields = { text: field({ label: t('import.text'), hint: t('import.hint'), input: text }) };
  const made = () => (isJSON(text.value) ? ofList(text.value, store) : ofYAML(text.value));
  let turn = 0;
  let pause = 0;
  const look = async () => {
    const mine = ++turn;
    const out = text.value.trim() ? await made().read().catch(() => null) : null;
    if (mine !== turn) return; // the text has changed since
    setText(preview, out?.shown ?? '');
    setText(note, out ? [t('import.found', { n: out.n }), out.note].filter(Boolean).join(' ') : '');
  };
  text.addEventListener('input', () => {
    clearTimeout(pause);
    pause = setTimeout(look, 150);
  });
  form({
    title: t('import.title'),
    action: t('import.action'),
    fields,
    layout: [fields.text, note, preview],
    submit: async (wrong) => {
      if (!text.value.trim()) wrong('text', t('import.empty'));
      const source = made();
      let out;
      try {
        out = await source.read();
      } catch (e) {
        wrong('text', t('import.wrong', { reason: [e.message, ...(e.diagnostics ?? []).map(diagnosticLine)].at(-1) }));
      }
      if (!out.n) wrong('text', t('import.empty'));
      await source.write();
      confirmed(t('import.done', { n: out.n }));
      store.refresh();
    },
  });
}

const isJSON = (text) => /^\s*[[{]/.test(text);

// ofList is a list of one-api or new-api, which is converted to blocks here.
function ofList(text, store) {
  const read = () => blocksFor(channelsOf(text), store.state.channels.map((c) => c.name));
  return {
    read: async () => {
      const out = read();
      return { n: out.n, shown: hidden(out.text), note: out.left.length > 0 && t('import.left', { names: out.left.join(', ') }) };
    },
    write: () => addBlock(read().text),
  };
}

// ofYAML is a file of the earlier program, which the program itself reads.
function ofYAML(text) {
  return {
    read: async () => {
      const out = await post('/api/config/import', { text, preview: true });
      return {
        n: out.added.length,
        shown: [...out.added.map((name) => `channel ${quote(name)}`), ...out.notes].join('\n'),
        note: out.left.length > 0 && t('import.taken', { names: out.left.join(', ') }),
      };
    },
    write: () => post('/api/config/import', { text }),
  };
}

// hidden is a text without the keys in it.
const hidden = (words) => words.replace(/^( {2}keys = )\[(.*)\]$/gm, (_, lead, keys) => `${lead}[${keys.split(', ').map((k) => (k.length > 12 ? `${k.slice(0, 4)}…${k.slice(-5)}` : '"…"')).join(', ')}]`);
