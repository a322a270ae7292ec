package dialect

import "strings"

// media is the format of audio and images: bytes, a JSON document, or events.
type media struct{ sharedFormat }

func (media) String() string { return "media" }

// Classify: everything is content; the done events are the end.
func (media) Classify(e *Event, _ bool) {
	switch kind := typeOf(e); {
	case kind == "keepalive", kind == "ping":
		e.Kind = KeepAlive
	case strings.HasSuffix(kind, "audio.done"), kind == "transcript.text.done":
		e.Kind, e.Finished = HardEnd, true
	case strings.HasPrefix(kind, "image_") && strings.HasSuffix(kind, ".completed"):
		e.Kind = SoftEnd // there may be one for each image
	case !classifyError(e):
		e.Kind = Content
	}
}

// plain is the format of everything else: models, files, embeddings, unknown.
type plain struct{ sharedFormat }

func (plain) String() string { return "plain" }

// Classify: everything is content, unless it is an error.
func (plain) Classify(e *Event, _ bool) {
	if !classifyError(e) {
		e.Kind = Content
	}
}
