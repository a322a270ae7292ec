package admin

import (
	"net/http"
	"time"
)

// Summary is GET /api/stats. Latencies are of the time to the first byte.
type Summary struct {
	Since             time.Time              `json:"since"` // when counting began
	TotalRequests     uint64                 `json:"totalRequests"`
	TotalSuccess      uint64                 `json:"totalSuccess"`
	TotalFail         uint64                 `json:"totalFail"`
	TotalRetries      uint64                 `json:"totalRetries"`
	SuccessRate       *float64               `json:"successRate"` // 0 to 1; null without requests
	RequestsPerSecond float64                `json:"requestsPerSecond"`
	Tokens            Tokens                 `json:"tokens"`
	Channels          map[string]ChannelSums `json:"channels"`
	Models            map[string]Sums        `json:"models"`
	Windows           map[string]Sums        `json:"windows"` // 1m, 1h and 24h
}

// Sums are what one channel, key, model or window adds up to.
type Sums struct {
	Requests    uint64   `json:"requests"`
	Success     uint64   `json:"success"`
	Fail        uint64   `json:"fail"`
	SuccessRate *float64 `json:"successRate"` // 0 to 1; null without requests
	Retries     uint64   `json:"retries"`
	Tokens      Tokens   `json:"tokens"`
	Latency     Latency  `json:"latency"`
}

// ChannelSums are those of a channel with its keys.
type ChannelSums struct {
	Sums
	Keys map[string]Sums `json:"keys"`
}

// Latency are quantiles in ms; 0 without samples.
type Latency struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`

	Samples uint64  `json:"-"` // how many were measured,
	Sum     float64 `json:"-"` // and what they add up to: for /metrics
}

// Question is a request to be explained.
type Question struct {
	Method  string            `json:"method,omitempty"` // default POST
	Path    string            `json:"path"`
	Model   string            `json:"model,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// Explanation is what would be done with a request.
type Explanation struct {
	Route      string      `json:"route"` // its path; "": none matches
	Strategy   string      `json:"strategy"`
	Plan       uint64      `json:"plan"`
	Reason     string      `json:"reason"`     // the plan's
	Candidates []Candidate `json:"candidates"` // in the order in which they would be tried
	Skipped    []Skipped   `json:"skipped"`

	Shadows []WouldChoose `json:"shadows,omitempty"` // which have no say
}

// Candidate is a channel that would be tried, with the key it would get.
type Candidate struct {
	Channel string `json:"channel"`
	Key     string `json:"key,omitempty"`
	Reason  string `json:"reason"`
}

// Skipped is a channel, or one of its keys, that would not be tried.
type Skipped struct {
	Channel string `json:"channel"`
	Key     string `json:"key,omitempty"`
	Why     string `json:"why"` // a code, such as paused, rate_limited or already_tried
}

// Text is the configuration as it is written. What is secret in it is replaced
// by placeholders, which stand for it when the text is sent back.
type Text struct {
	Path       string `json:"path"`
	Files      []File `json:"files"`
	Text       string `json:"text"`    // of the first file
	Content    string `json:"content"` // the same, by the name that the earlier program gave it
	Generation uint64 `json:"generation"`
	ETag       string `json:"etag"`
}

// File is one file of the configuration.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Draft is a text for one of the files.
type Draft struct {
	Text string `json:"text"`
	File string `json:"file,omitempty"` // its name; may be left out where there is one only
}

// Match says what an edit is to replace: a generation, a text, or, where both
// are empty, whatever is there.
type Match struct {
	Generation uint64
	ETag       string
}

// Session says how a caller stands.
type Session struct {
	Needed        bool `json:"needed"` // there is a token, so a caller must show that it knows it
	Authenticated bool `json:"authenticated"`
}

// Login is what a session is given for: the token, or the code of a link.
type Login struct {
	Token string `json:"token,omitempty"`
	Code  string `json:"code,omitempty"`
}

// Link leads into the panel, once.
type Link struct {
	URL string `json:"url"`
}

// Error is an error with the status it is answered with.
type Error struct {
	Status  int
	Code    string // for programs
	Message string // for people
	Details any    // a list; nil: none
}

func (e *Error) Error() string { return e.Message }

// NotFound is the error that there is no such thing.
func NotFound(message string) error {
	return &Error{Status: http.StatusNotFound, Code: "not_found", Message: message}
}

// Refused is the error that the state of things does not allow it.
func Refused(code, message string) error {
	return &Error{Status: http.StatusConflict, Code: code, Message: message}
}

// Invalid is the error that what was sent makes no sense.
func Invalid(message string) error {
	return &Error{Status: http.StatusBadRequest, Code: "bad_parameter", Message: message}
}
