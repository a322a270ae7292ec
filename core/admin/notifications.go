package admin

import (
	"net/http"
	"time"
)

// Notification is a service that notifies the user.
type Notification struct {
	Name    string     `json:"name"`
	Service string     `json:"service"` // such as telegram
	Events  []string   `json:"events"`
	Pending int        `json:"pending"`         // problems that were not reported yet
	Sent    *time.Time `json:"sent,omitempty"`  // the last message
	Error   string     `json:"error,omitempty"` // why the last one could not be sent
	Retry   *time.Time `json:"retry,omitempty"` // when it is retried
}

// TestNotificationResult is the result of a test message.
type TestNotificationResult struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// notifyEndpoints are the endpoints for notifications.
func (h *Handler) notifyEndpoints() []endpoint {
	s := h.options.Source
	return []endpoint{
		{method: "GET", path: "/api/notifications", access: observes, summary: "Notification services", handle: show(s.Notifications), out: []Notification{}},
		{method: "POST", path: "/api/notifications/{name}/test", summary: "Send a test message", handle: h.testNotification, out: TestNotificationResult{}, fails: []int{404, 415}},
	}
}

func (h *Handler) testNotification(w http.ResponseWriter, r *http.Request) {
	out, err := h.options.Source.TestNotification(r.Context(), r.PathValue("name"))
	answer(w, http.StatusOK, out, err)
}
