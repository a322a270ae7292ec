// Windows over the page. The browser keeps the focus inside, and Escape closes
// them.

import { el } from './dom.js';
import { icon } from './icons.js';

let names = 0;

// open shows a window with a title and content, and returns its dialog. It is
// gone when it is closed.
export function open({ title, content, kind = '' }) {
  const id = `dialog-${++names}`;
  const dialog = el('dialog', { class: kind, 'aria-labelledby': id },
    el('header', {},
      el('h2', { id, text: title }),
      el('button', { type: 'button', class: 'quiet round', 'aria-label': 'Close', on: { click: () => dialog.close() } }, icon('close'))),
    content);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (e) => e.target === dialog && kind === 'sheet' && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

// confirm asks before something that cannot be undone by a click.
export function confirm({ title, text, action }) {
  return new Promise((resolve) => {
    let yes = false;
    const dialog = open({
      title,
      content: el('div', { class: 'form' },
        el('p', { text }),
        el('footer', {},
          el('button', { type: 'button', text: 'Cancel', on: { click: () => dialog.close() } }),
          el('button', { type: 'button', class: 'danger', text: action, on: { click: () => { yes = true; dialog.close(); } } }))),
    });
    dialog.addEventListener('close', () => resolve(yes));
    dialog.querySelector('footer button').focus();
  });
}

// field is a labelled input with a hint.
export function field({ label, hint, input }) {
  const id = `field-${++names}`;
  input.id = id;
  if (hint) input.setAttribute('aria-describedby', `${id}-hint`);
  return el('div', { class: 'field' },
    el('label', { for: id, text: label }), input,
    hint && el('p', { id: `${id}-hint`, class: 'hint', text: hint }));
}

// tick is a labelled checkbox.
export function checkbox({ label, hint, input }) {
  const id = `field-${++names}`;
  input.id = id;
  return el('div', { class: 'field check' }, input, el('label', { for: id }, label, hint && el('span', { class: 'hint', text: hint })));
}

// form opens a window with fields. submit is called with nothing and does the
// work; what it throws is shown, and the window stays.
export function form({ title, fields, action, submit, extra }) {
  const trouble = el('div', { class: 'trouble', role: 'alert', hidden: true });
  const send = el('button', { type: 'submit', class: 'primary', text: action });
  const body = el('form', { class: 'form', novalidate: true },
    ...fields, trouble,
    el('footer', {}, extra, el('span', { class: 'space' }),
      el('button', { type: 'button', text: 'Cancel', on: { click: () => dialog.close() } }), send));
  body.addEventListener('submit', async (e) => {
    e.preventDefault();
    send.disabled = true;
    trouble.hidden = true;
    try {
      await submit();
      dialog.close();
    } catch (error) {
      trouble.replaceChildren(...explain(error));
      trouble.hidden = false;
    } finally {
      send.disabled = false;
    }
  });
  const dialog = open({ title, content: body });
  body.querySelector('input, select, textarea')?.focus();
  return dialog;
}

// explain are the paragraphs of an error: each mistake, or the message.
function explain(error) {
  const mistakes = (error.diagnostics ?? []).filter((d) => d.severity !== 'warning');
  if (!mistakes.length) return [el('p', { text: error.message })];
  return mistakes.map((d) => el('p', {}, el('strong', { text: `${d.summary}. ` }), d.detail ?? ''));
}
