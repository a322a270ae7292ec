// One tunnel: its state, and its forwards.

import { now, post } from './api.js';
import { factList, titled } from './blocks.js';
import { each, el, setAttribute, setText } from './dom.js';
import { millis, sentence, span } from './format.js';
import { code, quoted, t } from './i18n.js';
import { forwardKind, left, tunnelKind } from './states.js';
import { tick } from './ticker.js';
import { editTunnel } from './tunnelform.js';
import { testTunnel } from './tunneltest.js';
import { trustHost } from './tunneltrust.js';
import { attempt } from './toast.js';

// tunnelBlock makes the element of a tunnel.
export function tunnelBlock(name, store) {
  const host = el('p', { class: 'host' });
  const edit = el('button', { type: 'button', class: 'quiet', text: t('block.edit'), 'aria-label': t('block.editLabel', { name: `tunnel "${name}"` }) });
  edit.addEventListener('click', () => attempt(() => '', t('block.notRead'), () => editTunnel(store, name)));
  const retry = el('button', { type: 'button', class: 'quiet', hidden: true, text: t('tunnels.retry'), 'aria-label': t('tunnels.retryLabel', { name }) });
  retry.addEventListener('click', async () => {
    await attempt(t('tunnels.retried', { name }), t('tunnels.notRetried', { name }), () => post(`/api/tunnels/${encodeURIComponent(name)}/retry`));
    store.refresh();
  });
  const test = el('button', { type: 'button', class: 'quiet', text: t('tunneltest.open'), 'aria-label': t('tunneltest.label', { name }) });
  test.addEventListener('click', () => testTunnel(name, store));
  const head = titled(host, retry, test, edit);
  const facts = factList(...['since', 'nextTry', 'probe'].map((name) => t(`tunnels.${name}`)));
  const words = el('p', {});
  const trust = el('button', { type: 'button', hidden: true });
  trust.addEventListener('click', () => trustHost(tunnel, store));
  const trouble = el('div', { class: 'why', hidden: true }, words, trust);
  const forwards = el('ul', { class: 'rows', 'aria-label': t('tunnels.forwards') });
  const node = el('article', { class: 'block tunnel' }, head.node, trouble, facts.node, forwards);
  let tunnel = null;
  const times = () => {
    const time = left(tunnel.nextTry);
    facts.set(span((now() - Date.parse(tunnel.since)) / 1000), tunnel.nextTry && (time ? t('tunnels.in', { time }) : t('tunnels.now')), tunnel.probe_ms > 0 && millis(tunnel.probe_ms));
  };
  tick(() => node.isConnected && times());
  return {
    node,
    update(next) {
      tunnel = next;
      head.update(next.name, code('tunnelState', next.state), tunnelKind(next.state));
      setAttribute(node, 'data-name', next.name);
      setText(host, next.host);
      trouble.hidden = !next.lastError || next.state === 'up';
      setText(words, troubleOf(next));
      trust.hidden = !next.host_key;
      setText(trust, t(`trust.open.${next.host_key?.state ?? 'unknown'}`));
      setAttribute(trust, 'aria-label', t(`trust.label.${next.host_key?.state ?? 'unknown'}`, { name }));
      retry.hidden = !['waiting', 'failed'].includes(next.state);
      each(forwards, next.forwards ?? [], (f) => f.remote, forwardRow);
      times();
    },
  };
}

// troubleOf says why a tunnel is down. For a host key that is all, unless only an authority
// is known.
function troubleOf({ host_key: key, lastError }) {
  if (!key || (key.known_at && key.state === 'unknown')) return sentence(quoted(lastError));
  return t(`trust.card.${key.state}`, { host: key.host });
}

function forwardRow() {
  const light = el('span', { class: 'light small' });
  const remote = el('code', {});
  const to = el('span', {});
  const error = el('span', { class: 'error' });
  return {
    node: el('li', {}, light, remote, to, error),
    update(f) {
      light.className = `light small ${forwardKind(f.state)}`;
      setText(remote, f.remote);
      setText(to, t('tunnels.to', { name: f.channel || t('tunnels.everyRoute'), state: code('forwardState', f.state) }));
      setText(error, quoted(f.error));
    },
  };
}
