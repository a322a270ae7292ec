package admin

import "time"

// Channel is one entry of GET /api/channels.
type Channel struct {
	Name        string   `json:"name"`
	Target      string   `json:"target"`
	Weight      float64  `json:"weight"`
	Fallback    bool     `json:"fallback"`
	Auth        string   `json:"auth"`        // how the key is sent
	Models      []string `json:"models"`      // patterns; empty: every model
	MaxInFlight int      `json:"maxInFlight"` // 0: no limit

	ModelMap map[string]string `json:"modelMap"` // names of models at the site, by those in requests

	Enabled     bool       `json:"enabled"`
	State       State      `json:"state"`                 // unknown, ready, degraded, cooling_down, down or paused
	StateReason string     `json:"stateReason,omitempty"` // its code: never_tried, no_key, keys_rejected, keys_out, failing, or that of out
	First       bool       `json:"first"`                 // preferred on its routes, until undone
	Health      string     `json:"health"`                // unknown, up or down
	HealthCheck string     `json:"healthCheck"`           // the component that checks it; "": none
	CheckedAt   *time.Time `json:"checkedAt"`             // its last check
	CheckError  string     `json:"checkError,omitempty"`  // why the last check could not be made
	Out         string     `json:"out,omitempty"`         // the code of the reason why it gets no requests now
	OutReason   string     `json:"outReason,omitempty"`
	OutSince    *time.Time `json:"outSince,omitempty"`
	OutUntil    *time.Time `json:"outUntil,omitempty"` // when it may be tried again
	Latency     float64    `json:"latency"`            // ms to the first byte, moving average; 0: no samples
	InFlight    int        `json:"inFlight"`
	ErrorRate   float64    `json:"errorRate"`   // of the last minute, 0 to 1
	SuccessRate *float64   `json:"successRate"` // 0 to 1; null without requests
	Tokens      Tokens     `json:"tokens"`
	Recent      []Point    `json:"recent"` // the last ten minutes, one for each ten seconds, the oldest first
	KeyStrategy string     `json:"keyStrategy,omitempty"`
	Keys        Keys       `json:"keys"`
	Stats       Stats      `json:"stats"`
	Where       string     `json:"where,omitempty"` // file:line of its block

	Restricted []Restriction `json:"restricted,omitempty"` // for single models and endpoints
	Egress     []Egress      `json:"egress,omitempty"`     // the egresses to the site, in the order in which they are tried; none: directly
}

// Egress is an egress of a channel, with its state.
type Egress struct {
	Name   string     `json:"name"`
	Via    string     `json:"via"`              // in words, without a password
	Used   bool       `json:"used"`             // by the next request
	Reason string     `json:"reason,omitempty"` // why it is used after the others
	Until  *time.Time `json:"until,omitempty"`  // until when
}

// Restriction is why a channel or key is not used, or used last, for a model or
// an endpoint.
type Restriction struct {
	Model    string     `json:"model,omitempty"`    // without model and endpoint: all models
	Endpoint string     `json:"endpoint,omitempty"` // such as /v1/messages
	State    string     `json:"state"`              // a code: rate_limited, no_access, no_model, no_endpoint or suspect
	Reason   string     `json:"reason,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
}

// Point is what happened in ten seconds.
type Point struct {
	Requests uint64  `json:"requests"`
	Failures uint64  `json:"failures"`
	TTFB     float64 `json:"ttfb"` // ms to the first byte, average; 0: no samples
}

// Tokens are the tokens that sites reported.
type Tokens struct {
	Input  uint64 `json:"input"`
	Output uint64 `json:"output"`
}

// Keys are the keys of a channel.
type Keys struct {
	Alive int   `json:"alive"` // usable now, or at a limit of the configuration only
	Total int   `json:"total"`
	List  []Key `json:"list"`
}

// Key is a key without its value.
type Key struct {
	ID        string     `json:"id"`
	Label     string     `json:"label,omitempty"`
	Masked    string     `json:"masked"`
	Shown     string     `json:"shown"` // its name in lists and logs: the label, else the masked form, with the beginning of the ID if others have the same
	Weight    float64    `json:"weight"`
	Ephemeral bool       `json:"ephemeral"` // in no file, and lost at a restart
	State     string     `json:"state"`     // ready, or the code of why it is not available
	Reason    string     `json:"reason,omitempty"`
	Until     *time.Time `json:"until,omitempty"`
	Stats     Stats      `json:"stats"`

	Restricted []Restriction `json:"restricted,omitempty"`  // for single models
	InvalidFor []string      `json:"invalid_for,omitempty"` // the endpoints for which the key is invalid; none: all
}

// Stats counts attempts.
type Stats struct {
	TotalRequests uint64     `json:"totalRequests"`
	SuccessCount  uint64     `json:"successCount"`
	FailCount     uint64     `json:"failCount"`
	LastRequestAt *time.Time `json:"lastRequestAt"`
	LastError     *string    `json:"lastError"`
}

// ChannelSpec describes a new channel, or changes of one: absent fields stay as they are; keys
// replace all keys of the channel.
type ChannelSpec struct {
	Name     string    `json:"name,omitempty"`
	Target   *string   `json:"target,omitempty"`
	Auth     *string   `json:"auth,omitempty"`
	Weight   *float64  `json:"weight,omitempty"`
	Fallback *bool     `json:"fallback,omitempty"`
	Models   *[]string `json:"models,omitempty"` // empty: every model

	ModelMap    *map[string]string `json:"modelMap,omitempty"`    // empty: none
	MaxInFlight *int               `json:"maxInFlight,omitempty"` // 0: no limit

	Keys     *[]KeySpec `json:"keys,omitempty"`
	Settings string     `json:"settings,omitempty"` // of a new channel: further settings and blocks, as they are written in its block

	Routes *[]string `json:"routes,omitempty"` // paths of the routes that get the new channel, if the configuration has routes
}

// KeySpec is a new key. In the list of a channel, it may be a string.
type KeySpec struct {
	Key       string `json:"key"`
	Label     string `json:"label,omitempty"`
	Ephemeral bool   `json:"ephemeral,omitempty"` // in no file, and lost at a restart
}

// CheckResult is the result of a health check.
type CheckResult struct {
	Name    string    `json:"name"`
	OK      bool      `json:"ok"`
	Health  string    `json:"health"`  // of the channel, as a result: unknown, up or down
	Latency float64   `json:"latency"` // ms
	Message string    `json:"message"`
	At      time.Time `json:"at"`
}
