package proxy

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// record returns the record of the n-th request, which may be published after the answer.
func (r *rig) record(n int) *event.Request {
	r.t.Helper()
	var all []*event.Request
	testhelp.Eventually(r.t, "the request is recorded", func() bool { all = r.records(); return len(all) > n })
	return all[n]
}

// records returns the records of all requests.
func (r *rig) records() (all []*event.Request) {
	for _, e := range r.bus.Recent(1000) {
		if e.Type == event.TypeRequest {
			all = append(all, e.Request)
		}
	}
	return all
}

// TestRecordCountsBytes: a record has the size of the request and of the answer
// that was passed on, whole or streamed.
func TestRecordCountsBytes(t *testing.T) {
	pieces := []string{"data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n", "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", "data: [DONE]\n\n"}
	site := newTestSite(t, good, streamOf(pieces...))
	r := newRig(t, nil, site)
	for i, want := range []string{chatAnswer, strings.Join(pieces, "")} {
		answer := r.post("/v1/chat/completions", chatBody)
		record := r.record(i)
		if answer.body != want || record.BytesIn != int64(len(chatBody)) || record.BytesOut != int64(len(want)) {
			t.Errorf("%d: %q: %d bytes in and %d out, want %d and %d", i, answer.body, record.BytesIn, record.BytesOut, len(chatBody), len(want))
		}
	}
}

// TestRecordHasTheSkippedChannels: the record tells why a request went to the backup, also
// if the first channel was not tried.
func TestRecordHasTheSkippedChannels(t *testing.T) {
	r := newRig(t, nil, newTestSite(t, good), newTestSite(t, good))
	state := func(i int) interface{ SetPaused(bool) } {
		return r.handler.current.Load().table.Routes[0].Channels[i].State
	}
	_ = r.post("/v1/chat/completions", chatBody)
	if got := r.record(0); got.Channel != "a" || len(got.PassedOver) != 0 {
		t.Errorf("%s, skipped %v", got.Channel, got.PassedOver)
	}
	state(0).SetPaused(true)
	_ = r.post("/v1/chat/completions", chatBody)
	if got := r.record(1); got.Channel != "b" || len(got.PassedOver) != 1 || got.PassedOver[0].Channel != "a" || got.PassedOver[0].Why != "paused" || got.PassedOver[0].Reason != "" {
		t.Errorf("%s, skipped %v", got.Channel, got.PassedOver)
	}
	state(1).SetPaused(true)
	answer := r.post("/v1/chat/completions", chatBody)
	if got := r.record(2); answer.status != http.StatusServiceUnavailable || len(got.PassedOver) != 2 {
		t.Errorf("%d, skipped %v", answer.status, got.PassedOver)
	}
}

// TestRetryEvents: the message names the channel that failed, and the next one.
func TestRetryEvents(t *testing.T) {
	r := newRig(t, nil, newTestSite(t, reply(401, `{"error":{"message":"no","code":"invalid_api_key"}}`), reply(503, "{}")), newTestSite(t, good))
	_ = r.post("/v1/chat/completions", chatBody)
	r.record(0)
	var got []string
	for _, e := range r.bus.Recent(100) {
		if e.Type == event.TypeRetry {
			got = append(got, e.Channel+" "+e.Message[strings.LastIndex(e.Message, "; "):])
		}
	}
	if strings.Join(got, ", ") != "a ; trying another key of a, a ; trying b" {
		t.Errorf("%q", got)
	}
}

// TestEventOfAFailure: the event has the channel of the last attempt, since the log is
// searched by channel.
func TestEventOfAFailure(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Retry.MaxRetries = 0 }, newTestSite(t, func(c *siteConn) { c.close() }))
	if answer := r.post(chatPath, chatBody); answer.status != http.StatusBadGateway {
		t.Fatal(answer.status, answer.body)
	}
	record := r.record(0)
	for _, e := range r.bus.Recent(10) {
		if e.Type == event.TypeRequest && (e.Channel != "a" || e.Key != record.Attempts[0].Key || record.Channel != "") {
			t.Errorf("channel %q, key %q, record %+v", e.Channel, e.Key, record)
		}
	}
}
