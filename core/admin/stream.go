package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

const (
	firstEvents = 30               // sent to a reader that resumes nothing
	readerQueue = 256              // events a reader may fall behind
	heartbeat   = 15 * time.Second // a comment, so that a dead line is noticed
	writeTime   = 10 * time.Second // for one event; a reader that stalls is let go
)

// stream sends events as they come (server-sent events, HTML standard 9.2):
// one line of data each, with the event's id. Last-Event-ID, or ?since=,
// resumes after that one.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request) {
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("since")
	}
	from, gap, err := h.begin(last)
	if err != nil {
		fail(w, http.StatusBadRequest, "bad_parameter", "Last-Event-ID and since must be the id of an event")
		return
	}
	past, missed, sub := h.options.Bus.Subscribe(from, readerQueue)
	defer sub.Close()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := &writer{w: w, control: http.NewResponseController(w)}
	out.comment("aitunnel")
	if gap || missed && last != "" {
		out.event(event.Event{Time: time.Now(), Type: event.TypeNotice, Message: "some events between are forgotten already"})
	}
	for _, e := range past {
		out.event(e)
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for out.err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			out.comment("still here")
		case e, ok := <-sub.C():
			if !ok {
				out.event(event.Event{Time: time.Now(), Type: event.TypeNotice, Message: "this reader fell behind and is dropped; connect again to go on"})
				return
			}
			out.event(e)
		}
	}
}

// begin says from which event on a reader is served that has seen last, and
// whether it is certain to have missed some: an id that is yet to come was seen
// before the program was started again.
func (h *Handler) begin(last string) (from uint64, gap bool, err error) {
	newest := h.options.Bus.Last()
	from = 1
	if newest > firstEvents {
		from = newest - firstEvents + 1
	}
	if last == "" {
		return from, false, nil
	}
	seen, err := strconv.ParseUint(last, 10, 64)
	if err != nil || seen > newest {
		return from, true, err
	}
	return seen + 1, false, nil
}

// writer writes events until an error.
type writer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (o *writer) comment(text string) { o.write([]byte(": " + text + "\n\n")) }

func (o *writer) event(e event.Event) {
	data, err := json.Marshal(e)
	if err != nil {
		o.err = err
		return
	}
	id := ""
	if e.ID > 0 {
		id = fmt.Sprintf("id: %d\n", e.ID)
	}
	o.write([]byte(id + "data: " + string(data) + "\n\n"))
}

func (o *writer) write(b []byte) {
	if o.err != nil {
		return
	}
	_ = o.control.SetWriteDeadline(time.Now().Add(writeTime))
	if _, o.err = o.w.Write(b); o.err == nil {
		o.err = o.control.Flush()
	}
}
