// The tunnels and the plugins: what runs beside the proxy.

import { now } from './api.js';
import { each, el, setAttribute, setText } from './dom.js';
import { count, millis, nameOf, plural, sentence, span } from './format.js';
import { left, tunnelKind } from './standing.js';
import { tick } from './ticker.js';

export function systemView(view, store) {
  const tunnels = el('div', { class: 'blocks' });
  const noTunnel = el('div', { class: 'empty boxed', hidden: true },
    el('p', {}, 'No tunnel is configured. A ', el('code', { text: 'tunnel' }), ' block puts this entry on your VPS as ', el('code', { text: 'localhost:9000' }), '.'),
    el('a', { href: '#config', text: 'Open the configuration' }));
  const plugins = el('div', { class: 'blocks' });
  const calls = el('p', { class: 'lead' });
  view.append(el('h2', { text: 'Tunnels' }), tunnels, noTunnel, el('h2', { text: 'Plugins' }), calls, plugins);
  store.follow(({ status }) => {
    each(tunnels, status.tunnels, (t) => t.name, tunnelBlock);
    noTunnel.hidden = status.tunnels.length > 0;
    setText(calls, `Strategies, key selectors and health checkers run in processes of their own. ${count(status.plugins.calls)} calls were made to them since the start, none while a request waited.`);
    each(plugins, status.plugins.processes, (p) => p.plugin, processBlock);
  });
}

// titled is the head of a block: a light, a name and a state.
function titled(more) {
  const light = el('span', { class: 'light' });
  const name = el('h3', {});
  const state = el('span', { class: 'state' });
  return {
    node: el('header', {}, light, name, state, more),
    update(text, word, kind) {
      light.className = `light ${kind}`;
      setText(name, text);
      setText(state, word);
      state.className = `state ${kind}`;
    },
  };
}

// factList shows names with values, and hides those without.
function factList(...names) {
  const items = names.map((name) => {
    const value = el('dd', {});
    return { value, node: el('div', {}, el('dt', { text: name }), value) };
  });
  return {
    node: el('dl', { class: 'facts' }, ...items.map((i) => i.node)),
    set(...values) {
      values.forEach((v, i) => {
        items[i].node.hidden = !v;
        setText(items[i].value, v || '');
      });
    },
  };
}

function tunnelBlock() {
  const host = el('p', { class: 'host' });
  const head = titled(host);
  const facts = factList('Since', 'Next try', 'Probe');
  const trouble = el('p', { class: 'why', hidden: true });
  const forwards = el('ul', { class: 'rows', 'aria-label': 'Forwards' });
  const node = el('article', { class: 'block tunnel' }, head.node, trouble, facts.node, forwards);
  let tunnel = null;
  const times = () => {
    const rest = left(tunnel.nextTry);
    facts.set(span((now() - Date.parse(tunnel.since)) / 1000), tunnel.nextTry && (rest ? `in ${rest}` : 'now'), tunnel.probe_ms > 0 && millis(tunnel.probe_ms));
  };
  tick(() => node.isConnected && times());
  return {
    node,
    update(t) {
      tunnel = t;
      head.update(t.name, t.state, tunnelKind(t.state));
      setAttribute(node, 'data-name', t.name);
      setText(host, t.host);
      trouble.hidden = !t.lastError || t.state === 'up';
      setText(trouble, sentence(t.lastError ?? ''));
      each(forwards, t.forwards ?? [], (f) => f.remote, forwardRow);
      times();
    },
  };
}

function forwardRow() {
  const light = el('span', { class: 'light small' });
  const remote = el('code', {});
  const to = el('span', {});
  const error = el('span', { class: 'error' });
  return {
    node: el('li', {}, light, remote, to, error),
    update(f) {
      light.className = `light small ${tunnelKind(f.state)}`;
      setText(remote, f.remote);
      setText(to, `→ ${f.channel || 'every route'} (${f.state})`);
      setText(error, f.error ?? '');
    },
  };
}

const processKinds = { running: 'good', starting: 'warn', idle: 'off', stopped: 'off', restarting: 'warn', quarantined: 'bad', failed: 'bad', refused: 'bad' };

function processBlock() {
  const head = titled(el('p', { class: 'host' }));
  const facts = factList('Version', 'Process', 'Restarts', 'Protocol');
  const trouble = el('p', { class: 'why', hidden: true });
  const components = el('ul', { class: 'rows components', 'aria-label': 'Components' });
  const node = el('article', { class: 'block plugin' }, head.node, trouble, facts.node, components);
  return {
    node,
    update(p) {
      const kind = processKinds[p.state] ?? 'warn';
      head.update(p.plugin, p.state, kind);
      setText(node.querySelector('.host'), p.source === p.plugin ? '' : p.source);
      trouble.hidden = !p.lastError;
      setText(trouble, sentence(p.lastError ?? ''));
      facts.set(p.version, p.pid && `pid ${p.pid}`, p.restarts && plural(p.restarts, 'time'), p.protocol && String(p.protocol));
      each(components, [...p.components].sort((a, b) => Number(!a.usedAt) - Number(!b.usedAt)), (c) => `${c.kind} ${c.name}`, componentRow);
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
      setText(kind, c.kind.replace('_', ' '));
      setText(name, c.name);
      setText(doc, (c.doc ?? '').split('\n')[0]);
      setText(used, places(c.usedAt ?? []));
      setAttribute(used, 'title', (c.usedAt ?? []).join('\n'));
    },
  };
}

const NAMED = 3;

// places are the lines of the configuration where a component is named.
function places(all) {
  if (!all.length) return '';
  const short = all.slice(0, NAMED).map(nameOf);
  return `used ${short.join(', ')}${all.length > NAMED ? ` and ${all.length - NAMED} more` : ''}`;
}
