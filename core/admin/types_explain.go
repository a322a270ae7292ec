package admin

// ExplainRequest is a request to explain.
type ExplainRequest struct {
	Method  string            `json:"method,omitempty"` // default POST
	Path    string            `json:"path"`
	Model   string            `json:"model,omitempty"`
	Client  string            `json:"client,omitempty"` // default any
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"` // for strategies that read it; it is not stored
}

// Explanation describes what would happen to a request.
type Explanation struct {
	Route      string      `json:"route"` // its path; "": none matches
	Strategy   string      `json:"strategy"`
	Plan       uint64      `json:"plan"`
	Reason     string      `json:"reason"`     // of the plan
	Candidates []Candidate `json:"candidates"` // in the order in which they would be tried
	Skipped    []Skipped   `json:"skipped"`
	Refused    string      `json:"refused,omitempty"`  // why the client's request would be refused or would wait now
	Unrouted   string      `json:"unrouted,omitempty"` // why the answer of a strategy that routes each request is not used

	Shadows []ShadowChoice `json:"shadows,omitempty"` // strategies that are only compared
}

// Candidate is a channel that would be tried, with the key that it would use.
type Candidate struct {
	Channel string `json:"channel"`
	Key     string `json:"key,omitempty"`
	Egress  string `json:"egress,omitempty"` // the egress to the site
	Reason  string `json:"reason"`

	Keys        []string `json:"keys,omitempty"` // in the order in which they would be tried
	KeySelector string   `json:"key_selector,omitempty"`
	KeyReason   string   `json:"key_reason,omitempty"` // the reason of the key selector's plan
}

// Skipped is a channel, or one of its keys, that would not be tried.
type Skipped struct {
	Channel string `json:"channel"`
	Key     string `json:"key,omitempty"`
	Why     string `json:"why"`              // a code, such as paused, rate_limited or already_tried
	Reason  string `json:"reason,omitempty"` // the cause, in words
}
