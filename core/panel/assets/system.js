// The tunnels and the plugins: what runs beside the proxy.

import { each, el, setText } from './dom.js';
import { count } from './format.js';
import { processBlock, refusedBlock } from './plugins.js';
import { tunnelBlock } from './tunnels.js';

export function systemView(view, store) {
  const tunnels = el('div', { class: 'blocks' });
  const noTunnel = el('div', { class: 'empty boxed', hidden: true },
    el('p', {}, 'No tunnel is configured. A ', el('code', { text: 'tunnel' }), ' block puts this entry on your VPS as ', el('code', { text: 'localhost:9000' }), '.'),
    el('a', { href: '#config', text: 'Open the configuration' }));
  const plugins = el('div', { class: 'blocks' });
  const refused = el('div', { class: 'blocks' });
  const calls = el('p', { class: 'lead' });
  view.append(el('h2', { text: 'Tunnels' }), tunnels, noTunnel, el('h2', { text: 'Plugins' }), calls, plugins, refused);
  store.follow(({ status }) => {
    each(tunnels, status.tunnels, (t) => t.name, tunnelBlock);
    noTunnel.hidden = status.tunnels.length > 0;
    setText(calls, `Strategies, key selectors and health checkers run in processes of their own, and hand out plans. ${count(status.plugins.calls)} calls were made to them since the start.`);
    each(plugins, status.plugins.processes, (p) => p.plugin, (p) => processBlock(p.plugin, store));
    each(refused, status.plugins.refused ?? [], (p) => `${p.plugin} ${p.path}`, refusedBlock);
  });
}
