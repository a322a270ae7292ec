// Says that the configuration was changed elsewhere while it was edited, and
// lets people choose.

import { confirm } from './dialogs.js';
import { el } from './dom.js';
import { t } from './i18n.js';

// conflict returns a hidden element that can be shown with two choices: take the other
// text, or replace it.
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
          title: t('config.takeTitle'),
          text: t('config.takeText'),
          action: t('config.takeAction'),
        });
        if (sure) take();
      };
      node.replaceChildren(
        el('p', {}, el('strong', { text: `${t('config.conflict')} ` }), t('config.conflictHint')),
        el('button', { type: 'button', text: t('config.take'), on: { click: drop } }),
        el('button', { type: 'button', class: 'danger', text: t('config.replace'), on: { click: replace } }));
      node.hidden = false;
      node.scrollIntoView({ block: 'nearest' });
    },
  };
}
