// Package dialect holds all that is known about the wire formats of the APIs:
// OpenAI, Anthropic, Gemini and Ollama. It opens no connection and keeps no
// state between requests.
//
// [Of] says which [Dialect] a request speaks, [EndpointOf] what it asks for,
// [Model] which model, [Credentials] who the caller claims to be, and
// [Auth.Carry] puts a channel's key where the site expects it. The answer is
// followed by a [Stream]: bytes go in as they arrive, and each [Event] comes
// out with its [Kind] (keep-alive, preamble, content, end, error) and the
// number of bytes it took, so that a proxy can pass the bytes on unchanged.
// What events mean is the business of a [Format]; there is one for each kind
// of answer, one file each. A [Usage] counts tokens in passing, a [Decoder]
// looks into compressed answers, and a [Problem] is an error of our own, as a
// body or as an event, in the dialect's own shape.
package dialect
