package verdict

import (
	"strings"
	"testing"
)

// TestShapeKeepsNothingPersonal, since users may send the shape of an unknown answer to
// others.
func TestShapeKeepsNothingPersonal(t *testing.T) {
	a := answer(403, `{"error":{"message":"Dear Wilhelmina Quux <wilhelmina@quux.example>, your key sk-Zyx987wvU654 may not do this from 198.51.100.77 until 17:45","type":"quuxish_error","code":"permission_denied","account":"org-Qx81kk2"},"Wilhelmina":true,"request_id":"req_8123Qx","n":4711}`)
	a.Model, a.Path = "ft:gpt-4o-mini:quux::Zx81", "/v1/files/file-Zx81kk/content"
	a.Header.Set("Cf-Ray", "8d49ab12cd34ef56-ZQX")
	a.Header.Set("Set-Cookie", "session=Zx81kk2")
	a.Header.Set("Server", "quux/1.2")
	text, _ := Shape(a, New(Options{}).Judge(a))
	for _, personal := range []string{"ilhelmina", "uux", "Zyx987", "198", "77", "Qx81", "Zx81", "8123", "4711", "17:45", "ZQX", "session", "8d49"} {
		if strings.Contains(text, personal) {
			t.Errorf("the shape contains %q:\n%s", personal, text)
		}
	}
	for _, known := range []string{"HTTP/1.1 403 Forbidden", "permission_denied", `"message":"`, "your key", "may not", "/v1/files/"} {
		if !strings.Contains(text, known) {
			t.Errorf("the shape lacks %q:\n%s", known, text)
		}
	}
}

// TestShapesAreCases: a shape has the format of the corpus, and the same meaning as its
// answer.
func TestShapesAreCases(t *testing.T) {
	set, seen := New(Options{}), 0
	for _, c := range Corpus() {
		v := judgeCase(t, set, c)
		if !v.Unknown() {
			continue
		}
		seen++
		a, err := c.Answer()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := Shape(a, v)
		again, err := ParseCase(c.Name, text)
		if err != nil {
			t.Errorf("%s: %v\n%s", c.Name, err, text)
			continue
		}
		if got := judgeCase(t, set, again); got.Means != v.Means {
			t.Errorf("%s: the shape means %s, the answer %s\n%s", c.Name, got.Means, v.Means, text)
		}
	}
	if seen < 40 {
		t.Errorf("only %d answers of the corpus are judged by their status", seen)
	}
}

// TestKeysOfShapes: answers that differ only in personal data have the same shape.
func TestKeysOfShapes(t *testing.T) {
	key := func(status int, body string) string {
		a := answer(status, body)
		_, k := Shape(a, New(Options{}).Judge(a))
		return k
	}
	one := key(403, `{"error":{"message":"User Wilhelmina may not (id 123)","code":"quux"}}`)
	if two := key(403, `{"error":{"message":"User Xaver may not (id 98765)","code":"quux"}}`); two != one {
		t.Error("two names make two shapes")
	}
	if other := key(401, `{"error":{"message":"User Wilhelmina may not (id 123)","code":"quux"}}`); other == one {
		t.Error("another status is the same shape")
	}
	if other := key(403, `{"error":{"message":"User Wilhelmina may not (id 123)","type":"quux"}}`); other == one {
		t.Error("another field is the same shape")
	}
}

// TestWideRulesChangeVerdictsOfTheCorpus, so that a rule that matches too much is noticed.
func TestWideRulesChangeVerdictsOfTheCorpus(t *testing.T) {
	if c := New(Options{}).Changes(); len(c) != 0 {
		t.Errorf("without rules of the user %d verdicts change", len(c))
	}
	narrow := New(Options{User: rules(t, "verdict \"x\" {\nstatus = 403\nmessage = \"no site writes this\"\nmeans = \"blocked\"\n}")})
	if c := narrow.Changes(); len(c) != 0 {
		t.Errorf("%v", c)
	}
	wide := New(Options{User: rules(t, "verdict \"x\" {\nstatus = 403\nmeans = \"invalid_key\"\n}"), RetryOn: []int{500}})
	changes := wide.Changes()
	if len(changes) < 40 {
		t.Errorf("only %d verdicts change", len(changes))
	}
	for _, c := range changes {
		if c.After.Rule != "x" || c.Before.Means == c.After.Means && c.Before.Scope == c.After.Scope && c.Before.For == c.After.For && c.Before.AtOnce == c.After.AtOnce && c.Before.SecondKey == c.After.SecondKey {
			t.Errorf("%s: %s to %s by %q", c.Case.Name, c.Before.Means, c.After.Means, c.After.Rule)
		}
	}
}

// TestDraftsMatch: the draft of a rule for an unknown answer compiles and matches it.
func TestDraftsMatch(t *testing.T) {
	set, drafts := New(Options{}), 0
	for _, c := range Corpus() {
		a, err := c.Answer()
		if err != nil {
			t.Fatal(err)
		}
		v := set.Judge(a)
		if v.Means == Good || a.Status >= 300 && a.Status < 400 || v.Status == 0 && v.Message == "" || v.Status > 999 {
			continue
		}
		drafts++
		text := Draft("mine", a, v)
		mine, diags := CompileSource([]byte(text), "draft.hcl", FromUser)
		if diags.HasErrors() {
			t.Errorf("%s: %v\n%s", c.Name, diags, text)
			continue
		}
		if got := New(Options{User: mine}).Judge(a); got.Rule != "mine" || got.Means != v.Means {
			t.Errorf("%s: judged by %q as %s\n%s", c.Name, got.Rule, got.Means, text)
		}
	}
	if drafts < 300 {
		t.Errorf("only %d drafts", drafts)
	}
}
