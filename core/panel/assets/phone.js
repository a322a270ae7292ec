// Signs in a phone, or another device of the network, by a QR code. The button is
// there only if other devices can reach the panel.

import { post } from './api.js';
import { open } from './dialogs.js';
import { el, find, setAttribute } from './dom.js';
import { clock } from './format.js';
import { t } from './i18n.js';
import { icon } from './icons.js';
import { attempt } from './toast.js';

export function phoneButton() {
  const button = find('phone');
  button.append(icon('phone'));
  setAttribute(button, 'aria-label', t('phone.title'));
  setAttribute(button, 'title', t('phone.title'));
  button.addEventListener('click', () => attempt(() => '', t('phone.failed'), show));
}

async function show() {
  const { url, qr, ends } = await post('/api/session/phone');
  open({
    title: t('phone.title'),
    content: el('div', { class: 'form phone' },
      el('p', { text: t('phone.scan') }),
      el('img', { class: 'qr', src: `data:image/svg+xml,${encodeURIComponent(qr)}`, alt: t('phone.code') }),
      el('p', {}, el('code', { text: url })),
      el('p', { class: 'hint', text: t('phone.once', { time: clock(ends) }) })),
  });
}
