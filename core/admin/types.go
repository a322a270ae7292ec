// Package admin is the API by which people and scripts look at the running
// program: its state as JSON and its events as a stream.
package admin

import (
	"context"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// Source is the running program.
type Source interface {
	Status() Status
	Channels() []Channel

	// Reload applies the configuration as it is in its files; generation is the
	// one that is to be replaced, 0 for any. Plan says what that would do.
	Reload(ctx context.Context, cause string, generation uint64) Reload
	Plan(ctx context.Context) Reload
}

// Reload is the outcome of a reload, or of a plan for one.
type Reload struct {
	At         time.Time           `json:"at"`
	Cause      string              `json:"cause"` // what it was done for
	OK         bool                `json:"ok"`
	Generation uint64              `json:"generation"` // that runs afterwards
	Changes    []config.Change     `json:"changes"`    // between the configurations
	Effects    []string            `json:"effects"`    // what is begun and ended for them
	Error      string              `json:"error,omitempty"`
	Stale      bool                `json:"stale,omitempty"` // another generation runs than was to be replaced
	Diags      []config.Diagnostic `json:"diagnostics"`
	Took       event.Millis        `json:"took_ms"`
}

// Status is GET /api/status.
type Status struct {
	Status      string         `json:"status"` // "running", or "stopping" while the last requests come to their end
	Version     string         `json:"version"`
	PID         int            `json:"pid"`
	Uptime      float64        `json:"uptime"` // seconds
	StartedAt   time.Time      `json:"startedAt"`
	Generation  uint64         `json:"generation"`
	Config      string         `json:"config"` // its path
	Listen      string         `json:"listen"`
	AdminListen string         `json:"adminListen"` // "": the admin port is off
	Active      int            `json:"active"`      // requests under way
	Channels    ChannelSummary `json:"channels"`
	Routes      []Route        `json:"routes"`
	Plugins     Plugins        `json:"plugins"`
	Tunnels     []any          `json:"tunnels"`
	Warnings    []string       `json:"warnings"`
	LastReload  *Reload        `json:"lastReload,omitempty"`
}

// ChannelSummary counts channels.
type ChannelSummary struct {
	Healthy int `json:"healthy"` // those that would be sent a request now
	Total   int `json:"total"`
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
	Makeshift bool      `json:"makeshift,omitempty"` // the strategy gave no plan
	Where     string    `json:"where,omitempty"`     // file:line of the strategy's block
}

// Plugins is the state of plugin processes.
type Plugins struct {
	Calls     uint64    `json:"calls"` // made to plugins since the start
	Processes []Process `json:"processes"`
}

// Process is one plugin's process.
type Process struct {
	Plugin     string      `json:"plugin"` // "built-in" or the plugin's name
	Version    string      `json:"version,omitempty"`
	Source     string      `json:"source"` // "built-in" or the executable's path
	State      string      `json:"state"`
	PID        int         `json:"pid,omitempty"`
	Restarts   int         `json:"restarts"`
	Protocol   int         `json:"protocol,omitempty"`
	LastError  string      `json:"lastError,omitempty"`
	Components []Component `json:"components"`
}

// Component is what a plugin offers.
type Component struct {
	Kind   string   `json:"kind"`
	Name   string   `json:"name"`
	Doc    string   `json:"doc,omitempty"`
	UsedAt []string `json:"usedAt,omitempty"` // file:line of the blocks that name it
}

// Channel is one entry of GET /api/channels.
type Channel struct {
	Name        string     `json:"name"`
	Target      string     `json:"target"`
	Weight      float64    `json:"weight"`
	Fallback    bool       `json:"fallback"`
	Enabled     bool       `json:"enabled"`
	Health      string     `json:"health"`        // unknown, up or down
	Out         string     `json:"out,omitempty"` // why it is passed over now
	OutReason   string     `json:"outReason,omitempty"`
	OutSince    *time.Time `json:"outSince,omitempty"`
	OutUntil    *time.Time `json:"outUntil,omitempty"` // when it may be tried again
	Latency     float64    `json:"latency"`            // ms to the first byte, moving average; 0: no samples
	InFlight    int        `json:"inFlight"`
	ErrorRate   float64    `json:"errorRate"` // of the last minute, 0 to 1
	KeyStrategy string     `json:"keyStrategy,omitempty"`
	Keys        Keys       `json:"keys"`
	Stats       Stats      `json:"stats"`
}

// Keys is a channel's pool.
type Keys struct {
	Alive int   `json:"alive"` // usable now
	Total int   `json:"total"`
	List  []Key `json:"list"`
}

// Key is one key, never its value.
type Key struct {
	ID     string     `json:"id"`
	Masked string     `json:"masked"`
	Weight float64    `json:"weight"`
	State  string     `json:"state"` // ready, or why it rests
	Reason string     `json:"reason,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
	Stats  Stats      `json:"stats"`
}

// Stats counts attempts.
type Stats struct {
	TotalRequests uint64     `json:"totalRequests"`
	SuccessCount  uint64     `json:"successCount"`
	FailCount     uint64     `json:"failCount"`
	LastRequestAt *time.Time `json:"lastRequestAt"`
	LastError     *string    `json:"lastError"`
}
