// Dialogs over the page. The browser keeps the focus inside, and Escape closes
// them.

import { el, setText } from './dom.js';
import { diagnosticText } from './format.js';
import { said, t } from './i18n.js';
import { icon } from './icons.js';

let ids = 0;

// open shows a dialog with a title and content, and returns it. It is removed
// when it is closed.
export function open({ title, content, kind = '' }) {
  const id = `dialog-${++ids}`;
  const dialog = el('dialog', { class: kind, 'aria-labelledby': id },
    el('header', {},
      el('h2', { id, text: title }),
      el('button', { type: 'button', class: 'quiet round', 'aria-label': t('form.close'), on: { click: () => dialog.close() } }, icon('close'))),
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
          el('button', { type: 'button', text: t('form.cancel'), on: { click: () => dialog.close() } }),
          el('button', { type: 'button', class: 'danger', text: action, on: { click: () => { yes = true; dialog.close(); } } }))),
    });
    dialog.addEventListener('close', () => resolve(yes));
    dialog.querySelector('footer button').focus();
  });
}

// field is a labeled input with a hint, and a place for what is wrong with it.
export function field({ label, hint, input, aside }) {
  const id = `field-${++ids}`;
  input.id = id;
  input.setAttribute('aria-describedby', [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(' '));
  const error = el('p', { id: `${id}-error`, class: 'error', hidden: true });
  const labelNode = el('label', { for: id, text: label });
  const node = el('div', { class: 'field' },
    aside ? el('div', { class: 'over' }, labelNode, aside) : labelNode, input, error,
    hint && el('p', { id: `${id}-hint`, class: 'hint', text: hint }));
  node.showError = (text) => {
    error.hidden = !text;
    setText(error, text);
    if (text) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };
  node.input = input;
  input.addEventListener('input', () => node.showError('')); // it is being changed
  return node;
}

// checkbox is a labeled checkbox.
export function checkbox({ label, hint, input }) {
  const id = `field-${++ids}`;
  input.id = id;
  return el('div', { class: 'field check' }, input, el('label', { for: id }, label, hint && el('span', { class: 'hint', text: hint })));
}

// FieldError is an error in one field.
class FieldError extends Error {
  constructor(name, message) {
    super(message);
    this.field = name;
  }
}

// wordsAtField is what is wrong with a field, without the setting's name in
// the configuration: the field's label stands above it.
function wordsAtField(d) {
  return d.detail && d.summary.startsWith('Invalid value for') ? said(d.detail) : diagnosticText(d);
}

// form opens a dialog with fields, by name. layout arranges them; by default they are one
// below the other. submit does the work: it calls wrong(name, message) for an invalid
// field, and what it throws is shown at the field that it is about, or below all fields.
export function form({ title, fields, layout, action, submit, extra }) {
  const trouble = el('div', { class: 'trouble', role: 'alert', hidden: true });
  const send = el('button', { type: 'submit', class: 'primary', text: action });
  const body = el('form', { class: 'form', novalidate: true },
    ...(layout ?? Object.values(fields)), trouble,
    el('footer', {}, extra, el('span', { class: 'space' }),
      el('button', { type: 'button', text: t('form.cancel'), on: { click: () => dialog.close() } }), send));
  const wrong = (name, message) => {
    throw new FieldError(name, message);
  };
  body.addEventListener('submit', async (e) => {
    e.preventDefault();
    send.disabled = true;
    clear();
    try {
      await submit(wrong);
      dialog.close();
    } catch (error) {
      show(error);
    } finally {
      send.disabled = false;
    }
  });
  function clear() {
    trouble.hidden = true;
    for (const f of Object.values(fields)) f.showError?.('');
  }
  // show puts each error at its field, and the others below all fields.
  function show(error) {
    const mistakes = (error.diagnostics ?? []).filter((d) => d.severity !== 'warning');
    const elsewhere = [];
    const atField = (name, text) => {
      if (!fields[name]?.showError) return false;
      fields[name].showError(text);
      return true;
    };
    for (const d of mistakes) {
      if (!atField(settingOf(d), wordsAtField(d))) elsewhere.push(el('p', { text: diagnosticText(d) }));
    }
    if (!mistakes.length && !atField(error.field, error.message)) elsewhere.push(el('p', { text: error.message }));
    trouble.replaceChildren(...elsewhere);
    trouble.hidden = !elsewhere.length;
    const first = body.querySelector('[aria-invalid]');
    const folded = first?.closest('details');
    if (folded) folded.open = true;
    (first ?? trouble).scrollIntoView({ block: 'nearest' });
    first?.focus();
  }
  const dialog = open({ title, content: body });
  body.querySelector('input, select, textarea')?.focus();
  return dialog;
}

// settingOf is the setting that a diagnostic of the configuration is about, by
// the line that it quotes.
const settingOf = (d) => /^\s*"?(\w+)"?\s*[={]/.exec(d.snippet ?? '')?.[1] ?? (/^\s*channel\s/.test(d.snippet ?? '') ? 'name' : '');
