package dialect

// count is one of the numbers that sites give.
type count uint8

const (
	noCount         count = iota
	countInput            // the prompt; for Anthropic without what the caches did
	countOutput           // for Gemini without thoughts
	countTotal            // both
	countCached           // read from a cache, within the prompt
	countCacheRead        // the same, in addition to the prompt
	countCacheWrite       // written to a cache, in addition to the prompt
	countToolUse          // of tools, in addition to the prompt
	countReasoning        // within the output
	countThoughts         // in addition to the output
	numCounts
)

// counts are the numbers of one object, or the highest of several.
type counts [numCounts]uint64

func (c *counts) raise(by *counts) {
	for i, n := range by {
		c[i] = max(c[i], n)
	}
}

// tokens adds up: sites differ in what they count within what.
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
		t.Input = total // of embeddings and rerankers
	case c[countReasoning] > 0 && total == t.Input+t.Output+c[countReasoning]:
		t.Output += c[countReasoning] // xAI counts it in addition to the output
	}
	return t
}

// countNamed returns the number that a field at this depth holds.
func countNamed(name string, depth int) count {
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

// objectReader reads the numbers of a JSON object that comes in pieces.
type objectReader struct {
	counts  counts
	depth   int
	size    int
	quoted  bool
	escaped bool
	named   bool   // the last string was a name, and its value is next
	number  bool   // a number is being read
	value   uint64 // of it
	text    [32]byte
	length  int // of text; longer than it can be for a string that is no name of ours
}

// begin prepares for an object whose brace was read.
func (o *objectReader) begin() { *o = objectReader{depth: 1} }

// read takes bytes up to the end of the object, and says whether it came.
func (o *objectReader) read(b []byte) (n int, ended bool) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if o.quoted {
			i += o.readString(b[i:]) - 1
			continue
		}
		if o.number {
			if c >= '0' && c <= '9' {
				o.value = min(o.value*10+uint64(c-'0'), tooMany)
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

// readString takes bytes of a string up to its end, and returns how many.
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
			o.escaped, o.length = true, len(o.text)+1 // no name of ours has escapes
			return i + 1
		}
	}
	o.keep(b)
	return len(b)
}

// keep adds to the text of the string.
func (o *objectReader) keep(b []byte) {
	if o.length+len(b) > len(o.text) {
		o.length = len(o.text) + 1
		return
	}
	o.length += copy(o.text[o.length:], b)
}

// tooMany tokens are no count.
const tooMany = 1 << 40

func (o *objectReader) endNumber() {
	o.number, o.named = false, false
	if o.depth > 2 || o.length > len(o.text) || o.value >= tooMany {
		return
	}
	if which := countNamed(string(o.text[:o.length]), o.depth); which != noCount {
		o.counts[which] = max(o.counts[which], o.value)
	}
}
