// The texts of the panel in Chinese.

import { app } from './zh/app.js';
import { channels } from './zh/channels.js';
import { activity } from './zh/activity.js';
import { components } from './zh/components.js';
import { diagnostics } from './zh/diagnostics.js';
import { events } from './zh/events.js';
import { messages } from './zh/messages.js';
import { parser } from './zh/parser.js';
import { setup } from './zh/setup.js';
import { tunnels } from './zh/tunnels.js';

export const zh = { ...app, ...channels, ...activity, ...diagnostics, ...messages, ...parser, ...setup, ...components, ...events, ...tunnels };
