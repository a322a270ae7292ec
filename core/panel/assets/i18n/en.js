// The texts of the panel in English. A value with one and
// other is chosen by the number n.

import { app } from './en/app.js';
import { channels } from './en/channels.js';
import { activity } from './en/activity.js';
import { components } from './en/components.js';
import { diagnostics } from './en/diagnostics.js';
import { events } from './en/events.js';
import { messages } from './en/messages.js';
import { parser } from './en/parser.js';
import { setup } from './en/setup.js';
import { tunnels } from './en/tunnels.js';

export const en = { ...app, ...channels, ...activity, ...diagnostics, ...messages, ...parser, ...setup, ...components, ...events, ...tunnels };
