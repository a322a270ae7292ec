package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// read decodes the body of a request, and answers the request if that fails. An
// empty body is an empty object.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		return true
	}
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return true
		}
		err = errors.New("there is more data after the JSON object")
	}
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		fail(w, http.StatusRequestEntityTooLarge, "body_too_large", "the body is larger than 4 MiB")
		return false
	}
	fail(w, http.StatusBadRequest, "bad_body", "the body is not the expected JSON: "+wrongJSON(err))
	return false
}

// wrongJSON returns what is wrong, without quoting the body, which may contain a key.
func wrongJSON(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return "the field " + kind.Field + " must not be of the type " + strings.Fields(kind.Value + " ")[0]
	}
	if name, ok := unknownField(err); ok {
		if len(name) > 40 {
			name = name[:40] + "…"
		}
		return "there is no field " + name
	}
	return "it cannot be parsed"
}

// unknownField returns the field, in quotes, that an object must not have. encoding/json has
// no type for this error (decodeState.object).
func unknownField(err error) (quoted string, ok bool) {
	return strings.CutPrefix(err.Error(), "json: unknown field ")
}

// answer sends v, or an error.
func answer(w http.ResponseWriter, status int, v any, err error) {
	var known *Error
	switch {
	case err == nil:
		reply(w, status, v)
	case errors.As(err, &known):
		failWith(w, known.Status, known.Code, known.Message, known.Details, nil)
	default:
		fail(w, http.StatusInternalServerError, "internal", err.Error())
	}
}

func reply(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		fail(w, http.StatusInternalServerError, "internal", "the answer cannot be written as JSON")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

func fail(w http.ResponseWriter, status int, code, message string) {
	failWith(w, status, code, message, nil, nil)
}

// failure is the body of every error.
type failure struct {
	Error  problem `json:"error"`
	Reload *Reload `json:"reload,omitempty"` // of an edit that was not applied
}

type problem struct {
	Message string `json:"message"`
	Code    string `json:"code"`
	Details any    `json:"details"` // a list; the diagnostics if a configuration is wrong
}

func failWith(w http.ResponseWriter, status int, code, message string, details any, reload *Reload) {
	if details == nil {
		details = []string{}
	}
	reply(w, status, failure{problem{message, code, details}, reload})
}
