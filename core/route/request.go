package route

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"
)

// Request is what the choice of channel and key may depend on.
type Request struct {
	Model     string // as the caller asked for it
	Endpoint  string // its kind, such as "generate"
	Operation string // what it asks for, such as "/v1/messages"; by default the endpoint
	Client    string // the name of the caller's token
	Key       string // the ID of the only key to use, for one attempt; "": any
	Trial     bool   // the user tests one channel: it is sent in any state of the channel
	Object    string // the ID of an object that a site stores, if the request names one
	Header    http.Header
	RawQuery  string
	Tokens    int    // how many it is expected to need
	Body      []byte // its beginning, as much as was read
}

// Attribute returns a part of the request by its name: header.NAME, query.NAME,
// body.PATH, model or client. ok is false if the request does not have it.
func (r *Request) Attribute(name string) (value string, ok bool) {
	kind, rest, _ := strings.Cut(name, ".")
	switch kind {
	case "header":
		value = r.Header.Get(rest)
	case "query":
		query, _ := url.ParseQuery(r.RawQuery) // as much of it as can be read
		value = query.Get(rest)
	case "body":
		value = gjson.GetBytes(r.Body, rest).String()
	case "model":
		value = r.Model
	case "client":
		value = r.Client
	}
	return value, value != ""
}
