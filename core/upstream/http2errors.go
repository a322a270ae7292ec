package upstream

import (
	"errors"
	"strings"

	"golang.org/x/net/http2"
)

// net/http exports none of its HTTP/2 errors. Its StreamError can be read as the exported
// type of golang.org/x/net/http2. The others have nothing but their texts, so each text has a
// function here, and TestHTTP2Errors gets each of these errors from net/http.

// isNotAccepted reports whether the site did not accept the request: it had announced the
// end of the connection before, or refused the request.
func isNotAccepted(err error) bool {
	return isRefused(err) || isAfterGoAway(err) || isUnusable(err)
}

// isAnswered reports whether the site reacted to the request: it reset the stream, or
// accepted it before GOAWAY, or sent GOAWAY with an error.
func isAnswered(err error) bool {
	return errors.As(err, new(http2.StreamError)) || isDropped(err) || isGoAwayWithError(err)
}

// isRefused reports whether the site reset the stream as one that it did not accept.
func isRefused(err error) bool {
	var stream http2.StreamError
	return errors.As(err, &stream) && stream.Code == http2.ErrCodeRefusedStream
}

// isAfterGoAway reports whether the request came after the last one that the site accepted
// before it closes the connection (net/http: errClientConnGotGoAway).
func isAfterGoAway(err error) bool {
	return strings.Contains(err.Error(), "http2: Transport received Server's graceful shutdown GOAWAY")
}

// isUnusable reports whether the connection was closed, or its end was announced, before the
// request was sent (net/http: errClientConnUnusable).
func isUnusable(err error) bool {
	return strings.Contains(err.Error(), "http2: client conn not usable")
}

// isDropped reports whether the site accepted the request, announced the end of the
// connection, and closed it without an answer (net/http: GoAwayError.Error).
func isDropped(err error) bool {
	return strings.Contains(err.Error(), "http2: server sent GOAWAY and closed the connection")
}

// isGoAwayWithError reports whether the site answered the first request of a connection by
// GOAWAY with an error (net/http: ClientConn.setGoAway).
func isGoAwayWithError(err error) bool {
	return strings.Contains(err.Error(), "http2: Transport received GOAWAY from server ErrCode:")
}
