package pluginhost

import (
	"os"
	"strings"
)

// inherited are the variables of the host's environment that a plugin may see.
// Everything else stays here: API keys are what people keep in theirs. Proxy
// settings are left out because they can hold a password.
var inherited = map[string]bool{
	"PATH": true, "HOME": true, "USER": true, "LOGNAME": true, "SHELL": true,
	"TMPDIR": true, "TMP": true, "TEMP": true, "TZ": true, "LANG": true, "LANGUAGE": true,
	"SSL_CERT_FILE": true, "SSL_CERT_DIR": true,
	"XDG_CACHE_HOME": true, "XDG_CONFIG_HOME": true, "XDG_DATA_HOME": true,
	"XDG_RUNTIME_DIR": true, "XDG_STATE_HOME": true,
	"APPDATA": true, "LOCALAPPDATA": true, "COMSPEC": true, "PATHEXT": true,
	"SYSTEMDRIVE": true, "SYSTEMROOT": true, "USERPROFILE": true, "WINDIR": true,
}

// environ is the environment of a plugin: the basics, and what its block adds.
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
