package verdict

import (
	"net/http"
	"time"

	"github.com/aitunnel/aitunnel/core/dialect"
)

// Request has the attributes of the answered request that rules can use.
type Request struct {
	Dialect  string           // one of Dialects; "" if unknown
	Endpoint dialect.Endpoint // "" counts as [dialect.Generate]
	Method   string
	Path     string
	Model    string // as it was sent to the site
	Streamed bool   // a streamed answer was requested
}

// Dialects are the APIs that requests may use, by name.
var Dialects = []string{"openai", "anthropic", "gemini", "ollama"}

// Endpoints are all kinds, for checks and documentation.
var Endpoints = []dialect.Endpoint{dialect.Generate, dialect.Models, dialect.Count, dialect.Moderation, dialect.Rerank, dialect.Account, dialect.Files, dialect.Other}

// MaxBody is the part of a body that is examined, in bytes.
const MaxBody = 64 << 10

// Answer has the parts of a site's answer that are needed to judge it.
type Answer struct {
	Request
	Status int
	Header http.Header
	// Body is the decoded beginning of the body, or one event or line of a
	// stream: raw, or its JSON alone.
	Body []byte
	// Event says that Body is an event of an answer whose status was good.
	Event bool
	// Error says that Body is known to be an error although the status is good.
	Error bool
	// Empty says that a good answer has ended without any content.
	Empty bool
	// SameOrigin says that a redirect leads to the origin that was asked.
	SameOrigin bool
	Now        time.Time
}

// Means is what an answer means.
type Means string

// The meanings.
const (
	Good        Means = "good"
	Blocked     Means = "blocked"
	Overloaded  Means = "overloaded"
	Broken      Means = "broken"
	RateLimited Means = "rate_limited"
	QuotaSpent  Means = "quota_spent"
	InvalidKey  Means = "invalid_key"
	NoAccess    Means = "no_access"
	NoModel     Means = "no_model"
	NoEndpoint  Means = "no_endpoint"
	TooLarge    Means = "too_large"
	Declined    Means = "declined"
	Refused     Means = "refused"
	Suspect     Means = "suspect"
	// Default is for rules only: the answer is judged by its status.
	Default Means = "default"
)

// Scope is what a verdict applies to, and so what cools down or is disabled.
type Scope string

// The scopes.
const (
	ScopeNone            Scope = "none"
	ScopeRequest         Scope = "request"
	ScopeKey             Scope = "key"
	ScopeKeyModel        Scope = "key-model"
	ScopeChannel         Scope = "channel"
	ScopeChannelModel    Scope = "channel-model"
	ScopeChannelEndpoint Scope = "channel-endpoint"
)

// Meaning describes a Means for users.
type Meaning struct {
	Means  Means
	Scope  Scope  // unless a rule says otherwise
	Text   string // what it means
	Effect string
}

// Meanings are all meanings in the order in which they are documented.
var Meanings = []Meaning{
	{Good, ScopeNone, "nothing is wrong", "The answer is passed on."},
	{Blocked, ScopeChannel, "the site refuses this address", "The next egress or channel is tried; no key is penalized. The channel is not used by this egress for 30 s, doubling up to 10 min: at once if the site is explicit, otherwise after two different requests."},
	{Overloaded, ScopeChannel, "the site is overloaded", "The next channel is tried; the failure counts toward the breaker."},
	{Broken, ScopeChannel, "the site is failing", "The next channel is tried; the failure counts toward the breaker."},
	{RateLimited, ScopeKey, "the key has reached a rate limit", "Another key or channel is tried; the key cools down for as long as the site says, otherwise for 30 s, doubling up to 10 min."},
	{QuotaSpent, ScopeKey, "the key's balance or quota is used up", "Another key or channel is tried; the key cools down for an hour, unless the site says for how long, and you are notified."},
	{InvalidKey, ScopeKey, "the key is not valid", "Another key or channel is tried; the key is disabled, and tried again after 5 min, doubling up to an hour."},
	{NoAccess, ScopeKeyModel, "the key may not use this model", "Another key or channel is tried; the key is not used for this model for an hour."},
	{NoModel, ScopeChannelModel, "the site does not have this model", "The next channel is tried; the channel is not used for this model for 10 min."},
	{NoEndpoint, ScopeChannelEndpoint, "the site does not have this endpoint", "The next channel is tried; after two requests the channel is not used for this endpoint for 10 min."},
	{TooLarge, ScopeRequest, "the site's front end rejects requests of this size or form", "The next channel is tried; nothing is penalized."},
	{Declined, ScopeRequest, "the site refuses to serve this request", "One other channel is tried, then the answer is passed on; nothing is penalized."},
	{Refused, ScopeRequest, "the request is at fault", "The answer is passed on; nothing is penalized."},
	{Suspect, ScopeNone, "unknown: the key, the channel or the request is at fault", "Other keys and channels are tried; which of them answer shows what is at fault."},
}

// meaningOf describes a means; the zero Meaning for one that is unknown.
func meaningOf(m Means) Meaning {
	for _, d := range Meanings {
		if d.Means == m {
			return d
		}
	}
	return Meaning{}
}

// Text says in a few words what m means.
func (m Means) Text() string { return meaningOf(m).Text }

// Effect says what happens to the request, and to what is at fault.
func (m Means) Effect() string { return meaningOf(m).Effect }

// Effect is that of the meaning, for the scope of v.
func (v Verdict) Effect() string {
	if v.Scope == meaningOf(v.Means).Scope {
		return v.Means.Effect()
	}
	switch v.Scope {
	case ScopeChannelModel:
		return "The next channel is tried; the channel is not used for this model for as long as the site says, otherwise for a time that increases with each failure, up to 10 min."
	case ScopeChannel:
		return "The next channel is tried; the channel cools down for as long as the site says, otherwise for a time that increases with each failure."
	case ScopeKeyModel:
		return "Another key or channel is tried; the key is not used for this model for as long as the site says, otherwise for a time that increases with each failure."
	case ScopeKey:
		return "Another key or channel is tried; the key cools down for as long as the site says, otherwise for a time that increases with each failure."
	}
	return v.Means.Effect()
}

// Origin says where the rule that decided comes from.
type Origin string

// The origins, in the order in which their rules apply.
const (
	FromChannel Origin = "channel"
	FromUser    Origin = "user"
	FromPlugin  Origin = "plugin"
	FromBuiltin Origin = "built-in"
	FromStatus  Origin = "status" // no rule: the default for the status
)

// Verdict is what an answer means and its effect.
type Verdict struct {
	Means  Means
	Scope  Scope
	Rule   string // the rule's name, or the default's, such as "status 503"
	Origin Origin
	// For is how long the site says to wait; 0 if it does not.
	For time.Duration
	// AtOnce says that one answer is enough for a cooldown of a blocked address.
	AtOnce bool
	// SecondKey is what it means if a second key of the channel gets the same
	// verdict; "" if that changes nothing.
	SecondKey Means
	// Failover says that another candidate may be tried.
	Failover bool
	// SameChannel says that the same channel may be tried again with the same
	// key, after a pause.
	SameChannel bool

	// The error in its normal form. Code, Type and Message are the site's own
	// words: they may repeat a secret, so they are not for logs. Reason is.
	Status  int // 0 if the answer does not say
	Code    string
	Type    string
	Message string
	Page    bool // an HTML page in place of an API's answer
	// Reason is a short text for logs and events. It holds only words that this
	// package knows.
	Reason string
}
