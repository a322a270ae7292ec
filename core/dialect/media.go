package dialect

import (
	"strings"

	"github.com/tidwall/gjson"
)

// media is the format of audio and images: bytes, a JSON document, or events.
type media struct{ sharedFormat }

func (media) String() string { return "media" }

// Classify: everything is content, except the end and errors.
func (media) Classify(e *Event, _ bool) {
	switch kind := typeOf(e); {
	case kind == "keepalive", kind == "ping":
		e.Kind = KeepAlive
	case strings.HasSuffix(kind, "audio.done"), kind == "transcript.text.done":
		e.Kind, e.Finished = HardEnd, true
	case strings.HasPrefix(kind, "image_") && strings.HasSuffix(kind, ".completed"):
		e.Kind = SoftEnd // one may follow for each image
	case !classifyError(e):
		e.Kind = Content
	}
}

// plain is the format of everything else: models, files, embeddings, unknown.
type plain struct{ sharedFormat }

func (plain) String() string { return "plain" }

// Classify: everything is content or an error. An error inside the description of a stored
// object is content, since the request itself did not fail.
func (plain) Classify(e *Event, _ bool) {
	if !classifyError(e) || e.Kind == Error && e.Whole && isStored(e.Data) {
		e.Kind = Content
	}
}

// isStored reports whether a document describes an object that the site stores: a file, a
// batch, a response, an operation.
func isStored(data []byte) bool {
	found := gjson.GetManyBytes(data, "id", "object", "name", "done")
	id, object, name, done := found[0], found[1], found[2], found[3]
	return id.Str != "" && object.Str != "" && object.Str != "error" || name.Str != "" && done.Exists()
}
