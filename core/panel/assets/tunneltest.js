// Tests a tunnel step by step, and shows the result of each step.

import { post } from './api.js';
import { open } from './dialogs.js';
import { el } from './dom.js';
import { code, quoted, said, t } from './i18n.js';

export function testTunnel(name, store) {
  const steps = el('div', { 'aria-live': 'polite' });
  const again = el('button', { type: 'button', class: 'primary', text: t('tunneltest.again') });
  const run = async () => {
    again.disabled = true;
    steps.replaceChildren(el('p', { class: 'hint', text: t('tunneltest.running') }));
    try {
      steps.replaceChildren(...outcome(await post(`/api/tunnels/${encodeURIComponent(name)}/test`)));
    } catch (e) {
      steps.replaceChildren(el('p', { class: 'trouble', text: said(e.message) }));
    }
    again.disabled = false;
    store.refreshSoon();
  };
  again.addEventListener('click', run);
  const dialog = open({
    title: t('tunneltest.title', { name }),
    content: el('div', { class: 'form' }, el('p', { class: 'hint', text: t('tunneltest.note') }), steps,
      el('footer', {}, el('span', { class: 'space' }), el('button', { type: 'button', text: t('form.close'), on: { click: () => dialog.close() } }), again)),
  });
  run();
}

function outcome({ ok, steps }) {
  const verdict = el('p', { class: ok ? '' : 'trouble' }, el('strong', { text: ok ? t('tunneltest.good') : t('tunneltest.failed') }));
  return [el('ol', { class: 'rows steps' }, ...steps.map(row)), verdict];
}

const row = (s) => el('li', {},
  el('span', { class: `light small ${s.ok ? 'good' : 'bad'}` }),
  el('strong', { text: `${code('tunnelStep', s.step)}${s.ok ? '' : ` (${t('tunneltest.stepFailed')})`}` }),
  el('span', { class: s.ok ? '' : 'error', text: quoted(s.text) }));
