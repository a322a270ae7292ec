// Adds and changes tunnels.

import { blockForm, textOf } from './blockedit.js';
import { blocksIn, shownOf, stringOf, valueOf, withBlock, withLabel, withoutBlock, withSetting } from './blockparts.js';
import { quote } from './blocktext.js';
import { field } from './dialogs.js';
import { el } from './dom.js';
import { parts, t } from './i18n.js';

const text = (value, more = {}) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', value, ...more });

export const addTunnel = (store) => tunnelForm(store, 'tunnel "vps" {}');

export async function editTunnel(store, name) {
  const place = { kind: 'tunnel', label: name };
  tunnelForm(store, await textOf(place), place);
}

// settingField is a field for a setting that is a string; an expression is left
// to the text.
function settingField(before, name, words, more = {}) {
  const value = valueOf(before, name);
  const input = text(shownOf(value), { disabled: value !== undefined && stringOf(value) === null, ...more });
  return {
    input,
    node: field({ ...words, hint: input.disabled ? t('block.expression') : words.hint, input }),
    write: (out) => (input.disabled || input.value.trim() === shownOf(value) ? out : withSetting(out, name, input.value.trim() && quote(input.value.trim()))),
  };
}

function tunnelForm(store, before, place) {
  const name = text(place?.label ?? 'vps');
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

// withForwards has these addresses; the forwards that stay keep their settings.
function withForwards(out, wanted) {
  for (let f; (f = blocksIn(out, 'forward').find((b) => !wanted.includes(b.label)));) out = withoutBlock(out, f.start);
  const there = blocksIn(out, 'forward').map((f) => f.label);
  return wanted.filter((w) => !there.includes(w)).reduce((block, w) => withBlock(block, `forward ${quote(w)} {}`), out);
}
