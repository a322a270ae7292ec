// The tunnels and the plugins.

import { each, el, setText } from './dom.js';
import { parts, t } from './i18n.js';
import { processBlock, refusedBlock } from './plugins.js';
import { addTunnel } from './tunnelform.js';
import { tunnelBlock } from './tunnels.js';

export function systemView(view, store) {
  const tunnels = el('div', { class: 'blocks' });
  const noTunnel = el('div', { class: 'empty boxed', hidden: true },
    el('p', {}, ...parts('tunnels.none', { block: el('code', { text: 'tunnel' }), address: el('code', { text: '127.0.0.1:9000' }) })),
    el('a', { href: '#config', text: t('tunnels.open') }));
  const plugins = el('div', { class: 'blocks' });
  const refused = el('div', { class: 'blocks' });
  const calls = el('p', { class: 'lead' });
  const add = el('button', { type: 'button', text: t('tunnelform.open'), on: { click: () => addTunnel(store) } });
  view.append(el('div', { class: 'toolbar' }, el('h2', { text: t('tunnels.title') }), el('span', { class: 'space' }), add), tunnels, noTunnel, el('h2', { text: t('plugins.title') }), calls, plugins, refused);
  store.follow(({ status }) => {
    each(tunnels, status.tunnels, (t) => t.name, (t) => tunnelBlock(t.name, store));
    noTunnel.hidden = status.tunnels.length > 0;
    setText(calls, t('plugins.lead', { n: status.plugins.calls }));
    each(plugins, status.plugins.processes, (p) => p.plugin, (p) => processBlock(p.plugin, store));
    each(refused, status.plugins.refused ?? [], (p) => `${p.plugin} ${p.path}`, refusedBlock);
  }, view);
}
