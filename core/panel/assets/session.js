// Signs in: by the code of a link that `aitunnel panel` prints, or by the
// token. The session is in a cookie that scripts cannot read.

import { get, post } from './api.js';
import { el, find } from './dom.js';
import { parts, t } from './i18n.js';

// hasLink reports whether the address has the code of a sign-in link.
export const hasLink = () => location.hash.startsWith('#login=');

// session is what this page may do. The code of a link is used first, and removed from
// the address.
export async function session() {
  if (hasLink()) {
    const code = location.hash.slice('#login='.length);
    history.replaceState(null, '', location.pathname);
    try {
      await post('/api/session', { code: decodeURIComponent(code) });
    } catch (e) {
      refusal = t('signin.link', { reason: e.message });
    }
  }
  return get('/api/session');
}

let refusal = '';

// signIn shows the form, with a message if there is one, and returns after the sign-in.
export function signIn(message = '') {
  return new Promise((resolve) => {
    const words = message || refusal;
    const token = el('input', { id: 'token', type: 'password', autocomplete: 'current-password', required: true, spellcheck: 'false', 'aria-describedby': 'token-hint' });
    const trouble = el('p', { class: 'trouble', role: 'alert', text: words, hidden: !words });
    const send = el('button', { type: 'submit', class: 'primary', text: t('signin.submit') });
    const form = el('form', { class: 'form', novalidate: true },
      el('img', { src: '/assets/favicon.svg', alt: '', width: 44, height: 44 }),
      el('h1', { text: 'aitunnel' }),
      el('div', { class: 'field' },
        el('label', { for: 'token', text: t('signin.token') }), token,
        el('p', { id: 'token-hint', class: 'hint' }, ...parts('signin.hint', { setting: el('code', { text: 'admin.token' }), command: el('code', { text: 'aitunnel status' }) }))),
      trouble, send,
      el('p', { class: 'aside' }, ...parts('signin.aside', { command: el('code', { text: 'aitunnel panel' }) })));
    const done = () => {
      removeEventListener('hashchange', pasted);
      refusal = '';
      place.hidden = true;
      place.replaceChildren();
      resolve();
    };
    // pasted takes a sign-in link that is pasted into this tab.
    const pasted = async () => {
      if (!hasLink()) return;
      refusal = '';
      const { authenticated } = await session();
      if (authenticated) return done();
      trouble.textContent = refusal;
      trouble.hidden = !refusal;
    };
    addEventListener('hashchange', pasted);
    form.addEventListener('submit', async (e) => {
      e.preventDefault();
      send.disabled = true;
      try {
        if (!token.value) throw new Error(t('signin.empty'));
        await post('/api/session', { token: token.value });
        done();
      } catch (error) {
        trouble.textContent = error.message;
        trouble.hidden = false;
        token.select();
      } finally {
        send.disabled = false;
      }
    });
    const place = find('signin');
    place.replaceChildren(form);
    place.hidden = false;
    token.focus();
  });
}
