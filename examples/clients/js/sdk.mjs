// Asks through SDKs. Each line of standard input is a question, {id, mode, model};
// each line of standard output is what came of one: its text or error, and the
// requests that the SDK sent for it.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import OpenAI from 'openai'

globalThis.AI_SDK_LOG_WARNINGS = false
const [base, token] = process.argv.slice(2)

// The SDKs send by fetch: it notes what they sent and what came back.
const asked = new AsyncLocalStorage()
const fetchOfNode = globalThis.fetch
globalThis.fetch = async (input, init) => {
  const note = {}
  asked.getStore().push(note)
  const body = init?.body ?? (input instanceof Request ? await input.clone().text() : '')
  note.sent = createHash('sha256').update(typeof body === 'string' ? body : Buffer.from(body)).digest('hex')
  const answer = await fetchOfNode(input, init)
  note.status = answer.status
  note.got = answer.clone().arrayBuffer().then((b) => Buffer.from(b).toString('base64'), () => '')
  return answer
}

const openai = new OpenAI({ baseURL: `${base}/v1`, apiKey: token })
const anthropic = new Anthropic({ baseURL: base, apiKey: token })
const genai = new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: base } })
const aiOpenAI = createOpenAI({ baseURL: `${base}/v1`, apiKey: token })
const aiAnthropic = createAnthropic({ baseURL: `${base}/v1`, apiKey: token })

const question = 'Say hello.'
const messages = [{ role: 'user', content: question }]

async function join(parts, text) {
  let out = ''
  for await (const p of parts) out += text(p) ?? ''
  return out
}

// The tool that answers ask for, in the words of each SDK.
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const name = 'weather'
const description = 'The weather of a city'
const run = ({ city }) => `sunny in ${city}`
const aiTools = { weather: tool({ description, inputSchema: jsonSchema(schema), execute: run }) }

async function anthropicTools(model, ask) {
  const turns = [...messages]
  for (;;) {
    const m = await ask({
      model, max_tokens: 4096, messages: turns, thinking: { type: 'enabled', budget_tokens: 1024 },
      tools: [{ name, description, input_schema: schema }],
    })
    const calls = m.content.filter((b) => b.type === 'tool_use')
    if (calls.length === 0) return m.content.map((b) => b.text ?? '').join('')
    turns.push({ role: 'assistant', content: m.content })
    turns.push({ role: 'user', content: calls.map((c) => ({ type: 'tool_result', tool_use_id: c.id, content: run(c.input) })) })
  }
}

async function responsesTools(model, ask) {
  const input = [...messages]
  for (;;) {
    const r = await ask({
      model, input, store: false, include: ['reasoning.encrypted_content'],
      tools: [{ type: 'function', name, description, parameters: schema, strict: false }],
    })
    const calls = r.output.filter((o) => o.type === 'function_call')
    if (calls.length === 0) return r.output_text
    input.push(...r.output)
    for (const c of calls) input.push({ type: 'function_call_output', call_id: c.call_id, output: run(JSON.parse(c.arguments)) })
  }
}

async function chatTools(model, ask) {
  const turns = [...messages]
  for (;;) {
    const m = await ask({ model, messages: turns, tools: [{ type: 'function', function: { name, description, parameters: schema } }] })
    if (!m.tool_calls?.length) return m.content
    turns.push(m)
    for (const c of m.tool_calls) turns.push({ role: 'tool', tool_call_id: c.id, content: run(JSON.parse(c.function.arguments)) })
  }
}

async function genaiTools(model, ask) {
  const contents = [{ role: 'user', parts: [{ text: question }] }]
  for (;;) {
    const parts = await ask({ model, contents, config: { tools: [{ functionDeclarations: [{ name, description, parametersJsonSchema: schema }] }] } })
    const calls = parts.filter((p) => p.functionCall)
    if (calls.length === 0) return parts.map((p) => (p.thought ? '' : p.text ?? '')).join('')
    contents.push({ role: 'model', parts })
    contents.push({ role: 'user', parts: calls.map((p) => ({ functionResponse: { name, response: { output: run(p.functionCall.args) } } })) })
  }
}

async function partsOfStream(stream) {
  const parts = []
  for await (const c of stream) parts.push(...(c.candidates?.[0]?.content?.parts ?? []))
  return parts
}

// streamText reports errors by a callback, and its text ends without them.
async function aiStream(options) {
  let failed
  const r = streamText({ ...options, onError: ({ error }) => { failed = error } })
  const text = await join(r.textStream, (t) => t)
  if (failed) throw failed
  return text
}

const aiThinking = { providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } } }
const aiSteps = { tools: aiTools, stopWhen: stepCountIs(3), prompt: question }
const aiResponses = { providerOptions: { openai: { store: false, include: ['reasoning.encrypted_content'] } } }

const modes = {
  'chat': async (model) => (await openai.chat.completions.create({ model, messages })).choices[0].message.content,
  'chat-stream': async (model) => join(await openai.chat.completions.create({ model, messages, stream: true }), (c) => c.choices[0]?.delta?.content),
  'chat-tools': (model) => chatTools(model, async (p) => (await openai.chat.completions.create(p)).choices[0].message),
  'chat-tools-stream': (model) => chatTools(model, (p) => openai.chat.completions.stream(p).finalMessage()),
  'responses': async (model) => (await openai.responses.create({ model, input: question })).output_text,
  'responses-stream': async (model) => join(await openai.responses.create({ model, input: question, stream: true }), (e) => (e.type === 'response.output_text.delta' ? e.delta : '')),
  'responses-tools': (model) => responsesTools(model, (p) => openai.responses.create(p)),
  'responses-tools-stream': (model) => responsesTools(model, (p) => openai.responses.stream(p).finalResponse()),
  'messages': async (model) => (await anthropic.messages.create({ model, max_tokens: 64, messages })).content[0].text,
  'messages-stream': (model) => anthropic.messages.stream({ model, max_tokens: 64, messages }).finalText(),
  'messages-tools': (model) => anthropicTools(model, (p) => anthropic.messages.create(p)),
  'messages-tools-stream': (model) => anthropicTools(model, (p) => anthropic.messages.stream(p).finalMessage()),
  'genai': async (model) => (await genai.models.generateContent({ model, contents: question })).text,
  'genai-stream': async (model) => join(await genai.models.generateContentStream({ model, contents: question }), (c) => c.text),
  'genai-tools': (model) => genaiTools(model, async (p) => (await genai.models.generateContent(p)).candidates[0].content.parts),
  'genai-tools-stream': (model) => genaiTools(model, async (p) => partsOfStream(await genai.models.generateContentStream(p))),
  'ai-responses': async (model) => (await generateText({ model: aiOpenAI(model), prompt: question })).text,
  'ai-responses-stream': (model) => aiStream({ model: aiOpenAI(model), prompt: question }),
  'ai-responses-tools': async (model) => (await generateText({ model: aiOpenAI(model), ...aiSteps, ...aiResponses })).text,
  'ai-responses-tools-stream': (model) => aiStream({ model: aiOpenAI(model), ...aiSteps, ...aiResponses }),
  'ai-chat': async (model) => (await generateText({ model: aiOpenAI.chat(model), prompt: question })).text,
  'ai-chat-stream': (model) => aiStream({ model: aiOpenAI.chat(model), prompt: question }),
  'ai-chat-tools': async (model) => (await generateText({ model: aiOpenAI.chat(model), ...aiSteps })).text,
  'ai-chat-tools-stream': (model) => aiStream({ model: aiOpenAI.chat(model), ...aiSteps }),
  'ai-messages': async (model) => (await generateText({ model: aiAnthropic(model), prompt: question })).text,
  'ai-messages-stream': (model) => aiStream({ model: aiAnthropic(model), prompt: question }),
  'ai-messages-tools': async (model) => (await generateText({ model: aiAnthropic(model), ...aiSteps, ...aiThinking })).text,
  'ai-messages-tools-stream': (model) => aiStream({ model: aiAnthropic(model), ...aiSteps, ...aiThinking }),
}

async function answer({ id, mode, model }) {
  const requests = []
  const began = Date.now()
  const out = { id }
  try {
    out.text = await asked.run(requests, () => modes[mode](model))
  } catch (e) {
    out.error = `${e?.lastError ?? e} ${(e?.lastError ?? e)?.responseBody ?? ''}`
  }
  out.took_ms = Date.now() - began
  out.requests = []
  for (const r of requests) out.requests.push({ ...r, got: await r.got })
  process.stdout.write(JSON.stringify(out) + '\n')
}

for await (const line of createInterface({ input: process.stdin })) answer(JSON.parse(line))
