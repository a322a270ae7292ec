package dialect

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

var codings = []string{"gzip", "deflate", "raw deflate", "br", "zstd"}

func TestDecode(t *testing.T) {
	plain := bytes.Repeat([]byte(`{"error":{"message":"some words"}}`), 100)
	for _, coding := range codings {
		name := strings.TrimPrefix(coding, "raw ")
		coded := encode(t, coding, plain)
		got, err := Decode(name, coded, 1<<20)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %d bytes, %v", coding, len(got), err)
		}
		got, err = Decode(name, coded, 100)
		if !errors.Is(err, errTooLong) || !bytes.Equal(got, plain[:100]) {
			t.Errorf("%s, limited: %d bytes, %v", coding, len(got), err)
		}
		got, err = Decode(name, coded[:len(coded)-1], 1<<20)
		if err == nil || !bytes.HasPrefix(plain, got) {
			t.Errorf("%s, cut: %d bytes, %v", coding, len(got), err)
		}
		if _, err := Decode(name, []byte("\xff\xfe no such thing"), 1<<20); err == nil {
			t.Errorf("%s: invalid data is decoded", coding)
		}
	}
	if got, err := Decode("", plain, 10); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("not encoded: %d bytes, %v", len(got), err)
	}
	if _, err := Decode("rot13", plain, 10); !errors.Is(err, errCoding) {
		t.Errorf("unknown: %v", err)
	}
}

// flusher is a compressor that can flush.
type flusher interface {
	io.WriteCloser
	Flush() error
}

func flusherOf(coding string, w io.Writer) flusher {
	switch coding {
	case "gzip":
		return gzip.NewWriter(w)
	case "deflate":
		return zlib.NewWriter(w)
	case "br":
		return brotli.NewWriter(w)
	case "zstd":
		z, _ := zstd.NewWriter(w)
		return z
	}
	f, _ := flate.NewWriter(w, 6)
	return f
}

// TestDecoderDoesNotDelay shows that flushed data is decoded at once, whatever the size of
// its pieces.
func TestDecoderDoesNotDelay(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, coding := range codings {
		for _, size := range []int{1, 3, 1 << 20} {
			d := NewDecoder(strings.TrimPrefix(coding, "raw "), 1<<20)
			var sent bytes.Buffer
			w := flusherOf(coding, &sent)
			for i := range 20 {
				event := "data: " + strings.Repeat("word ", i*i) + "\n\n"
				_, _ = io.WriteString(w, event)
				_ = w.Flush()
				var got []byte
				for piece := range pieces(sent.String(), size) {
					got = d.Write(got, []byte(piece))
				}
				sent.Reset()
				if string(got) != event {
					t.Fatalf("%s in pieces of %d: event %d is %q", coding, size, i, got)
				}
			}
			d.Close()
		}
	}
}

func TestDecoderLimit(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, coding := range codings {
		d := NewDecoder(strings.TrimPrefix(coding, "raw "), 1000)
		got := d.Write(nil, encode(t, coding, make([]byte, 10<<20)))
		if got = d.Write(got, []byte("more")); len(got) != 1000 {
			t.Errorf("%s: %d bytes", coding, len(got))
		}
		d.Close()
		d = NewDecoder(strings.TrimPrefix(coding, "raw "), 1000)
		if got := d.Write(nil, []byte("\xff\xfe rubbish rubbish")); len(got) > 0 && coding != "raw deflate" {
			t.Errorf("%s: invalid data is decoded to %q", coding, got)
		}
		d.Close()
		NewDecoder(strings.TrimPrefix(coding, "raw "), 1000).Close() // never used
	}
	if NewDecoder("", 1) != nil || NewDecoder("rot13", 1) != nil {
		t.Error("there is a decoder without an encoding")
	}
}

func TestCoding(t *testing.T) {
	for value, want := range map[string]string{"": "", "identity": "", "GZIP": "gzip", " br ": "br", "gzip, br": "gzip, br"} {
		if got := Coding(http.Header{"Content-Encoding": {value}}); got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
	if CanDecode("gzip, br") || !CanDecode("x-gzip") {
		t.Error("wrong")
	}
}
