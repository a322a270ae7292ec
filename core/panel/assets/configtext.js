// The text of the configuration as it was when it was read, one of its files
// at a time. A text is saved only over the one it was made from.

import { call, post } from './api.js';

export class ConfigText {
  path = '';
  files = []; // all, each with its name and text
  file = ''; // the name of the one that is edited
  text = ''; // of that one
  #etag = '';

  // fetch returns what is in the files now, for adopt.
  async fetch() {
    return (await call('GET', '/api/config')).json;
  }

  // adopt makes what was fetched the base of edits.
  adopt(fetched, name = this.file) {
    const file = fetched.files.find((f) => f.name === name) ?? fetched.files[0];
    this.path = fetched.path;
    this.files = fetched.files;
    this.file = file?.name ?? '';
    this.text = file?.text ?? '';
    this.#etag = fetched.etag;
  }

  // open switches to another file.
  open(name) {
    this.adopt({ path: this.path, files: this.files, etag: this.#etag }, name);
  }

  // agrees reports whether the edited file, as fetched, has the text that the edits
  // were made from.
  agrees(fetched) {
    return fetched.files.find((f) => f.name === this.file)?.text === this.text;
  }

  // plan requests what saving a text would do.
  plan(text) {
    return post('/api/config/plan', this.#draft(text));
  }

  // save replaces what was adopted, or what was fetched if that is given. It
  // fails with the status 412 if the files have changed since.
  async save(text, over) {
    const { json } = await call('PUT', '/api/config', this.#draft(text), { 'If-Match': over?.etag ?? this.#etag });
    this.text = text;
    return json.reload ?? json;
  }

  #draft(text) {
    return this.files.length > 1 ? { text, file: this.file } : { text };
  }
}
