// Sends requests to the API. Every failure is an ApiError whose message can be shown.

import { has, said, t } from './i18n.js';

export class ApiError extends Error {
  constructor(message, { status = 0, code = '', diagnostics = [] } = {}) {
    super(message);
    this.status = status; // 0: there was no answer
    this.code = code;
    this.diagnostics = diagnostics; // of a configuration, each with its line
  }
}

let ahead = 0; // ms by which the program's clock is ahead of the browser's
let refused = () => {};

// whenRefused sets the function that is called when a request needs a session.
export function whenRefused(f) {
  refused = f;
}

// now is the time of the program's clock.
export const now = () => Date.now() + ahead;

// call returns the answer's JSON and its headers.
export async function call(method, path, body, headers = {}) {
  const options = { method, headers: { Accept: 'application/json', ...headers }, credentials: 'same-origin' };
  if (method !== 'GET') {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body ?? {});
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new ApiError(t('error.noAnswer'));
  }
  keepTime(response);
  const text = await response.text();
  const json = read(text);
  if (response.ok) return { json, headers: response.headers };
  if (response.status === 401 && !path.startsWith('/api/session')) refused(path);
  throw failure(response, json);
}

export const get = async (path) => (await call('GET', path)).json;
export const post = async (path, body) => (await call('POST', path, body)).json;
export const put = async (path, body) => (await call('PUT', path, body)).json;
export const remove = async (path) => (await call('DELETE', path)).json;

// channelPath is the path of a channel and what is below it.
export const channelPath = (name, ...below) =>
  ['/api/channels', ...[name, ...below].map(encodeURIComponent)].join('/');

function read(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function failure(response, json) {
  const error = json?.error;
  const details = Array.isArray(error?.details) ? error.details : [];
  const diagnostics = (details.length ? details : (json?.diagnostics ?? json?.reload?.diagnostics ?? [])).filter((d) => d?.summary);
  const message = diagnostics.length ? t('error.configuration') : (has(`error.${error?.code}`) ? t(`error.${error.code}`) : said(error?.message)) || t('error.status', { status: String(response.status), text: response.statusText });
  return new ApiError(message, { status: response.status, code: error?.code, diagnostics });
}

// keepTime measures the difference between the two clocks; the header has whole
// seconds, so less than two count as none.
function keepTime(response) {
  const theirs = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isNaN(theirs)) return;
  const apart = theirs + 500 - Date.now();
  ahead = Math.abs(apart) < 2000 ? 0 : apart;
}
