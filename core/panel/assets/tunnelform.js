// Adds a tunnel.

import { newBlock } from './blockedit.js';
import { block, quote } from './blocktext.js';
import { field } from './dialogs.js';
import { el } from './dom.js';
import { parts, t } from './i18n.js';

const text = (value, more = {}) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', value, ...more });

export function addTunnel(store) {
  const name = text('vps');
  const host = text('', { placeholder: '203.0.113.10' });
  const user = text('');
  const identity = text('', { placeholder: '~/.ssh/id_ed25519' });
  const forwards = el('textarea', { rows: 2, spellcheck: 'false', autocomplete: 'off' }, '127.0.0.1:9000');
  const fields = {
    name: field({ label: t('channel.name'), input: name }),
    host: field({ label: t('tunnelform.host'), hint: t('tunnelform.hostHint'), input: host }),
    user: field({ label: t('tunnelform.user'), hint: t('tunnelform.userHint'), input: user }),
    identity: field({ label: t('tunnelform.identity'), hint: t('tunnelform.identityHint'), input: identity }),
    forward: field({ label: t('tunnels.forwards'), hint: t('tunnelform.forwardsHint'), input: forwards }),
  };
  const trust = el('p', { class: 'hint' }, ...parts('tunnelform.trust', { trust: el('code', { text: 'aitunnel tunnel trust' }), test: el('code', { text: 'aitunnel tunnel test' }) }));
  newBlock({
    title: t('tunnelform.title'),
    done: t('tunnelform.added'),
    store,
    fields,
    layout: [fields.name, fields.host, el('div', { class: 'pair' }, fields.user, fields.identity), fields.forward, trust],
    build(wrong) {
      if (!name.value.trim()) wrong('name', t('channel.nameEmpty'));
      if (!host.value.trim()) wrong('host', t('tunnelform.hostEmpty'));
      return block(`tunnel ${quote(name.value.trim())}`, [
        `host = ${quote(host.value.trim())}`,
        user.value.trim() && `user = ${quote(user.value.trim())}`,
        identity.value.trim() && `identity = ${quote(identity.value.trim())}`,
        ...forwards.value.split('\n').map((l) => l.trim()).filter(Boolean).map((l) => `forward ${quote(l)} {}`),
      ]);
    },
  });
}
