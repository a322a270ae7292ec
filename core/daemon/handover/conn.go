package handover

import (
	"encoding/json"
	"net"
	"os"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/event"
)

// Kind is the kind of a message.
type Kind string

// The new program sends requests; the old one answers with a message of the same kind.
// Messages of unknown kinds, from other versions, are ignored.
const (
	Take    Kind = "take"    // requests the state directory; the answer: it is free and its files are written
	Serving Kind = "serving" // the new program serves; the answer: the service manager knows the new process
	Tunnel  Kind = "tunnel"  // a tunnel is logged in and needs its addresses; the answer: they are closed
	Failed  Kind = "failed"  // the new program cannot serve because of Error, and ends; no answer
	End     Kind = "end"     // limits requests in flight to Drain; no answer

	Event   Kind = "event"   // from the old program: an event that occurred there
	Counted Kind = "counted" // from the old program at its end: what it counted for channels and keys since Take
)

// Message is a message between the two programs.
type Message struct {
	Kind   Kind          `json:"kind"`
	Tunnel string        `json:"tunnel,omitempty"`
	Drain  time.Duration `json:"drain,omitempty"`
	Error  string        `json:"error,omitempty"`
	Event  *event.Event  `json:"event,omitempty"`

	Counted *[]channel.Counts `json:"counted,omitempty"`
}

// Env is the environment variable with the new process's descriptor of the connection.
const Env = "AITUNNEL_INTERNAL_HANDOVER"

// sendTime is the time limit for sending, in case the other process does not read.
const sendTime = 5 * time.Second

// Conn is one end of the connection. Its methods may be called concurrently, except
// Receive.
type Conn struct {
	conn net.Conn
	in   *json.Decoder

	mu  sync.Mutex
	out *json.Encoder
}

func newConn(c net.Conn) *Conn {
	return &Conn{conn: c, in: json.NewDecoder(c), out: json.NewEncoder(c)}
}

func fromFile(f *os.File) (*Conn, error) {
	c, err := net.FileConn(f)
	_ = f.Close() // the connection has its own descriptor
	if err != nil {
		return nil, err
	}
	return newConn(c), nil
}

// Send sends a message.
func (c *Conn) Send(m Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(sendTime))
	return c.out.Encode(m)
}

// Receive returns the next message; an error means that the other process has ended.
func (c *Conn) Receive() (m Message, err error) {
	err = c.in.Decode(&m)
	return m, err
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.conn.Close() }
