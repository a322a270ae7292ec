// How to connect an app to the proxy: its settings, ready to copy.

import { get } from './api.js';
import { field } from './dialogs.js';
import { el, setAttribute } from './dom.js';
import { parts, t } from './i18n.js';
import { kept } from './kept.js';
import { confirmed, failed } from './toast.js';

const notes = { cursor: 'connect.cursor' };

export function connectView(view, store) {
  let apps = [];
  const app = el('select', {});
  const from = el('select', {});
  const addresses = el('dl', { class: 'addresses' });
  const place = el('div', { class: 'block' });
  view.append(
    el('h2', { text: t('view.connect') }),
    el('p', { class: 'lead' }, ...parts('connect.lead', { setting: el('code', { text: 'proxy.client_tokens' }), command: el('code', { text: 'aitunnel connect --write' }), check: el('code', { text: '--check' }) })),
    el('div', { class: 'choice' }, field({ label: t('connect.app'), input: app }), field({ label: t('connect.from'), input: from })), addresses, place);

  let shown = '';
  let asked = false;
  async function load() {
    if (asked) return;
    asked = true;
    try {
      apps = await get('/api/apps');
      app.replaceChildren(...apps.map((a) => el('option', { value: a.id, text: a.name })));
      app.value = kept('app') || apps[0].id;
      if (!app.value) app.value = apps[0].id;
      show();
    } catch {
      asked = false; // the next state fetches it again
    }
  }
  function show() {
    load();
    const { status } = store.state;
    const places = origins(status);
    const known = JSON.stringify(places);
    if (known !== from.dataset.shown) {
      const chosen = from.value || likelyPlace(places);
      from.dataset.shown = known;
      from.replaceChildren(...places.filter((o) => o.address).map((o) => el('option', { value: o.id, text: o.name })));
      if (places.some((o) => o.id === chosen)) from.value = chosen;
      addresses.replaceChildren(...places.flatMap((o) => [el('dt', { text: o.name }), el('dd', {}, ...(o.address ? [el('code', { text: o.address })] : parts('connect.closed', { setting: el('code', { text: `listen = "0.0.0.0:${portOf(status)}"` }), block: el('code', { text: 'proxy' }) })))]));
    }
    const s = apps.find((candidate) => candidate.id === app.value);
    const at = places.find((o) => o.id === from.value);
    const key = JSON.stringify([app.value, at]);
    if (!s || !at || key === shown) return;
    shown = key;
    const filled = (text) => text.replaceAll('{address}', at.address).replaceAll('{token}', t('connect.yourToken')).replaceAll('{model}', 'gpt-4o');
    place.replaceChildren(
      ...(s.writes && at.id === 'here' ? [el('p', {}, ...parts('connect.command', { command: el('code', { text: `aitunnel connect ${s.id} --write --check` }) }))] : []),
      ...(at.tunnel ? [el('p', {}, ...parts('connect.commandOn', { command: el('code', { text: `aitunnel connect ${s.id} --on ${at.tunnel}` }) }))] : []),
      ...(notes[s.id] ? [el('p', { text: t(notes[s.id]) })] : []),
      ...s.settings.map((setting) => snippet(s.name, { ...setting, text: filled(setting.text) })));
  }
  app.addEventListener('change', () => {
    kept('app', app.value);
    show();
  });
  from.addEventListener('change', show);
  store.follow(show, view);
}

// origins are the places where an app may run, each with the address of the proxy there; none if
// it cannot be reached from there.
function origins(status) {
  const forwards = (status?.tunnels ?? []).flatMap((tunnel) => (tunnel.forwards ?? [])
    .filter((f) => !f.channel && /:\d+$/.test(f.remote))
    .map((f) => ({ id: `tunnel ${tunnel.name} ${f.remote}`, tunnel: tunnel.name, name: t('connect.tunnel', { name: tunnel.name }), address: `http://${local(f.remote)}` })));
  return [
    { id: 'here', name: t('connect.here'), address: `http://${local(status?.listen || '127.0.0.1:9000')}` },
    ...forwards,
    { id: 'network', name: t('connect.network'), address: status?.listenOther && `http://${status.listenOther}` },
  ];
}

// portOf is the port of the proxy, which it keeps when it listens for other devices.
const portOf = (status) => /:(\d+)$/.exec(status?.listen ?? '')?.[1] ?? '9000';

// likelyPlace returns where the reader's apps probably run: on another device of the network if the
// page was opened from one, otherwise on the computer that runs aitunnel.
function likelyPlace(places) {
  const remote = !/^(localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);
  return remote && places.some((o) => o.id === 'network' && o.address) ? 'network' : 'here';
}

// local is an address on the machine itself, for one of all interfaces too.
export const local = (address) => address.replace(/^(0\.0\.0\.0|\[::\]|\*)?:(?=\d+$)/, '127.0.0.1:');

function snippet(name, { where, file, text }) {
  const code = el('pre', { tabindex: '0', 'aria-label': name }, el('code', { text }));
  const copy = el('button', { type: 'button', text: t('connect.copy'), 'aria-label': t('connect.copyLabel', { name }) });
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      confirmed(t('connect.copied'));
    } catch (e) {
      getSelection().selectAllChildren(code);
      failed(t('connect.notCopied'), e);
    }
  });
  setAttribute(copy, 'data-copy', name);
  return el('section', { class: 'snippet' }, el('header', {}, el('p', {}, ...parts(`connect.where.${where}`, { file: el('code', { text: file ?? '' }) })), copy), code);
}
