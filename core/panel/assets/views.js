// The views of the page and the tabs that lead to them. The address says which
// one is shown, so that it can be kept and the browser's back button works.

import { el, find, setAttribute } from './dom.js';

const names = [['channels', 'Channels'], ['log', 'Log'], ['routes', 'Routes'], ['system', 'Tunnels & plugins'], ['config', 'Configuration']];

// views makes the tabs and shows the view that the address names.
export function views() {
  const links = new Map(names.map(([name, title]) => [name, el('a', { href: `#${name}`, text: title })]));
  find('views').append(...links.values());
  const show = () => {
    const wanted = location.hash.slice(1);
    const shown = links.has(wanted) ? wanted : names[0][0];
    for (const [name, link] of links) {
      find(`view-${name}`).hidden = name !== shown;
      setAttribute(link, 'aria-current', name === shown ? 'page' : null);
    }
    document.title = `${links.get(shown).textContent} – aitunnel`;
    find(`view-${shown}`).dispatchEvent(new Event('shown'));
    links.get(shown).scrollIntoView({ block: 'nearest', inline: 'nearest' });
  };
  addEventListener('hashchange', () => {
    if (location.hash === '#content') return; // the link that skips the header
    show();
    scrollTo(0, 0);
  });
  show();
}
