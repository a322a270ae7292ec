package daemon_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

func TestEditsAreUndone(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	r := start(t, fmt.Sprintf(commented, home.URL()))
	first := r.text()
	r.must(http.StatusConflict, "POST", "/api/config/undo", "")
	r.must(http.StatusOK, "PUT", "/api/channels/home", `{"weight":2}`)
	second := r.text()
	r.must(http.StatusOK, "PUT", "/api/channels/home", `{"weight":3}`)
	var edits []admin.PastEdit
	if err := json.Unmarshal(r.must(http.StatusOK, "GET", "/api/config/edits", ""), &edits); err != nil || len(edits) != 2 || edits[0].Cause != "edit" || edits[0].Origin != admin.FromAPI || len(edits[0].Changes) != 1 {
		t.Errorf("%v, %+v", err, edits)
	}
	r.must(http.StatusOK, "POST", "/api/config/undo", "")
	if r.text() != second || r.channel("home").Weight != 2 {
		t.Errorf("after one undo: %v, %s", r.channel("home").Weight, r.text())
	}
	r.must(http.StatusOK, "POST", "/api/config/undo", "")
	if r.text() != first {
		t.Errorf("after two: %s", r.text())
	}
	r.must(http.StatusConflict, "POST", "/api/config/undo", "")

	r.must(http.StatusOK, "PUT", "/api/channels/home", `{"weight":5}`)
	r.save(strings.Replace(r.text(), "weight = 5", "weight = 9", 1))
	testhelp.Eventually(t, "an edit by hand is applied", func() bool { return r.channel("home").Weight == 9 })
	if body := r.must(http.StatusConflict, "POST", "/api/config/undo", ""); !strings.Contains(string(body), "changed by hand since") || r.channel("home").Weight != 9 {
		t.Errorf("an edit by hand was undone: %s", body)
	}
}

func TestUnknownAnswersAreListed(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	home.Always(fakesite.Status(http.StatusForbidden, `{"error":{"message":"the moon is full tonight"}}`))
	r := start(t, fmt.Sprintf(commented, home.URL()))
	r.post("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"Hello"}]}`)
	var all []unknown.Entry
	testhelp.Eventually(t, "the answer is listed", func() bool {
		return json.Unmarshal(r.must(http.StatusOK, "GET", "/api/unknown", ""), &all) == nil && len(all) > 0
	})
	var one admin.UnknownAnswer
	testhelp.Eventually(t, "it has a draft", func() bool {
		return json.Unmarshal(r.must(http.StatusOK, "GET", "/api/unknown/"+all[0].Key, ""), &one) == nil && strings.Contains(one.Draft, `verdict "my-rule"`) && strings.Contains(one.Draft, "moon")
	})
	if one.Status != http.StatusForbidden || !strings.Contains(one.Full, "the moon is full") {
		t.Errorf("%+v", one)
	}
	r.must(http.StatusOK, "DELETE", "/api/unknown/"+all[0].Key, "")
	r.must(http.StatusNotFound, "GET", "/api/unknown/"+all[0].Key, "")
	r.must(http.StatusNotFound, "DELETE", "/api/unknown/..%2f..%2fx", "")
}
