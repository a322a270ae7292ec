package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// TestTheDocumentNamesEveryEndpoint checks the served OpenAPI document. The module apitest compares
// the running program with it.
func TestTheDocumentNamesEveryEndpoint(t *testing.T) {
	s := serve(t, config.Admin{Token: config.NewSecret(testToken)}, 8)
	resp, b := s.do("GET", "/api/openapi.json", "Authorization", "Bearer "+testToken)
	var doc struct {
		Paths      map[string]map[string]struct{ Summary string }
		Components struct {
			Schemas map[string]struct{ Description string }
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d: %v", resp.StatusCode, err)
	}
	for _, e := range s.api.endpoints() {
		if doc.Paths[e.path][strings.ToLower(e.method)].Summary == "" {
			t.Errorf("%s %s is not in the document", e.method, e.path)
		}
	}
	described := 0
	for _, schema := range doc.Components.Schemas {
		if schema.Description != "" {
			described++
		}
	}
	if described < 20 {
		t.Errorf("only %d types have a description", described)
	}
}
