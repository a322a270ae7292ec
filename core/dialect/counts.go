package dialect

// count is one of the token counts that sites report.
type count uint8

const (
	noCount         count = iota
	countPrompt           // the prompt, including cached tokens
	countInput            // the prompt; Anthropic's excludes cached tokens
	countOutput           // Gemini's excludes thoughts
	countTotal            // input and output
	countCached           // read from a cache, within the prompt
	countWritten          // written to a cache, within the prompt
	countCacheRead        // read from a cache, in addition to Anthropic's prompt
	countCacheWrite       // written to a cache, in addition to Anthropic's prompt
	countToolUse          // results of tools, in addition to the prompt
	countReasoning        // within the output
	countThoughts         // in addition to the output
	numCounts
)

// counts are the token counts in one object, or the last of several.
type counts [numCounts]uint64

// update takes the counts of a later object, which may lack some, or have 0 for them: the
// first ones of a stream may be estimates.
func (c *counts) update(by *counts) {
	for i, n := range by {
		if n > 0 {
			c[i] = n
		}
	}
}

// tokens returns the totals. Sites differ in which counts include others.
func (c *counts) tokens() Tokens {
	t := Tokens{
		Input:      max(c[countPrompt], c[countInput]),
		Output:     c[countOutput] + c[countThoughts],
		CacheRead:  max(c[countCached], c[countCacheRead]), // relays report it in both forms
		CacheWrite: max(c[countWritten], c[countCacheWrite]),
		Reasoning:  c[countReasoning] + c[countThoughts],
	}
	within := c[countPrompt]+c[countCached]+c[countWritten] > 0
	if cached := t.CacheRead + t.CacheWrite; !within || cached > t.Input {
		t.Input += cached
	}
	t.Input += c[countToolUse]
	t.addHidden(c)
	return t
}

// addHidden adds what the output, or everything, lacks.
func (t *Tokens) addHidden(c *counts) {
	total, known := c[countTotal], t.Input+t.Output
	switch {
	case known == 0:
		t.Input = total // for embeddings and rerankers
	case total > known && (c[countPrompt] > 0 || total == known+t.Reasoning):
		// Gemini and xAI count reasoning in the total only; Gemini does not name it.
		t.Output += total - known
		t.Reasoning = max(t.Reasoning, total-known)
	case t.Reasoning > t.Output: // Perplexity counts it in addition to both
		t.Output += t.Reasoning
	}
}

// countOf returns which count a field at this depth has.
func countOf(name string, depth int) count {
	if depth == 2 {
		switch name {
		case "cached_tokens":
			return countCached
		case "cache_write_tokens", "cache_creation_tokens", "cached_creation_tokens", "cache_creation_input_tokens":
			return countWritten
		case "reasoning_tokens":
			return countReasoning
		}
		return noCount
	}
	switch name {
	case "prompt_tokens":
		return countPrompt
	case "input_tokens", "promptTokenCount", "prompt_eval_count", "inputTokens", "total_input_tokens":
		return countInput
	case "completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count", "outputTokens", "total_output_tokens":
		return countOutput
	case "total_tokens":
		return countTotal
	case "cachedContentTokenCount", "prompt_cache_hit_tokens", "cached_tokens", "total_cached_tokens":
		return countCached
	case "cache_read_input_tokens", "cacheReadInputTokens":
		return countCacheRead
	case "cache_creation_input_tokens", "cacheWriteInputTokens":
		return countCacheWrite
	case "toolUsePromptTokenCount", "total_tool_use_tokens":
		return countToolUse
	case "reasoning_tokens":
		return countReasoning
	case "thoughtsTokenCount", "total_thought_tokens":
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
	digits  int    // of a number in quotes, which some sites send; -1: the string is none
	valued  bool   // the string that is being read is a value, not a name
	value   uint64 // of the number
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
				o.addDigit(c)
				continue
			}
			o.endNumber()
		}
		switch {
		case c == '"':
			o.beginString()
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

func (o *objectReader) addDigit(c byte) { o.value = min(o.value*10+uint64(c-'0'), maxCount) }

func (o *objectReader) beginString() {
	o.quoted, o.escaped, o.valued, o.named = true, false, o.named, false
	if o.valued {
		o.digits, o.value = 0, 0
	} else {
		o.length = 0
	}
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
			if o.valued && o.digits > 0 {
				o.endNumber()
			}
			return i + 1
		case '\\':
			o.escaped, o.length, o.digits = true, len(o.text)+1, -1 // known names and numbers have no escapes
			return i + 1
		}
	}
	o.keep(b)
	return len(b)
}

// keep appends to the text of a name, or reads more of a number in quotes.
func (o *objectReader) keep(b []byte) {
	if o.valued {
		o.keepDigits(b)
		return
	}
	if o.length+len(b) > len(o.text) {
		o.length = len(o.text) + 1
		return
	}
	o.length += copy(o.text[o.length:], b)
}

func (o *objectReader) keepDigits(b []byte) {
	for _, c := range b {
		if o.digits < 0 {
			return
		}
		if c < '0' || c > '9' {
			o.digits = -1
			return
		}
		o.digits++
		o.addDigit(c)
	}
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
