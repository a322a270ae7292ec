package wire

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"flag"
	"fmt"
	"math"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	goldenCall = Call{
		ID: 7, Component: "strategy/priority", Instance: "3", Method: MethodPlan, TimeoutMS: 5000,
		Body: []byte(`{"route":"/v1/**","channels":[]}`),
	}
	goldenReply = Reply{
		Body: []byte(`{}`), Code: string(CodeInvalidConfig), Message: "no",
		Diags: []Diag{{Path: []string{"window", "length"}, Message: "too long", Hint: "1m at most"}, {Message: "odd"}},
	}
)

// Gob numbers types in the order in which a process first meets them; this
// fixes it for the golden files.
func init() {
	encodeGob(Call{})
	encodeGob(Reply{})
}

func encodeGob(v any) []byte {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// TestEnvelopeIsFrozen checks the bytes that every existing plugin sends.
func TestEnvelopeIsFrozen(t *testing.T) {
	for name, want := range map[string]any{"call": goldenCall, "reply": goldenReply, "empty_call": Call{}, "empty_reply": Reply{}} {
		path := filepath.Join("testdata", name+".gob")
		if *update {
			if err := os.WriteFile(path, encodeGob(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		recorded, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(want))
		if err := gob.NewDecoder(bytes.NewReader(recorded)).DecodeValue(got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got.Elem().Interface(), want) {
			t.Errorf("%s reads as %+v", name, got.Elem())
		}
		if !bytes.Equal(encodeGob(want), recorded) {
			t.Errorf("the encoding of %s has changed", name)
		}
	}
}

func TestCodesCrossTheWire(t *testing.T) {
	for _, err := range []error{
		CodeInvalidConfig, CodeUnavailable, CodeUnsupported, CodeNotFound, CodePanic, CodeInternal,
		context.DeadlineExceeded, context.Canceled,
	} {
		got := Fail(fmt.Errorf("in a call: %w", err)).Err()
		if !errors.Is(got, err) || got.Error() != "in a call: "+err.Error() {
			t.Errorf("%v arrived as %v", err, got)
		}
		if errors.Is(got, Code("other")) {
			t.Errorf("%v is also another code", err)
		}
	}
	if err := Fail(errors.New("plain")).Err(); !errors.Is(err, CodeInternal) {
		t.Error(err)
	}
	if err := (Reply{Code: "from_the_future"}).Err(); err.Error() != "from_the_future" || errors.Is(err, CodeInternal) {
		t.Error(err)
	}
	if err := (Reply{}).Err(); err != nil {
		t.Error(err)
	}
	if err := (Reply{Code: "x", Message: strings.Repeat("m", 1<<20)}).Err(); len(err.Error()) > 2*maxMessage {
		t.Errorf("a message of %d bytes", len(err.Error()))
	}
}

func TestLimitsOfABody(t *testing.T) {
	for _, number := range []float64{math.NaN(), math.Inf(1)} {
		if _, err := Encode(map[string]float64{"weight": number}); !errors.Is(err, CodeInternal) || !strings.Contains(err.Error(), "finite") {
			t.Errorf("%v: %v", number, err)
		}
	}
	if _, err := Encode(strings.Repeat("x", MaxBody)); err == nil {
		t.Error("a body over the limit is sent")
	}
	var s string
	if err := Decode(bytes.Repeat([]byte{' '}, MaxBody+1), &s); err == nil {
		t.Error("a body over the limit is accepted")
	}
	if err := Decode([]byte("{"), &s); !errors.Is(err, CodeInternal) {
		t.Error(err)
	}
	if err := Decode(nil, &s); err != nil {
		t.Error(err)
	}
}

// connect returns a client of a handler.
func connect(t *testing.T, h Handler) *Client {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		ServeConn(context.Background(), theirs, h)
	}()
	c := NewClient(rpc.NewClient(ours))
	t.Cleanup(func() {
		_ = c.Close()
		<-done
	})
	return c
}

func TestALateReplyIsDiscarded(t *testing.T) {
	release := make(chan struct{})
	c := connect(t, func(_ context.Context, call Call) Reply {
		if call.Method == "late" {
			<-release
		}
		return Reply{Body: []byte(call.Method)}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	late, err := c.Do(ctx, Call{Method: "late"})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	close(release)
	for range 10 {
		if r, err := c.Do(t.Context(), Call{Method: "next"}); err != nil || string(r.Body) != "next" {
			t.Errorf("%s, %v", r.Body, err)
		}
	}
	if late.Body != nil {
		t.Errorf("the late reply was returned: %s", late.Body)
	}
}

func TestHandlersGetTheCallersDeadline(t *testing.T) {
	c := connect(t, func(ctx context.Context, call Call) Reply {
		deadline, ok := ctx.Deadline()
		return Reply{Code: fmt.Sprint(ok && time.Until(deadline) <= time.Minute), Message: fmt.Sprint(call.TimeoutMS > 0)}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if r, err := c.Do(ctx, Call{}); err != nil || r.Code != "true" || r.Message != "true" {
		t.Errorf("with a deadline: %+v, %v", r, err)
	}
	if r, err := c.Do(t.Context(), Call{}); err != nil || r.Code != "false" || r.Message != "false" {
		t.Errorf("without: %+v, %v", r, err)
	}
}

func TestUnansweredCallsAreBounded(t *testing.T) {
	var running atomic.Int32
	c := connect(t, func(ctx context.Context, _ Call) Reply {
		running.Add(1)
		<-ctx.Done()
		return Reply{}
	})
	for range maxUnanswered {
		go func() { _, _ = c.Do(context.Background(), Call{}) }()
	}
	for deadline := time.Now().Add(10 * time.Second); running.Load() < maxUnanswered; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the calls never arrived")
		}
	}
	if _, err := c.Do(t.Context(), Call{}); !errors.Is(err, CodeUnavailable) {
		t.Errorf("one more: %v", err)
	}
}

func TestAPanicIsAReply(t *testing.T) {
	c := connect(t, func(context.Context, Call) Reply { panic("oh") })
	for method, function := range map[string]string{MethodPlan: "Plan", MethodPlanKeys: "PlanKeys"} {
		r, err := c.Do(t.Context(), Call{Method: method})
		if want := "component panicked in " + function + ": oh"; err != nil || !errors.Is(r.Err(), CodePanic) || !strings.HasPrefix(r.Message, want) {
			t.Errorf("%+v, %v, want %q", r, err, want)
		}
	}
}

// FuzzEnvelope decodes what a broken or hostile peer may send.
func FuzzEnvelope(f *testing.F) {
	f.Add(encodeGob(goldenCall))
	f.Add(encodeGob(goldenReply))
	f.Fuzz(func(t *testing.T, data []byte) {
		var call Call
		if gob.NewDecoder(bytes.NewReader(data)).Decode(&call) == nil {
			clampTimeout(call.TimeoutMS)
		}
		var reply Reply
		if gob.NewDecoder(bytes.NewReader(data)).Decode(&reply) == nil && reply.Code != "" && reply.Err() == nil {
			t.Error("a failure without an error")
		}
	})
}
