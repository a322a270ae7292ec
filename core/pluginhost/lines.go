package pluginhost

import "bytes"

// maxLine is how many bytes of a line of a plugin's output are kept.
const maxLine = 8 << 10

// lines splits what is written to it into lines, and passes each to handle, without its end
// and cut to maxLine. It is not safe for concurrent use.
type lines struct {
	handle func(line string)
	buf    []byte
	cut    bool
}

func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.keep(p)
			return n, nil
		}
		l.keep(p[:i])
		l.flush()
		p = p[i+1:]
	}
}

func (l *lines) keep(p []byte) {
	if room := maxLine - len(l.buf); len(p) > room {
		p, l.cut = p[:room], true
	}
	l.buf = append(l.buf, p...)
}

// flush passes on the last line, which may have no end.
func (l *lines) flush() {
	line := string(bytes.TrimRight(l.buf, "\r"))
	if l.cut {
		line += "…"
	}
	l.buf, l.cut = l.buf[:0], false
	if line != "" {
		l.handle(line)
	}
}
