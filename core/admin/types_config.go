package admin

// ConfigText is the text of the configuration, with placeholders instead of secrets. A text that is sent
// back may contain them.
type ConfigText struct {
	Path       string       `json:"path"`
	Files      []ConfigFile `json:"files"`
	Text       string       `json:"text"`    // of the first file
	Content    string       `json:"content"` // the same, for scripts of the earlier program
	Generation uint64       `json:"generation"`
	ETag       string       `json:"etag"`
}

// ConfigFile is one file of the configuration.
type ConfigFile struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Draft is a new text for one of the files.
type Draft struct {
	Text string `json:"text"`
	File string `json:"file,omitempty"` // its name; may be omitted if there is only one
}

// ImportRequest is a file of the earlier program with channels to add.
type ImportRequest struct {
	Text    string `json:"text"`              // YAML
	Preview bool   `json:"preview,omitempty"` // only say what would be added
}

// ImportResult says what an import added, or would add.
type ImportResult struct {
	OK     bool     `json:"ok"`
	Added  []string `json:"added"` // channels
	Left   []string `json:"left"`  // channels whose names are in use
	Notes  []string `json:"notes"` // settings without an equivalent
	Reload Reload   `json:"reload"`
}

// Match is what an edit expects to replace: a generation, a text, or, if both
// are empty, whatever is there.
type Match struct {
	Generation uint64
	ETag       string
}
