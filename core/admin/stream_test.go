package admin

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// reader reads an event stream as a browser does, but fails at anything other than a comment, or an
// optional ID and one line of data.
type reader struct {
	t     *testing.T
	body  io.ReadCloser
	lines *bufio.Reader
}

func (s *site) follow(query string, header ...string) *reader {
	s.t.Helper()
	resp := s.open("GET", "/api/logs"+query, header...)
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		s.t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	return &reader{s.t, resp.Body, bufio.NewReader(resp.Body)}
}

// next returns the next event, and false at the end of the stream.
func (r *reader) next() (e event.Event, ok bool) {
	r.t.Helper()
	id := uint64(0)
	for {
		line, err := r.lines.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			return e, false
		}
		if err != nil {
			r.t.Fatalf("after %q: %v", line, err)
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			if id, err = strconv.ParseUint(value, 10, 64); err != nil {
				r.t.Fatalf("%q: %v", line, err)
			}
			continue
		case "data":
			if err := json.Unmarshal([]byte(value), &e); err != nil || e.ID != id || e.Type == "" || e.Time.IsZero() {
				r.t.Fatalf("id %d, %q: %v", id, line, err)
			}
		case "": // a comment
		default:
			r.t.Fatalf("an unexpected line: %q", line)
		}
		if blank, err := r.lines.ReadString('\n'); err != nil || blank != "\n" {
			r.t.Fatalf("%q does not end %q: %v", blank, line, err)
		}
		if e.Type != "" {
			return e, true
		}
	}
}

func (r *reader) want(types ...string) {
	r.t.Helper()
	for _, want := range types {
		e, ok := r.next()
		if got := fmt.Sprintf("%d %s %s", e.ID, e.Type, e.Message); !ok || !strings.HasPrefix(got, want) {
			r.t.Fatalf("event %q, %v; want %q", got, ok, want)
		}
	}
}

func TestTheStreamHasRecentAndNewEvents(t *testing.T) {
	s := serve(t, config.Admin{}, 100)
	s.publish("one", "two\nlines, <b>&</b> and data: x")
	r := s.follow("")
	r.want("1 log one", "2 log two\nlines, <b>&</b> and data: x")
	s.publish("three")
	r.want("3 log three")
	s.bus.Publish(event.Event{Type: event.TypeRequest, Channel: "home", Request: &event.Request{ID: "r1", Method: "POST", Path: "/v1/x"}})
	e, _ := r.next()
	if e.ID != 4 || e.Request == nil || e.Request.Path != "/v1/x" {
		t.Errorf("%+v", e)
	}
}

func TestANewReaderGetsTheLastThirty(t *testing.T) {
	s := serve(t, config.Admin{}, 100)
	for i := range 40 {
		s.publish(fmt.Sprint("number ", i+1))
	}
	r := s.follow("")
	for id := 11; id <= 40; id++ {
		r.want(fmt.Sprintf("%d log number %d", id, id))
	}
	s.publish("now")
	r.want("41 log now")
}

func TestTheStreamResumes(t *testing.T) {
	const gap = "0 notice some events"
	for _, c := range []struct {
		name, query string
		header      []string
		want        []string
	}{
		{"by header", "", []string{"Last-Event-ID", "8"}, []string{"9 ", "10 ", "11 "}},
		{"by query", "?since=8", nil, []string{"9 ", "10 ", "11 "}},
		{"the header is newer", "?since=7", []string{"Last-Event-ID", "9"}, []string{"10 ", "11 "}},
		{"nothing missed", "?since=10", nil, []string{"11 "}},
		{"the oldest that is remembered", "?since=6", nil, []string{"7 ", "8 "}},
		{"some are forgotten", "?since=5", nil, []string{gap, "7 ", "8 "}},
		{"an ID from before a restart", "?since=4711", nil, []string{gap, "7 ", "8 "}},
		{"the largest id", "?since=18446744073709551615", nil, []string{gap, "7 ", "8 "}},
		{"a new reader misses nothing", "", nil, []string{"7 ", "8 "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, config.Admin{}, 4) // of 10 events the last 4
			for range 10 {
				s.publish("old")
			}
			r := s.follow(c.query, c.header...)
			s.publish("new")
			r.want(c.want...)
		})
	}
	s := serve(t, config.Admin{}, 4)
	for _, since := range []string{"x", "-1", "1.5", "18446744073709551616"} {
		resp, body := s.do("GET", "/api/logs?since="+since)
		s.wantError(resp, body, http.StatusBadRequest, "bad_parameter")
	}
}

// TestASlowReaderIsDisconnected: a reader stalls while more is published than all buffers can hold.
// Publishing continues: if it waited for the reader, this test would never end.
func TestASlowReaderIsDisconnected(t *testing.T) {
	s := serve(t, config.Admin{}, 8)
	slow := s.follow("")
	s.publish("begin")
	slow.want("1 log begin")
	const published = 3000
	long := strings.Repeat("x", 16<<10)
	for range published {
		s.publish(long)
	}
	quick := s.follow("?since=" + strconv.Itoa(1+published))
	s.publish("for the others")
	quick.want(fmt.Sprintf("%d log for the others", 2+published))

	received, last := 0, event.Event{}
	for e, ok := slow.next(); ok; e, ok = slow.next() {
		if last.ID > 0 && e.ID > 0 && e.ID != last.ID+1 {
			t.Fatalf("event %d follows %d", e.ID, last.ID)
		}
		received, last = received+1, e
	}
	if received >= published || last.Type != event.TypeNotice || !strings.Contains(last.Message, "too slow") {
		t.Errorf("the slow reader got %d of %d events, the last %s %.80q", received, published, last.Type, last.Message)
	}
}

func TestAReaderThatDisconnectsIsRemoved(t *testing.T) {
	s := serve(t, config.Admin{}, 8)
	readers := []*reader{}
	for range 20 {
		readers = append(readers, s.follow(""))
	}
	if got := s.answering.Load(); got != 20 {
		t.Fatalf("%d readers are served", got)
	}
	for _, r := range readers {
		_ = r.body.Close()
	}
	testhelp.Eventually(t, "no reader is served", func() bool { return s.answering.Load() == 0 })
}
