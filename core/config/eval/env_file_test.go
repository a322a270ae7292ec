package eval

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An env_file is read as Docker reads one.
func TestParseEnvFile(t *testing.T) {
	text := "\xef\xbb\xbfFIRST=1\r\n" +
		"# a comment\n\n" +
		"HASH=a#b\n" +
		"COMMENT=a # b\n" +
		`DOLLAR="a\$b"` + "\n" +
		`ESCAPES="a\"b\\c\nd\qe"` + "\n" +
		`SINGLE='a\$b # c'` + "\n" +
		`QUOTE=a"b"` + "\n" +
		`APOSTROPHE='it\'s "a" \'b\' c' # d` + "\n" +
		`BACKSLASH='C:\'` + "\n" +
		`QUOTED="a b" # c` + "\n" +
		"export EXPORTED=x=y\n" +
		"export\tTAB=t\n" +
		"LINES=\"one\r\n  two # no comment\r\nthree\" # c\r\n" +
		"WITH-DASH.and.dot=v\n" +
		"EMPTY=\n" +
		"FROM_ENVIRONMENT\n" +
		"  INDENTED = spaced  \n"
	got, err := parseEnvFile([]byte(text))
	want := map[string]string{
		"FIRST": "1", "HASH": "a#b", "COMMENT": "a", "DOLLAR": "a$b", "ESCAPES": "a\"b\\c\nd\\qe", "SINGLE": `a\$b # c`, "QUOTE": `a"b"`, "APOSTROPHE": `it's "a" 'b' c`, "BACKSLASH": `C:\`, "QUOTED": "a b",
		"EXPORTED": "x=y", "TAB": "t", "LINES": "one\n  two # no comment\nthree", "WITH-DASH.and.dot": "v", "EMPTY": "", "INDENTED": "spaced",
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseInvalidEnvFile(t *testing.T) {
	if _, err := parseEnvFile([]byte("\xff\xfeA\x00=\x00b\x00")); err == nil || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("UTF-16: got %v", err)
	}
	for _, line := range []string{"two words=x", "=x", `A="x`, `A='x`, `A="x"y`, `A='x''y'`, "A=caf\xe9", "caf\xe9=x"} {
		if _, err := parseEnvFile([]byte("OK=1\n" + line)); err == nil || !strings.HasPrefix(err.Error(), "line 2:") {
			t.Errorf("%q: got %v, want an error in line 2", line, err)
		}
	}
}
