// The settings of apps that people use, for an address and a token.

const shell = (...lines) => ({ where: 'shell', text: lines.join('\n') });
const file = (name, ...lines) => ({ where: 'file', file: name, text: lines.join('\n') });
const settings = (...lines) => ({ where: 'settings', text: lines.join('\n') });
const openai = (address, token) => settings(`Base URL  ${address}/v1`, `API key   ${token}`);
const json = (name, value) => file(name, JSON.stringify(value, null, 2));

// snippets are those of each app; settings gives the pieces to copy.
export const snippets = [
  {
    id: 'claude-code',
    name: 'Claude Code',
    settings: (address, token) => [
      shell(`export ANTHROPIC_BASE_URL=${address}`, `export ANTHROPIC_AUTH_TOKEN=${token}`),
      json('~/.claude/settings.json', { env: { ANTHROPIC_BASE_URL: address, ANTHROPIC_AUTH_TOKEN: token } }),
    ],
  },
  {
    id: 'codex',
    name: 'Codex',
    settings: (address, token) => [
      file('~/.codex/config.toml', 'model_provider = "aitunnel"', '', '[model_providers.aitunnel]', 'name = "aitunnel"', `base_url = "${address}/v1"`, 'env_key = "AITUNNEL_TOKEN"', 'wire_api = "responses"'),
      shell(`export AITUNNEL_TOKEN=${token}`),
    ],
  },
  {
    id: 'gemini-cli',
    name: 'Gemini CLI',
    settings: (address, token) => [
      shell(`export GOOGLE_GEMINI_BASE_URL=${address}`, `export GEMINI_API_KEY=${token}`),
      json('~/.gemini/settings.json', { security: { auth: { selectedType: 'gemini-api-key' } } }),
    ],
  },
  {
    id: 'opencode',
    name: 'opencode',
    settings: (address, token) => [json('~/.config/opencode/opencode.json', {
      provider: { aitunnel: { npm: '@ai-sdk/openai-compatible', name: 'aitunnel', options: { baseURL: `${address}/v1`, apiKey: token }, models: { 'gpt-4o': {} } } },
    })],
  },
  { id: 'cherry-studio', name: 'Cherry Studio', settings: (address, token) => [openai(address, token)] },
  {
    id: 'continue',
    name: 'Continue',
    settings: (address, token) => [file('~/.continue/config.yaml', 'models:', '  - name: aitunnel', '    provider: openai', '    model: gpt-4o', `    apiBase: ${address}/v1`, `    apiKey: ${token}`)],
  },
  { id: 'cursor', name: 'Cursor', note: 'connect.cursor', settings: (address, token) => [openai('https://your-host.example', token)] },
  { id: 'openai', name: 'OpenAI SDK', settings: (address, token) => [shell(`export OPENAI_BASE_URL=${address}/v1`, `export OPENAI_API_KEY=${token}`)] },
  { id: 'anthropic', name: 'Anthropic SDK', settings: (address, token) => [shell(`export ANTHROPIC_BASE_URL=${address}`, `export ANTHROPIC_API_KEY=${token}`)] },
  {
    id: 'curl',
    name: 'curl',
    settings: (address, token) => [shell(`curl ${address}/v1/chat/completions \\`, `  -H "Authorization: Bearer ${token}" -H "Content-Type: application/json" \\`, '  -d \'{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}\'')],
  },
];
