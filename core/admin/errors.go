package admin

import "net/http"

// Error is an error with the HTTP status of its answer.
type Error struct {
	Status  int
	Code    string // for programs
	Message string // for the user
	Details any    // a list; nil: none
}

func (e *Error) Error() string { return e.Message }

// NotFound returns the error for something that does not exist.
func NotFound(message string) error {
	return &Error{Status: http.StatusNotFound, Code: "not_found", Message: message}
}

// Refused returns the error for an action that the current state does not allow.
func Refused(code, message string) error {
	return &Error{Status: http.StatusConflict, Code: code, Message: message}
}

// Invalid returns the error for a wrong request.
func Invalid(message string) error {
	return &Error{Status: http.StatusBadRequest, Code: "bad_parameter", Message: message}
}
