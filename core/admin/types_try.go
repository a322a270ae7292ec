package admin

import "github.com/aitunnel/aitunnel/core/event"

// Models are the models that a site offers to the keys of a channel.
type Models struct {
	Models []string `json:"models"`
}

// TryRequest is one request to be sent to a channel, to see how it answers.
type TryRequest struct {
	Model  string `json:"model"`
	Prompt string `json:"prompt"`
	Key    string `json:"key,omitempty"` // the ID of the only key to use
}

// TryResult is the result of a trial.
type TryResult struct {
	OK      bool         `json:"ok"`
	Status  int          `json:"status"`           // 0: no answer
	URL     string       `json:"url,omitempty"`    // where it was sent
	Target  string       `json:"target,omitempty"` // where the site has its API, if the channel's target is another address
	Key     string       `json:"key,omitempty"`
	Text    string       `json:"text"`            // the beginning of what the model said
	Error   string       `json:"error,omitempty"` // why it is not good
	TTFB    event.Millis `json:"ttfb_ms"`
	Content event.Millis `json:"content_ms"` // until the first content; 0: none came
	Total   event.Millis `json:"total_ms"`
	Tokens  Tokens       `json:"tokens"`
}
