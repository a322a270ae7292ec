package admin

//go:generate go test . -count=1 -run ^Test(TypeDocs|APIDoc)$ -update

import (
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// object is a JSON object of the document.
type object map[string]any

// openAPI describes the endpoints as an OpenAPI 3.0.3 document. It is made from the table with
// which the handlers are registered, and from the types that they read and write, so that it
// always matches them.
func openAPI(all []endpoint) object {
	s := schemas{docs: typeDocs, named: object{}}
	paths := map[string]object{}
	for _, e := range all {
		if paths[e.path] == nil {
			paths[e.path] = object{}
		}
		paths[e.path][strings.ToLower(e.method)] = s.operation(e)
	}
	return object{
		"openapi": "3.0.3",
		"info": object{
			"title": "aitunnel admin API", "version": "1",
			"description": "Fields may be added. Times are RFC 3339, durations milliseconds unless they say otherwise. No answer contains a key.",
		},
		"security":   []object{{"bearer": []string{}}, {"session": []string{}}},
		"paths":      paths,
		"components": object{"schemas": s.named, "securitySchemes": securitySchemes},
	}
}

var securitySchemes = object{
	"bearer":  object{"type": "http", "scheme": "bearer", "description": "the admin token; the control socket needs none"},
	"session": object{"type": "apiKey", "in": "cookie", "name": cookieName, "description": "the cookie that POST /api/session sets"},
}

var inPath = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{(\w+)\}`) })

// always are the error statuses that every endpoint with a token may have.
var always = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}

func (s *schemas) operation(e endpoint) object {
	parameters := []object{}
	for _, m := range inPath().FindAllStringSubmatch(e.path, -1) {
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for where, list := range map[string][]parameter{"query": e.query, "header": e.header} {
		for _, p := range list {
			parameters = append(parameters, object{"name": p.name, "in": where, "description": p.doc, "schema": object{"type": "string"}})
		}
	}
	out := object{"summary": e.summary, "parameters": parameters, "responses": s.answers(e)}
	if e.in != nil {
		out["requestBody"] = object{"content": object{"application/json": object{"schema": s.of(reflect.TypeOf(e.in))}}}
	}
	if e.access == public {
		out["security"] = []object{}
	}
	return out
}

func (s *schemas) answers(e endpoint) object {
	kind := e.kind
	if kind == "" {
		kind = "application/json"
	}
	schema := object{"type": "string"}
	if e.out != nil {
		schema = s.of(reflect.TypeOf(e.out))
	}
	answers := object{strconv.Itoa(max(e.status, http.StatusOK)): object{"description": e.summary, "content": object{kind: object{"schema": schema}}}}
	fails := e.fails
	if e.access != public {
		fails = append(append([]int{}, always...), fails...)
	}
	for _, status := range fails {
		schema, kind := s.of(reflect.TypeFor[failure]()), "application/json"
		if e.refused != nil && (status == http.StatusPreconditionFailed || status == http.StatusUnprocessableEntity) {
			schema = s.of(reflect.TypeOf(e.refused))
		}
		if e.kind == "text/plain" && e.access == public {
			schema, kind = object{"type": "string"}, e.kind
		}
		answers[strconv.Itoa(status)] = object{"description": http.StatusText(status), "content": object{kind: object{"schema": schema}}}
	}
	return answers
}

// schemas has the schemas of the types so far.
type schemas struct {
	docs  map[string]string
	named object
}

func (s *schemas) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[event.Millis](), reflect.TypeFor[event.Money]():
		return object{"type": "number"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		inner := s.of(t.Elem())
		if inner["$ref"] != nil {
			inner = object{"allOf": []object{inner}}
		}
		inner["nullable"] = true
		return inner
	case reflect.Struct:
		return s.structure(t)
	case reflect.Slice, reflect.Array:
		if t.Elem() == reflect.TypeFor[KeySpec]() {
			return object{"type": "array", "items": object{"oneOf": []object{{"type": "string"}, s.of(t.Elem())}}}
		}
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return object{"type": "integer"}
	}
	return object{} // anything
}

// structure returns a reference to the schema of a struct, which it adds the first time.
func (s *schemas) structure(t reflect.Type) object {
	name := t.Name()
	ref := object{"$ref": "#/components/schemas/" + name}
	if s.named[name] != nil {
		return ref
	}
	properties, required := object{}, []string{}
	schema := object{"type": "object", "properties": properties}
	if doc := s.docs[name]; doc != "" {
		schema["description"] = doc
	}
	s.named[name] = schema
	s.fields(t, properties, &required)
	if len(required) > 0 {
		schema["required"] = required
	}
	return ref
}

func (s *schemas) fields(t reflect.Type, properties object, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			s.fields(f.Type, properties, required)
			continue
		case name == "-" || name == "":
			continue
		}
		field := s.of(f.Type)
		if doc := s.docs[t.Name()+"."+f.Name]; doc != "" {
			if field["$ref"] != nil {
				field = object{"allOf": []object{field}}
			}
			field["description"] = doc
		}
		properties[name] = field
		if !strings.Contains(options, "omitempty") {
			*required = append(*required, name)
		}
	}
}
