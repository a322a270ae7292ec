package admin

import "time"

// Session is what a caller may do.
type Session struct {
	Needed        bool `json:"needed"`        // reading needs the token
	Authenticated bool `json:"authenticated"` // signed in: the configuration can be edited
	Reading       bool `json:"reading"`       // the caller may read
	Phone         bool `json:"phone"`         // signed in, and other devices of the network reach the panel
}

// Login is exchanged for a session: the token, or the code of a link.
type Login struct {
	Token string `json:"token,omitempty"`
	Code  string `json:"code,omitempty"`
}

// Link opens the panel signed in, once.
type Link struct {
	URL string `json:"url"`
}

// PhoneLink opens the panel signed in, once, on another device of the network.
type PhoneLink struct {
	URL  string    `json:"url"`
	QR   string    `json:"qr"`   // the same as an SVG image
	Ends time.Time `json:"ends"` // when it no longer works
}
