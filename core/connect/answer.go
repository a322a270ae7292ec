package connect

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"
)

// contents are the paths of the text in answers of the APIs, in events and in whole
// answers.
var contents = []string{
	"choices.0.delta.content", "choices.0.message.content", "delta.text", "content.0.text",
	"candidates.0.content.parts.0.text", "output.#.content.0.text",
}

// AnswerText returns the text of the model in an answer, up to about max bytes.
func AnswerText(body []byte, max int) string {
	var out strings.Builder
	for _, piece := range pieces(body) {
		if gjson.GetBytes(piece, "type").String() == "response.output_text.delta" {
			out.WriteString(gjson.GetBytes(piece, "delta").String())
			continue
		}
		for _, at := range contents {
			switch v := gjson.GetBytes(piece, at); {
			case v.IsArray():
				for _, text := range v.Array() {
					out.WriteString(text.String())
				}
			default:
				out.WriteString(v.String())
			}
		}
		if out.Len() > max {
			break
		}
	}
	return out.String()
}

// pieces returns the events of a stream, or the answer itself.
func pieces(body []byte) [][]byte {
	if json.Valid(body) {
		return [][]byte{body}
	}
	var all [][]byte
	for line := range bytes.Lines(body) {
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			all = append(all, bytes.TrimSpace(data))
		}
	}
	return all
}

// AnswerError returns the message of an error in an answer, "" if there is none.
func AnswerError(body []byte) string {
	for _, piece := range pieces(body) {
		for _, at := range []string{"error.message", "message", "error", "detail"} {
			if m := gjson.GetBytes(piece, at); m.Type == gjson.String && m.String() != "" {
				return m.String()
			}
		}
	}
	return ""
}

// ModelNames returns the models of a list in the format of any dialect.
func ModelNames(body []byte) []string {
	var out []string
	for _, list := range []string{"data.#.id", "models.#.name"} {
		for _, model := range gjson.GetBytes(body, list).Array() {
			out = append(out, strings.TrimPrefix(model.String(), "models/"))
		}
	}
	return out
}
