package config

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/core/price"
	"github.com/aitunnel/aitunnel/sdk"
)

// Config is a whole configuration, checked and complete: every default is
// filled in, every reference resolved. It is never changed after [Load].
//
// Settings are declared by the tags of fields: see [block.Setting]. The same declarations are used to
// read, check and document them.
type Config struct {
	Path     string // the file or directory it was read from
	Proxy    Proxy
	Admin    Admin
	Plugins  []*Plugin
	Clients  []*Client
	Notify   []*Notify
	Channels []*Channel
	Routes   []*Route
	Tunnels  []*Tunnel
	Egresses []*Egress
	Verdicts []*Verdict
	Retry    Retry
	Breaker  Breaker
	Log      Log
	History  History
	Prices   *price.Book // of the price blocks and the price file; never nil

	Drain     time.Duration `hcl:"drain,optional" zero:"true" doc:"How long stop and restart wait for requests in flight. After that, streams end with an error event. A reload does not end streams."`
	HotReload bool          `hcl:"hot_reload,optional" doc:"Apply changes of the configuration, and of every file that it reads, when they are saved. With false, run aitunnel reload."`
	TimeZone  string        `hcl:"time_zone,optional" form:"time zone" sample:"Europe/Berlin" doc:"The time zone in which the hours, days, weeks and months of budgets begin. By default the system's."`
	EnvFile   string        `hcl:"env_file,custom" type:"string" sample:".env" doc:"A file of NAME=value lines for env(). The real environment takes precedence. It must be a plain string, because the file is read before everything else."`

	PriceFile string   `hcl:"price_file,optional" form:"file" sample:"model_prices.json" doc:"A file of prices in LiteLLM's format, in US dollars, for models that no price block matches."`
	prices    []*Price // the price blocks
	priceSum  string   // of the content of the price file

	places map[string]hcl.Range // of the attributes of the blocks without labels

	verdictSets map[string]pluginRules // by plugin
}

// Proxy is the entry: the address at which apps send requests.
type Proxy struct {
	Listen          string        `hcl:"listen,optional" form:"address" doc:"The address that apps use as their base URL, as host:port."`
	ClientTokens    []Secret      `hcl:"client_tokens,optional" type:"list of secret strings" example:"[env(\"CLIENT_TOKEN\", \"put-a-token-here\")]" doc:"Apps send one of these as their API key. Without any, anyone who can reach the port can use the keys."`
	Origins         []string      `hcl:"origins,optional" sample:"[\"https://app.example\"]" doc:"Web origins whose pages may call the proxy."`
	MaxBody         int64         `hcl:"max_body,optional" doc:"Larger requests get a 413."`
	ReplayLimit     int64         `hcl:"replay_limit,optional" doc:"A larger request body is streamed to the channel, and cannot be retried once it was sent."`
	BufferLimit     int64         `hcl:"buffer_limit,optional" doc:"Memory that all request bodies together may take."`
	MaxInFlight     int           `hcl:"max_in_flight,optional" min:"0" max:"1000000" doc:"Maximum number of requests in flight. More get a 503 with Retry-After. 0: no limit."`
	StreamKeepalive time.Duration `hcl:"stream_keepalive,optional" zero:"true" doc:"How often a comment is sent to a caller that waits for the next event of a stream. \"0s\" turns it off."`
}

// Admin is the port of the API, the event stream and the panel.
type Admin struct {
	Listen      string   `hcl:"listen,optional" form:"address or empty" doc:"The address of the panel, the API and the event stream. \"\" turns the port off."`
	Token       Secret   `hcl:"token,optional" type:"secret string" example:"env(\"ADMIN_TOKEN\", \"\")" doc:"The token that the panel and the API require. By default one is generated. It must be set if other machines can reach the port."`
	Origins     []string `hcl:"origins,optional" sample:"[\"https://app.example\"]" doc:"Web origins whose pages may call the API."`
	OpenMetrics bool     `hcl:"open_metrics,optional" doc:"Serve /metrics without a token."`
}

// Plugin is a third-party executable.
type Plugin struct {
	Name       string
	Source     string            `hcl:"source,optional" form:"plugin source" sample:"github.com/acme/aitunnel-plugin-acme" doc:"Where aitunnel plugin init and upgrade get it: a repository on GitHub, the https address of an archive, or the path, which begins with ./, / or ~, of an executable, an archive or a folder of archives."`
	Version    string            `hcl:"version,optional" form:"version constraint" sample:">= 1.2, < 2.0" doc:"Versions that are accepted. By default any."`
	SigningKey string            `hcl:"signing_key,optional" form:"minisign key" sample:"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3" doc:"The author's public key for minisign. Releases must be signed with it."`
	Path       string            `hcl:"path,optional" form:"file" sample:"/usr/local/lib/aitunnel-plugin-acme" doc:"The executable. By default aitunnel-plugin-NAME is looked up in the plugin directories."`
	Args       []string          `hcl:"args,optional" sample:"[\"--verbose\"]" doc:"Arguments of the executable."`
	Env        map[string]Secret `hcl:"env,optional" type:"map of secret strings" sample:"{ TOKEN = env(\"TOKEN\") }" doc:"Environment variables of the process. It sees no others, except PATH, HOME and the like."`
	Resources  Resources         `hcl:"resources,block" doc:"Resource limits of the process. Above the memory limit it is restarted; log lines above the limit are dropped and counted."`
	Range      hcl.Range
}

// Resources limit the process of a plugin.
type Resources struct {
	Memory   int64 `hcl:"memory,optional" doc:"Resident memory, on Linux and macOS. 0: no limit."`
	LogLines int   `hcl:"log_lines,optional" min:"0" max:"1000000" doc:"Log lines per second. 0: no limit."`
}

// DefaultResources returns the limits of a plugin whose block sets none.
func DefaultResources() Resources { return Resources{Memory: 512 << 20, LogLines: 200} }

// Channel is one site with its pool of keys.
type Channel struct {
	Name        string
	Target      *url.URL          `hcl:"target,custom" type:"URL" required:"true" example:"https://api-site.example/base" doc:"Address of the site. The path of a request is appended to its path."` // scheme, host and base path; never a query or user
	Weight      float64           `hcl:"weight,optional" min:"0" max:"2147483647" doc:"Share of requests, or order, as the strategy of the route uses it."`
	Fallback    bool              `hcl:"fallback,optional" doc:"Use this channel only when the others are unavailable."`
	Disabled    bool              `hcl:"disabled,optional" doc:"Start paused. aitunnel channel resume NAME resumes it."`
	MaxInFlight int               `hcl:"max_in_flight,optional" min:"0" max:"2147483647" doc:"Requests in flight at once. 0: no limit."`
	Auth        Auth              `hcl:"auth,custom" type:"string" default:"\"auto\"" doc:"How the key is sent: \"bearer\", \"x-api-key\", \"x-goog-api-key\", \"query:NAME\", \"none\" (no key is sent), \"passthrough\" (the caller's own credential is sent), or \"auto\", which follows the API of the request."`
	Keys        []*Key            `hcl:"keys,custom" type:"list of secret strings" block:"key" example:"[env(\"KEY_1\", \"put-your-key-here\")]" doc:"The keys. Use a key block for a key with a label or a weight."`
	Models      []string          `hcl:"models,custom" type:"list of strings" sample:"[\"gpt-*\", \"claude-*\"]" doc:"Only these models are sent here; * matches any characters, as in \"gpt-*\". By default all."` // patterns; empty: every model
	ModelMap    map[string]string `hcl:"model_map,optional" sample:"{ \"gpt-4o\" = \"gpt-4o-2024-11-20\" }" doc:"Names of models at this site: { \"name in the request\" = \"name at the site\" }."`
	PriceFactor float64           `hcl:"price_factor,optional" min:"0" max:"1000" sample:"0.3" doc:"What this site charges, as a factor of a model's price: 0.3 is 30 %."`
	Egress      []*Egress         `hcl:"egress,custom" type:"list of egresses" sample:"[egress.direct, egress.home]" default:"the proxy set in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, else a direct connection" doc:"The egresses through which the site is reached, in this order: the next one is used while the site refuses the address of one, or cannot be reached through it."`
	WebSocket   bool              `hcl:"websocket,optional" doc:"The site serves WebSocket connections."`
	VerdictSets []string          `hcl:"verdicts,optional" sample:"[\"acme\"]" doc:"Plugins whose verdicts apply to the answers of this site."`
	KeySelector *Component        `hcl:"key_selector,component" doc:"Which key is used next. By default \"round-robin\"."`
	HealthCheck *HealthCheck      `hcl:"health_check,component" doc:"How the site is checked. By default there is no check. Health checkers have their own settings: see aitunnel plugin info."` // nil: none
	Timeouts    Timeouts          `hcl:"timeouts,block" doc:"Limits of one attempt."`
	Limit       Limit             `hcl:"limit,block" doc:"How much of the site may be used at once. A channel at its limit is skipped, like one that is cooling down; if all are, requests wait."`
	Verdicts    []*Verdict        `hcl:"verdict,blocks" doc:"What answers of this site mean; see verdict."`
	Range       hcl.Range
}

// Key is one credential of a channel.
type Key struct {
	Value  Secret  `hcl:"value" type:"secret string" example:"env(\"KEY_TEAM\", \"put-your-key-here\")" doc:"The key."`
	Label  string  // "" unless the long form gives one
	Weight float64 `hcl:"weight,optional" min:"0" max:"2147483647" doc:"Share of requests, for key selectors that use it."`
	Limit  Limit   `hcl:"limit,block" doc:"How much of the key may be used at once. A key at its limit is skipped."`
	Range  hcl.Range

	Ephemeral bool // added at run time, not in a file
}

// Auth is how a key is sent to a channel's site.
type Auth struct {
	Style AuthStyle
	Param string // the query parameter of AuthQuery
}

// AuthStyle is a way to send a credential.
type AuthStyle string

// The styles of authentication. AuthAuto follows the API of the request; AuthPassthrough sends
// the caller's own credential.
const (
	AuthAuto        AuthStyle = "auto"
	AuthBearer      AuthStyle = "bearer"
	AuthXAPIKey     AuthStyle = "x-api-key"
	AuthXGoogAPIKey AuthStyle = "x-goog-api-key"
	AuthQuery       AuthStyle = "query"
	AuthNone        AuthStyle = "none"
	AuthPassthrough AuthStyle = "passthrough"
)

// Timeouts limit the phases of one attempt.
type Timeouts struct {
	Connect    time.Duration `hcl:"connect,optional" doc:"Time for connecting and the TLS handshake."`
	FirstByte  time.Duration `hcl:"first_byte,optional" sample:"60s" default:"\"60s\" for a streamed answer, \"4m\" for any other, \"10m\" if no other channel is left" doc:"Time until the header of the answer and, for a stream, its first event. A value here applies in all cases."` // 0: see [FirstByteStreamed]
	StreamIdle time.Duration `hcl:"stream_idle,optional" doc:"Longest pause between two parts of an answer."`
}

// The defaults of first_byte. Clients give up after 5 minutes: while another
// channel is left, an attempt must end before that.
const (
	FirstByteStreamed = time.Minute
	FirstByteWhole    = 4 * time.Minute
	FirstByteLast     = 10 * time.Minute
)

// HealthCheck is the schedule of a channel's checker.
type HealthCheck struct {
	Checker  *Component
	Interval time.Duration `hcl:"interval,optional" doc:"Time between two checks."`
	Timeout  time.Duration `hcl:"timeout,optional" doc:"Time limit of one check."`
	Fall     int           `hcl:"fall,optional" min:"1" max:"100" doc:"Failures in a row after which the channel is down."`
	Rise     int           `hcl:"rise,optional" min:"1" max:"100" doc:"Successes in a row after which it is up again."`
}

// Route sends the requests of a path to channels by a strategy.
type Route struct {
	Pattern     string       // "/v1/**", "/v1/*" or an exact path
	Models      []string     `hcl:"models,custom" type:"list of strings" sample:"[\"gpt-*\"]" doc:"Only requests for these models; * matches any characters. By default all."`
	Channels    []*Channel   `hcl:"channels,custom" type:"list of channels" required:"true" example:"[channel.primary, channel.backup]" doc:"The channels that may answer."`
	ModelsMerge bool         `hcl:"models_merge,optional" doc:"Answer a request for the list of models with those of all channels of the route. With false, one channel answers."`
	Strategy    *Component   `hcl:"strategy,component" doc:"In which order the channels are tried. By default \"priority\"."`
	Shadows     []*Component `hcl:"shadow,component" doc:"A strategy that only plans: aitunnel plugin list shows what it would choose."`
	Range       hcl.Range
}

// OnFailure is what is used while a component gives no plan and its last one is
// too old.
type OnFailure string

// All but the last are plans over the available candidates, fallback channels last.
const (
	OnFailureRoundRobin OnFailure = "round-robin"
	OnFailurePriority   OnFailure = "priority"
	OnFailureWeighted   OnFailure = "weighted"
	OnFailureLeastBusy  OnFailure = "least-busy"
	OnFailureLastPlan   OnFailure = "last-plan" // the last one, however old
)

// Component is the block that configures a component.
type Component struct {
	Kind   sdk.Kind
	Ref    string          // as written: "priority", "acme/bandit"
	Plugin string          // "" for a built-in
	Name   string          // the component's own name
	Body   json.RawMessage // checked against the component's schema
	Range  hcl.Range       // of the block's header; zero for a default

	OnFailure OnFailure // "" for a health checker
	Expose    []string  // parts of a request's body that a strategy may see, such as "body.user"

	version, build string               // of the plugin that runs it
	attributes     map[string]hcl.Range // by path, joined with dots: the places for the plugin's errors
}

// Tunnel is an SSH connection and the ports it opens on the other side.
type Tunnel struct {
	Name       string
	Host       string     `hcl:"host" form:"SSH host" example:"203.0.113.10:22" doc:"host, host:port, or an alias of ~/.ssh/config."`
	User       string     `hcl:"user,optional" sample:"tunnel" doc:"By default as set in ~/.ssh/config, or the name of the local user."`
	Identity   string     `hcl:"identity,optional" form:"file at home" sample:"~/.ssh/id_ed25519" doc:"Private key file. By default the agent's keys, then the usual files."` // may begin with ~/
	Passphrase Secret     `hcl:"passphrase,optional" type:"secret string" sample:"env(\"KEY_PASSPHRASE\")" doc:"Passphrase of the identity."`
	Password   Secret     `hcl:"password,optional" type:"secret string" sample:"env(\"VPS_PASSWORD\")" doc:"Sent once, if the server asks for one."`
	KnownHosts string     `hcl:"known_hosts,optional" form:"file at home" sample:"~/.ssh/known_hosts" doc:"File of known host keys, to which aitunnel tunnel trust NAME adds. By default as set in ~/.ssh/config."`
	HostKey    string     `hcl:"host_key,optional" form:"host key" sample:"SHA256:…" doc:"Fingerprint of the only host key that is accepted, such as \"SHA256:…\", instead of known_hosts."`
	Jump       string     `hcl:"jump,optional" form:"jump hosts" sample:"user@bastion.example" doc:"[user@]host[:port] to connect through, several separated by commas. By default as set in ~/.ssh/config."`
	SSHConfig  *bool      `hcl:"ssh_config,optional" default:"true" doc:"Read ~/.ssh/config and the system's file."`
	Keepalive  Keepalive  `hcl:"keepalive,block" doc:"How a dead connection is noticed."`
	Reconnect  Reconnect  `hcl:"reconnect,block" doc:"The pause before it connects again."`
	Forwards   []*Forward `hcl:"forward,blocks" doc:"An address that is opened on the server. At least one is required, unless an egress uses the tunnel."`
	Range      hcl.Range
}

// Keepalive limits how long a dead connection stays unnoticed.
type Keepalive struct {
	Interval time.Duration `hcl:"interval,optional" doc:"Time between two checks of a silent connection."`
	Timeout  time.Duration `hcl:"timeout,optional" doc:"Without an answer for this long, the connection is dead."`
}

// Reconnect limits the pause before a tunnel connects again.
type Reconnect struct {
	Min time.Duration `hcl:"min,optional" doc:"The first pause; each following one is longer."`
	Max time.Duration `hcl:"max,optional" doc:"The longest pause."`
}

// Forward is one address that a tunnel opens on its server.
type Forward struct {
	Address string   // "127.0.0.1:9000" or "unix:/path"
	Channel *Channel `hcl:"channel,custom" type:"channel" sample:"channel.backup" doc:"Send everything that arrives here to this channel, bypassing the routes. By default requests follow the routes."`
	Range   hcl.Range
}

// Retry configures the retries after failed attempts.
type Retry struct {
	MaxRetries int           `hcl:"max_retries,optional" min:"0" max:"20" doc:"How many times one request may be retried after a channel failed. Switching to another key of the same channel does not count."`
	MaxExtra   float64       `hcl:"max_extra,optional" min:"0" max:"10" doc:"Retries per request, on average over all requests: 0.2 is one retry for five requests. This keeps an outage from multiplying the load."`
	On         []int         `hcl:"on,optional" sample:"[408, 429, 500, 502, 503, 504]" default:"[408, 425, 429, 498, 499, 500, 502, 503, 504, 507] and 520 to 599" doc:"Statuses that are retried."`
	Backoff    Backoff       `hcl:"backoff,optional" enum:"exponential,fixed" doc:"How the pause before a retry grows."`
	BaseDelay  time.Duration `hcl:"base_delay,optional" zero:"true" doc:"The first pause."`
	MaxDelay   time.Duration `hcl:"max_delay,optional" zero:"true" doc:"The longest pause."`
	AfterSent  bool          `hcl:"after_sent,optional" doc:"Retry even if the site may already be working on the request. With false, a request that was sent completely is not retried."`
}

// DefaultRetryOn returns the default of retry.on.
func DefaultRetryOn() []int {
	on := []int{408, 425, 429, 498, 499, 500, 502, 503, 504, 507}
	for status := 520; status < 600; status++ {
		on = append(on, status)
	}
	return on
}

// Backoff is how the pause before a repeated attempt grows.
type Backoff string

// The kinds of backoff.
const (
	BackoffExponential Backoff = "exponential"
	BackoffFixed       Backoff = "fixed"
)

// Breaker configures when a circuit breaker opens, and for how long.
type Breaker struct {
	Failures int           `hcl:"failures,optional" min:"1" max:"2147483647" doc:"Failures in a row that open the breaker of a channel."`
	Ratio    float64       `hcl:"ratio,optional" min:"0.01" max:"1" doc:"A share of failures, among at least 20 attempts within the window, that opens it too."`
	Window   time.Duration `hcl:"window,optional" doc:"The time over which ratio is computed."`
	Open     time.Duration `hcl:"open,optional" doc:"How long an open breaker keeps the channel out of use; it doubles each time."`
	MaxOpen  time.Duration `hcl:"max_open,optional" doc:"The longest time that a breaker stays open."`
}

// Log is the program's own log.
type Log struct {
	Level  string `hcl:"level,optional" enum:"trace,debug,info,warn,error" doc:"The least important messages that are logged."`
	Format string `hcl:"format,optional" enum:"text,json" doc:"Format of the messages."`
	File   string `hcl:"file,optional" form:"file" sample:"/var/log/aitunnel.log" doc:"Log file. By default standard error."`
	Rotate bool   `hcl:"rotate,optional" doc:"Rotate the file, like the log of a program that runs in the background."`
}

// selectorSettings, strategySettings and shadowSettings document what the blocks of components
// contain in addition to the settings of the component.
type selectorSettings struct {
	OnFailure any `hcl:"on_failure,custom" type:"string" default:"\"round-robin\"" sample:"round-robin" doc:"What is used when the component gives no plan: \"round-robin\", \"priority\", \"weighted\", \"least-busy\", or \"last-plan\", however old."`
}

type strategySettings struct {
	OnFailure any `hcl:"on_failure,custom" type:"string" default:"\"round-robin\"" sample:"round-robin" doc:"What is used when the component gives no plan: \"round-robin\", \"priority\", \"weighted\", \"least-busy\", or \"last-plan\", however old."`
	Expose    any `hcl:"expose,custom" type:"list of strings" sample:"[\"body.user\"]" doc:"Parts of the request's body that the strategy may see."`
}

type shadowSettings struct {
	Expose any `hcl:"expose,custom" type:"list of strings" sample:"[\"body.user\"]" doc:"Parts of the request's body that the strategy may see."`
}

// variableSettings is a variable block.
type variableSettings struct {
	Default     any    `hcl:"default,custom" type:"any" example:"env(\"HOME_KEY\", \"put-your-key-here\")" doc:"The value if none is given with --var NAME=value or in AITUNNEL_VAR_NAME. Without a default, one must be given."`
	Sensitive   bool   `hcl:"sensitive,optional" doc:"Never show the value."`
	Description string `hcl:"description,optional" sample:"the key of the account at home" doc:"A note for readers."`
}
