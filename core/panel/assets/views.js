// The views of the page and the tabs that lead to them. The address names the
// one that is shown, so that it can be kept and the back button works.

import { el, find, setAttribute } from './dom.js';
import { t } from './i18n.js';

const names = ['channels', 'log', 'usage', 'routes', 'clients', 'system', 'config', 'connect'];

// views makes the tabs and shows the view that the address names.
export function views() {
  const links = new Map(names.map((name) => [name, el('a', { href: `#${name}`, text: t(`view.${name}`) })]));
  find('views').append(...links.values());
  const show = () => {
    const [wanted] = location.hash.slice(1).split('/'); // what follows is for the view
    const shown = links.has(wanted) ? wanted : names[0];
    for (const [name, link] of links) {
      find(`view-${name}`).hidden = name !== shown;
      setAttribute(link, 'aria-current', name === shown ? 'page' : null);
    }
    document.title = `${links.get(shown).textContent} – aitunnel`;
    find(`view-${shown}`).dispatchEvent(new Event('shown'));
  };
  addEventListener('hashchange', () => {
    if (location.hash === '#content' || location.hash.startsWith('#login=')) return;
    show();
    scrollTo(0, 0);
  });
  show();
}
