// One tunnel: how it stands, and what it carries.

import { now } from './api.js';
import { factList, titled } from './blocks.js';
import { each, el, setAttribute, setText } from './dom.js';
import { millis, sentence, span } from './format.js';
import { left, tunnelKind } from './standing.js';
import { tick } from './ticker.js';

// tunnelBlock makes the element of a tunnel.
export function tunnelBlock() {
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
