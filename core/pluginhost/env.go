package pluginhost

import (
	"os"
	"strings"
)

// inherited are the environment variables that plugins inherit. All others are withheld,
// since they may contain API keys; also proxy settings, which may contain a password.
var inherited = map[string]bool{
	"PATH": true, "HOME": true, "USER": true, "LOGNAME": true, "SHELL": true,
	"TMPDIR": true, "TMP": true, "TEMP": true, "TZ": true, "LANG": true, "LANGUAGE": true,
	"SSL_CERT_FILE": true, "SSL_CERT_DIR": true,
	"XDG_CACHE_HOME": true, "XDG_CONFIG_HOME": true, "XDG_DATA_HOME": true,
	"XDG_RUNTIME_DIR": true, "XDG_STATE_HOME": true,
	"APPDATA": true, "LOCALAPPDATA": true, "COMSPEC": true, "PATHEXT": true,
	"SYSTEMDRIVE": true, "SYSTEMROOT": true, "USERPROFILE": true, "WINDIR": true,
}

// environ returns the environment of a plugin: inherited variables, and those in its block.
func environ(own map[string]string) []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if name = strings.ToUpper(name); inherited[name] || strings.HasPrefix(name, "LC_") {
			env = append(env, entry)
		}
	}
	for name, value := range own {
		env = append(env, name+"="+value)
	}
	return env
}
