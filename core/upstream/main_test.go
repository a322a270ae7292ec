package upstream

import (
	"io"
	"log"
	"os"
	"testing"
)

// TestMain silences net/http, whose transport logs unsolicited bytes.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}
