// The routes: which requests each takes, and in which order it tries channels.

import { now } from './api.js';
import { each, el, setAttribute, setText } from './dom.js';
import { explainForm } from './explain.js';
import { count, percent, sentence, span } from './format.js';
import { quoted, t } from './i18n.js';
import { stateOf } from './states.js';
import { addRoute, editRoute } from './routeform.js';
import { tick } from './ticker.js';
import { attempt } from './toast.js';
import { unknownSection } from './unknown.js';

export function routesView(view, store) {
  const list = el('div', { class: 'blocks' });
  const add = el('button', { type: 'button', text: t('routeform.open'), on: { click: () => addRoute(store) } });
  view.append(el('div', { class: 'toolbar' }, el('h2', { text: t('view.routes') }), el('span', { class: 'space' }), add), el('p', { class: 'lead', text: t('routes.lead') }), list, explainForm(), unknownSection(view, store));
  store.follow(({ status, channels }) => {
    const items = status.routes.map((r, i) => ({ ...r, id: `${i} ${r.path}`, states: new Map(channels.map((c) => [c.name, stateOf(c)])) }));
    each(list, items, (r) => r.id, () => routeBlock(store));
  }, view);
}

function routeBlock(store) {
  const edit = el('button', { type: 'button', class: 'quiet', text: t('block.edit') });
  edit.addEventListener('click', () => attempt(() => '', t('block.notRead'), () => editRoute(store, route.path, store.state.status.routes.slice(0, Number(route.id.split(' ')[0])).filter((r) => r.path === route.path).length)));
  const path = el('h3', {});
  const models = el('p', { class: 'models' });
  const strategy = el('dd', {});
  const plan = el('dd', {});
  const reason = el('p', { class: 'reason' });
  const channels = el('ol', { class: 'chain', 'aria-label': t('routes.channels') });
  const router = el('p', { class: 'hint', hidden: true });
  const shadows = el('ul', { class: 'rows', 'aria-label': t('routes.shadows') });
  const node = el('article', { class: 'block route' },
    el('header', {}, path, models, edit),
    channels,
    el('dl', { class: 'facts' }, el('div', {}, el('dt', { text: t('routes.strategy') }), strategy), el('div', {}, el('dt', { text: t('routes.plan') }), plan)),
    reason, router, shadows);
  let route = null;
  tick(() => node.isConnected && age());
  const age = () => {
    const made = Date.parse(route.plannedAt);
    setText(plan, made > 0 ? t('routes.planAge', { time: span((now() - made) / 1000) }) : t('routes.noPlan'));
    setAttribute(plan, 'title', t('routes.planNumber', { n: route.plan }));
  };
  return {
    node,
    update(r) {
      route = r;
      edit.hidden = !r.written;
      setAttribute(edit, 'aria-label', t('block.editLabel', { name: `route "${r.path}"` }));
      setText(path, r.path);
      setText(models, r.models?.length ? r.models.join(t('words.list')) : t('routes.everyModel'));
      setText(strategy, r.strategy);
      setAttribute(strategy, 'title', /:\d+$/.test(r.where ?? '') ? r.where : t('routes.byDefault'));
      setText(reason, [r.corePlan && t('routes.builtinPlan'), sentence(quoted(r.reason))].filter(Boolean).join(' '));
      reason.className = r.corePlan ? 'reason warn' : 'reason';
      each(channels, r.channels.map((name) => ({ name, ...(r.states.get(name) ?? { kind: 'off', word: '' }) })), (c) => c.name, link);
      router.hidden = !r.router;
      if (r.router) setText(router, routing(r.router));
      each(shadows, r.shadows ?? [], (s) => s.strategy, shadowRow);
      age();
    },
  };
}

// routing shows how often the strategy was called for single requests.
function routing(r) {
  const asked = t('routes.asked', { answered: r.answered, failed: r.failed, skipped: r.skipped });
  return r.paused ? `${asked} ${t('routes.askedPaused')}` : asked;
}

// shadowRow is a strategy that is only compared with the route's own.
function shadowRow() {
  const name = el('strong', {});
  const words = el('span', { class: 'doc' });
  return {
    node: el('li', {}, el('span', { class: 'kind', text: t('routes.shadow') }), name, words),
    update(s) {
      setText(name, s.strategy);
      setAttribute(name, 'title', s.where || null);
      const choices = Object.entries(s.choices ?? {}).map(([channel, n]) => `${channel} ${count(n)}`).join(t('words.list'));
      setText(words, s.picks ? t('routes.shadowSame', { share: percent(s.agreed / s.picks), n: s.picks, choices }) : t('routes.shadowNone'));
    },
  };
}

function link() {
  const light = el('span', { class: 'light small' });
  const name = el('span', {});
  const node = el('li', {}, light, name);
  return {
    node,
    update(c) {
      light.className = `light small ${c.kind}`;
      setText(name, c.name);
      setAttribute(node, 'title', `${c.name}: ${c.word}`);
    },
  };
}
