// The view of the configuration: its text, what is wrong with it before it is
// saved, and what saving would change.

import { ApiError, get, post } from './api.js';
import { ConfigText } from './configtext.js';
import { conflict } from './conflict.js';
import { confirm } from './dialogs.js';
import { el, setText } from './dom.js';
import { editor } from './editor.js';
import { moment, nameOf } from './format.js';
import { t } from './i18n.js';
import { confirmed, failed, settled } from './toast.js';
import { blockName, lastReload, verdictOf } from './verdict.js';

const CHECK_AFTER = 500; // ms without typing

export function configView(view, store) {
  new ConfigView(view, store).begin();
}

class ConfigView {
  #view;
  #store;
  #ground = new ConfigText();
  #edit = editor(() => this.#typed());
  #clash = conflict();
  #path = el('code', {});
  #files = el('select', { 'aria-label': t('config.file'), hidden: true });
  #save = el('button', { type: 'button', class: 'primary', text: t('config.save') });
  #undo = el('button', { type: 'button', text: t('config.undo') });
  #back = el('button', { type: 'button', class: 'quiet', text: t('config.back') });
  #verdict = el('div', { id: 'mistakes', class: 'verdict', 'aria-live': 'polite' });
  #runs = el('p', { class: 'hint' });
  #timer = 0;
  #checks = 0; // number of the last check
  #applied = ''; // identifies the configuration in use

  constructor(view, store) {
    this.#view = view;
    this.#store = store;
    view.append(
      el('div', { class: 'toolbar' }, el('div', { class: 'file' }, this.#path, this.#files), el('span', { class: 'space' }), this.#back, this.#undo, this.#save),
      this.#clash.node,
      el('div', { class: 'workbench' }, this.#edit.node, el('aside', { 'aria-label': t('config.says') }, this.#verdict, this.#runs)));
  }

  begin() {
    this.#save.addEventListener('click', () => this.#put());
    this.#undo.addEventListener('click', () => this.#show());
    this.#back.addEventListener('click', () => this.#takeBack());
    this.#files.addEventListener('change', () => this.#open(this.#files.value));
    this.#edit.node.addEventListener('keydown', (e) => {
      if (!(e.ctrlKey || e.metaKey) || e.key !== 's') return;
      e.preventDefault();
      if (!this.#save.disabled) this.#put();
    });
    addEventListener('beforeunload', (e) => this.#changed && e.preventDefault());
    this.#view.addEventListener('shown', () => this.#changed || this.#load());
    this.#store.follow(({ status }) => this.#follow(status));
    this.#buttons();
  }

  get #changed() {
    return this.#edit.text !== this.#ground.text;
  }

  #buttons() {
    this.#save.disabled = this.#undo.disabled = !this.#changed;
  }

  #typed() {
    this.#buttons();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#check(), CHECK_AFTER);
  }

  // follow reads the files again when something else was applied.
  #follow(status) {
    setText(this.#runs, lastReload(status));
    const applied = `${status.generation} ${status.lastReload?.at}`;
    if (this.#applied && applied !== this.#applied && !this.#view.hidden && !this.#changed) this.#load();
    this.#applied = applied;
  }

  // load shows the text as it is in the files. Text that was typed while
  // they were fetched is kept, as an edit of the earlier text.
  async #load() {
    try {
      const fetched = await this.#ground.fetch();
      if (!this.#changed) this.#take(fetched);
      else if (this.#ground.agrees(fetched)) this.#ground.adopt(fetched);
    } catch (e) {
      failed(t('config.notRead'), e);
    }
  }

  // takeBack undoes the newest edit that was made in the panel or by a command.
  async #takeBack() {
    try {
      const [last] = await get('/api/config/edits');
      if (!last) {
        confirmed(t('config.nothingBack'));
        return;
      }
      const what = last.changes.map(blockName).join(', ') || t(`edit.${last.origin}`, { command: last.command });
      if (!(await confirm({ title: t('config.backTitle'), text: t('config.backText', { what, time: moment(last.at) }), action: t('config.backAction') }))) return;
      await post('/api/config/undo');
      settled(t('config.notBack'));
      confirmed(t('config.wentBack', { what }));
      await this.#load();
      this.#store.refresh();
    } catch (e) {
      failed(t('config.notBack'), e);
    }
  }

  #take(fetched) {
    this.#ground.adopt(fetched);
    this.#show();
  }

  async #open(name) {
    if (this.#changed && !(await confirm({ title: t('config.discardTitle'), text: t('config.discardText'), action: t('config.discard') }))) {
      this.#files.value = this.#ground.file;
      return;
    }
    this.#ground.open(name);
    this.#show();
  }

  // show replaces what was typed.
  #show() {
    const { path, files, file, text } = this.#ground;
    setText(this.#path, path);
    this.#files.hidden = files.length < 2;
    this.#files.replaceChildren(...files.map((f) => el('option', { value: f.name, text: nameOf(f.name), selected: f.name === file })));
    this.#clash.hide();
    if (this.#changed) this.#edit.text = text; // else the cursor stays where it is
    this.#buttons();
    this.#check();
  }

  async #check() {
    const mine = ++this.#checks;
    try {
      const plan = await this.#ground.plan(this.#edit.text);
      if (mine !== this.#checks) return;
      settled(t('config.notSaved')); // the mistake is corrected
      this.#judge(plan.diagnostics ?? [], { plan });
    } catch (error) {
      if (mine === this.#checks) this.#judge(error.diagnostics ?? [], { error });
    }
  }

  // judge shows each diagnostic at its line and in the list.
  #judge(diagnostics, { plan, error }) {
    const { files, file } = this.#ground;
    const here = diagnostics.filter((d) => files.length < 2 || !d.file || d.file === file);
    this.#edit.mark(here);
    const place = (d) => (here.includes(d) ? () => this.#edit.go(d.line, d.column) : null);
    this.#verdict.replaceChildren(...verdictOf(diagnostics, { plan, error, place, changed: this.#changed }));
  }

  async #put(over) {
    this.#save.disabled = true;
    try {
      const { changes = [] } = await this.#ground.save(this.#edit.text, over);
      this.#clash.hide();
      settled(t('config.notSaved'));
      confirmed(changes.length ? t('config.saved', { n: changes.length }) : t('config.savedNothing'));
      await this.#load();
      this.#store.refresh();
    } catch (e) {
      if (e.status === 412) await this.#clashed();
      else {
        if (e.diagnostics?.length) this.#judge(e.diagnostics, { error: e });
        failed(t('config.notSaved'), e.diagnostics?.length ? new ApiError(t('config.errors', { n: e.diagnostics.filter((d) => d.severity !== 'warning').length })) : e);
      }
    }
    this.#buttons();
  }

  async #clashed() {
    try {
      const theirs = await this.#ground.fetch();
      this.#clash.show({ take: () => this.#take(theirs), replace: () => this.#put(theirs) });
    } catch (e) {
      failed(t('config.conflictRead'), e);
    }
  }
}
