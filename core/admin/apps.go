package admin

import (
	"net/http"
	"strings"

	"github.com/aitunnel/aitunnel/core/connect"
)

// apps answers with the settings of all apps.
func (h *Handler) apps(w http.ResponseWriter, _ *http.Request) {
	e := connect.Entry{Address: "{address}", Token: "{token}", Models: []string{"{model}"}}
	out := []AppSettings{}
	for _, a := range connect.Apps() {
		s := AppSettings{ID: a.ID, Name: a.Name, Writes: a.Files != nil, Settings: []AppSetting{}}
		if a.Variables != nil {
			var lines []string
			for _, v := range a.Variables(e) {
				lines = append(lines, "export "+v[0]+"="+v[1])
			}
			s.Settings = append(s.Settings, AppSetting{Where: "shell", Text: strings.Join(lines, "\n")})
		}
		if a.Command != nil {
			s.Settings = append(s.Settings, AppSetting{Where: "shell", Text: a.Command(e)})
		}
		if a.Files != nil {
			for _, f := range a.Files(e, "~") {
				text, err := f.Text()
				if err != nil {
					answer(w, http.StatusOK, nil, err)
					return
				}
				s.Settings = append(s.Settings, AppSetting{Where: "file", File: f.Path, Text: strings.TrimSuffix(text, "\n")})
			}
		}
		if a.Fields != nil {
			var lines []string
			for _, v := range a.Fields(e) {
				lines = append(lines, v[0]+"  "+v[1])
			}
			s.Settings = append(s.Settings, AppSetting{Where: "settings", Text: strings.Join(lines, "\n")})
		}
		out = append(out, s)
	}
	reply(w, http.StatusOK, out)
}
