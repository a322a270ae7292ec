// The view of the configuration: its text, what is wrong with it before it is
// saved, and what saving would change.

import { ApiError, call, post } from './api.js';
import { editor } from './editor.js';
import { confirm } from './dialogs.js';
import { el, setText } from './dom.js';
import { clock, nameOf, plural } from './format.js';
import { confirmed, failed } from './toast.js';

const CHECK_AFTER = 500; // ms without typing

export function configView(view, store) {
  const loaded = { text: '', etag: '', file: '', generation: 0, files: [] };
  let timer = 0;
  let checking = 0; // the number of the last check
  let seen = ''; // what was applied last
  const edit = editor(() => {
    buttons();
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_AFTER);
  });
  const path = el('code', {});
  const files = el('select', { 'aria-label': 'File', hidden: true });
  const save = el('button', { type: 'button', class: 'primary', text: 'Save and apply' });
  const undo = el('button', { type: 'button', text: 'Undo changes' });
  const news = el('div', { class: 'conflict', role: 'alert', hidden: true });
  const verdict = el('div', { id: 'mistakes', class: 'verdict', 'aria-live': 'polite' });
  const reload = el('p', { class: 'hint' });
  view.append(
    el('div', { class: 'toolbar' }, el('div', { class: 'file' }, path, files), el('span', { class: 'space' }), undo, save),
    news, el('div', { class: 'workbench' }, edit.node, el('aside', { 'aria-label': 'What the configuration says' }, verdict, reload)));

  const changed = () => edit.text !== loaded.text;
  const buttons = () => {
    save.disabled = undo.disabled = !changed();
  };
  const draft = () => ({ text: edit.text, ...(loaded.files.length > 1 ? { file: loaded.file } : {}) });

  // load reads the text; what people have typed meanwhile is left alone.
  async function load() {
    try {
      const { json } = await call('GET', '/api/config');
      if (changed()) remember(json, loaded.file);
      else take(json);
    } catch (e) {
      failed('The configuration could not be read', e);
    }
  }
  function remember(json, name) {
    const file = json.files.find((f) => f.name === name) ?? json.files[0];
    Object.assign(loaded, { text: file?.text ?? '', etag: json.etag, file: file?.name ?? '', generation: json.generation, files: json.files });
  }
  // take shows the text as it is in the files.
  function take(json, name = loaded.file) {
    remember(json, name);
    setText(path, json.path);
    files.hidden = json.files.length < 2;
    files.replaceChildren(...json.files.map((f) => el('option', { value: f.name, text: nameOf(f.name), selected: f.name === loaded.file })));
    news.hidden = true;
    if (changed()) edit.text = loaded.text; // else the cursor stays where it is
    buttons();
    check();
  }

  async function check() {
    const mine = ++checking;
    try {
      const plan = await post('/api/config/plan', draft());
      if (mine === checking) show(plan.diagnostics ?? [], plan);
    } catch (e) {
      if (mine === checking) show(e.diagnostics, null, e);
    }
  }
  // show puts each mistake at its line and in the list.
  function show(diagnostics, plan, error) {
    const here = diagnostics.filter((d) => loaded.files.length < 2 || !d.file || d.file === loaded.file);
    edit.mark(here);
    const wrong = diagnostics.filter((d) => d.severity !== 'warning').length;
    verdict.replaceChildren(...[
      headline(wrong, diagnostics.length - wrong, plan, error),
      diagnostics.length > 0 && el('ol', { class: 'mistakes' }, ...diagnostics.map((d) => mistake(d, edit, here.includes(d)))),
      plan && changed() && changes(plan),
    ].filter(Boolean));
  }

  async function put(etag) {
    save.disabled = true;
    const sent = draft();
    try {
      const { json } = await call('PUT', '/api/config', sent, { 'If-Match': etag });
      loaded.text = sent.text;
      const { changes: made = [] } = json.reload ?? json;
      confirmed(made.length ? `Saved and applied: ${plural(made.length, 'change')}.` : 'Saved. Nothing that runs had to change.');
      await load();
      store.refresh();
    } catch (e) {
      if (e.status === 412) await conflict();
      else {
        if (e.diagnostics.length) show(e.diagnostics, null, e);
        failed('The configuration was not saved', new ApiError(e.message));
      }
      buttons();
    }
  }
  // conflict tells that the files are others than those that were edited.
  async function conflict() {
    const theirs = (await call('GET', '/api/config')).json;
    const mine = edit.text;
    news.replaceChildren(
      el('p', {}, el('strong', { text: 'Not saved: the configuration was changed elsewhere since you opened it. ' }), 'Your text is still here. Look at the other one, or put yours in its place.'),
      el('button', { type: 'button', text: 'Load the other text', on: { click: async () => {
        if (!(await confirm({ title: 'Drop your changes?', text: 'The other text takes the place of yours in the editor. Copy what you want to keep first.', action: 'Drop mine' }))) return;
        take(theirs);
      } } }),
      el('button', { type: 'button', class: 'danger', text: 'Put mine in its place', on: { click: () => {
        Object.assign(loaded, { etag: theirs.etag, generation: theirs.generation });
        news.hidden = true;
        edit.input.value = mine;
        put(theirs.etag);
      } } }));
    news.hidden = false;
    news.scrollIntoView({ block: 'nearest' });
  }

  save.addEventListener('click', () => put(loaded.etag));
  undo.addEventListener('click', () => {
    edit.text = loaded.text;
    buttons();
    check();
  });
  files.addEventListener('change', async () => {
    const wanted = files.value;
    if (changed() && !(await confirm({ title: `Drop your changes to ${nameOf(loaded.file)}?`, text: 'They are not saved.', action: 'Drop changes' }))) {
      files.value = loaded.file;
      return;
    }
    take({ path: path.textContent, files: loaded.files, etag: loaded.etag, generation: loaded.generation }, wanted);
  });
  edit.node.addEventListener('keydown', (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key === 's') {
      e.preventDefault();
      if (!save.disabled) put(loaded.etag);
    }
  });
  addEventListener('beforeunload', (e) => changed() && e.preventDefault());
  view.addEventListener('shown', () => changed() || load());
  store.follow(({ status }) => {
    setText(reload, lastReload(status));
    const applied = `${status.generation} ${status.lastReload?.at}`;
    if (!view.hidden && seen && applied !== seen && !changed() && loaded.etag) load();
    seen = applied;
  });
  buttons();
}

function headline(wrong, warnings, plan, error) {
  if (wrong) return el('h2', { class: 'bad', text: plural(wrong, 'mistake') });
  if (error) return el('h2', { class: 'bad', text: error.message });
  return el('h2', { class: 'good', text: warnings ? `Good, with ${plural(warnings, 'warning')}` : 'No mistakes' });
}

function mistake(d, edit, here) {
  const place = d.line ? `${here ? '' : `${nameOf(d.file)}, `}line ${d.line}` : '';
  return el('li', { class: d.severity },
    place && el('button', { type: 'button', class: 'quiet place', text: place, disabled: !here, on: { click: () => edit.go(d.line, d.column) } }),
    el('p', {}, el('strong', { text: d.summary })),
    d.detail && el('p', { text: d.detail }));
}

const verbs = { add: 'is added', remove: 'is removed', change: 'changes' };

// changes are what saving would do.
function changes(plan) {
  if (!plan.changes?.length) return el('p', { class: 'hint', text: 'Saving changes nothing that runs.' });
  return el('section', {}, el('h3', { text: 'Saving would do this' }), el('ul', { class: 'changes' },
    ...plan.changes.map((c) => el('li', {}, el('code', { text: c.block }), ` ${verbs[c.action] ?? c.action}`, c.fields?.length ? `: ${c.fields.join(', ')}` : '', c.effect && el('span', { class: 'hint', text: c.effect })))));
}

function lastReload(status) {
  const r = status.lastReload;
  if (!r) return `Generation ${status.generation} runs since the start.`;
  return r.ok ? `Generation ${status.generation} runs; applied at ${clock(r.at)}.` : `Generation ${status.generation} runs on: the text of ${clock(r.at)} was not applied. ${r.error ?? ''}`;
}
