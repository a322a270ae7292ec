//go:build linux

package sshclient

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

// fedora is like the distribution's 50-redhat.conf, which applies to every host.
const fedora = `
Host vps
  HostName 203.0.113.10
  User me
  IdentityFile ~/.ssh/vps
Match final all
  GSSAPIAuthentication yes
  ForwardX11Trusted yes
`

// TestSSHConfig compares OpenSSH with our own reader. Blocks that ours cannot evaluate are
// skipped, with a note.
func TestSSHConfig(t *testing.T) {
	ssh := sshdtest.Require(t, "ssh", "openssh-client")
	me := accountName(t)
	machine, _, _ := strings.Cut(hostname(t), ".")
	rootHome := homeOf(t, "root")
	for name, c := range map[string]struct {
		text   string
		more   map[string]string // other files in ~/.ssh
		host   string
		user   string // of the tunnel
		want   string // user@address, of jump hosts too
		keys   []string
		own    string // what our reader finds, if that is less
		ownKey []string
		note   string // of our reader
	}{
		"Match final all, as in Fedora": {text: fedora, host: "vps", want: "me@203.0.113.10:22", keys: []string{"vps"}},
		"the same, with an address":     {text: fedora, host: "203.0.113.77", user: "root", want: "root@203.0.113.77:22"},
		"Match final with a value": {
			text: "Host vps\n HostName v.example\nMatch final host v.example\n User late\n", host: "vps", want: "late@v.example:22",
		},
		"Match originalhost":     {text: "Match originalhost vps\n User a\n HostName v.example\nMatch originalhost v.example\n User b\n Port 9\n", host: "vps", want: "a@v.example:22"},
		"Match host, a list":     {text: "Match host a.example,b.example\n User ab\n", host: "b.example", want: "ab@b.example:22"},
		"Match host, negated":    {text: "Match !host a.example\n User others\nMatch all\n User all\n", host: "a.example", want: "all@a.example:22"},
		"Match host of HostName": {text: "Host vps\n HostName v.example\nMatch host v.example\n User real\n", host: "vps", want: "real@v.example:22"},
		"Match user":             {text: "Match user deploy\n Port 2022\n", host: "vps", user: "deploy", want: "deploy@vps:2022"},
		"Match user, another":    {text: "Match user deploy\n Port 2022\n", host: "vps", user: "me", want: "me@vps:22"},
		"Match localuser":        {text: "Match localuser " + me + "\n User local\nMatch localuser nobody-here\n Port 1\n", host: "vps", want: "local@vps:22"},
		"Match exec that fails": {
			text: "Match host vps exec \"false\"\n User wrong\n IdentityFile ~/.ssh/wrong\nHost vps\n User right\n", host: "vps", want: "right@vps:22", note: `"Match exec" cannot be evaluated`,
		},
		"Match exec that succeeds": {
			text: "Match host vps exec \"true\"\n User inside\nHost vps\n User outside\n", host: "vps", want: "inside@vps:22", own: "outside@vps:22", note: "config:1",
		},
		"Match !exec":                        {text: "Match host vps !exec \"true\"\n User wrong\nHost vps\n User right\n", host: "vps", want: "right@vps:22", note: "config:1"},
		"Match with equals signs":            {text: "Match host=vps user=me\n Port 2022\n", host: "vps", user: "me", want: "me@vps:2022"},
		"MATCH in capitals":                  {text: "MATCH HOST vps\n\tUSER me\n\tPort\t2022\n", host: "vps", want: "me@vps:2022"},
		"Match with two criteria, one fails": {text: "Match host vps originalhost other\n User wrong\nMatch originalhost vps host vps\n User right\n", host: "vps", want: "right@vps:22"},
		"Match canonical without canons":     {text: "Match canonical all\n User wrong\nHost vps\n User right\n", host: "vps", want: "right@vps:22"},
		"Match !final":                       {text: "Match !final host vps\n User first\nMatch final all\n Port 2022\n", host: "vps", want: "first@vps:2022"},
		"Match of a quoted list":             {text: "Match host \"a,vps\"\n User me\n", host: "vps", want: "me@vps:22"},
		"Match user of an earlier line":      {text: "Host vps\n User deploy\nMatch user deploy\n Port 2022\n", host: "vps", want: "deploy@vps:2022"},
		"lines that end with CR LF":          {text: "Host vps\r\n HostName v.example\r\n User me\r\n", host: "vps", want: "me@v.example:22"},
		"comments behind values":             {text: "Host vps # mine\n User me # the user\n", host: "vps", want: "me@vps:22"},
		"quoted patterns":                    {text: "Host \"vps\" \"other\"\n User \"me\"\n", host: "vps", want: "me@vps:22"},
		"HostName with a token":              {text: "Host vps\n User me\n HostName %h.example\n", host: "vps", want: "me@vps.example:22"},
		"a relative Include":                 {text: "Include conf.d/*\n", more: map[string]string{"conf.d/a": "Host vps\n User included\n"}, host: "vps", want: "included@vps:22"},
		"an Include within a Match":          {text: "Match host other\n Include more\nMatch host vps\n Include more\n", more: map[string]string{"more": "User included\n"}, host: "vps", want: "included@vps:22"},
		"a Match within an Include":          {text: "Include more\nHost vps\n User outer\n", more: map[string]string{"more": "Match host other\n User wrong\n"}, host: "vps", want: "outer@vps:22"},
		"ProxyJump of two":                   {text: "Host vps\n User me\n ProxyJump a@one:2022,b@two\n", host: "vps", want: "a@one:2022 b@two:22 me@vps:22"},
		"a quoted Include":                   {text: "Include \"~/.ssh/more files/*.conf\"\n", more: map[string]string{"more files/a.conf": "Host vps\n User included\n"}, host: "vps", want: "included@vps:22"},
		"an Include within a Host":           {text: "Host other\n Include more\nHost vps\n User direct\n", more: map[string]string{"more": "User included\n"}, host: "vps", want: "direct@vps:22"},
		"ProxyJump with tokens":              {text: "Host vps\n User me\n ProxyJump %r@bastion\nHost bastion\n HostName b.example\n", host: "vps", want: "me@b.example:22 me@vps:22"},
		"ProxyJump as an address":            {text: "Host vps\n User me\n ProxyJump ssh://jumper@b.example:2022\n", host: "vps", want: "jumper@b.example:2022 me@vps:22"},
		"ProxyJump through another":          {text: "Host vps\n User me\n ProxyJump b\nHost b\n User bu\n ProxyJump a\nHost a\n User au\n", host: "vps", want: "au@a:22 bu@b:22 me@vps:22"},
		"ProxyJump none":                     {text: "Host vps\n User me\n ProxyJump none\nHost *\n ProxyJump x\n", host: "vps", want: "me@vps:22"},
		"a key with ${HOME}":                 {text: "Host vps\n User me\n IdentityFile ${HOME}/vps_%r\n", host: "vps", want: "me@vps:22", keys: []string{"HOME/vps_me"}},
		"a key with every token":             {text: "Host vps\n HostName v.example\n User me\n HostKeyAlias k\n Port 9\n IdentityFile %d/%%_%n_%h_%p_%r_%k_%u_%i_%L\n", host: "vps", want: "me@v.example:9", keys: []string{"HOME/%_vps_v.example_9_me_k_" + me + "_" + strconv.Itoa(os.Getuid()) + "_" + machine}},
		"a key of another account":           {text: "Host vps\n User me\n IdentityFile ~root/.ssh/key\n", host: "vps", want: "me@vps:22", keys: []string{rootHome + "/.ssh/key"}},
		"negated and several patterns":       {text: "Host *.example !b.example\n User a\nHost *\n User z\n", host: "b.example", want: "z@b.example:22"},
		"an equals sign, and quotes":         {text: "Host=vps\n User = \"me\"\n  IdentityFile=\"~/.ssh/my key\"\n", host: "vps", want: "me@vps:22", keys: []string{"my key"}},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			writeFile(t, filepath.Join(home, ".ssh", "config"), c.text)
			for path, text := range c.more {
				writeFile(t, filepath.Join(home, ".ssh", path), text)
			}
			for _, program := range []string{ssh, ""} {
				w, err := Environment{Home: home, SSH: program}.Resolve(t.Context(), &config.Tunnel{Host: c.host, User: c.user})
				if err != nil {
					t.Fatalf("with %q: %v", program, err)
				}
				want := c.want
				if program == "" && c.own != "" {
					want = c.own
				}
				var got []string
				for _, x := range w.hops {
					got = append(got, x.user+"@"+x.Address())
				}
				if got := strings.Join(got, " "); got != want {
					t.Errorf("with %q the route is %s, want %s", program, got, want)
				}
				var keys []string
				for _, k := range c.keys {
					if k = strings.Replace(k, "HOME", home, 1); !filepath.IsAbs(k) {
						k = filepath.Join(home, ".ssh", k)
					}
					keys = append(keys, k)
				}
				if diff := cmp.Diff(keys, w.Host().creds.files); diff != "" {
					t.Errorf("with %q the keys are (-want +got)\n%s", program, diff)
				}
				switch notes := strings.Join(w.notes, "\n"); {
				case program != "" && (notes != "" || w.source != "ssh -G"):
					t.Errorf("source %q, notes %s", w.source, notes)
				case program == "" && (c.note == "") != (notes == "") || program == "" && !strings.Contains(notes, c.note):
					t.Errorf("the note lacks %q: %s", c.note, notes)
				}
			}
		})
	}
}

func hostname(t *testing.T) string {
	t.Helper()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func homeOf(t *testing.T, account string) string {
	t.Helper()
	u, err := user.Lookup(account)
	if err != nil {
		t.Skip(err)
	}
	return u.HomeDir
}

func accountName(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestSSHConfigOff shows that neither aliases nor keys of ssh_config are used.
func TestSSHConfigOff(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".ssh", "config"), "Host vps\n HostName x.example\n IdentityFile /k\nthis is \"not valid\n")
	off := false
	w, err := Environment{Home: home}.Resolve(t.Context(), &config.Tunnel{Host: "vps", User: "me", SSHConfig: &off})
	if err != nil || w.Host().Address() != "vps:22" || len(w.Host().creds.files) > 0 {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := (Environment{Home: home}).Resolve(t.Context(), &config.Tunnel{Host: "vps", User: "me"}); err == nil || !strings.Contains(err.Error(), "config:4: a quotation mark is not closed; to ignore the file, set ssh_config = false") {
		t.Errorf("%v", err)
	}
}

// TestOptionsThatSSHRefuses uses options such as those of another system's ssh. The rest
// of the file applies, with a note.
func TestOptionsThatSSHRefuses(t *testing.T) {
	ssh := sshdtest.Require(t, "ssh", "openssh-client")
	for name, text := range map[string]string{
		"an option":           "UseKeychain yes\nHost vps\n HostName x.example\n",
		"a criterion":         "Match colour blue\n User wrong\nHost vps\n HostName x.example\n",
		"a value":             "Host vps\n HostName x.example\n TCPKeepAlive perhaps\n",
		"a byte order mark":   "\ufeffHost other\n HostName wrong.example\nHost vps\n HostName x.example\n",
		"a port, and a Match": "Match host vps\n HostName x.example\nHost other\n Port none\n",
	} {
		home := t.TempDir()
		writeFile(t, filepath.Join(home, ".ssh", "config"), text)
		w, err := Environment{Home: home, SSH: ssh}.Resolve(t.Context(), &config.Tunnel{Host: "vps", User: "me"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if w.Host().host != "x.example" || w.Host().user != "me" || len(w.notes) == 0 || !strings.Contains(w.notes[0], "ssh -G vps fails (") {
			t.Errorf("%s: %s", name, w)
		}
	}
}

// TestSSHFails shows that the files are read without ssh -G if that fails, with a note.
func TestSSHFails(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".ssh", "config"), "Host vps\n HostName x.example\n")
	for name, script := range map[string]string{
		"it refuses": "echo 'line 3: Bad configuration option: usekeychain' >&2; exit 255\n",
		"it hangs":   "sleep 60\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), "ssh")
			if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
				t.Fatal(err)
			}
			w, err := Environment{Home: home, SSH: program}.Resolve(t.Context(), &config.Tunnel{Host: "vps", User: "me"})
			if err != nil || w.Host().host != "x.example" || len(w.notes) != 1 || !strings.Contains(w.notes[0], "ssh -G vps fails") {
				t.Fatalf("%+v, %v", w, err)
			}
		})
	}
}
