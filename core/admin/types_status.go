package admin

import (
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/diff"
	"github.com/aitunnel/aitunnel/core/event"
)

// Reload is the outcome of a reload, or of its dry run.
type Reload struct {
	At time.Time `json:"at"`
	ReloadCause
	OK         bool                `json:"ok"`
	Generation uint64              `json:"generation"`  // the one in use afterwards
	Changes    []diff.Change       `json:"changes"`     // differences between the configurations
	Effects    []string            `json:"effects"`     // what starts and stops because of them, in English
	EffectList []Effect            `json:"effect_list"` // the same, for programs
	Error      string              `json:"error,omitempty"`
	Stale      bool                `json:"stale,omitempty"` // the generation in use is not the expected one
	Diags      []config.Diagnostic `json:"diagnostics"`
	Took       event.Millis        `json:"took_ms"`
}

// Effect is something that a reload starts or stops.
type Effect struct {
	Code      string `json:"code"`                // listen, leave, create, resume, retire, configure, close, plan, drop_plan, or tunnel_ and connect, reconnect, close, open_forward, close_forward or redirect_forward
	Kind      string `json:"kind"`                // what its subject is: address, channel, key, tunnel or forward; for components and plans route, shadow, keys (of a channel) or health_check (of a channel)
	Subject   string `json:"subject"`             // an address, the name of a channel or tunnel, the pattern of a route, or the ID of a key
	Setting   string `json:"setting,omitempty"`   // of an address, such as proxy.listen
	Tunnel    string `json:"tunnel,omitempty"`    // of a forward
	Channel   string `json:"channel,omitempty"`   // of a key; or the new one of a redirected forward, "" for the routes
	Component string `json:"component,omitempty"` // of a component or a shadow, such as weighted or acme/bandit
	Models    string `json:"models,omitempty"`    // of a route: its patterns, separated by spaces
}

// Status is GET /api/status.
type Status struct {
	Status      string         `json:"status"` // "running", or "stopping" while the last requests are finished
	Version     string         `json:"version"`
	PID         int            `json:"pid"`
	Uptime      float64        `json:"uptime"` // seconds
	StartedAt   time.Time      `json:"startedAt"`
	Generation  uint64         `json:"generation"`
	Config      string         `json:"config"` // its path
	Listen      string         `json:"listen"`
	ListenOther string         `json:"listenOther,omitempty"` // at which other devices of the network reach the proxy; "": they cannot
	AdminListen string         `json:"adminListen"`           // "": the admin port is off
	Active      int            `json:"active"`                // requests in flight
	Channels    ChannelSummary `json:"channels"`
	Routes      []Route        `json:"routes"`
	Plugins     Plugins        `json:"plugins"`
	Tunnels     []Tunnel       `json:"tunnels"`
	Clients     []Client       `json:"clients"` // the clients of the proxy
	Warnings    []string       `json:"warnings"`
	Unsaved     []string       `json:"unsaved,omitempty"`        // what cannot be written to the disk at present, and why
	Problems    []Problem      `json:"problems,omitempty"`       // other problems of this machine
	Unedited    bool           `json:"unedited,omitempty"`       // the configuration has only placeholders for sites and keys, so nothing can be answered
	TimeZone    string         `json:"timeZone"`                 // in which days begin: that of the configuration, or "Local"
	LogFile     string         `json:"logFile,omitempty"`        // log.file of the configuration; "": standard error
	TokenFile   string         `json:"adminTokenFile,omitempty"` // holds the admin token, if the configuration has none
	LastReload  *Reload        `json:"lastReload,omitempty"`
}

// Problem is a problem of the machine that does not keep the program from running.
type Problem struct {
	Code    string `json:"code"`              // log_moved: a new log file cannot be opened; log_not_written; or state_dir_writable: others may write to the state directory
	Path    string `json:"path"`              // of the log file or directory
	Reason  string `json:"reason,omitempty"`  // the system's error
	Command string `json:"command,omitempty"` // solves it
}

// The codes of problems.
const (
	ProblemLogMoved      = "log_moved"
	ProblemLogNotWritten = "log_not_written"
	ProblemStateDir      = "state_dir_writable"
)

// ProblemCodes are all codes of problems.
var ProblemCodes = []string{ProblemLogMoved, ProblemLogNotWritten, ProblemStateDir}

// Text describes the problem.
func (p Problem) Text() string {
	switch p.Code {
	case ProblemLogMoved:
		return fmt.Sprintf("a new log file %s cannot be opened, so the log continues in the one that was moved: %s", p.Path, p.Reason)
	case ProblemLogNotWritten:
		return fmt.Sprintf("the log file %s cannot be written to: %s", p.Path, p.Reason)
	case ProblemStateDir:
		return fmt.Sprintf("others may write to the state directory %s, and so replace the saved state and the admin token: run %s", p.Path, p.Command)
	}
	return p.Code
}

// ChannelSummary counts channels.
type ChannelSummary struct {
	Healthy int           `json:"healthy"` // those that would be sent a request now
	Total   int           `json:"total"`
	State   State         `json:"state"`  // of all: unknown, ready, degraded, down or paused
	States  map[State]int `json:"states"` // how many are in each state
}

// Route is a route and its plan.
type Route struct {
	Path      string    `json:"path"`
	Models    []string  `json:"models,omitempty"`
	Channels  []string  `json:"channels"`
	Strategy  string    `json:"strategy"`
	Plan      uint64    `json:"plan"` // sequence number
	PlannedAt time.Time `json:"plannedAt"`
	Reason    string    `json:"reason,omitempty"`
	CorePlan  bool      `json:"corePlan,omitempty"`  // the core plan is in use, because the strategy gave none
	Makeshift bool      `json:"makeshift,omitempty"` // the earlier name of corePlan
	Where     string    `json:"where,omitempty"`     // file:line of the strategy's block
	Router    *Router   `json:"router,omitempty"`    // if the strategy routes each request
	Shadows   []Shadow  `json:"shadows,omitempty"`   // strategies that are only compared
	Written   bool      `json:"written"`             // false: the default route to all channels, where the configuration has none
}

// Tunnel is an SSH connection and its forwards.
type Tunnel struct {
	Name      string     `json:"name"`
	Host      string     `json:"host"`
	User      string     `json:"user,omitempty"` // on the host
	State     string     `json:"state"`          // connecting, up, degraded, waiting or failed
	Since     time.Time  `json:"since"`
	LastError string     `json:"lastError,omitempty"`
	HostKey   *HostKey   `json:"host_key,omitempty"` // if the key that the host presents is why it is down
	NextTry   *time.Time `json:"nextTry,omitempty"`
	Probe     float64    `json:"probe_ms"` // round trip of the last probe; 0: none yet
	Forwards  []Forward  `json:"forwards"`
	Notes     []string   `json:"notes"`       // limitations, and what to do about them
	Connects  uint64     `json:"connects"`    // connections made
	Accepted  uint64     `json:"connections"` // connections accepted
	Active    int64      `json:"active"`      // open connections
	BytesIn   uint64     `json:"bytes_in"`
	BytesOut  uint64     `json:"bytes_out"`
}

// Forward is one address that a tunnel opens on its server.
type Forward struct {
	Remote  string  `json:"remote"`
	Channel string  `json:"channel,omitempty"` // "": all routes
	State   string  `json:"state"`             // closed, open, refused, or silent: open, but requests do not arrive
	Error   string  `json:"error,omitempty"`
	Probe   float64 `json:"probe_ms"` // round trip of a request through it; 0: unknown
}
