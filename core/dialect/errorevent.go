package dialect

import "slices"

// ErrorEvent returns a problem as the end of an answer that has begun with status 200; nil
// if the answer cannot contain one. begun says that a part of the answer was sent, not
// only keep-alive bytes.
func ErrorEvent(f Format, framing Framing, begun bool, p Problem) []byte {
	body := f.dialect().ErrorBody(p)
	switch {
	case framing == SSE:
		return f.errorEvents(p)
	case framing == NDJSON:
		return append(body, '\n')
	case framing == Array && begun:
		return slices.Concat([]byte(",\n"), body, []byte("]\n"))
	case framing == Array:
		return slices.Concat([]byte("["), body, []byte("]\n"))
	case framing == Document && !begun:
		return append(body, '\n')
	}
	return nil
}

// event returns a server-sent event.
func event(name string, data []byte) []byte {
	var b []byte
	if name != "" {
		b = append(b, "event: "+name+"\n"...)
	}
	b = append(b, "data: "...)
	b = append(b, data...)
	return append(b, "\n\n"...)
}
