// The top of the page: how things stand, in a glance.

import { now } from './api.js';
import { each, el, find, setAttribute, setText } from './dom.js';
import { percent, plural, rate, span } from './format.js';
import { icon } from './icons.js';
import { standing, tunnelKind } from './standing.js';
import { tick } from './ticker.js';

export function header(store) {
  theme();
  const overall = overallState(find('overall'));
  const figures = figureList(find('figures'));
  let started = 0;
  store.follow(({ status, channels, stats }) => {
    started = Date.parse(status.startedAt);
    overall(channels);
    const hour = stats.windows?.['1h'];
    figures.set('rate', rate(stats.requestsPerSecond));
    figures.set('success', percent(hour?.requests ? hour.successRate : stats.successRate));
    figures.set('uptime', span((now() - started) / 1000));
    figures.set('version', status.version);
    lights(find('lights'), status.tunnels);
  });
  tick(() => started && figures.set('uptime', span((now() - started) / 1000)));
}

function overallState(node) {
  const light = el('span', { class: 'light' });
  const text = el('span', {});
  node.append(light, text);
  return (channels) => {
    const { kind, words } = summary(channels);
    light.className = `light ${kind}`;
    setText(text, words);
  };
}

// summary puts the state of all channels into a few words.
function summary(channels) {
  const kinds = channels.map((c) => standing(c).kind);
  const number = (kind) => kinds.filter((k) => k === kind).length;
  const total = channels.length;
  const out = number('bad');
  const paused = number('off');
  const up = total - out - paused;
  const besides = paused ? `, ${paused} paused` : '';
  if (!total) return { kind: 'off', words: 'No channels yet' };
  if (!up) return { kind: 'bad', words: out ? `No channel answers${besides}` : 'Every channel is paused' };
  if (out) return { kind: 'warn', words: `${up} of ${total} channels up${besides}` };
  if (paused) return { kind: 'good', words: `${plural(up, 'channel')} up${besides}` };
  return { kind: 'good', words: total === 1 ? 'The channel is up' : `All ${total} channels are up` };
}

function figureList(node) {
  const values = new Map();
  for (const [name, title] of [['rate', 'requests / s'], ['success', 'success, 1 h'], ['uptime', 'uptime'], ['version', 'version']]) {
    const value = el('dd', { id: `figure-${name}`, text: '–' });
    values.set(name, value);
    node.append(el('div', { class: name }, el('dt', { text: title }), value));
  }
  return { set: (name, text) => setText(values.get(name), text) };
}

function lights(node, tunnels) {
  node.hidden = !tunnels.length;
  each(node, tunnels, (t) => t.name, () => {
    const light = el('span', { class: 'light' });
    const name = el('span', {});
    const link = el('a', { href: '#system' }, light, name);
    return {
      node: el('li', {}, link),
      update(t) {
        light.className = `light ${tunnelKind(t.state)}`;
        setText(name, t.name);
        setAttribute(link, 'title', `Tunnel ${t.name}: ${t.state}`);
        setAttribute(link, 'aria-label', `Tunnel ${t.name}: ${t.state}`);
      },
    };
  });
}

// theme lets people choose; until they do, the system's preference holds.
function theme() {
  const button = find('theme');
  button.append(icon('theme'));
  const light = matchMedia('(prefers-color-scheme: light)');
  const current = () => document.documentElement.dataset.theme ?? (light.matches ? 'light' : 'dark');
  const label = () => {
    const to = current() === 'dark' ? 'light' : 'dark';
    setAttribute(button, 'aria-label', `Use the ${to} theme`);
    setAttribute(button, 'title', `Use the ${to} theme`);
  };
  button.addEventListener('click', () => {
    const to = current() === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset.theme = to;
    try {
      localStorage.setItem('aitunnel.theme', to);
    } catch {
      // Storage is closed to us; the choice lasts as long as the page.
    }
    label();
  });
  light.addEventListener('change', label);
  label();
}
