package dialect

// count is one of the token counts that sites report.
type count uint8

const (
	noCount         count = iota
	countInput            // the prompt; Anthropic's excludes cached tokens
	countOutput           // Gemini's excludes thoughts
	countTotal            // input and output
	countCached           // read from a cache, within the prompt
	countCacheRead        // the same, in addition to the prompt
	countCacheWrite       // written to a cache, in addition to the prompt
	countToolUse          // results of tools, in addition to the prompt
	countReasoning        // within the output
	countThoughts         // in addition to the output
	numCounts
)

// counts are the token counts in one object, or the highest of several.
type counts [numCounts]uint64

func (c *counts) raise(by *counts) {
	for i, n := range by {
		c[i] = max(c[i], n)
	}
}

// tokens returns the totals. Sites differ in which counts include others.
func (c *counts) tokens() Tokens {
	t := Tokens{
		Input:      c[countInput] + c[countCacheRead] + c[countCacheWrite] + c[countToolUse],
		Output:     c[countOutput] + c[countThoughts],
		CacheRead:  c[countCached] + c[countCacheRead],
		CacheWrite: c[countCacheWrite],
		Reasoning:  c[countReasoning] + c[countThoughts],
	}
	switch total := c[countTotal]; {
	case t.Input+t.Output == 0:
		t.Input = total // for embeddings and rerankers
	case c[countReasoning] > 0 && total == t.Input+t.Output+c[countReasoning]:
		t.Output += c[countReasoning] // xAI counts it in addition to the output
	}
	return t
}

// countOf returns which count a field at this depth has.
func countOf(name string, depth int) count {
	if depth == 2 {
		switch name {
		case "cached_tokens":
			return countCached
		case "reasoning_tokens":
			return countReasoning
		}
		return noCount
	}
	switch name {
	case "prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count":
		return countInput
	case "completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count":
		return countOutput
	case "total_tokens":
		return countTotal
	case "cachedContentTokenCount", "prompt_cache_hit_tokens", "cached_tokens":
		return countCached
	case "cache_read_input_tokens":
		return countCacheRead
	case "cache_creation_input_tokens":
		return countCacheWrite
	case "toolUsePromptTokenCount":
		return countToolUse
	case "thoughtsTokenCount":
		return countThoughts
	}
	return noCount
}

// objectReader reads the token counts of a JSON object that arrives in pieces.
type objectReader struct {
	counts  counts
	depth   int
	size    int
	quoted  bool
	escaped bool
	named   bool   // the last string was a name, whose value is next
	number  bool   // a number is being read
	value   uint64 // of that number
	text    [32]byte
	length  int // of text; larger than len(text) for a string that cannot be a known name
}

// begin prepares for an object whose opening brace was read.
func (o *objectReader) begin() { *o = objectReader{depth: 1} }

// read reads up to the end of the object, and reports whether that was reached.
func (o *objectReader) read(b []byte) (n int, ended bool) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if o.quoted {
			i += o.readString(b[i:]) - 1
			continue
		}
		if o.number {
			if c >= '0' && c <= '9' {
				o.value = min(o.value*10+uint64(c-'0'), maxCount)
				continue
			}
			o.endNumber()
		}
		switch {
		case c == '"':
			o.quoted, o.escaped, o.named, o.length = true, false, false, 0
		case c == ':':
			o.named = true
		case c >= '0' && c <= '9' && o.named:
			o.number, o.value = true, uint64(c-'0')
		case isBlankByte(c):
		default:
			o.named = false
			switch c {
			case '{', '[':
				o.depth++
			case '}', ']':
				if o.depth--; o.depth == 0 {
					o.size += i + 1
					return i + 1, true
				}
			}
		}
	}
	o.size += len(b)
	return len(b), false
}

// readString reads up to the end of a string, and returns how many bytes.
func (o *objectReader) readString(b []byte) int {
	if o.escaped {
		o.escaped = false
		return 1
	}
	for i, c := range b {
		switch c {
		case '"':
			o.quoted = false
			o.keep(b[:i])
			return i + 1
		case '\\':
			o.escaped, o.length = true, len(o.text)+1 // known names have no escapes
			return i + 1
		}
	}
	o.keep(b)
	return len(b)
}

// keep appends to the text of the string.
func (o *objectReader) keep(b []byte) {
	if o.length+len(b) > len(o.text) {
		o.length = len(o.text) + 1
		return
	}
	o.length += copy(o.text[o.length:], b)
}

// maxCount is the limit of plausible counts.
const maxCount = 1 << 40

func (o *objectReader) endNumber() {
	o.number, o.named = false, false
	if o.depth > 2 || o.length > len(o.text) || o.value >= maxCount {
		return
	}
	if which := countOf(string(o.text[:o.length]), o.depth); which != noCount {
		o.counts[which] = max(o.counts[which], o.value)
	}
}
