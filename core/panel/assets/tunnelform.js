// Adds and changes tunnels.

import { blockForm, textOf } from './blockedit.js';
import { settingField, textInput } from './blockfields.js';
import { blocksIn, withBlock, withLabel, withoutBlock } from './blockparts.js';
import { quote } from './blocktext.js';
import { field } from './dialogs.js';
import { el } from './dom.js';
import { parts, t } from './i18n.js';

export const addTunnel = (store) => tunnelForm(store, 'tunnel "vps" {}');

export async function editTunnel(store, name) {
  const place = { kind: 'tunnel', label: name };
  tunnelForm(store, await textOf(place), place);
}

function tunnelForm(store, before, place) {
  const name = textInput(place?.label ?? 'vps');
  const host = settingField(before, 'host', { label: t('tunnelform.host'), hint: t('tunnelform.hostHint') }, { placeholder: '203.0.113.10' });
  const user = settingField(before, 'user', { label: t('tunnelform.user'), hint: t('tunnelform.userHint') });
  const identity = settingField(before, 'identity', { label: t('tunnelform.identity'), hint: t('tunnelform.identityHint') }, { placeholder: '~/.ssh/id_ed25519' });
  const forwards = el('textarea', { rows: 2, spellcheck: 'false', autocomplete: 'off' }, place ? blocksIn(before, 'forward').map((f) => f.label).join('\n') : '127.0.0.1:9000');
  const fields = {
    name: field({ label: t('channel.name'), input: name }),
    host: host.node,
    user: user.node,
    identity: identity.node,
    forward: field({ label: t('tunnels.forwards'), hint: t('tunnelform.forwardsHint'), input: forwards }),
  };
  const trust = el('p', { class: 'hint' }, ...parts('tunnelform.trust', { trust: el('code', { text: 'aitunnel tunnel trust' }), test: el('code', { text: 'aitunnel tunnel test' }) }));
  blockForm({
    title: t('tunnelform.title'),
    done: t('tunnelform.added'),
    store,
    place,
    fields,
    layout: [fields.name, fields.host, el('div', { class: 'pair' }, fields.user, fields.identity), fields.forward, trust],
    build(wrong) {
      const label = name.value.trim();
      if (!label) wrong('name', t('channel.nameEmpty'));
      if (!host.input.disabled && !host.input.value.trim()) wrong('host', t('tunnelform.hostEmpty'));
      let out = label === place?.label ? before : withLabel(before, label);
      out = [host, user, identity].reduce((block, f) => f.write(block), out);
      return withForwards(out, forwards.value.split('\n').map((l) => l.trim()).filter(Boolean));
    },
  });
}

// withForwards is the block with these addresses; forwards that stay keep their settings.
function withForwards(out, wanted) {
  for (let f; (f = blocksIn(out, 'forward').find((b) => !wanted.includes(b.label)));) out = withoutBlock(out, f.start);
  const there = blocksIn(out, 'forward').map((f) => f.label);
  return wanted.filter((w) => !there.includes(w)).reduce((block, w) => withBlock(block, `forward ${quote(w)} {}`), out);
}
