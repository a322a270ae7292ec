package config

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // Windows has no time zones of its own

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/config/block"
	"github.com/aitunnel/aitunnel/core/config/eval"
	"github.com/aitunnel/aitunnel/core/config/wording"
)

// Client is a caller with a token of its own.
type Client struct {
	Name        string
	Token       Secret      `hcl:"token,optional" type:"secret string" example:"env(\"OPENCLAW_TOKEN\", \"put-a-token-here\")" doc:"What the client sends as its API key."`
	TokenSHA256 string      `hcl:"token_sha256,optional" form:"SHA-256" doc:"The SHA-256 of the token in hexadecimal, instead of the token. aitunnel client add NAME creates a token and writes its hash."`
	Models      []string    `hcl:"models,custom" type:"list of strings" sample:"[\"gpt-*\", \"claude-*\"]" doc:"The client may use only these models; * matches any characters. By default all."`
	Paths       []string    `hcl:"paths,custom" type:"list of strings" sample:"[\"/v1/**\"]" doc:"The client may use only these paths, written like those of routes. By default all."`
	Limit       ClientLimit `hcl:"limit,block" doc:"How much the client may use at once. Requests over a limit wait."`
	Budget      Budget      `hcl:"budget,block" doc:"How much the client may use in total within a period. Once the budget is used up, requests get a 429."`
	Range       hcl.Range
}

// The clients that exist without a block. A block with such a name has no token, and sets
// the limits of that client.
const (
	ClientDefault   = "default"   // callers that send one of proxy.client_tokens
	ClientAnonymous = "anonymous" // all callers, if no token is configured

	ClientTest = "channel-test" // the user who tests a channel; limits and budgets do not apply
)

// ClientLimit limits what a client may use at once. 0 is no limit.
type ClientLimit struct {
	RequestsPerMinute int           `hcl:"requests_per_minute,optional" min:"0" max:"1000000000" sample:"60" doc:"Requests per minute. 0: no limit."`
	TokensPerMinute   int           `hcl:"tokens_per_minute,optional" min:"0" max:"1000000000000" sample:"200000" doc:"Tokens per minute, prompts and answers combined. They are estimated when a request starts, and corrected by what the site reports. 0: no limit."`
	Burst             int           `hcl:"burst,optional" min:"0" max:"1000000000" default:"a sixth of requests_per_minute, at least 3" sample:"10" doc:"How many requests may arrive at once after a quiet period."`
	Concurrent        int           `hcl:"concurrent,optional" min:"0" max:"1000000" sample:"4" doc:"Requests in flight at once. 0: no limit."`
	Wait              time.Duration `hcl:"wait,optional" zero:"true" doc:"How long a request waits in the queue, for this limit or because every channel is at its limit, before it gets a 429 with Retry-After."`
}

// Limit limits what may be used of a channel or key at once. 0 is no limit.
type Limit struct {
	RequestsPerMinute int        `hcl:"requests_per_minute,optional" min:"0" max:"1000000000" sample:"50" doc:"Requests per minute. 0: no limit."`
	TokensPerMinute   int        `hcl:"tokens_per_minute,optional" min:"0" max:"1000000000000" sample:"200000" doc:"Tokens per minute, as for a client. 0: no limit."`
	Burst             int        `hcl:"burst,optional" min:"0" max:"1000000000" default:"a sixth of requests_per_minute" sample:"10" doc:"How many requests may arrive at once after a quiet period."`
	Concurrent        Concurrent `hcl:"concurrent,optional" type:"whole number, or \"auto\"" default:"no limit" sample:"20" doc:"Requests in flight at once. \"auto\" finds out how many each key of the channel accepts: more while answers are good and quick, fewer after a 429 or when they get slow."`
}

// Concurrent limits requests in flight: to a number, or to one that is found out
// automatically.
type Concurrent struct {
	Max  int // 0: no limit
	Auto bool
}

// InFlightLimit returns how many requests the channel may have in flight; 0: any
// number.
func (c *Channel) InFlightLimit() int {
	if a, b := c.MaxInFlight, c.Limit.Concurrent.Max; a == 0 || b > 0 && b < a {
		return b
	}
	return c.MaxInFlight
}

// Budget limits what a client uses in total within a period.
type Budget struct {
	Amount float64 `hcl:"amount,optional" min:"0" max:"1000000000" sample:"5" doc:"An amount in the currency of the prices. Every model that the client may use needs a price, all in one currency. 0: no limit."`
	Tokens int     `hcl:"tokens,optional" min:"0" max:"1000000000000000" sample:"2000000" doc:"Tokens, prompts and answers combined. 0: no limit."`
	Per    string  `hcl:"per,optional" enum:"hour,day,week,month" doc:"The period, in time_zone; a week begins on Monday."`

	Currency string // of the amount; "" without one
}

// DefaultWait is how long a request waits for a limit by default.
const DefaultWait = 10 * time.Second

func defaultClient() *Client {
	return &Client{Limit: ClientLimit{Wait: DefaultWait}, Budget: Budget{Per: "day"}}
}

// TokenHash is the form in which tokens are compared.
type TokenHash = [sha256.Size]byte

// HashToken returns the hash of a token.
func HashToken(token string) TokenHash { return sha256.Sum256([]byte(token)) }

// NewToken returns a new token, for apps or for the panel.
func NewToken() string { return "at-" + strings.ToLower(rand.Text()) }

// IsPlaceholder reports whether a token is a placeholder of the example or of init.
// Placeholders are publicly known, so they are not accepted.
func IsPlaceholder(token Secret) bool {
	value := token.Plaintext()
	return strings.HasPrefix(value, "put-") && strings.HasSuffix(value, "-here")
}

// Hash returns the hash of the client's token; ok is false if it has none.
func (c *Client) Hash() (hash TokenHash, ok bool) {
	if c.TokenSHA256 != "" {
		n, err := hex.Decode(hash[:], []byte(c.TokenSHA256))
		return hash, err == nil && n == len(hash)
	}
	return HashToken(c.Token.Plaintext()), !c.Token.IsZero()
}

// Allows reports whether the client may use the model; "" is a request that names none.
func (c *Client) Allows(model string) bool {
	return model == "" || len(c.Models) == 0 || slices.ContainsFunc(c.Models, func(p string) bool { return MatchModel(p, model) })
}

// AllowsPath reports whether the client may use the path.
func (c *Client) AllowsPath(path string) bool {
	return len(c.Paths) == 0 || slices.ContainsFunc(c.Paths, func(p string) bool { return MatchPath(p, path) })
}

// RequiresToken reports whether every request needs a token.
func (c *Config) RequiresToken() bool {
	return len(c.Proxy.ClientTokens) > 0 || slices.ContainsFunc(c.Clients, func(c *Client) bool { _, ok := c.Hash(); return ok })
}

// Client returns the client of that name, nil if it has no block.
func (c *Config) Client(name string) *Client {
	for _, cl := range c.Clients {
		if cl.Name == name {
			return cl
		}
	}
	return nil
}

// Location returns the time zone of budgets.
func (c *Config) Location() *time.Location {
	if c.TimeZone == "" {
		return time.Local
	}
	at, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return time.Local // it was checked, so the system's data has changed
	}
	return at
}

func checkZone(_ *eval.Evaluator, s string) (string, error) {
	if s == "" {
		return s, nil
	}
	if _, err := time.LoadLocation(s); err != nil {
		return s, fmt.Errorf("%q is not a known time zone: expected a name such as \"Europe/Berlin\", \"Asia/Shanghai\" or \"UTC\"", s)
	}
	return s, nil
}

func checkHash(_ *eval.Evaluator, s string) (string, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != sha256.Size {
		return s, fmt.Errorf("expected the 64 hexadecimal digits of a SHA-256: aitunnel client add NAME writes them")
	}
	return strings.ToLower(s), nil
}

func (l *loader) clients() {
	type owner struct {
		name string
		at   hcl.Range
	}
	tokens := map[TokenHash]owner{}
	for _, t := range l.config.Proxy.ClientTokens {
		tokens[HashToken(t.Plaintext())] = owner{ClientDefault, l.config.places["proxy.client_tokens"]}
	}
	for _, b := range l.TopBlocks("client", "name") {
		c := l.client(b)
		if first := l.config.Client(c.Name); first != nil {
			l.Fail(b.DefRange(), "Duplicate client", fmt.Sprintf("Client %q is already declared at %s:%d.", c.Name, first.Range.Filename, first.Range.Start.Line))
			continue
		}
		l.config.Clients = append(l.config.Clients, c)
		hash, ok := c.Hash()
		if !ok {
			continue
		}
		if first, used := tokens[hash]; used {
			l.Fail(b.DefRange(), "Two clients with the same token", fmt.Sprintf("The client %q at %s:%d already has this token: each client needs its own.", first.name, first.at.Filename, first.at.Start.Line))
		}
		tokens[hash] = owner{c.Name, c.Range}
	}
}

func (l *loader) client(b *hclsyntax.Block) *Client {
	c := defaultClient()
	c.Name, c.Range = b.Labels[0], b.DefRange()
	r := l.reader(b, fmt.Sprintf("in client %q", c.Name))
	before := len(l.Diags)
	if strings.TrimSpace(c.Name) == "" || strings.ContainsAny(c.Name, "/\x00\n") || len(c.Name) > 64 {
		l.Fail(b.LabelRanges[0], "Invalid client name", "A client name has 1 to 64 characters and no slash.")
	}
	r.Decode(c)
	r.models(&c.Models)
	r.paths(&c.Paths)
	r.Done()
	if len(l.Diags) == before {
		r.token(c)
		r.budget(c)
	}
	return c
}

// token checks that the client has one token, and those without a block none.
func (r *reader) token(c *Client) {
	token, hash := r.Attributes["token"], r.Attributes["token_sha256"]
	reserved := c.Name == ClientDefault || c.Name == ClientAnonymous
	switch {
	case reserved && token != nil:
		r.Wrong(token, fmt.Sprintf("the client %q has no token of its own: it represents callers that send one of proxy.client_tokens, or all callers if no token is required; choose another name", c.Name))
	case reserved && hash != nil:
		r.Wrong(hash, fmt.Sprintf("the client %q has no token of its own; choose another name", c.Name))
	case reserved:
	case token != nil && hash != nil:
		r.Wrong(hash, "a client has a token or a token_sha256, not both")
	case token == nil && hash == nil:
		r.loader.Fail(r.At, "No token", fmt.Sprintf("The client %q has no token: add token = env(\"NAME\"), or create one with aitunnel client add NAME.", c.Name))
	case token != nil && c.Token.IsZero():
		r.Wrong(token, "the token is empty")
	case token != nil:
		if err := CheckCredential(c.Token.Plaintext()); err != nil {
			r.Wrong(token, err.Error())
		}
	}
}

// paths reads patterns of paths.
func (r *reader) paths(into *[]string) {
	a := r.Texts("paths", into)
	if *into != nil && len(*into) == 0 {
		r.Wrong(a, "the list is empty: remove it to allow every path")
	}
	for _, p := range *into {
		if err := checkPath(p); err != nil {
			r.Wrong(a, err.Error())
		}
	}
}

// models reads patterns of models.
func (r *reader) models(into *[]string) {
	a := r.Texts("models", into)
	if *into != nil && len(*into) == 0 {
		r.Wrong(a, "the list is empty: remove it to accept every model")
	}
	for _, p := range *into {
		if p == "" || strings.ContainsAny(p, " ,\t\n") {
			r.Wrong(a, fmt.Sprintf("%q is not a valid model: each entry is one name, in which * matches any characters, such as \"gpt-*\"", p))
		}
	}
}

// concurrent reads a number, or "auto".
func concurrent(r *block.Reader, name string, into *Concurrent, most float64) {
	a := r.Attribute(name)
	if a == nil {
		return
	}
	v, ok := r.Value(a)
	if !ok {
		return
	}
	if v, _ = v.UnmarkDeep(); !v.IsNull() && v.Type() == cty.String {
		if v.AsString() != "auto" {
			r.Wrong(a, fmt.Sprintf("%q is neither a whole number nor \"auto\". %s", v.AsString(), wording.Sentence(wording.DidYouMean(v.AsString(), []string{"auto"}))))
			return
		}
		*into = Concurrent{Auto: true}
		return
	}
	r.Integer(name, &into.Max, 0, int(most))
}
