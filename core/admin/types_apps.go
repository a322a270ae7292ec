package admin

// Entry has what apps need to use the proxy.
type Entry struct {
	Address string   `json:"address"` // on this machine, such as http://127.0.0.1:9000
	Tokens  []string `json:"tokens"`  // the tokens of proxy.client_tokens
	// Clients are the clients with tokens of their own.
	Clients []EntryClient `json:"clients"`
}

// EntryClient is a client with a token of its own.
type EntryClient struct {
	Name  string `json:"name"`
	Token string `json:"token,omitempty"` // "": the configuration has only its hash
}

// AppSettings are the settings with which an app uses the proxy. {address}, {token} and {model} are
// placeholders.
type AppSettings struct {
	ID       string       `json:"id"` // its name for aitunnel connect
	Name     string       `json:"name"`
	Writes   bool         `json:"writes"` // aitunnel connect --write writes its files
	Settings []AppSetting `json:"settings"`
}

// AppSetting is a piece of an app's settings.
type AppSetting struct {
	Where string `json:"where"`          // shell, file, or settings: the app's own form
	File  string `json:"file,omitempty"` // below the home directory, as ~/…
	Text  string `json:"text"`
}
