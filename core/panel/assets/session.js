// Signs in: by the code of a link that `aitunnel panel` prints, or by the
// token. What is kept is a cookie that scripts cannot read.

import { ApiError, get, post } from './api.js';
import { el, find } from './dom.js';

// session says whether a token is needed, and whether we are in. A link's code
// is used up first, and taken out of the address.
export async function session() {
  const code = /^#login=(.+)$/.exec(location.hash)?.[1];
  if (code) {
    history.replaceState(null, '', location.pathname);
    try {
      await post('/api/session', { code: decodeURIComponent(code) });
    } catch (e) {
      refusal = `The link did not work: ${e.message}`;
    }
  }
  return get('/api/session').catch((e) => {
    if (e.status === 404) return { needed: false, authenticated: true };
    throw e;
  });
}

let refusal = '';

// signIn shows the form, and returns when we are in.
export function signIn() {
  return new Promise((resolve) => {
    const token = el('input', { id: 'token', type: 'password', autocomplete: 'current-password', required: true, spellcheck: 'false', 'aria-describedby': 'token-hint' });
    const trouble = el('p', { class: 'trouble', role: 'alert', text: refusal, hidden: !refusal });
    const send = el('button', { type: 'submit', class: 'primary', text: 'Sign in' });
    const form = el('form', { class: 'form', novalidate: true },
      el('img', { src: '/assets/favicon.svg', alt: '', width: 44, height: 44 }),
      el('h1', { text: 'aitunnel' }),
      el('div', { class: 'field' },
        el('label', { for: 'token', text: 'Token' }), token,
        el('p', { id: 'token-hint', class: 'hint' }, 'It stands in the configuration, as ', el('code', { text: 'admin.token' }), '.')),
      trouble, send,
      el('p', { class: 'aside' }, 'Or run ', el('code', { text: 'aitunnel panel' }), ' on the machine where the program runs. It opens this page and signs you in.'));
    form.addEventListener('submit', async (e) => {
      e.preventDefault();
      send.disabled = true;
      try {
        if (!token.value) throw new ApiError('Write the token first.');
        await post('/api/session', { token: token.value });
        refusal = '';
        place.hidden = true;
        place.replaceChildren();
        resolve();
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
