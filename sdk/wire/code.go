package wire

import (
	"context"
	"errors"
	"strings"
)

// Code names a kind of failure. It is an error itself, and the same value on
// both sides of the wire: package sdk's Err values are codes.
type Code string

// The codes. Names on the wire are frozen; a code unknown to the reader keeps
// its message and equals none of these.
const (
	CodeInvalidConfig Code = "invalid_config"
	CodeUnavailable   Code = "unavailable"
	CodeUnsupported   Code = "unsupported"
	CodeNotFound      Code = "not_found"
	CodePanic         Code = "panic"
	CodeInternal      Code = "internal"
	CodeDeadline      Code = "deadline"
	CodeCanceled      Code = "canceled"
)

var texts = map[Code]string{
	CodeInvalidConfig: "invalid configuration",
	CodeUnavailable:   "unavailable",
	CodeUnsupported:   "unsupported",
	CodeNotFound:      "not found",
	CodePanic:         "component panicked",
	CodeInternal:      "internal error",
	CodeDeadline:      "deadline exceeded",
	CodeCanceled:      "canceled",
}

func (c Code) Error() string {
	if text, ok := texts[c]; ok {
		return text
	}
	return string(c)
}

// Is lets errors.Is find the errors of package context again.
func (c Code) Is(target error) bool {
	return c == CodeDeadline && target == context.DeadlineExceeded ||
		c == CodeCanceled && target == context.Canceled
}

// CodeOf returns the code that err crosses the wire as.
func CodeOf(err error) Code {
	var code Code
	switch {
	case err == nil:
		return ""
	case errors.As(err, &code):
		return code
	case errors.Is(err, context.DeadlineExceeded):
		return CodeDeadline
	case errors.Is(err, context.Canceled):
		return CodeCanceled
	}
	return CodeInternal
}

// Error is a failure that came over the wire.
type Error struct {
	Code    Code
	Message string
	Diags   []Diag
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Code }

// Fail returns the reply that carries err.
func Fail(err error) Reply {
	return Reply{Code: string(CodeOf(err)), Message: clip(err.Error())}
}

// Err returns the failure that the reply carries, an [*Error], or nil.
func (r Reply) Err() error {
	if r.Code == "" {
		return nil
	}
	return &Error{Code: Code(r.Code), Message: clip(r.Message), Diags: r.Diags}
}

// nameFunction replaces the name of a method in the message about a panic by that of the
// function, which its author knows. All versions of the SDK send the name of the method.
func (r *Reply) nameFunction(method string) {
	if Code(r.Code) == CodePanic {
		r.Message = strings.Replace(r.Message, " in "+method+": ", " in "+FunctionOf(method)+": ", 1)
	}
}

func clip(s string) string {
	if len(s) > maxMessage {
		return s[:maxMessage] + "…"
	}
	return s
}
