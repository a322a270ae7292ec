package admin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

const (
	firstEvents = 30               // sent to a reader that does not resume
	heartbeat   = 15 * time.Second // between comments, so that a broken connection is noticed
	writeTime   = 10 * time.Second // for one write; a reader that takes longer is disconnected
	maxReaders  = 2000             // at once, at port and socket together
)

// readers counts the readers of the stream.
type readers struct{ n atomic.Int64 }

func (r *readers) enter() bool {
	if r.n.Add(1) > maxReaders {
		r.n.Add(-1)
		return false
	}
	return true
}

func (r *readers) leave() { r.n.Add(-1) }

// types are the types that a filter may name.
var types = []event.Type{
	event.TypeRequest, event.TypeRetry, event.TypeHealth, event.TypeKey, event.TypeChannelToggle, event.TypeReload,
	event.TypeTunnel, event.TypePlugin, event.TypeClient, event.TypeLog, event.TypeNotice,
}

// filter selects events by ?types= and ?channel=.
type filter struct {
	types   []string
	channel string
}

func filterOf(w http.ResponseWriter, r *http.Request) (f filter, ok bool) {
	q := r.URL.Query()
	f.channel = q.Get("channel")
	for name := range strings.SplitSeq(q.Get("types"), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !slices.Contains(types, event.Type(name)) {
			fail(w, http.StatusBadRequest, "bad_parameter", "types must be a list of event types separated by commas, such as request,retry")
			return f, false
		}
		f.types = append(f.types, name)
	}
	return f, true
}

func (f filter) passes(t event.Type, channel string) bool {
	return (len(f.types) == 0 || slices.Contains(f.types, string(t))) && (f.channel == "" || f.channel == channel)
}

// stream sends events as they happen (server-sent events, HTML standard 9.2), each with its ID and
// one line of data. Last-Event-ID or ?since= resumes after an event.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request) {
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("since")
	}
	wanted, ok := filterOf(w, r)
	if !ok {
		return
	}
	if !h.readers.enter() {
		w.Header().Set("Retry-After", "10")
		fail(w, http.StatusServiceUnavailable, "too_many_readers", "the event stream has reached its limit of readers, "+strconv.Itoa(maxReaders))
		return
	}
	defer h.readers.leave()
	from, gap, err := h.start(last, wanted)
	if err != nil {
		fail(w, http.StatusBadRequest, "bad_parameter", "Last-Event-ID and since must be the id of an event")
		return
	}
	in := h.options.Bus.Follow(from)
	defer in.Close()
	past, missed := in.TakeAll()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // or nginx in front of us would buffer events
	if r.Method == http.MethodHead {
		return
	}
	out := &writer{w: w, control: http.NewResponseController(w), done: h.options.Done}
	out.write([]byte(": aitunnel\n\n"))
	if gap || missed && last != "" {
		out.notice("some events in between are no longer available")
	}
	out.send(past, wanted)
	out.follow(r, in, wanted)
}

// start returns the first event for a reader that has seen last, and whether it has certainly
// missed some: an ID above the newest one was seen before a restart of the program.
func (h *Handler) start(last string, wanted filter) (from uint64, gap bool, err error) {
	from = h.firstRecent(wanted)
	if last == "" {
		return from, false, nil
	}
	seen, err := strconv.ParseUint(last, 10, 64)
	if err != nil || seen > h.options.Bus.Last() {
		return from, true, err
	}
	return seen + 1, false, nil
}

// firstRecent returns the first of the last firstEvents events that match the filter.
func (h *Handler) firstRecent(wanted filter) uint64 {
	recent := h.options.Bus.Recent(maxRecent)
	from, n := h.options.Bus.Last()+1, 0
	for _, e := range slices.Backward(recent) {
		if n == firstEvents {
			break
		}
		if wanted.passes(e.Type, e.Channel) {
			from = e.ID
			n++
		}
	}
	return from
}

// writer writes to one reader until an error.
type writer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	done    <-chan struct{}
	err     error
}

// follow sends events that match the filter until the reader disconnects, falls so far behind
// that events are lost, or the program stops, which does not wait for readers.
func (o *writer) follow(r *http.Request, in *event.Reader, wanted filter) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for o.err == nil {
		frames, missed := in.Take()
		if missed {
			o.notice("this reader was too slow and will be disconnected; connect again to continue")
			return
		}
		o.send(frames, wanted)
		if len(frames) > 0 {
			continue
		}
		select {
		case <-r.Context().Done():
			return
		case <-o.done:
			return
		case <-beat.C:
			o.write([]byte(": still here\n\n"))
		case <-in.Wake():
		}
	}
}

// batches are buffers for pieces of streams.
var batches = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

// send writes the frames that match the filter at once: with a thousand readers, the number of
// system calls matters.
func (o *writer) send(frames []event.Frame, wanted filter) {
	batch := batches.Get().(*[]byte)
	defer batches.Put(batch)
	out := (*batch)[:0]
	for _, f := range frames {
		if !wanted.passes(f.Type, f.Channel) {
			continue
		}
		out = append(strconv.AppendUint(append(out, "id: "...), f.ID, 10), "\ndata: "...)
		out = append(append(out, f.Data...), "\n\n"...)
	}
	if len(out) > 0 {
		o.write(out)
	}
	if cap(out) <= 256<<10 {
		*batch = out
	}
}

// notice sends an event about the stream itself, without an id.
func (o *writer) notice(message string) {
	data, err := json.Marshal(event.Event{Time: time.Now(), Type: event.TypeNotice, Message: message})
	if err != nil {
		o.err = err
		return
	}
	o.write([]byte("data: " + string(data) + "\n\n"))
}

func (o *writer) write(text []byte) {
	if o.err != nil {
		return
	}
	_ = o.control.SetWriteDeadline(time.Now().Add(writeTime))
	if _, o.err = o.w.Write(text); o.err == nil {
		o.err = o.control.Flush()
	}
}
