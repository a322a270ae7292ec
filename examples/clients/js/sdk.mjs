// Asks through SDKs. Each line of standard input is a question, {id, mode, model};
// each line of standard output is what came of one: its text or error, and the
// requests that the SDK sent for it.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createInterface } from 'node:readline'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'

globalThis.AI_SDK_LOG_WARNINGS = false
const [base, token] = process.argv.slice(2)

// The SDKs send by fetch: it notes each request and the status that came back.
const asked = new AsyncLocalStorage()
const fetchOfNode = globalThis.fetch
globalThis.fetch = async (input, init) => {
  const note = {}
  asked.getStore().push(note)
  const answer = await fetchOfNode(input, init)
  note.status = answer.status
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

// streamText reports errors by a callback, and its text ends without them.
async function aiStream(options) {
  let failed
  const r = streamText({ ...options, onError: ({ error }) => { failed = error } })
  const text = await join(r.textStream, (t) => t)
  if (failed) throw failed
  return text
}

const modes = {
  'chat': async (model) => (await openai.chat.completions.create({ model, messages })).choices[0].message.content,
  'chat-stream': async (model) => join(await openai.chat.completions.create({ model, messages, stream: true }), (c) => c.choices[0]?.delta?.content),
  'responses': async (model) => (await openai.responses.create({ model, input: question })).output_text,
  'responses-stream': async (model) => join(await openai.responses.create({ model, input: question, stream: true }), (e) => (e.type === 'response.output_text.delta' ? e.delta : '')),
  'messages': async (model) => (await anthropic.messages.create({ model, max_tokens: 64, messages })).content[0].text,
  'messages-stream': (model) => anthropic.messages.stream({ model, max_tokens: 64, messages }).finalText(),
  'genai': async (model) => (await genai.models.generateContent({ model, contents: question })).text,
  'genai-stream': async (model) => join(await genai.models.generateContentStream({ model, contents: question }), (c) => c.text),
  'ai-responses': async (model) => (await generateText({ model: aiOpenAI(model), prompt: question })).text,
  'ai-responses-stream': (model) => aiStream({ model: aiOpenAI(model), prompt: question }),
  'ai-chat': async (model) => (await generateText({ model: aiOpenAI.chat(model), prompt: question })).text,
  'ai-chat-stream': (model) => aiStream({ model: aiOpenAI.chat(model), prompt: question }),
  'ai-messages': async (model) => (await generateText({ model: aiAnthropic(model), prompt: question })).text,
  'ai-messages-stream': (model) => aiStream({ model: aiAnthropic(model), prompt: question }),
}

async function answer({ id, mode, model }) {
  const requests = []
  const began = Date.now()
  const out = { id, requests }
  try {
    out.text = await asked.run(requests, () => modes[mode](model))
  } catch (e) {
    out.error = `${e?.lastError ?? e} ${(e?.lastError ?? e)?.responseBody ?? ''}`
  }
  out.took_ms = Date.now() - began
  process.stdout.write(JSON.stringify(out) + '\n')
}

for await (const line of createInterface({ input: process.stdin })) answer(JSON.parse(line))
