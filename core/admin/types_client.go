package admin

import (
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// Client is an app or person that may use the proxy, with its limits and what it has used.
type Client struct {
	Name    string        `json:"name"`
	Token   bool          `json:"token"`   // it has a token of its own
	Written bool          `json:"written"` // it has a block in the configuration
	State   string        `json:"state"`   // ready, client_limit: its requests wait, or budget_used_up: they are refused
	Models  []string      `json:"models,omitempty"`
	Paths   []string      `json:"paths,omitempty"`
	Limit   ClientLimit   `json:"limit"`
	Waiting int           `json:"waiting"` // requests in its queue
	Active  int           `json:"active"`  // requests in flight
	Budget  *ClientBudget `json:"budget,omitempty"`
}

// The states of a client. Those other than "ready" are the codes with which its requests are
// refused.
const (
	ClientReady        = "ready"
	ClientAtLimit      = "client_limit"
	ClientBudgetUsedUp = event.CodeBudgetUsedUp
)

// ClientStateText returns the state in words.
func ClientStateText(state string) string {
	switch state {
	case ClientAtLimit:
		return "at its limit"
	case ClientBudgetUsedUp:
		return "budget used up"
	}
	return state
}

// ClientLimit is what a client may use at once; 0 is no limit.
type ClientLimit struct {
	RequestsPerMinute int     `json:"requestsPerMinute,omitempty"`
	TokensPerMinute   int     `json:"tokensPerMinute,omitempty"`
	Concurrent        int     `json:"concurrent,omitempty"`
	RequestsUsed      float64 `json:"requestsUsed,omitempty"` // share of the burst that is used, from 0 to 1; above that, requests wait
	TokensUsed        float64 `json:"tokensUsed,omitempty"`
}

// ClientBudget is what a client may use within a period, and what it has used.
type ClientBudget struct {
	Amount         float64   `json:"amount,omitempty"`   // 0: no limit
	Tokens         int       `json:"tokens,omitempty"`   // 0: no limit
	Currency       string    `json:"currency,omitempty"` // of the amounts; "" without amount
	Per            string    `json:"per"`                // hour, day, week or month
	SpentAmount    float64   `json:"spentAmount"`
	SpentTokens    int       `json:"spentTokens"`
	ReservedAmount float64   `json:"reservedAmount"` // for requests in flight
	ReservedTokens int       `json:"reservedTokens"`
	Ends           time.Time `json:"ends"` // when the next period begins
}

// ClientSpec is a new client.
type ClientSpec struct {
	Name   string   `json:"name"`
	Models []string `json:"models,omitempty"`
	Paths  []string `json:"paths,omitempty"`

	RequestsPerMinute int     `json:"requestsPerMinute,omitempty"` // 0: no limit
	TokensPerMinute   int     `json:"tokensPerMinute,omitempty"`   // 0: no limit
	Concurrent        int     `json:"concurrent,omitempty"`        // requests in flight; 0: no limit
	Budget            float64 `json:"budget,omitempty"`            // an amount in the currency of the prices; 0: no limit
	BudgetTokens      int     `json:"budgetTokens,omitempty"`      // 0: no limit
	Per               string  `json:"per,omitempty"`               // of the budget: hour, day, week or month; "": day
}

// AddClientResult is the answer to adding a client. The token is shown only once; the configuration has
// its hash.
type AddClientResult struct {
	OK     bool   `json:"ok"`
	Name   string `json:"name"`
	Token  string `json:"token"`
	Reload Reload `json:"reload"`
}
