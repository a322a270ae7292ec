// Tells that the configuration in the files is another than the one that was
// edited, and lets people choose.

import { confirm } from './dialogs.js';
import { el } from './dom.js';

// conflict returns an element that is hidden until it is shown with what
// there is to be done: take the other text, or put one's own in its place.
export function conflict() {
  const node = el('div', { class: 'conflict', role: 'alert', hidden: true });
  return {
    node,
    hide() {
      node.hidden = true;
    },
    show({ take, replace }) {
      const drop = async () => {
        const sure = await confirm({
          title: 'Drop your changes?',
          text: 'The other text takes the place of yours in the editor. Copy what you want to keep first.',
          action: 'Drop mine',
        });
        if (sure) take();
      };
      node.replaceChildren(
        el('p', {}, el('strong', { text: 'Not saved: the configuration was changed elsewhere since you opened it. ' }),
          'Your text is still here. Look at the other one, or put yours in its place.'),
        el('button', { type: 'button', text: 'Load the other text', on: { click: drop } }),
        el('button', { type: 'button', class: 'danger', text: 'Put mine in its place', on: { click: replace } }));
      node.hidden = false;
      node.scrollIntoView({ block: 'nearest' });
    },
  };
}
