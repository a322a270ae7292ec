package dialect

import (
	"encoding/json"
	"net/http"
)

// Problem is an error of the proxy, to be sent in the format of a dialect.
type Problem struct {
	Status    int
	Code      string // for programs
	Message   string // for people
	RequestID string
}

func (openAI) ErrorType(p Problem) string {
	switch {
	case p.Status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case p.Status < 500:
		return "invalid_request_error"
	}
	return "server_error"
}

func (d openAI) ErrorBody(p Problem) []byte {
	return marshal(struct {
		Error any `json:"error"`
	}{d.object(p)})
}

func (d openAI) object(p Problem) any {
	return struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    string  `json:"code"`
	}{p.Message, d.ErrorType(p), nil, p.Code}
}

func (anthropic) ErrorType(p Problem) string {
	switch p.Status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusGatewayTimeout:
		return "timeout_error"
	case 529:
		return "overloaded_error"
	}
	if p.Status < 500 {
		return "invalid_request_error"
	}
	return "api_error"
}

func (d anthropic) ErrorBody(p Problem) []byte {
	type object struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	return marshal(struct {
		Type      string `json:"type"`
		Error     object `json:"error"`
		RequestID string `json:"request_id,omitempty"`
	}{"error", object{d.ErrorType(p), p.Message}, p.RequestID})
}

func (gemini) ErrorType(p Problem) string {
	switch p.Status {
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusConflict:
		return "ABORTED"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	case 499:
		return "CANCELLED"
	case http.StatusNotImplemented:
		return "UNIMPLEMENTED"
	case http.StatusInternalServerError:
		return "INTERNAL"
	}
	if p.Status < 500 {
		return "INVALID_ARGUMENT"
	}
	return "UNAVAILABLE"
}

func (d gemini) ErrorBody(p Problem) []byte {
	type object struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Status  string `json:"status"`
	}
	return marshal(struct {
		Error object `json:"error"`
	}{object{p.Status, p.Message, d.ErrorType(p)}})
}

// ErrorType returns OpenAI's type, since Ollama has none.
func (ollama) ErrorType(p Problem) string { return OpenAI.ErrorType(p) }

func (ollama) ErrorBody(p Problem) []byte {
	return marshal(struct {
		Error string `json:"error"`
	}{p.Message})
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("dialect: a value cannot be encoded as JSON: " + err.Error())
	}
	return b
}
