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

// Kind is what a message says.
type Kind string

// The new program asks, the old one answers with the same kind. Unknown kinds are
// of another version, and ignored.
const (
	Take    Kind = "take"    // the state directory is wanted; the answer: it is free, and its files are written
	Serving Kind = "serving" // requests are answered; the answer: the service manager knows the new process
	Tunnel  Kind = "tunnel"  // a tunnel is logged in, and wants its addresses; the answer: they are closed
	Failed  Kind = "failed"  // the new program cannot serve, for the reason Error, and ends; no answer
	End     Kind = "end"     // requests in flight may take no longer than Drain; no answer

	Event   Kind = "event"   // from the old one: something that happened there
	Counted Kind = "counted" // from the old one at its end: what channels and keys did there since Take
)

// Message goes from one to the other.
type Message struct {
	Kind   Kind          `json:"kind"`
	Tunnel string        `json:"tunnel,omitempty"`
	Drain  time.Duration `json:"drain,omitempty"`
	Error  string        `json:"error,omitempty"`
	Event  *event.Event  `json:"event,omitempty"`

	Counted *[]channel.Counted `json:"counted,omitempty"`
}

// Env names the descriptor that the new process has of the connection.
const Env = "AITUNNEL_INTERNAL_HANDOVER"

// sendTime bounds a message to a process that does not read.
const sendTime = 5 * time.Second

// Conn is one end of the connection. Its methods may be called at the same time,
// but Receive by one caller only.
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

// Receive returns the next message; an error says that the other process has ended.
func (c *Conn) Receive() (m Message, err error) {
	err = c.in.Decode(&m)
	return m, err
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.conn.Close() }
