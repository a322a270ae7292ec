// Shows the key of a tunnel's host, to be compared and trusted.

import { post } from './api.js';
import { factList } from './blocks.js';
import { form, open } from './dialogs.js';
import { el } from './dom.js';
import { parts, said, t } from './i18n.js';
import { confirmed } from './toast.js';

// trustHost asks whether the key that the host presents is the right one. One
// that has changed is only shown: it is not trusted by a click.
export function trustHost(tunnel, store) {
  if (tunnel.host_key.state === 'changed') showChanged(tunnel);
  else askAbout(tunnel, store);
}

function askAbout({ name, host_key: key }, store) {
  form({
    title: t('trust.title', { name }),
    fields: {},
    layout: [
      el('p', { text: t('trust.unknown') }),
      keyFacts(key),
      el('p', {}, ...parts('trust.compare', { command: el('code', {}, `ssh-keygen -lf /etc/ssh/ssh_host_${keyFile(key.type)}_key.pub`) })),
      el('p', { text: t('trust.differs') }),
    ],
    action: t('trust.action'),
    async submit() {
      try {
        await post(`/api/tunnels/${encodeURIComponent(name)}/trust`, { fingerprint: key.fingerprint });
      } catch (e) {
        throw new Error(said(e.message));
      } finally {
        store.refresh();
      }
      confirmed(t('trust.done', { name, host: key.host }));
    },
  });
}

function showChanged({ name, host_key: key }) {
  const dialog = open({
    title: t('trust.changedTitle', { name }),
    content: el('div', { class: 'form' },
      el('p', { class: 'trouble', role: 'alert' }, el('strong', { text: t('trust.changed') }), ' ', t('trust.changedWhy')),
      keyFacts(key),
      el('p', {}, ...parts('trust.changedHow', { place: el('code', { text: key.known_at }) })),
      el('footer', {}, el('span', { class: 'space' }), el('button', { type: 'button', text: t('form.close'), on: { click: () => dialog.close() } }))),
  });
  dialog.querySelector('footer button').focus();
}

function keyFacts(key) {
  const facts = factList(...['host', 'type', 'fingerprint', 'known'].map((what) => t(`trust.${what}`)));
  facts.set(key.host, key.type, key.fingerprint, key.known);
  facts.node.classList.add('host-key');
  return facts.node;
}

// keyFile is part of the name of the file in which OpenSSH keeps a key.
const keyFile = (type) => (type.includes('ed25519') ? 'ed25519' : type.startsWith('ecdsa') ? 'ecdsa' : 'rsa');
