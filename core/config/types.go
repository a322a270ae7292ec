package config

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/sdk"
)

// Config is a whole configuration, checked and complete: every default is
// filled in, every reference resolved. It is never changed after [Load].
type Config struct {
	Path      string // the file or directory it was read from
	Proxy     Proxy
	Admin     Admin
	Plugins   []*Plugin
	Channels  []*Channel
	Routes    []*Route
	Tunnels   []*Tunnel
	Retry     Retry
	Breaker   Breaker
	Log       Log
	HotReload bool

	places map[string]hcl.Range // of the attributes of the blocks without labels
}

// Proxy is the unified entry.
type Proxy struct {
	Listen       string   // host:port
	ClientTokens []Secret // empty: no token is asked for
	Origins      []string // web origins whose pages may call the proxy
	MaxBody      int64    // bytes; a larger request is answered 413
	ReplayLimit  int64    // bytes; a larger request body is streamed and sent once
	BufferLimit  int64    // bytes all request bodies in memory may take together
}

// Admin is the port of the API, the event stream and the panel.
type Admin struct {
	Listen      string // "" turns the port off
	Token       Secret // empty: one is generated
	Origins     []string
	OpenMetrics bool // /metrics needs no token
}

// Plugin is a third-party executable.
type Plugin struct {
	Name    string
	Path    string // empty: looked up in the plugin directories
	Version string // a constraint such as ">= 1.2, < 2.0"; empty: any
	Args    []string
	Env     map[string]Secret // all the plugin sees of the environment beside the basics
	Range   hcl.Range
}

// Channel is one site with its pool of keys.
type Channel struct {
	Name        string
	Target      *url.URL // scheme, host and base path; never a query or user
	Weight      float64
	Fallback    bool
	Disabled    bool // starts paused
	MaxInFlight int  // requests at once; 0: no limit
	Auth        Auth
	Keys        []*Key
	Models      []string // patterns; empty: every model
	ModelMap    map[string]string
	KeySelector *Component
	HealthCheck *HealthCheck // nil: none
	Timeouts    Timeouts
	Range       hcl.Range
}

// Key is one credential of a channel.
type Key struct {
	Value  Secret
	Label  string // "" unless the long form gives one
	Weight float64
	Range  hcl.Range

	Ephemeral bool // it is in no file
}

// Auth says how a channel takes its key.
type Auth struct {
	Style AuthStyle
	Param string // the query parameter of AuthQuery
}

// AuthStyle is a way of carrying a credential.
type AuthStyle string

// The styles of authentication. AuthAuto follows the API that the request
// speaks; AuthPassthrough leaves the caller's own credential as it is.
const (
	AuthAuto        AuthStyle = "auto"
	AuthBearer      AuthStyle = "bearer"
	AuthXAPIKey     AuthStyle = "x-api-key"
	AuthXGoogAPIKey AuthStyle = "x-goog-api-key"
	AuthQuery       AuthStyle = "query"
	AuthNone        AuthStyle = "none"
	AuthPassthrough AuthStyle = "passthrough"
)

// Timeouts bound the phases of one attempt.
type Timeouts struct {
	Connect    time.Duration // dial and TLS handshake; default 10 s
	FirstByte  time.Duration // until the answer's headers, and a stream's first event; default 10 min
	StreamIdle time.Duration // between two reads of an answer; default 120 s
}

// HealthCheck is the schedule of a channel's checker.
type HealthCheck struct {
	Checker  *Component
	Interval time.Duration // default 60 s
	Timeout  time.Duration // default 5 s
	Fall     int           // failures in a row until the channel is down; default 3
	Rise     int           // successes in a row until it is up again; default 1
}

// Route sends the requests of a path to channels by a strategy.
type Route struct {
	Pattern  string // "/v1/**", "/v1/*" or an exact path
	Models   []string
	Channels []*Channel
	Strategy *Component
	Shadows  []*Component // strategies that plan beside it, without a say
	Range    hcl.Range
}

// Makeshift is what serves while a component gives no plan and its last one is
// too old.
type Makeshift string

// The makeshifts. All but the last are plans over what is available, fallbacks
// after all others.
const (
	MakeshiftRoundRobin Makeshift = "round-robin"
	MakeshiftPriority   Makeshift = "priority"
	MakeshiftWeighted   Makeshift = "weighted"
	MakeshiftLeastBusy  Makeshift = "least-busy"
	MakeshiftLastPlan   Makeshift = "last-plan" // the last one, however old
)

// Component is a block that a plugin's component is configured by.
type Component struct {
	Kind   sdk.Kind
	Ref    string          // as written: "priority", "acme/bandit"
	Plugin string          // "" for a built-in
	Name   string          // the component's own name
	Body   json.RawMessage // checked against the component's schema
	Range  hcl.Range       // of the block's header; zero for a default that nobody wrote

	OnFailure Makeshift // what serves when it gives no plan; "" for a health checker
	Expose    []string  // parts of a request's body that a strategy may be told, such as "body.user"

	version, build string               // of the plugin that runs it
	attributes     map[string]hcl.Range // by path, joined with dots: where the plugin's complaints belong
}

// Tunnel is an SSH connection and the ports it opens on the other side.
type Tunnel struct {
	Name       string
	Host       string // host[:port], or an alias of ~/.ssh/config
	User       string // "": as ~/.ssh/config says, or the user here
	Identity   string // a path, which may begin with ~/; "": the agent and the usual files
	Passphrase Secret // of the identity
	Password   Secret
	KnownHosts string // a path, which may begin with ~/; "": as ~/.ssh/config says
	HostKey    string // "SHA256:…": the only key accepted
	Jump       string // [user@]host[:port], several with commas; "": as ~/.ssh/config says
	SSHConfig  *bool  // false: the files of the SSH client are not used; nil: they are
	Keepalive  Keepalive
	Reconnect  Reconnect
	Forwards   []*Forward
	Range      hcl.Range
}

// Keepalive bounds how long a silent link goes unnoticed.
type Keepalive struct {
	Interval time.Duration // default 5 s
	Timeout  time.Duration // default 10 s
}

// Reconnect bounds the pause before the next try.
type Reconnect struct {
	Min time.Duration // default 500 ms
	Max time.Duration // default 30 s
}

// Forward is one address on the far side of a tunnel.
type Forward struct {
	Address string   // "127.0.0.1:9000" or "unix:/path"
	Channel *Channel // nil: the unified entry
	Range   hcl.Range
}

// Retry says when a failed attempt is followed by another.
type Retry struct {
	MaxRetries int   // failures of channels in one request; a key's failure moves to the next key beside it. 0: never a second attempt
	On         []int // statuses that are retried
	Backoff    Backoff
	BaseDelay  time.Duration
	MaxDelay   time.Duration
	AfterSent  bool // also when the site may be at work on the request still
}

// Backoff is how the pause before a repeated attempt grows.
type Backoff string

// The kinds of backoff.
const (
	BackoffExponential Backoff = "exponential"
	BackoffFixed       Backoff = "fixed"
)

// Breaker says when a channel is left alone, and for how long.
type Breaker struct {
	Failures int           // failures in a row that open it
	Ratio    float64       // or this share of at least 20 attempts
	Window   time.Duration // within this time
	Open     time.Duration // first pause; doubles
	MaxOpen  time.Duration
}

// Log is the program's own log.
type Log struct {
	Level  string // trace, debug, info, warn, error
	Format string // text or json
	File   string // "" is standard error
	Rotate bool   // File is rotated as the log of a daemon in the background is
}
