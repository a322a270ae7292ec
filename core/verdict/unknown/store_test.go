package unknown

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/verdict"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func unknownAnswer(status int, body string, at time.Time) Answer {
	a := verdict.Answer{Status: status, Body: []byte(body), Header: http.Header{"Content-Type": {"application/json"}, "Set-Cookie": {"a=b"}}, Now: at}
	a.Method, a.Path, a.Model = "POST", "/v1/chat/completions", "gpt-5"
	return Answer{Channel: "home", Answer: a, Verdict: verdict.New(verdict.Options{}).Judge(a)}
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOncePerShape(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "unknown")
	s := open(t, dir)
	for i, name := range []string{"Wilhelmina", "Xaver", "Ysolde"} {
		if err := s.add(unknownAnswer(403, fmt.Sprintf(`{"error":{"message":"%s may not","code":"quux"}}`, name), start.Add(time.Duration(i)*time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.add(unknownAnswer(403, `{"error":{"message":"not now"}}`, start)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	list, err := List(dir)
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	e := list[0]
	if e.Count != 3 || e.Channels["home"] != 3 || e.Means != verdict.Suspect || e.Rule != "status 403" || !e.First.Equal(start) || !e.Last.Equal(start.Add(2*time.Hour)) {
		t.Errorf("%+v", e)
	}
	shape, full, err := Export(dir, e.Key)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shape, "ilhelmina") || !strings.Contains(full, "Wilhelmina may not") || strings.Contains(full, "a=b") {
		t.Errorf("shape:\n%s\nfull:\n%s", shape, full)
	}
	if _, err := verdict.ParseCase("x", shape); err != nil {
		t.Errorf("%v:\n%s", err, shape)
	}
	onlyForTheOwner(t, dir)

	again := open(t, dir)
	if err := again.add(unknownAnswer(403, `{"error":{"message":"Zoe may not","code":"quux"}}`, start.Add(3*time.Hour))); err != nil {
		t.Fatal(err)
	}
	if list := again.List(); len(list) != 2 || list[0].Count != 4 {
		t.Errorf("after a restart: %+v", list)
	}
	if err := again.Remove(e.Key); err != nil {
		t.Fatal(err)
	}
	if _, _, err := again.Export(e.Key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed answer is still listed: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func onlyForTheOwner(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if len(files) != 5 {
		t.Errorf("%d files", len(files))
	}
}

func TestTheNumberOfKeptAnswersIsBounded(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	statuses := []int{400, 401, 403, 404, 405, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 520, 521, 522}
	n := 0
	for _, status := range statuses {
		for _, field := range []string{"code", "type", "status", "reason", "param", "details"} {
			n++
			if err := s.add(unknownAnswer(status, fmt.Sprintf(`{"error":{"message":"quux",%q:"quux"}}`, field), start.Add(time.Duration(n)*time.Second))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	list, err := List(dir)
	if err != nil || len(list) != MaxEntries || n <= MaxEntries {
		t.Fatalf("%d of %d are kept, %v", len(list), n, err)
	}
	if !list[0].Last.Equal(start.Add(time.Duration(n) * time.Second)) {
		t.Error("the newest answer was removed")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+shapeEnding))
	if err != nil || len(files) != MaxEntries {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// TestKeepNeverWaits, since it is called while a caller waits for an answer.
func TestKeepNeverWaits(t *testing.T) {
	s := &Store{queue: make(chan Answer)} // the queue is not read
	done := make(chan struct{})
	go func() {
		s.Keep(unknownAnswer(403, `{"error":{"message":"quux"}}`, start))
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("Keep waits")
	}
}

func TestKnownAnswersAreNotKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "unknown")
	s := open(t, dir)
	s.Keep(unknownAnswer(403, `{"error":{"message":"x","code":"insufficient_quota"}}`, start))
	s.Keep(unknownAnswer(200, `{"choices":[]}`, start))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
}

func TestKeysAreNotPaths(t *testing.T) {
	for _, key := range []string{"", "../../etc/passwd", "0123456789abcdef/..", "0123456789ABCDEF"} {
		if _, _, err := Export(t.TempDir(), key); err == nil || !strings.Contains(err.Error(), "is not the key") {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// TestRemovedWhileAStoreIsOpen: the command removes files while the program runs.
func TestRemovedWhileAStoreIsOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "unknown")
	s := open(t, dir)
	one, two := unknownAnswer(403, `{"error":{"message":"not now"}}`, start), unknownAnswer(403, `{"error":{"code":"error"}}`, start)
	if err := errors.Join(s.add(one), s.add(two)); err != nil {
		t.Fatal(err)
	}
	key := s.List()[0].Key
	if err := Remove(dir, key); err != nil {
		t.Fatal(err)
	}
	if err := Remove(dir, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed twice: %v", err)
	}
	if list, err := List(dir); err != nil || len(list) != 1 || list[0].Key == key {
		t.Errorf("%v, %v", list, err)
	}
	// An answer that comes again is stored and counted again.
	if err := errors.Join(s.add(one), s.add(two), s.Close()); err != nil {
		t.Fatal(err)
	}
	list, err := List(dir)
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, e := range list {
		if want := map[bool]int{true: 1, false: 2}[e.Key == key]; e.Count != want {
			t.Errorf("%s was seen %d times, want %d", e.Key, e.Count, want)
		}
	}
}
