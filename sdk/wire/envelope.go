package wire

import (
	"encoding/json"
	"strings"
)

// Call is one request, in either direction. Its fields are frozen.
type Call struct {
	ID        uint64 // unique among the calls of one connection and direction
	Component string // KIND/NAME; empty for a method of the plugin as a whole
	Instance  string // chosen by the host when it configures an instance
	Method    string
	TimeoutMS int64 // until the caller's deadline, in milliseconds; 0: unlimited
	Body      []byte
}

// Reply answers a [Call]. Its fields are frozen.
type Reply struct {
	Body    []byte
	Code    string // a [Code]; empty: the call succeeded and Body is its result
	Message string
	Diags   []Diag // errors in a configuration, with [CodeInvalidConfig]
}

// Diag is an error in one setting. Its fields are frozen.
type Diag struct {
	Path    []string
	Message string
	Hint    string
}

// Methods of a plugin.
const (
	MethodAttach    = "attach"    // [Attach] to nothing: the plugin calls the host back and watches that connection
	MethodDescribe  = "describe"  // nothing to sdk.Description
	MethodConfigure = "configure" // sdk.Config to nothing: makes the instance
	MethodClose     = "close"     // nothing to nothing: ends the instance
	MethodPlan      = "plan"      // sdk.PlanRequest to sdk.Plan
	MethodPlanKeys  = "plan_keys" // sdk.KeyPlanRequest to sdk.Plan
	MethodCheck     = "check"     // sdk.CheckRequest to sdk.CheckResult
	MethodRoute     = "route"     // sdk.RouteRequest to sdk.RouteReply
)

// MethodObserve takes []sdk.RequestResult to nothing. A host calls it only if the
// component's description says that it is an observer.
const MethodObserve = "observe"

// Methods of the host.
const (
	MethodLifeline = "lifeline" // nothing: never answered, breaks when the host is gone
	MethodProbe    = "probe"    // [Probe] to sdk.ProbeResult
)

// FunctionOf returns the name of the Go function that serves a method, such as PlanKeys for
// plan_keys. It is for messages to people.
func FunctionOf(method string) string {
	name := ""
	for word := range strings.SplitSeq(method, "_") {
		if word != "" {
			name += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return name
}

// Features of this version of the SDK, beyond what protocol 1 began with.
var Features = []string{}

// MaxBody bounds the body of a call and of a reply, in bytes.
const MaxBody = 8 << 20

// maxMessage bounds the text of an error, in bytes.
const maxMessage = 4 << 10

// Probe is the body of [MethodProbe].
type Probe struct {
	Call    uint64          `json:"call"`    // ID of the check on whose behalf it is made
	Request json.RawMessage `json:"request"` // sdk.ProbeRequest
}

// Attach is the body of [MethodAttach].
type Attach struct {
	Broker uint32 `json:"broker"` // the go-plugin broker id at which the host listens
}
