// One plugin: its process and what it offers.

import { now, post } from './api.js';
import { factList, titled } from './blocks.js';
import { each, el, setAttribute, setText } from './dom.js';
import { nameOf, sentence, span } from './format.js';
import { code, quoted, said, t } from './i18n.js';
import { attempt } from './toast.js';

const processKinds = { running: 'good', starting: 'warn', idle: 'off', stopped: 'off', restarting: 'warn', quarantined: 'bad', failed: 'bad', refused: 'bad' };

// processBlock makes the element of a plugin.
export function processBlock(name, store) {
  const source = el('p', { class: 'host' });
  const again = el('button', { type: 'button', class: 'quiet', text: t('plugins.restart'), 'aria-label': t('plugins.restartLabel', { name }) });
  again.addEventListener('click', async () => {
    again.disabled = true;
    await attempt(t('plugins.restarted', { name }), t('plugins.notRestarted', { name }), () => post(`/api/plugins/${encodeURIComponent(name)}/restart`));
    again.disabled = false;
    again.focus();
    store.refresh();
  });
  const head = titled(source, again);
  const facts = factList(...['version', 'process', 'uptime', 'restarts', 'cost', 'protocol', 'executable'].map((name) => t(`plugins.${name}`)));
  const trouble = el('p', { class: 'why', hidden: true });
  const warnings = el('div', {});
  const components = el('ul', { class: 'rows components', 'aria-label': t('plugins.components') });
  const node = el('article', { class: 'block plugin' }, head.node, trouble, warnings, facts.node, components);
  return {
    node,
    update(p) {
      const kind = processKinds[p.state] ?? 'warn';
      head.update(p.plugin, code('processState', p.state), kind);
      setText(source, p.source === p.plugin ? '' : p.source);
      trouble.hidden = !p.lastError;
      setText(trouble, sentence(quoted(p.lastError)));
      each(warnings, warningsOf(p), (w) => w, warningLine);
      facts.set(p.version, p.pid && t('plugins.pid', { n: String(p.pid) }), p.pid && p.since && span((now() - Date.parse(p.since)) / 1000), p.restarts && String(p.restarts), cost(p), p.protocol && String(p.protocol), p.sha256 && t('plugins.hash', { lock: code('lock', p.lock), hash: p.sha256.slice(0, 12) }));
      each(components, [...p.components].sort((a, b) => Number(!a.usedAt) - Number(!b.usedAt)), (c) => `${c.kind} ${c.name}`, componentRow);
    },
  };
}

// warningsOf are the warnings of its plans, and current problems, each once.
function warningsOf(p) {
  return [...new Set(p.components.flatMap((c) => (c.uses ?? []).flatMap((u) => u.warnings ?? [])))];
}

function warningLine() {
  const node = el('p', { class: 'why' });
  return { node, update: (text) => setText(node, quoted(text)) };
}

// cost is how much memory and CPU the process uses, and how much it logs.
function cost(p) {
  if (!p.memory) return '';
  const parts = [t('plugins.usage', { memory: String(Math.round(p.memory / 2 ** 20)), cpu: String(Math.round(100 * (p.cpu ?? 0))) })];
  if (p.logLines) parts.push(t('plugins.logLines', { n: String(p.logLines) }));
  if (p.logDropped) parts.push(t('plugins.logDropped', { n: String(p.logDropped) }));
  return parts.join(t('words.comma'));
}

// refusedBlock makes the element of an executable that is not used.
export function refusedBlock() {
  const source = el('p', { class: 'host' });
  const head = titled(source);
  const reason = el('p', { class: 'why' });
  return {
    node: el('article', { class: 'block plugin' }, head.node, reason),
    update(p) {
      head.update(p.plugin, p.lock ? code('lock', p.lock) : code('processState', 'refused'), 'bad');
      setText(source, p.path ?? '');
      setText(reason, sentence(quoted(p.reason)));
    },
  };
}

function componentRow() {
  const kind = el('span', { class: 'kind' });
  const name = el('strong', {});
  const doc = el('span', { class: 'doc' });
  const used = el('span', { class: 'used' });
  return {
    node: el('li', {}, kind, name, doc, used),
    update(c) {
      setText(kind, code('componentKind', c.kind));
      setText(name, c.name);
      setText(doc, said((c.doc ?? '').split('\n')[0]));
      // A component that no line of the configuration names is used by default.
      const lines = (c.usedAt ?? []).filter((at) => /:\d+$/.test(at));
      const byDefault = lines.length < (c.usedAt ?? []).length;
      const all = byDefault && lines.length ? [...lines, t('routes.byDefault')] : lines;
      setText(used, byDefault && !lines.length ? t('plugins.usedByDefault') : places(all));
      setAttribute(used, 'title', all.join('\n'));
    },
  };
}

const NAMED = 3;

// places are the lines of the configuration where a component is named.
function places(all) {
  if (!all.length) return '';
  const short = all.slice(0, NAMED).map(nameOf);
  const places = short.join(t('words.list'));
  return all.length > NAMED ? t('plugins.usedMore', { places, n: all.length - NAMED }) : t('plugins.used', { places });
}
