// Package dialect knows the wire formats of the APIs: OpenAI, Anthropic, Gemini and
// Ollama. It opens no connections and keeps no state between requests.
//
// For a request, [Of] returns the [Dialect], [EndpointOf] the kind of endpoint,
// [FindModel] the model, and [Credentials] the possible tokens of the caller;
// [Auth.AddKey] adds a channel's key where the site expects it.
//
// A [Stream] follows an answer: for bytes that arrive, it returns each [Event] with its
// [Kind] (keep-alive, preamble, content, end, error) and its length, so that a proxy can
// pass the bytes on unchanged. A [Format] classifies events; there is one for each kind
// of answer. A [Usage] counts tokens while an answer passes, a [Decoder] decodes
// compressed answers, and a [Problem] is an error of the proxy, which becomes a body or
// an event in the format of the dialect.
package dialect
